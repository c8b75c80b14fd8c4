"""Quick filters of a list: one click, one condition, kept in the address."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.functional import Promise


@dataclass(frozen=True)
class Filter:
    """A row of chips. `choices` are (value, label); `apply(rows, value)` narrows the rows.

    `name` is the parameter in the address. A value that is no choice is as good as none.
    """

    name: str
    label: str | Promise
    choices: Sequence[tuple[str, str | Promise]]
    apply: Callable[[QuerySet[Any], str], QuerySet[Any]]


@dataclass(frozen=True)
class Chosen:
    filter: Filter
    value: str


def choose(filters: Sequence[Filter], params: QueryDict) -> list[Chosen]:
    """Each filter with the value the address gives it, "" for none."""
    return [
        Chosen(each, value if value in {key for key, _label in each.choices} else "")
        for each in filters
        for value in [params.get(each.name, "")]
    ]


def narrow(rows: QuerySet[Any], chosen: Sequence[Chosen]) -> QuerySet[Any]:
    for each in chosen:
        if each.value:
            rows = each.filter.apply(rows, each.value)
    return rows
