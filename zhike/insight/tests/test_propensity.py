"""Chances of leaving and buying: against a planted truth, slow measures, and what must not matter."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from zhike.insight.methods.lifetime import NotFitted
from zhike.insight.methods.propensity import Propensity, Validation, drift


def planted(rows: int, seed: int) -> tuple[pa.Table, np.ndarray, np.ndarray]:
    """Customers whose true chance is known: by balance, silence and trade, with an interaction and idle columns."""
    random = np.random.default_rng(seed)
    balance, silence = random.normal(0, 1, rows), random.exponential(1, rows)
    trade, idle = random.integers(0, 4, rows), random.normal(0, 1, rows)
    truth = expit(
        -2.2 - 0.8 * balance + 0.9 * silence + np.array([0, 0.6, -0.5, 1.2])[trade] * (silence > 1)
    )
    table = pa.table(
        {
            "balance": pa.array(balance, mask=random.random(rows) < 0.05),
            "silence": silence,
            "trade": np.array(["farming", "retail", "office", "transport"])[trade],
            "idle": idle,
        }
    )
    return table, random.random(rows) < truth, truth


@pytest.fixture(scope="module")
def model() -> Propensity:
    return Propensity.train(*planted(20_000, 1)[:2])


def test_most_of_what_can_be_known_is_known(model: Propensity) -> None:
    table, happened, truth = planted(40_000, 2)
    told, best = Validation.of(model.chance(table), happened), Validation.of(truth, happened)
    assert (told.auc - 0.5) / (best.auc - 0.5) >= 0.96
    assert told.brier <= best.brier * 1.03


def test_a_line_where_the_truth_is_one_tells_as_much() -> None:
    random = np.random.default_rng(8)
    known = random.normal(0, 1, (30_000, 3))
    truth = expit(known @ [0.9, -0.6, 0.0] - 2)
    words = np.where(known[:, 0] > 0, "often", "seldom")
    table = pa.table({"a": known[:, 0], "b": known[:, 1], "c": known[:, 2], "word": words})
    happened = random.random(len(truth)) < truth
    line = Propensity.train(table[:10_000], happened[:10_000], kind="line")
    told = Validation.of(line.chance(table[10_000:]), happened[10_000:])
    best = Validation.of(truth[10_000:], happened[10_000:])
    assert (told.auc - 0.5) / (best.auc - 0.5) >= 0.98
    assert 0.9 <= told.slope <= 1.1
    (reasons,) = line.reasons(pa.table({"a": [3.0], "b": [0.0], "c": [9.0], "word": ["often"]}))
    assert reasons[0][0] == "a"


def test_a_customer_told_of_twice_is_not_tried_on_what_was_learnt_by_heart() -> None:
    # Features that say nothing but who it is: only who was seen before is known, and nobody else at all.
    random = np.random.default_rng(9)
    once = random.normal(0, 1, (1_500, 4))
    left = random.random(len(once)) < 0.3
    rows, whose = np.repeat(once, 4, axis=0), np.repeat(np.arange(len(once)), 4)
    table = pa.table({f"f{at}": column for at, column in enumerate(rows.T)})
    happened = np.repeat(left, 4)
    apart = Propensity.train(table, happened, whose=whose)
    mixed = Propensity.train(table, happened)
    fresh = pa.table(
        {f"f{at}": column for at, column in enumerate(random.normal(0, 1, (4, 5_000)))}
    )
    assert np.ptp(apart.chance(fresh)) < 0.3 * np.ptp(mixed.chance(fresh))


def test_a_chance_of_one_in_five_happens_to_one_in_five(model: Propensity) -> None:
    table, happened, _ = planted(40_000, 2)
    told = Validation.of(model.chance(table), happened)
    assert 0.9 <= told.slope <= 1.1
    assert abs(told.base) <= 0.15
    assert all(abs(chance - share) <= 0.03 for _, chance, share in told.bands)


def test_the_same_customers_and_seed_give_the_same_chances(model: Propensity) -> None:
    table, happened, _ = planted(20_000, 1)
    again = Propensity.train(table, happened)
    assert (again.chance(table) == model.chance(table)).all()


def test_the_order_of_columns_and_words_never_seen_do_no_harm(model: Propensity) -> None:
    table = planted(500, 3)[0]
    turned = table.select(["idle", "trade", "silence", "balance"]).append_column(
        "name", pa.array(["x"] * 500)
    )
    assert (model.chance(turned) == model.chance(table)).all()
    unknown = table.set_column(2, "trade", pa.array(["mining"] * 500))
    missing = table.set_column(2, "trade", pa.nulls(500, "string"))
    assert (model.chance(unknown) == model.chance(missing)).all()


def test_the_planted_reason_comes_first_and_the_idle_one_never_far(model: Propensity) -> None:
    rows = pa.table(
        {
            "balance": [0.0, -2.5, 0.0],
            "silence": [4.0, 0.7, 0.7],
            "trade": ["farming", "farming", "farming"],
            "idle": [0.0, 0.0, 0.0],
        }
    )
    silent, poor, usual = model.reasons(rows)
    assert silent[0][0] == "silence"
    assert silent[0][1] > 0.2
    assert poor[0][0] == "balance"
    assert all(points < 0.05 for _, points in usual)
    table = planted(300, 4)[0]
    for reasons in model.reasons(table, top=2):
        points = [each for _, each in reasons]
        assert len(reasons) <= 2
        assert points == sorted(points, reverse=True)
        assert all(each >= 0.001 for each in points)


def test_too_few_teach_nothing() -> None:
    table, happened, _ = planted(400, 5)
    rare = happened & (np.cumsum(happened) <= 49)
    with pytest.raises(NotFitted):
        Propensity.train(table, rare)
    with pytest.raises(NotFitted):
        Propensity.train(table, ~rare)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([0.1, 0.2, 0.35, 0.5, 0.8]), st.booleans()),
        min_size=2,
        max_size=40,
    )
)
def test_the_measures_are_what_they_say(rows: list[tuple[float, bool]]) -> None:
    chance, happened = np.array([each for each, _ in rows]), np.array([yes for _, yes in rows])
    if happened.all() or not happened.any():
        return
    told = Validation.of(chance, happened)
    pairs = [(yes > no) + (yes == no) / 2 for yes in chance[happened] for no in chance[~happened]]
    assert told.auc == pytest.approx(sum(pairs) / len(pairs))
    assert told.brier == pytest.approx(sum((c - h) ** 2 for c, h in rows) / len(rows))
    assert sum(many for many, _, _ in told.bands) == told.customers == len(rows)
    assert sum(many * share for many, _, share in told.bands) == pytest.approx(told.happened)


def test_drift_is_nothing_for_the_same_and_much_for_others() -> None:
    random = np.random.default_rng(6)
    before, same, other = (
        random.beta(2, 8, 50_000),
        random.beta(2, 8, 50_000),
        random.beta(4, 6, 50_000),
    )
    assert drift(before, before) == pytest.approx(0, abs=1e-9)
    assert drift(before, same) < 0.01
    assert drift(before, other) > 0.25
    # Two halves that become a quarter and three quarters: (0.25 - 0.5) ln(0.25 / 0.5) + (0.75 - 0.5) ln(0.75 / 0.5)
    was, now = np.array([0.1, 0.1, 0.9, 0.9]), np.array([0.1, 0.9, 0.9, 0.9])
    assert drift(was, now, parts=2) == pytest.approx(0.25 * np.log(2) + 0.25 * np.log(1.5))
