"""Products that go together and what an action brought: counts, and intervals that cover as often as they say."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

import ibis
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhike.insight.methods.affinity import affinity
from zhike.insight.methods.uplift import uplift

BACKEND = ibis.duckdb.connect()


@pytest.fixture(scope="module", autouse=True)
def _one_backend() -> Iterator[None]:
    yield
    BACKEND.disconnect()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 9), st.sampled_from("abcd")), min_size=1, max_size=50))
def test_lift_counts_customers_however_many_rows_they_have(rows: list[tuple[int, str]]) -> None:
    held = pa.table({"id": [who for who, _ in rows], "item": [what for _, what in rows]})
    shown = BACKEND.to_pyarrow(
        affinity(ibis.memtable(held), id="id", item="item", of=10)
    ).to_pylist()
    who = {item: {one for one, what in rows if what == item} for item in "abcd"}
    pairs = {(a, b): len(who[a] & who[b]) for a, b in permutations("abcd", 2) if who[a] & who[b]}
    assert {(row["item"], row["other"]): row["both"] for row in shown} == pairs
    for row in shown:
        one, two = len(who[row["item"]]), len(who[row["other"]])
        assert (row["holders"], row["other_holders"]) == (one, two)
        assert row["support"] == pytest.approx(row["both"] / 10)
        assert row["confidence"] == pytest.approx(row["both"] / one)
        assert row["lift"] == pytest.approx((row["both"] / 10) / (one / 10 * two / 10))
        assert row["lift_low"] <= row["lift"] <= row["lift_high"]


def test_the_interval_of_a_lift_covers_the_truth_as_often_as_it_says() -> None:
    random, of, covered = np.random.default_rng(11), 2_000, 0
    cells = np.array([0.06, 0.14, 0.09, 0.71])  # both, the first alone, the second alone, neither
    truth = 0.06 / (0.20 * 0.15)
    trials = random.multinomial(of, cells, 1_000)
    for at, (both, one, two, _) in enumerate(trials[:60]):  # by the expression itself
        first, second = range(both + one), [*range(both), *range(both + one, both + one + two)]
        held = pa.table(
            {"id": [*first, *second], "item": ["a"] * (both + one) + ["b"] * (both + two)}
        )
        row = BACKEND.to_pyarrow(
            affinity(ibis.memtable(held), id="id", item="item", of=of)
        ).to_pylist()[0]
        assert row["lift"] == pytest.approx(_lift(trials[at], of)[1])
        assert row["lift_low"] == pytest.approx(_lift(trials[at], of)[0])
    for trial in trials:
        low, _, high = _lift(trial, of)
        covered += low <= truth <= high
    assert 930 <= covered <= 970


def _lift(trial: np.ndarray, of: int) -> tuple[float, float, float]:
    """The interval from the gradient and the covariance of the four cells, written out."""
    share = trial / of
    one, two = share[0] + share[1], share[0] + share[2]
    slope = np.array([1 / share[0] - 1 / one - 1 / two, -1 / one, -1 / two, 0])
    spread = slope @ (np.diag(share) - np.outer(share, share)) @ slope / of
    lift, off = share[0] / (one * two), np.exp(1.959963984540054 * np.sqrt(spread))
    return lift / off, lift, lift * off


def reached(treated: int, yes: int, control: int, other: int) -> pa.Table:
    told = [True] * treated + [False] * control
    answered = (
        [True] * yes + [False] * (treated - yes) + [True] * other + [False] * (control - other)
    )
    return pa.table({"treated": told, "responded": answered, "branch": ["east"] * len(told)})


def test_the_interval_of_an_uplift_is_newcombe_s() -> None:
    """His example (a) of two independent shares, method 10: 56/70 against 48/80 is 0.2000, 0.0524 to 0.3339."""
    shown = BACKEND.to_pyarrow(
        uplift(ibis.memtable(reached(70, 56, 80, 48)), treated="treated", responded="responded")
    )
    row = shown.to_pylist()[0]
    assert (round(row["uplift"], 4), round(row["low"], 4), round(row["high"], 4)) == (
        0.2,
        0.0524,
        0.3339,
    )


def test_a_planted_effect_is_covered_as_often_as_the_level_says() -> None:
    random = np.random.default_rng(5)
    yes, other = random.binomial(800, 0.09, 1_000), random.binomial(400, 0.06, 1_000)
    n = 1_000
    rows = pa.table(
        {
            "trial": np.repeat(np.arange(n), 1_200),
            "treated": np.tile(np.arange(1_200) < 800, n),
            "responded": (
                (np.arange(1_200)[None] < yes[:, None])
                | (
                    (np.arange(1_200)[None] >= 800)
                    & (np.arange(1_200)[None] < 800 + other[:, None])
                )
            ).ravel(),
        }
    )
    shown = BACKEND.to_pyarrow(
        uplift(ibis.memtable(rows), treated="treated", responded="responded", by=("trial",))
    )
    low, high = shown["low"].to_numpy(), shown["high"].to_numpy()
    assert 930 <= ((low <= 0.03) & (high >= 0.03)).sum() <= 970
    assert abs(shown["uplift"].to_numpy().mean() - 0.03) < 0.002


def test_a_group_without_a_control_has_no_uplift() -> None:
    rows = ibis.memtable(reached(5, 2, 0, 0))
    shown = BACKEND.to_pyarrow(
        uplift(rows, treated="treated", responded="responded", by=("branch",))
    ).to_pylist()
    assert shown == [
        {
            "branch": "east",
            "treated": 5,
            "control": 0,
            "response": pytest.approx(0.4),
            "control_response": None,
        }
        | dict.fromkeys(("uplift", "low", "high"))
    ]
