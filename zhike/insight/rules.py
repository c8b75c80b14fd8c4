"""Decisions without I/O: which threshold holds for a unit, which tier a customer has earned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from zhike.insight.methods.value_grid import STRATEGIES
from zhike.kernel.errors import UserError
from zhike.kernel.money import rounded


@dataclass(frozen=True)
class Book:
    """The thresholds of one day. `values` is keyed by (name, unit id or None for the institution);
    `paths` gives each unit's ids from the root down to itself."""

    values: Mapping[tuple[str, int | None], Decimal]
    paths: Mapping[int, tuple[int, ...]]

    def value(self, name: str, unit_id: int | None = None) -> Decimal:
        """The unit's own, else the nearest ancestor's, else the institution's (R-037)."""
        for unit in reversed(self.paths.get(unit_id, ()) if unit_id is not None else ()):
            if (name, unit) in self.values:
                return self.values[name, unit]
        if (name, None) not in self.values:
            raise UserError(
                f"No threshold is called {name} on this date.",
                "Set it for the whole institution, or seed the defaults.",
            )
        return self.values[name, None]


@dataclass(frozen=True)
class Step:
    """One tier of the ladder: earned by either figure. The lowest step asks nothing."""

    code: str
    balance: Decimal
    contribution: Decimal


def ladder(book: Book, codes: Sequence[str], unit_id: int | None) -> list[Step]:
    """The tiers `codes`, from the lowest up, with the unit's terms; the lowest asks nothing."""
    return [
        Step(
            code,
            rounded(book.value(f"tier.{code}.balance", unit_id)) if rank else Decimal(0),
            rounded(book.value(f"tier.{code}.contribution", unit_id)) if rank else Decimal(0),
        )
        for rank, code in enumerate(codes)
    ]


@dataclass(frozen=True)
class Held:
    """The tier in force the day before, and since when its terms have not been met, if they are not."""

    code: str
    below_since: date | None = None


@dataclass(frozen=True)
class Rating:
    """The tier of the day and what stands around it.

    `change` is "first", "promoted", "demoted" or "kept". While a tier is kept though its terms are not met,
    `below_since` and `keep_until` are set. `next_code` and `gap` say the tier above and the balance that is
    missing; `near` when that is little enough to be worth a call.
    """

    code: str
    change: str
    below_since: date | None = None
    keep_until: date | None = None
    next_code: str = ""
    gap: Decimal = Decimal(0)
    near: bool = False


def rating(
    balance: Decimal,
    contribution: Decimal,
    held: Held | None,
    ladder: Sequence[Step],
    *,
    on: date,
    hold_days: int,
    near_share: Decimal,
) -> Rating:
    """Promotion is at once; demotion only when the terms were missed for `hold_days` on end (R-023, R-024).

    `ladder` goes from the lowest step up. A customer is near the next tier from `near_share` of its balance on.
    """
    ranks = {step.code: rank for rank, step in enumerate(ladder)}
    earned = max(
        rank
        for rank, step in enumerate(ladder)
        if rank == 0 or balance >= step.balance or contribution >= step.contribution
    )
    before = ranks.get(held.code) if held else None
    below_since = keep_until = None
    rank, change = earned, "kept"
    if before is None:
        change = "first"
    elif earned > before:
        change = "promoted"
    elif earned < before and held is not None:
        below_since = held.below_since or on
        keep_until = below_since + timedelta(days=hold_days)
        if on >= keep_until:
            change, below_since, keep_until = "demoted", None, None
        else:
            rank = before
    above = ladder[rank + 1] if rank + 1 < len(ladder) else None
    return Rating(
        code=ladder[rank].code,
        change=change,
        below_since=below_since,
        keep_until=keep_until,
        next_code=above.code if above else "",
        gap=above.balance - balance if above else Decimal(0),
        near=above is not None and below_since is None and balance >= above.balance * near_share,
    )


def contact_every(tier_days: int, value_class: str) -> int:
    """Days between contacts: the tier's, or fewer where the value class's policy asks for more (R-025)."""
    return min(tier_days, STRATEGIES[value_class].contact_every_days)


def kept_days(days: Iterable[date], on: date) -> set[date]:
    """Of the days with scores, those kept once `on` is refreshed: the last of each month, `on` itself, and the
    one before it, so that what changed since then can be told."""
    before = [day for day in days if day < on]
    last_of_month = {(day.year, day.month): day for day in sorted(before)}
    last_of_month[on.year, on.month] = on
    return {*last_of_month.values(), *([max(before)] if before else []), on}


PERIOD_MONTHS = {"month": 1, "quarter": 3, "year": 12}


def begins_on(period: str, day: date) -> date:
    """The first day of the month, quarter or year that holds `day`."""
    months = PERIOD_MONTHS[period]
    return date(day.year, (day.month - 1) // months * months + 1, 1)


def ends_on(period: str, starts_on: date) -> date:
    """The last day of a period that begins on `starts_on`."""
    at = starts_on.year * 12 + starts_on.month - 1 + PERIOD_MONTHS[period]
    return date(at // 12, at % 12 + 1, 1) - timedelta(days=1)
