"""Entries of a timeline component."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from django.utils.functional import Promise

from zhike.kernel.clock import BUSINESS_ZONE

Text = str | Promise


@dataclass(frozen=True)
class TimelineItem:
    """One thing that happened; `kind` says in words what the icon and its tone show.

    Give `icon` by keyword: so the sprite's build finds its name.
    """

    at: datetime | date
    title: Text
    text: Text = ""
    who: str = ""
    url: str = ""
    icon: str = "point-filled"
    tone: str = "secondary"
    kind: Text = ""

    @property
    def day(self) -> date:
        """The day it stands under, in the business zone."""
        return (
            self.at.astimezone(BUSINESS_ZONE).date() if isinstance(self.at, datetime) else self.at
        )


def by_day(items: Iterable[TimelineItem]) -> list[tuple[date, Sequence[TimelineItem]]]:
    """Items already in order of time, under their days."""
    return [(day, list(group)) for day, group in groupby(items, key=lambda item: item.day)]
