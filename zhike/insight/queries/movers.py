"""The customers behind a count: who moved from one tier or class to another, and who is about to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import F, FilteredRelation, Q, QuerySet
from django.db.models.functions import Abs

from zhike.customers.models import Party
from zhike.customers.queries import looked_after_by
from zhike.insight.models import Score
from zhike.insight.queries.portfolio import View
from zhike.organisation.models import Unit

NONE = "none"
"""In the place of a tier or class: was no customer yet, or is none any more."""


@dataclass(frozen=True)
class Mover:
    """Which customers of a view: by tier or class, before and now ("" for any, `NONE` for no customer)."""

    was_tier: str = ""
    tier: str = ""
    was_class: str = ""
    value_class: str = ""
    turn: str = ""
    """"rose" or "fell" through the tiers, "up" or "down" for those about to."""


def movers(view: View, which: Mover) -> QuerySet[Score]:
    """Their scores of `as_of` (of `since` for those who have gone), each with what it was before:
    `tier_was`, `class_was`, `balance_was`, `contribution_was`, `reasons_was`; all None for new customers.
    """
    gone = NONE in (which.tier, which.value_class)
    here, there = (view.since, view.as_of) if gone else (view.as_of, view.since)
    rows = Score.objects.visible_to(view.actor).filter(as_of=here)
    if view.unit is not None:
        rows = rows.filter(unit__in=Unit.objects.filter(path__startswith=view.unit.path))
    if view.employee is not None:
        rows = rows.filter(manager=view.employee)
    rows = rows.annotate(
        other=FilteredRelation("party__scores", condition=Q(party__scores__as_of=there))
    )
    if gone:
        rows = _either(rows.filter(Q(other__isnull=True)), "", which.was_tier, which.was_class)
    else:
        rows = _either(rows, "", which.tier, which.value_class)
        if NONE in (which.was_tier, which.was_class):
            rows = rows.filter(Q(other__isnull=True))
        else:
            rows = _either(rows, "other__", which.was_tier, which.was_class)
    match which.turn:
        case "rose":
            rows = rows.filter(tier__rank__gt=F("other__tier__rank"))
        case "fell":
            rows = rows.filter(tier__rank__lt=F("other__tier__rank"))
        case "up" | "down":
            rows = rows.filter(outlook=which.turn)
    return rows.annotate(
        tier_was=F("other__tier__name"),
        class_was=F("other__value_class"),
        balance_was=F("other__balance"),
        contribution_was=F("other__contribution"),
    ).select_related("party", "tier", "unit", "manager")


def _either(rows: QuerySet[Score], prefix: str, tier: str, value_class: str) -> QuerySet[Score]:
    if tier:
        rows = rows.filter(**{f"{prefix}tier__code": tier})
    if value_class:
        rows = rows.filter(**{f"{prefix}value_class": value_class})
    return rows


def largest_changes(view: View, size: int = 5) -> list[Score]:
    """The customers of the person whose balance moved most between the two days, with `balance_was` and `change`."""
    if view.actor.employee_id is None:
        return []
    mine = looked_after_by(Party.objects.visible_to(view.actor), view.actor.employee_id).order_by()
    rows = movers(view, Mover()).filter(party__in=mine.values("pk"), balance_was__isnull=False)
    moved = rows.annotate(change=F("balance") - F("balance_was")).exclude(change=0)
    return list(moved.order_by(Abs("change").desc(), "pk")[:size])


def mover(params: Mapping[str, str]) -> Mover:
    """As an address names them."""
    names = ("was_tier", "tier", "was_class", "value_class", "turn")
    return Mover(**{name: params.get(name, "") for name in names})
