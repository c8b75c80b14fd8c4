"""Small sets a page chooses from or walks through: tabs, chips, steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from django.utils.functional import Promise

Text = str | Promise


@dataclass(frozen=True)
class Tab:
    """One view of a page, by its own address; `count` None says nothing of how much is there."""

    label: Text
    url: str
    current: bool = False
    count: object | None = None


@dataclass(frozen=True)
class Chip:
    """A quick filter: `url` sets it, or takes it away again when it is `on`."""

    label: Text
    url: str
    on: bool = False
    count: object | None = None


@dataclass(frozen=True)
class Step:
    """One of the steps of a way, in the order they are walked; `note` says when, who or why."""

    label: Text
    state: Literal["done", "current", "coming", "failed"] = "coming"
    note: Text = ""
