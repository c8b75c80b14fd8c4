"""Lifetime value under a contract (D-03): how many more periods whoever holds an agreement will renew it.

The shifted beta-geometric model (Fader and Hardie, "How to project customer retention", 2007): at the end of each
period a customer leaves with a chance of their own, spread by Beta(`alpha`, `beta`). Those who stay are ever more the
faithful, so that retention rises with age though nobody changes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import betaln, digamma, hyp2f1

from zhike.insight.methods.lifetime import NotFitted

Floats = npt.NDArray[np.float64]
Numbers = npt.ArrayLike


@dataclass(frozen=True)
class Contract:
    """Leaving at the end of a period by a chance from Beta(`alpha`, `beta`)."""

    alpha: float
    beta: float

    @classmethod
    def fit(cls, periods: Numbers, left: npt.ArrayLike, weight: Numbers | None = None) -> Contract:
        """From one row a customer: full `periods` held, 1 or more, and whether they `left` at the end of the last.

        Raises `NotFitted` where nobody left, or nobody stayed beyond a period: then either parameter may be anything.
        """
        held, gone = np.asarray(periods, float), np.asarray(left, bool)
        many = np.ones(len(held)) if weight is None else np.asarray(weight, float)
        if (held < 1).any():
            raise ValueError("somebody has held less than a full period")
        at, where = np.unique(held, return_inverse=True)
        lost, kept = (
            np.bincount(where, many * gone, len(at)),
            np.bincount(where, many * ~gone, len(at)),
        )
        if not lost.any() or at[-1] == 1:
            raise NotFitted("nobody left, or nobody stayed beyond a period")
        n = many.sum()

        def loss(logs: Floats) -> tuple[float, Floats]:
            a, b = np.exp(logs)
            # P(leave at t) = B(a+1, b+t-1) / B(a, b); P(still there after t) = B(a, b+t) / B(a, b)
            value = lost @ betaln(a + 1, b + at - 1) + kept @ betaln(a, b + at) - n * betaln(a, b)
            both = lost @ digamma(a + b + at) + kept @ digamma(a + b + at) - n * digamma(a + b)
            slope = (
                lost.sum() * digamma(a + 1) + kept.sum() * digamma(a) - n * digamma(a) - both,
                lost @ digamma(b + at - 1) + kept @ digamma(b + at) - n * digamma(b) - both,
            )
            return -value / n, -np.asarray(slope) * np.exp(logs) / n

        found = minimize(
            loss, np.zeros(2), jac=True, method="L-BFGS-B", options={"ftol": 1e-14, "gtol": 1e-10}
        )
        if np.abs(found.jac).max() > 1e-5:
            raise NotFitted(f"no optimum found: {found.message}")
        alpha, beta = (float(each) for each in np.exp(found.x))
        return cls(alpha, beta)

    def still(self, periods: Numbers) -> Floats:
        """The share of new customers still there after so many periods."""
        ends = self.beta + np.asarray(periods, float)
        return np.asarray(np.exp(betaln(self.alpha, ends) - betaln(self.alpha, self.beta)))

    def retention(self, periods: Numbers) -> Floats:
        """The share of those there after `periods` - 1 who renew once more."""
        held = np.asarray(periods, float)
        return (self.beta + held - 1) / (self.alpha + self.beta + held - 1)

    def remaining(self, periods: Numbers, *, discount: float) -> Floats:
        """Discounted renewals to come of whoever is about to decide on the first after `periods` full ones.

        The next renewal counts in full if made, each later one `discount` a period less (0.1 is 10 per cent). What a
        customer is worth is this × what a period brings. Fader and Hardie, "Customer-base valuation in a contractual
        setting", Marketing Science 2010, equation 5.
        """
        if discount <= 0:
            raise ValueError("without a discount what remains has no end")
        n = np.asarray(periods, float) + 1
        a, b = self.alpha, self.beta
        return np.asarray(
            (b + n - 1) / (a + b + n - 1) * hyp2f1(1, b + n, a + b + n, 1 / (1 + discount))
        )
