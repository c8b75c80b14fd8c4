"""Cohorts, comings and goings and survival against slow reckonings of their definitions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhike.insight.methods.staying import cohorts, movements, survival

few = settings(max_examples=25, deadline=None)
BACKEND = ibis.duckdb.connect()
FIRST = date(2024, 11, 1)


@pytest.fixture(scope="module", autouse=True)
def _one_backend() -> Iterator[None]:
    yield
    BACKEND.disconnect()


def month(index: int) -> date:
    """The months from November 2024 on, over a turn of the year."""
    at = FIRST.year * 12 + FIRST.month - 1 + index
    return date(at // 12, at % 12 + 1, 1)


actives = st.lists(st.tuples(st.integers(1, 8), st.integers(0, 15)), min_size=1, max_size=60)


def table(rows: list[tuple[int, int]]) -> pa.Table:
    return pa.table({"id": [who for who, _ in rows], "month": [month(at) for _, at in rows]})


def lives(rows: list[tuple[int, int]]) -> dict[int, list[int]]:
    seen = defaultdict(set)
    for who, at in rows:
        seen[who].add(at)
    return {who: sorted(months) for who, months in seen.items()}


@few
@given(actives)
def test_a_cohort_counts_those_first_active_in_a_month(rows: list[tuple[int, int]]) -> None:
    expected: dict[tuple[date, int], int] = defaultdict(int)
    size: dict[date, int] = defaultdict(int)
    for months in lives(rows).values():
        size[month(months[0])] += 1
        for at in months:
            expected[month(months[0]), at - months[0]] += 1
    shown = BACKEND.to_pyarrow(
        cohorts(ibis.memtable(table(rows)), id="id", month="month")
    ).to_pylist()
    assert {(row["cohort"], row["age"]): row["active"] for row in shown} == expected
    assert all(row["size"] == size[row["cohort"]] for row in shown)


@few
@given(actives, st.integers(1, 4))
def test_lost_is_who_fell_silent_and_won_back_who_spoke_again(
    rows: list[tuple[int, int]], silent: int
) -> None:
    expected: dict[date, dict[str, int]] = defaultdict(
        lambda: dict.fromkeys(("active", "came", "won_back", "lost"), 0)
    )
    for months in lives(rows).values():
        for at in range(16):
            past = [each for each in months if each <= at]
            if not past:
                continue
            if at in months:
                expected[month(at)]["active"] += 1
                if len(past) == 1:
                    expected[month(at)]["came"] += 1
                elif at - past[-2] > silent:
                    expected[month(at)]["won_back"] += 1
            elif at - past[-1] == silent:
                expected[month(at)]["lost"] += 1
    told = movements(
        ibis.memtable(table(rows)),
        id="id",
        month="month",
        silent=silent,
        until=month(15).isoformat(),
    )
    shown = BACKEND.to_pyarrow(told).to_pylist()
    assert {row.pop("month"): row for row in shown} == expected


@few
@given(st.lists(st.tuples(st.integers(1, 12), st.booleans()), min_size=1, max_size=60))
def test_survival_is_the_product_of_the_shares_that_stayed(seen: list[tuple[int, bool]]) -> None:
    known = pa.table({"months": [each for each, _ in seen], "left": [left for _, left in seen]})
    shown = BACKEND.to_pyarrow(
        survival(ibis.memtable(known), duration="months", left="left")
    ).to_pylist()
    still, expected = 1.0, []
    for at in sorted({each for each, left in seen if left}):
        risk = sum(each >= at for each, _ in seen)
        gone = sum(each == at and left for each, left in seen)
        still *= 1 - gone / risk
        expected.append((at, risk, gone, pytest.approx(still, abs=1e-12)))
    assert [
        (row["duration"], row["at_risk"], row["left"], row["still"]) for row in shown
    ] == expected
    for row in shown:
        if row["still"] == 0:
            assert row["low"] is row["high"] is None
        else:
            assert 0 <= row["low"] <= row["still"] <= row["high"] <= 1


def test_the_interval_is_the_one_of_the_textbook() -> None:
    """Remissions of 21 patients under 6-MP (Freireich and others, 1963): at 10 weeks 0.7529, 0.5032 to 0.8894."""
    weeks = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
    ended = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
    known = pa.table({"weeks": weeks, "left": [bool(each) for each in ended]})
    shown = BACKEND.to_pyarrow(
        survival(ibis.memtable(known), duration="weeks", left="left")
    ).to_pylist()
    at_ten = next(row for row in shown if row["duration"] == 10)
    assert (round(at_ten["still"], 4), round(at_ten["low"], 4), round(at_ten["high"], 4)) == (
        0.7529,
        0.5032,
        0.8894,
    )
