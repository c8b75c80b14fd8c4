"""The shifted beta-geometric model against its paper's figures, a long sum and its own simulation."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhike.insight.methods.contract import Contract
from zhike.insight.methods.lifetime import NotFitted

# Customers of 1,000 still there at the end of each of seven years, as the paper gives them.
PAPER = {
    "regular": ([1000, 631, 468, 382, 326, 289, 262, 241], (0.704, 1.182)),
    "high end": ([1000, 869, 743, 653, 593, 551, 517, 491], (0.668, 3.806)),
}


def lives(still: list[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of periods, left and weight behind a row of survivors."""
    gone = [before - after for before, after in pairwise(still)]
    periods = np.array([*range(1, len(still)), len(still) - 1])
    return periods, np.array([True] * len(gone) + [False]), np.array([*gone, still[-1]])


@pytest.mark.parametrize("kind", PAPER)
def test_the_parameters_of_the_paper_come_out_of_its_data(kind: str) -> None:
    still, expected = PAPER[kind]
    periods, left, weight = lives(still)
    fitted = Contract.fit(periods, left, weight)
    assert (round(fitted.alpha, 3), round(fitted.beta, 3)) == expected
    one_by_one = Contract.fit(np.repeat(periods, weight), np.repeat(left, weight))
    assert np.allclose([one_by_one.alpha, one_by_one.beta], [fitted.alpha, fitted.beta], rtol=1e-5)


@settings(max_examples=50, deadline=None)
@given(st.floats(0.2, 5), st.floats(0.2, 20), st.integers(0, 12), st.floats(0.05, 0.5))
def test_what_remains_is_the_discounted_sum_of_renewals(
    alpha: float, beta: float, held: int, discount: float
) -> None:
    model = Contract(alpha, beta)
    ahead = np.arange(1, 2_000)
    renewed = model.still(held + ahead) / model.still(np.array([held]))
    expected = (renewed * (1 + discount) ** (1.0 - ahead)).sum()
    assert model.remaining(np.array([held]), discount=discount)[0] == pytest.approx(
        expected, rel=1e-6
    )
    assert model.still(np.array([held + 1])) / model.still(np.array([held])) == pytest.approx(
        model.retention(np.array([held + 1]))
    )


def test_the_faithful_are_worth_more_the_longer_they_stay() -> None:
    worth = Contract(0.704, 1.182).remaining(np.arange(10), discount=0.1)
    assert (np.diff(worth) > 0).all()


@pytest.mark.parametrize(
    ("periods", "left", "fault"),
    [
        ([1, 2], [False, False], NotFitted),
        ([1, 1], [True, False], NotFitted),
        ([0, 2], [True, True], ValueError),
    ],
)
def test_what_cannot_be_fitted_is_refused(
    periods: list[int], left: list[bool], fault: type[Exception]
) -> None:
    with pytest.raises(fault):
        Contract.fit(np.array(periods), np.array(left))


def test_without_a_discount_nothing_is_said() -> None:
    with pytest.raises(ValueError, match="discount"):
        Contract(0.7, 1.2).remaining(np.array([1]), discount=0.0)
