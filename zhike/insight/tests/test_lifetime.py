"""Lifetime value against its papers' figures, an independent package and its own simulation."""

from __future__ import annotations

import gzip
import random
import warnings
from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhike.insight.methods.lifetime import NotFitted, Purchases, Spend, purchases

CDNOW = Path(__file__).parents[4] / "shared" / "data" / "cdnow" / "CDNOW_sample.csv.gz"
PAPER = Purchases(0.243, 4.414, 0.793, 2.426)
TAKEN = Purchases(1.5, 6.0, 0.8, 2.5)


def summary(table: Any, until: date) -> dict[str, Any]:
    """The four figures as arrays, time in weeks."""
    shown = (
        purchases(table, id="id", on="on", amount="amount", until=until).order_by("id").to_pyarrow()
    )
    figures = {name: shown[name].to_numpy() for name in ("frequency", "recency", "age", "spend")}
    return figures | {"recency": figures["recency"] / 7, "age": figures["age"] / 7}


@pytest.fixture(scope="module")
def cdnow() -> dict[str, Any]:
    if not CDNOW.exists():
        pytest.skip("the CDNOW files are not beside the project (../shared/data/cdnow)")
    with gzip.open(CDNOW, "rt", encoding="ascii") as lines:
        rows = [line.split() for line in lines]
    on = [date(int(row[2][:4]), int(row[2][4:6]), int(row[2][6:])) for row in rows]
    bought = pa.table(
        {"id": [row[1] for row in rows], "on": on, "amount": [float(row[4]) for row in rows]}
    )
    return summary(ibis.memtable(bought), date(1997, 9, 30))


def test_the_parameters_of_the_paper_come_out_of_its_data(cdnow: dict[str, Any]) -> None:
    fitted = Purchases.fit(cdnow["frequency"], cdnow["recency"], cdnow["age"])
    assert len(cdnow["age"]) == 2357
    assert [round(each, 3) for each in (fitted.r, fitted.alpha, fitted.a, fitted.b)] == [
        0.243,
        4.414,
        0.793,
        2.426,
    ]


def test_an_independent_package_comes_to_the_same(cdnow: dict[str, Any]) -> None:
    three = cdnow["frequency"], cdnow["recency"], cdnow["age"]
    again = cdnow["spend"] > 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lifetimes import BetaGeoFitter, GammaGammaFitter

        theirs = BetaGeoFitter().fit(*three)
        spent = GammaGammaFitter().fit(cdnow["frequency"][again], cdnow["spend"][again])
        bought = np.asarray(theirs.conditional_expected_number_of_purchases_up_to_time(39, *three))
        alive = np.asarray(theirs.conditional_probability_alive(*three))
        worth = np.asarray(
            spent.conditional_expected_average_profit(
                cdnow["frequency"][again], cdnow["spend"][again]
            )
        )
    ours, money = Purchases.fit(*three), Spend.fit(cdnow["frequency"], cdnow["spend"])
    assert np.allclose([ours.r, ours.alpha, ours.a, ours.b], theirs.params_, rtol=1e-4)
    assert np.allclose(ours.expected(39, *three), bought, rtol=1e-4)
    assert np.allclose(ours.alive(*three), alive, rtol=1e-4)
    assert np.allclose([money.p, money.q, money.v], spent.params_, rtol=1e-3)
    assert np.allclose(money.expected(cdnow["frequency"], cdnow["spend"])[again], worth, rtol=1e-3)


def test_what_was_drawn_has_the_mean_that_the_formula_says() -> None:
    frequency, recency, age = (
        np.array([0, 1, 4, 9, 4]),
        np.array([0, 10, 30, 50, 5.0]),
        np.array([30, 30, 40, 52, 40.0]),
    )
    spend = np.array([np.nan, 20, 35, 8, 35])
    drawn = TAKEN.drawn(26, frequency, recency, age, draws=200_000, seed=7)
    expected = TAKEN.expected(26, frequency, recency, age)
    off = 5 * drawn.std(axis=0) / np.sqrt(len(drawn))
    assert (np.abs(drawn.mean(axis=0) - expected) < off).all()
    money = Spend(6.0, 4.0, 15.0)
    sums = money.drawn(drawn, frequency, spend, seed=8)
    off = 5 * sums.std(axis=0) / np.sqrt(len(sums))
    assert (np.abs(sums.mean(axis=0) - expected * money.expected(frequency, spend)) < off).all()


