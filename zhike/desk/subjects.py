"""What can be remembered: a room registers the rows it has pages for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Model, QuerySet
from django.utils.functional import Promise

from zhike.kernel.registry import Registry


@dataclass(frozen=True)
class Subject:
    """Rows of `model`, which has a `get_absolute_url`. `title` and `subtitle` answer open or C1 words.

    `permission` is that of the row's page. `narrowed` joins what the two need. Give `icon` by keyword, so
    that the sprite's build finds it.
    """

    id: str
    label: str | Promise
    model: type[Model]
    permission: str
    icon: str
    title: Callable[[Any], str] = str
    subtitle: Callable[[Any], str] = lambda row: ""
    narrowed: Callable[[QuerySet[Any]], QuerySet[Any]] = lambda rows: rows


subjects: Registry[Subject] = Registry("desk.subjects")


def subject_of(row: Model) -> Subject | None:
    """The subject whose rows are of this row's model, if any."""
    return next((each for each in subjects if each.model is type(row)), None)
