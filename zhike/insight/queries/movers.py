"""The customers behind a count: who moved from one tier or class to another, and who is about to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from django.db.models import (
    BigIntegerField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
)
from django.db.models.functions import Abs

from zhike.customers.models import Party, Tier
from zhike.customers.queries import looked_after_by
from zhike.insight.models import Move, Score
from zhike.insight.queries.portfolio import (
    View,
    flows,
    looked_after_elsewhere,
    units_below,
    units_of,
)
from zhike.insight.queries.scores import moves_seen, scores_seen
from zhike.kernel.scope import NO_ROWS
from zhike.ui.paging import COUNT_CAP, Count, Order, Page, page

S = TypeVar("S", Score, Move)

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
    `tier_was`, `class_was`, `balance_was`, `contribution_was`; all None for new customers.
    """
    return _movers(view, which, _kept(view, which))


def _movers(view: View, which: Mover, moves: QuerySet[Move] | None) -> QuerySet[Score]:
    gone = NONE in (which.tier, which.value_class)
    here, there = (view.since, view.as_of) if gone else (view.as_of, view.since)
    other = Score.objects.filter(as_of=there, party=OuterRef("party")).order_by()
    if moves is not None:
        rows = scores_seen(view.actor).filter(as_of=here, party__in=moves.values("party"))
    else:
        rows = _in_view(scores_seen(view.actor).filter(as_of=here), view)
        rows = _compared(rows, other, which, gone)
    was = {
        name: Subquery(other.values(path)[:1])
        for name, path in (
            ("tier_was", "tier__name"),
            ("class_was", "value_class"),
            ("balance_was", "balance"),
            ("contribution_was", "contribution"),
        )
    }
    return rows.annotate(**was).select_related("party", "tier", "unit", "manager")


def _in_view(rows: QuerySet[S], view: View) -> QuerySet[S]:
    if view.actor.units and not looked_after_elsewhere(view):
        # Who came into the units since then is not among those counted either.
        rows = rows.filter(unit__in=list(units_of(view).values_list("pk", flat=True)))
    elif view.unit is not None:
        rows = rows.filter(unit__in=list(units_below(view.unit)))
    return rows if view.employee is None else rows.filter(manager=view.employee)


def _compared(
    rows: QuerySet[Score], other: QuerySet[Score], which: Mover, gone: bool
) -> QuerySet[Score]:
    """Those who did as asked, by the scores of both days."""
    tiers = list(Tier.objects.order_by("rank"))
    if gone:
        rows = _either(rows, tiers, which.was_tier, which.was_class).filter(~Exists(other))
    else:
        rows = _either(rows, tiers, which.tier, which.value_class)
        if NONE in (which.was_tier, which.was_class):
            rows = rows.filter(~Exists(other))
        elif which.was_tier or which.was_class:
            rows = rows.filter(Exists(_either(other, tiers, which.was_tier, which.was_class)))
    if which.turn in ("rose", "fell"):
        return rows.filter(Exists(_turned(other, tiers, which.turn)))
    return rows.filter(outlook=which.turn) if which.turn else rows


def _kept(view: View, which: Mover) -> QuerySet[Move] | None:
    """They by name, where those asked for all moved and the refresh wrote down who did between the two days."""
    came, gone = NONE in (which.was_tier, which.was_class), NONE in (which.tier, which.value_class)
    changed = any(
        was and now and was != now
        for was, now in ((which.was_tier, which.tier), (which.was_class, which.value_class))
    )
    turned = which.turn in ("rose", "fell")
    if not (came or gone or changed or turned) or (which.turn and not turned):
        return None
    if not Move.objects.filter(since=view.since, as_of=view.as_of).exists():
        return None
    moves = moves_seen(view.actor).filter(since=view.since, as_of=view.as_of)
    moves = _in_view(moves, view).filter(is_gone=gone)
    tiers = list(Tier.objects.order_by("rank"))
    if not gone:
        moves = _either(moves, tiers, which.tier, which.value_class)
    if came and not gone:
        moves = moves.filter(is_new=True)
    else:
        before = ("tier_before", "class_before")
        moves = _either(moves, tiers, which.was_tier, which.was_class, *before)
    return moves.filter(_ways(tiers, which.turn, "tier", "tier_before")) if turned else moves


