"""Quick filters of a list: one click, one condition, kept in the address."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

from django.db.models import Q
from django.http import QueryDict
from django.utils.functional import Promise


@dataclass(frozen=True)
class Filter:
    """A handful of choices, (value, label) each; `condition(value)` is what a chosen one asks for.

    `name` is the parameter in the address, its values joined by commas. A value that is no choice is
    as good as none. Where `many` is false a second choice takes the place of the first.
    """

    name: str
    label: str | Promise
    choices: Sequence[tuple[str, str | Promise]]
    condition: Callable[[str], Q]
    many: bool = True


@dataclass(frozen=True)
class Chosen:
    """A filter with what the address chooses of it."""

    filter: Filter
    values: tuple[str, ...]

    @property
    def value(self) -> str:
        """The first one chosen, "" for none."""
        return self.values[0] if self.values else ""

    @property
    def condition(self) -> Q:
        """What is asked for by all that is chosen."""
        return reduce(or_, map(self.filter.condition, self.values), Q())

    def toggled(self, value: str) -> str:
        """The parameter once `value` was clicked."""
        if value in self.values:
            return ",".join(each for each in self.values if each != value)
        return ",".join([*self.values, value]) if self.filter.many else value


def choose(filters: Sequence[Filter], params: QueryDict) -> list[Chosen]:
    """Each filter with the values the address gives it."""
    found = []
    for each in filters:
        known = {key for key, _label in each.choices}
        asked = dict.fromkeys(params.get(each.name, "").split(","))
        values = tuple(value for value in asked if value in known)
        found.append(Chosen(each, values if each.many else values[:1]))
    return found
