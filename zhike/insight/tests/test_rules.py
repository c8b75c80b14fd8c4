"""Thresholds by the nearest unit; tiers up at once and down only after the hold period."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhike.insight.findings import birthdays_between
from zhike.insight.rules import Book, Held, Rating, Step, rating
from zhike.kernel.errors import UserError

LADDER = [
    Step("ordinary", Decimal(0), Decimal(0)),
    Step("gold", Decimal(50_000), Decimal(1_000)),
    Step("platinum", Decimal(300_000), Decimal(5_000)),
]
RANK = {step.code: rank for rank, step in enumerate(LADDER)}
DAY = date(2026, 11, 20)


def rate(balance: int, held: Held | None, contribution: int = 0, on: date = DAY) -> Rating:
    return rating(
        Decimal(balance),
        Decimal(contribution),
        held,
        LADDER,
        on=on,
        hold_days=90,
        near_share=Decimal("0.9"),
    )


def test_the_nearest_unit_decides() -> None:
    book = Book(
        {("a", None): Decimal(1), ("a", 1): Decimal(2), ("a", 3): Decimal(3)},
        {1: (1,), 2: (1, 2), 3: (1, 2, 3), 4: (4,)},
    )
    assert [book.value("a", unit) for unit in (None, 1, 2, 3, 4, 99)] == [1, 2, 2, 3, 1, 1]
    with pytest.raises(UserError, match="No threshold is called b"):
        book.value("b", 1)


def test_a_first_rating_takes_what_is_earned() -> None:
    assert rate(60_000, None).code == "gold"
    assert rate(0, None, contribution=5_000).code == "platinum"
    assert rate(0, None).change == "first"


def test_who_falls_below_keeps_the_tier_for_the_hold_period() -> None:
    first = rate(10, Held("gold"))
    assert (first.code, first.change) == ("gold", "kept")
    assert first.below_since == DAY
    assert first.keep_until == DAY + timedelta(days=90)
    last = rate(10, Held("gold", first.below_since), on=DAY + timedelta(days=89))
    assert last.code == "gold"
    gone = rate(10, Held("gold", first.below_since), on=DAY + timedelta(days=90))
    assert (gone.code, gone.change, gone.below_since) == ("ordinary", "demoted", None)


def test_near_the_next_tier() -> None:
    near = rate(45_000, Held("ordinary"))
    assert near.near
    assert near.next_code == "gold"
    assert near.gap == 5_000
    assert not rate(44_999, Held("ordinary")).near
    assert rate(400_000, Held("platinum")).next_code == ""


@given(
    st.integers(0, 500_000),
    st.integers(0, 10_000),
    st.sampled_from([None, *RANK]),
    st.integers(0, 200),
)
def test_a_rating_never_gives_less_than_earned_nor_more_than_held(
    balance: int, contribution: int, before: str | None, days_below: int
) -> None:
    held = Held(before, DAY - timedelta(days=days_below)) if before else None
    found = rate(balance, held, contribution)
    earned = rate(balance, None, contribution).code
    assert RANK[found.code] >= RANK[earned]
    assert RANK[found.code] <= max(RANK[earned], RANK[before] if before else 0)
    if found.change == "demoted":
        assert days_below >= 90
    if found.keep_until:
        assert found.keep_until > DAY
        assert not found.near


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(0, 14))
def test_every_birthday_is_kept_once_a_year(first: date, days: int) -> None:
    kept = birthdays_between(first, first + timedelta(days=days))
    assert all(first <= on <= first + timedelta(days=days) for on in kept.values())
    leap = (first.replace(year=first.year, month=3, day=1) - timedelta(days=1)).day == 29
    if not leap and date(first.year, 2, 28) in kept.values():
        assert kept[2, 29] == date(first.year, 2, 28)