def _either(
    rows: QuerySet[S],
    tiers: Sequence[Tier],
    tier: str,
    value_class: str,
    tier_column: str = "tier",
    class_column: str = "value_class",
) -> QuerySet[S]:
    """By the keys of tiers, so that the database knows how many there are. A code of none finds nobody."""
    if tier and tier != NONE:
        keys = [each.pk for each in tiers if each.code == tier]
        rows = rows.filter(**{f"{tier_column}__in": keys})
    if value_class and value_class != NONE:
        rows = rows.filter(**{class_column: value_class})
    return rows


def _turned(other: QuerySet[Score], tiers: Sequence[Tier], turn: str) -> QuerySet[Score]:
    """The earlier scores from which this one rose or fell."""
    tier_now = ExpressionWrapper(OuterRef("tier"), BigIntegerField())
    return other.annotate(tier_now=tier_now).filter(_ways(tiers, turn, "tier_now", "tier"))


def _ways(tiers: Sequence[Tier], turn: str, now: str, before: str) -> Q:
    """From which tiers to which one rises or falls, by the names of both columns."""
    ways = NO_ROWS
    for tier in tiers:
        others = [
            was for was in tiers if was != tier and (tier.rank > was.rank) == (turn == "rose")
        ]
        if others:
            ways |= Q(**{now: tier.pk, f"{before}__in": [was.pk for was in others]})
    return ways


@dataclass(frozen=True)
class Behind:
    """The customers behind a number: `rows` and their `count`; `moves` are the same ones, where they are kept."""

    rows: QuerySet[Score]
    count: Count
    moves: QuerySet[Move] | None = None

    def page(self, size: int, cursor: str = "") -> Page[Score]:
        """One page of them, the largest balance first. Raises BadCursor."""
        order = Order("balance", descending=True)
        if self.moves is None:
            return page(self.rows, order, size, cursor)
        found = page(self.moves, order, size, cursor)
        parties = [each.party_id for each in found.rows]
        scores = {row.party_id: row for row in self.rows.filter(party__in=parties).order_by()}
        rows = [scores[party] for party in parties if party in scores]
        return Page(rows, found.next, found.previous)


def behind(view: View, which: Mover, expected: int) -> Behind:
    """The movers in the way that costs least: `expected` is how many the tallies say there are.

    Where the refresh wrote them down they are walked through by balance. Else a few among a million are gathered
    first, for a walk in the order of a list would pass by all the others; of many the first are found on the way.
    """
    moves = _kept(view, which)
    rows = _movers(view, which, moves)
    if expected > COUNT_CAP:
        return Behind(rows, Count(COUNT_CAP, True), moves)
    if moves is not None:
        return Behind(rows, Count(moves.count(), False), moves)
    found = list(rows.order_by().values_list("pk", flat=True))
    return Behind(rows.filter(pk__in=found), Count(len(found), False))


def expected(view: View, which: Mover) -> int:
    """How many customers there are behind a number, as the tallies say."""
    tiers = {tier.pk: tier for tier in Tier.objects.all()}
    with_gone = NONE in (which.tier, which.value_class)
    by = ["tier_before_id", "tier_id"]
    by += ["class_before", "value_class"] if which.was_class or which.value_class else []
    by += ["outlook"] if which.turn in ("up", "down") else []
    count = 0
    for key, sums in flows(view, *by).items():
        at = dict(zip(by, key, strict=True))
        was, now = tiers.get(at["tier_before_id"]), tiers.get(at["tier_id"])
        asked = (
            (which.was_tier, was.code if was else ""),
            (which.tier, now.code if now else ""),
            (which.was_class, at.get("class_before")),
            (which.value_class, at.get("value_class")),
        )
        fits = all(not code or code == (found or NONE) for code, found in asked)
        turned = which.turn in ("", at.get("outlook"), _turn(was, now))
        if fits and turned and (now is not None) != with_gone:
            count += sums.customers
    return count


def _turn(was: Tier | None, now: Tier | None) -> str:
    if was is None or now is None or was == now:
        return ""
    return "rose" if now.rank > was.rank else "fell"


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