def test_planted_parameters_are_found_again() -> None:
    """Customers simulated as the model tells it, in continuous time: nothing is merged into days."""
    random = np.random.default_rng(3)
    n, age = 40_000, np.random.default_rng(4).uniform(40, 80, 40_000)
    rate, leaving = random.gamma(TAKEN.r, 1 / TAKEN.alpha, n), random.beta(TAKEN.a, TAKEN.b, n)
    frequency, recency = np.zeros(n), np.zeros(n)
    there, clock = np.ones(n, bool), np.zeros(n)
    while there.any():
        clock = clock + random.exponential(1 / np.maximum(rate, 1e-12))
        there &= clock <= age
        frequency[there], recency[there] = frequency[there] + 1, clock[there]
        there &= random.random(n) > leaving
    found = Purchases.fit(frequency, recency, age)
    assert np.allclose([found.r, found.alpha, found.a, found.b], [1.5, 6.0, 0.8, 2.5], rtol=0.1)
    (x, last, end), many = np.unique(
        np.stack([frequency, recency, age]), axis=1, return_counts=True
    )
    again = Purchases.fit(x, last, end, weight=many)
    assert np.allclose(
        [again.r, again.alpha, again.a, again.b],
        [found.r, found.alpha, found.a, found.b],
        rtol=1e-4,
    )


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 40), st.floats(0, 1), st.floats(1, 100), st.floats(0.1, 60), st.floats(0.1, 60),
)  # fmt: skip
def test_more_time_brings_more_and_silence_makes_doubt(
    frequency: int, share: float, age: float, ahead: float, longer: float
) -> None:
    x, last, end = np.array([frequency]), np.array([share * age]), np.array([age])
    sooner, later = (
        PAPER.expected(ahead, x, last, end),
        PAPER.expected(ahead + longer, x, last, end),
    )
    assert 0 <= sooner[0] <= later[0] + 1e-9
    assert PAPER.alive(x, last, end)[0] <= PAPER.alive(x, end, end)[0] <= 1
    assert PAPER.alive(x, last, end + longer)[0] <= PAPER.alive(x, last, end)[0] + 1e-12


def test_purchases_of_a_day_are_one_and_later_ones_are_not_known() -> None:
    draw, until = random.Random(5), date(2026, 6, 30)
    rows = [
        (
            draw.randrange(30),
            date(2026, 1, 1) + timedelta(days=draw.randrange(250)),
            draw.randrange(1, 900),
        )
        for _ in range(600)
    ]
    days: dict[int, dict[date, int]] = defaultdict(lambda: defaultdict(int))
    for who, on, amount in rows:
        if on <= until:
            days[who][on] += amount
    table = ibis.memtable(
        pa.table(dict(zip(("id", "on", "amount"), map(list, zip(*rows, strict=True)), strict=True)))
    )
    shown = (
        purchases(table, id="id", on="on", amount="amount", until=until)
        .order_by("id")
        .to_pyarrow()
        .to_pylist()
    )
    for row, who in zip(shown, sorted(days), strict=True):
        first, *later = sorted(days[who])
        assert row["frequency"] == len(later)
        assert row["recency"] == (max(days[who]) - first).days
        assert row["age"] == (until - first).days
        assert row["spend"] == (
            pytest.approx(sum(days[who][on] for on in later) / len(later)) if later else None
        )


@pytest.mark.parametrize(
    ("frequency", "recency", "age", "fault"),
    [
        ([], [], [], NotFitted),
        ([0, 0], [0, 0], [5, 9], NotFitted),
        ([1, 2], [6, 1], [5, 9], ValueError),
        ([1, 0], [1, 3], [5, 9], ValueError),
    ],
)
def test_figures_that_cannot_be_are_refused(
    frequency: list[int], recency: list[int], age: list[int], fault: type[Exception]
) -> None:
    with pytest.raises(fault):
        Purchases.fit(np.array(frequency), np.array(recency), np.array(age))


def test_amounts_without_a_repeat_cannot_be_fitted() -> None:
    with pytest.raises(NotFitted):
        Spend.fit(np.array([0, 0, 0]), np.array([np.nan, np.nan, np.nan]))
