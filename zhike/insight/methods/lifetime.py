"""Lifetime value without a contract (D-03): how often a customer will come again, and what they will spend then.

BG/NBD for the purchases (Fader, Hardie and Lee, "Counting your customers the easy way", Marketing Science 2005) and
Gamma-Gamma for the money (Fader and Hardie, 2013). A customer is read as three figures: `frequency`, the days with a
purchase after the first one; `recency`, the time from the first to the last; `age`, the time from the first until
today. Any unit of time will do, as long as all of them and the horizon are in the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import digamma, expit, gammaln, hyp2f1

Floats = npt.NDArray[np.float64]
Numbers = npt.ArrayLike


class NotFitted(ValueError):
    """The customers given do not determine the model: too few, or none that ever came again."""


def purchases(table: ir.Table, *, id: str, on: str, amount: str, until: date) -> ir.Table:
    """One row a customer: `id`, `frequency`, `recency`, `age` (days) and `spend`, the mean amount of a repeat day.

    What lies after `until` is left out, and what was bought on one day is one purchase. `spend` is null without a
    repeat day: the first purchase says little about the later ones and is not part of it.
    """
    days = (
        table.filter(table[on].cast("date") <= until)
        .group_by(id, day=table[on].cast("date"))
        .agg(amount=table[amount].sum())
    )
    first = days.day.min().over(group_by=id)
    days = days.mutate(first=first, repeat=days.day > first)
    return days.group_by(id).agg(
        frequency=days.repeat.sum(),
        recency=days.day.max().delta(days["first"].min(), unit="day"),
        age=ibis.literal(until).delta(days["first"].min(), unit="day"),
        spend=days.amount.cast("float64").mean(where=days.repeat),
    )


@dataclass(frozen=True)
class Purchases:
    """BG/NBD: bought at a rate from Gamma(`r`, `alpha`); lost after any purchase with a chance from Beta(`a`, `b`)."""

    r: float
    alpha: float
    a: float
    b: float

    @classmethod
    def fit(
        cls, frequency: Numbers, recency: Numbers, age: Numbers, weight: Numbers | None = None
    ) -> Purchases:
        """The likeliest parameters. `weight` says how many customers a row stands for: grouped rows fit faster.

        Raises `NotFitted` where nobody came again or the optimum cannot be found.
        """
        x = np.asarray(frequency, float)
        many = _weights(x, weight)
        _hold(x, np.asarray(recency, float), np.asarray(age, float))
        # Most of the likelihood depends on one figure alone, so it is worked out once for each value there is.
        (xs, at_x), (ends, at_end) = _values(x), _values(age)
        lasts, at_last = _values(recency)
        of_x, of_end = np.bincount(at_x, many), np.bincount(at_end, many)
        bought = np.bincount(at_end, many * x)
        again = x > 0
        gx, gend, glast, gw = at_x[again], at_end[again], at_last[again], many[again]
        scale = float(
            np.average(ends, weights=of_end)
        )  # time near one: the four parameters alike in size

        def loss(logs: Floats) -> tuple[float, Floats]:
            r, alpha, a, b = np.exp(logs)
            end, last = np.log(alpha + ends / scale), np.log(alpha + lasts / scale)
            gone = np.log(a) - np.log(b + np.maximum(xs, 1) - 1)
            odds = gone[gx] + (r + xs[gx]) * (end[gend] - last[glast])
            lost = gw * expit(odds)  # customers that stopped at their last purchase
            by_x = np.bincount(gx, lost, len(xs))
            by_end, by_last = (
                np.bincount(gend, lost, len(ends)),
                np.bincount(glast, lost, len(lasts)),
            )
            rated_end = np.bincount(gend, lost * (r + xs[gx]), len(ends))
            rated_last = np.bincount(glast, lost * (r + xs[gx]), len(lasts))
            n = of_x.sum()
            value = (
                of_x @ (gammaln(r + xs) + gammaln(b + xs) - gammaln(a + b + xs))
                + n * (gammaln(a + b) - gammaln(b) - gammaln(r) + r * logs[1])
                - (r * of_end + bought) @ end
                + gw @ np.logaddexp(0, odds)
            )
            shared = of_x @ digamma(a + b + xs) - n * digamma(a + b)
            slope = (
                of_x @ digamma(r + xs)
                - n * digamma(r)
                + n * logs[1]
                - of_end @ end
                + by_end @ end
                - by_last @ last,
                n * r / alpha
                - (r * of_end + bought - rated_end) @ (1 / (alpha + ends / scale))
                - rated_last @ (1 / (alpha + lasts / scale)),
                by_x.sum() / a - shared,
                of_x @ digamma(b + xs)
                - n * digamma(b)
                - shared
                - by_x @ (1 / (b + np.maximum(xs, 1) - 1)),
            )
            return -value / n, -np.asarray(slope) * np.exp(logs) / n

        r, alpha, a, b = _optimum(loss, 4)
        return cls(r, alpha * scale, a, b)

    def alive(self, frequency: Numbers, recency: Numbers, age: Numbers) -> Floats:
        """The chance that each is still a customer."""
        x = np.asarray(frequency, float)
        odds = (
            np.log(self.a)
            - np.log(self.b + np.maximum(x, 1) - 1)
            + (self.r + x)
            * np.log(
                (self.alpha + np.asarray(age, float)) / (self.alpha + np.asarray(recency, float))
            )
        )
        return np.where(x > 0, expit(-odds), 1.0)

    def expected(self, ahead: float, frequency: Numbers, recency: Numbers, age: Numbers) -> Floats:
        """How many purchases each will make within the time `ahead` (equation 10 of the paper)."""
        x, age = np.asarray(frequency, float), np.asarray(age, float)
        r, alpha, a, b = self.r, self.alpha, self.a, self.b
        if abs(a - 1) < 1e-9:
            a += 1e-9  # the formula is a limit there
        z = ahead / (alpha + age + ahead)
        still = hyp2f1(r + x, b + x, a + b + x - 1, z)
        bought = (
            (a + b + x - 1)
            / (a - 1)
            * (1 - ((alpha + age) / (alpha + age + ahead)) ** (r + x) * still)
        )
        return np.asarray(bought * self.alive(x, recency, age))

    def drawn(
        self,
        ahead: float,
        frequency: Numbers,
        recency: Numbers,
        age: Numbers,
        *,
        draws: int,
        seed: int,
    ) -> npt.NDArray[np.int64]:
        """Purchases within `ahead` as they may turn out, `draws` rows of one figure a customer."""
        random = np.random.default_rng(seed)
        x, age = np.asarray(frequency, float), np.asarray(age, float)
        shape = (draws, len(x))
        there = random.random(shape) < self.alive(x, recency, age)
        rate = random.gamma(self.r + x, 1 / (self.alpha + age), shape)
        leaving = np.maximum(random.beta(self.a, self.b + x, shape), 1e-12)
        return np.where(
            there, np.minimum(random.poisson(rate * ahead), random.geometric(leaving)), 0
        )


@dataclass(frozen=True)
class Spend:
    """Gamma-Gamma: an amount is Gamma(`p`) around a customer's own level, the levels spread by Gamma(`q`, `v`)."""

    p: float
    q: float
    v: float

    @classmethod
    def fit(cls, frequency: Numbers, spend: Numbers) -> Spend:
        """The likeliest parameters, from customers with a repeat purchase and a positive mean amount."""
        x, mean = np.asarray(frequency, float), np.asarray(spend, float)
        known = (x > 0) & (mean > 0)
        x, mean = x[known], mean[known]
        if len(x) < 3:
            raise NotFitted("fewer than three customers with a repeat purchase")
        scale = float(mean.mean())
        total = x * mean / scale
        xs, at_x = _values(x)
        of_x = np.bincount(at_x).astype(float)
        logs_of_total = np.bincount(at_x, np.log(total))  # x ln(m) + x ln(x) = x ln(total)
        n = float(len(x))

        def loss(logs: Floats) -> tuple[float, Floats]:
            p, q, v = np.exp(logs)
            spread = np.log(v + total)
            by_x = np.bincount(at_x, spread)
            value = (
                of_x @ (gammaln(p * xs + q) - gammaln(p * xs))
                - n * (gammaln(q) - q * logs[2])
                + p * (xs @ logs_of_total)
                - (p * xs + q) @ by_x
            )
            slope = (
                of_x @ (xs * (digamma(p * xs + q) - digamma(p * xs))) + xs @ (logs_of_total - by_x),
                of_x @ digamma(p * xs + q) - n * digamma(q) + n * logs[2] - by_x.sum(),
                n * q / v - ((p * x + q) / (v + total)).sum(),
            )
            return -value / n, -np.asarray(slope) * np.exp(logs) / n

        p, q, v = _optimum(loss, 3)
        return cls(p, q, v * scale)

    def expected(self, frequency: Numbers, spend: Numbers) -> Floats:
        """The mean amount of each one's purchases to come; whoever has no repeat purchase gets everybody's.

        Infinite where the fitted amounts have no mean (`q` of one or less): then the money is to be capped first.
        """
        x = np.asarray(frequency, float)
        mean = np.where(x > 0, np.nan_to_num(np.asarray(spend, float)), 0.0)
        below = self.p * x + self.q - 1
        return np.where(
            below > 0, self.p * (self.v + x * mean) / np.where(below > 0, below, 1), np.inf
        )

    def drawn(
        self, counts: npt.NDArray[np.int64], frequency: Numbers, spend: Numbers, *, seed: int
    ) -> Floats:
        """What `counts` purchases (of `Purchases.drawn`) may come to."""
        random = np.random.default_rng(seed)
        x = np.asarray(frequency, float)
        mean = np.where(x > 0, np.nan_to_num(np.asarray(spend, float)), 0.0)
        level = random.gamma(self.q + self.p * x, 1 / (self.v + x * mean), counts.shape)
        return np.where(
            counts > 0, random.gamma(np.maximum(self.p * counts, 1e-12), 1 / level), 0.0
        )


def _weights(x: Floats, weight: Numbers | None) -> Floats:
    return np.ones(len(x)) if weight is None else np.asarray(weight, float)


def _values(column: Numbers) -> tuple[Floats, npt.NDArray[np.intp]]:
    values, at = np.unique(np.asarray(column, float), return_inverse=True)
    return values, at


def _hold(x: Floats, last: Floats, end: Floats) -> None:
    if len(x) == 0 or not (x > 0).any():
        raise NotFitted("nobody came again")
    if (x < 0).any() or (last < 0).any() or (last > end).any() or ((x == 0) & (last != 0)).any():
        raise ValueError("recency lies between 0 and age, and is 0 without a repeat purchase")


def _optimum(loss: Callable[[Floats], tuple[float, Floats]], size: int) -> list[float]:
    found = minimize(
        loss,
        np.zeros(size),
        jac=True,
        method="L-BFGS-B",
        options={"ftol": 1e-12, "gtol": 1e-7, "maxiter": 1000},
    )
    if not np.isfinite(found.fun) or np.abs(found.jac).max() > 1e-4:
        raise NotFitted(f"no optimum found: {found.message}")
    return [float(each) for each in np.exp(found.x)]
