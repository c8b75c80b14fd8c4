"""What can be remembered: a room registers the rows it has pages for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Model, QuerySet
from django.utils.functional import Promise

from zhike.kernel.registry import Registry


@dataclass(frozen=True)
class Subject:
    """Rows of `model`, which has a `get_absolute_url`. `title` and `subtitle` answer open or C1 words.

    `permission` is that of the row's page. `narrowed` joins what the two need. `merged` is SQL for (key, root): rows
    that are part of another one by now, under which they are remembered as long. Give `icon` by keyword, so that the
    sprite's build finds it.
    """

    id: str
    label: str | Promise
    model: type[Model]
    permission: str
    icon: str
    title: Callable[[Any], str] = str
    subtitle: Callable[[Any], str] = lambda row: ""
    narrowed: Callable[[QuerySet[Any]], QuerySet[Any]] = lambda rows: rows
    merged: str = "SELECT 0::bigint AS key, 0::bigint AS root WHERE false"

    def roots(self, keys: Sequence[int]) -> dict[int, int]:
        """Key → the row it stands with today."""
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT key, root FROM ({self.merged}) m WHERE key = ANY(%s)",  # noqa: S608  ours
                [list(keys)],
            )
            return {key: key for key in keys} | dict(cursor.fetchall())

    def parts(self, key: int) -> list[int]:
        """The row and all that is part of it."""
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT key FROM ({self.merged}) m WHERE root = %s", [key])  # noqa: S608  ours
            return [key, *(part for (part,) in cursor.fetchall())]


subjects: Registry[Subject] = Registry("desk.subjects")


def subject_of(row: Model) -> Subject | None:
    """The subject whose rows are of this row's model, if any."""
    return next((each for each in subjects if each.model is type(row)), None)
