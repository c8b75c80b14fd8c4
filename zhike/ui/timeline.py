"""Entries of a timeline component."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.utils.functional import Promise


@dataclass(frozen=True)
class TimelineItem:
    """One thing that happened. Give `icon` by keyword: so the sprite's build finds its name."""

    at: datetime | date
    title: str | Promise
    text: str | Promise = ""
    who: str = ""
    url: str = ""
    icon: str = "point-filled"
    tone: str = "secondary"
