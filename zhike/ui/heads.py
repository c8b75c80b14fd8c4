"""What rooms say of a row in short: things to know, the one next step, key figures, parts of a printed sheet, and
what more may be done with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Generic, TypeVar

from django.utils.functional import Promise

from zhike.kernel.actor import Actor
from zhike.kernel.registry import Registry
from zhike.ui.navigation import Action

T = TypeVar("T")


@dataclass(frozen=True)
class HeadNote:
    """One thing to know at a glance. `panel` is the id of the panel that says more."""

    text: str | Promise
    tone: str = "yellow"
    icon: str = "alert-triangle"
    panel: str = ""


@dataclass(frozen=True)
class Step:
    """A next step with its action, drawn by `template`; of all steps the smallest `urgency` is shown."""

    urgency: tuple[Any, ...]
    template: str
    context: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class KeyFigure:
    """An amount in the institution's currency, with how much it changed since a day."""

    label: str | Promise
    amount: Decimal
    change: Decimal | None = None
    since: date | None = None


@dataclass(frozen=True)
class BriefPart:
    """A part of the sheet of paper about a row: a heading over short lines (label, text)."""

    title: str | Promise
    lines: Sequence[tuple[str | Promise, str]]


@dataclass(frozen=True)
class HeadSource(Generic[T]):
    """What one room adds to the head of `page`.

    `load(actor, row, day)` answers what stood at the end of a past `day`, or stands now for None;
    it starts its reads at `visible_to(actor)`. `permission` "" means everyone who sees the page.
    """

    id: str
    page: str
    permission: str
    order: int
    load: Callable[[Actor, Any, date | None], Sequence[T]]


notes: Registry[HeadSource[HeadNote]] = Registry("ui.head_notes")
steps: Registry[HeadSource[Step]] = Registry("ui.head_steps")
figures: Registry[HeadSource[KeyFigure]] = Registry("ui.head_figures")
briefs: Registry[HeadSource[BriefPart]] = Registry("ui.briefs")
actions: Registry[HeadSource[Action]] = Registry("ui.head_actions")


def said(
    registry: Registry[HeadSource[T]], page: str, actor: Actor, row: Any, day: date | None
) -> list[T]:
    """What all rooms say on this page, in their order."""
    mine = [
        source
        for source in registry
        if source.page == page and (not source.permission or actor.may(source.permission))
    ]
    return [
        item
        for source in sorted(mine, key=lambda source: (source.order, source.id))
        for item in source.load(actor, row, day)
    ]


def next_step(page: str, actor: Actor, row: Any, day: date | None) -> Step | None:
    """The most urgent step any room asks for."""
    return min(said(steps, page, actor, row, day), key=lambda step: step.urgency, default=None)
