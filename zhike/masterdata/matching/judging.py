"""What people's judgements teach a model.

Reviewed pairs are those of middling scores, so what agrees among them says nothing about m and u of all pairs. It
does say how often a pair of such a score is one entity; that is what is learned (Platt 1999, with a prior).
"""

from __future__ import annotations

import dataclasses
import math
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from zhike.masterdata.matching.engine import Table
from zhike.masterdata.matching.model import Model

# How far offset and slope may well lie from what the model says of itself: one standard deviation.
_OFFSET_SPREAD: Final = 2.0
_SLOPE_SPREAD: Final = 0.2
_LEAST_SLOPE: Final = 0.05  # more weight is never less probable


def judged(model: Model, labels: Table) -> Model:
    """The model with probabilities fitted to judgements.

    labels: kind, match_weight (as `predict` gives it with this model), same (whether a person found them one).
    With few of them it hardly moves. Weights and keys stay.
    """
    kinds = dict(model.kinds)
    for kind, known in model.kinds.items():
        of_kind = labels.filter(pc.equal(labels["kind"], kind))
        offset, slope = _fit(
            of_kind["match_weight"].to_numpy().astype(np.float64),
            of_kind["same"].to_numpy(zero_copy_only=False).astype(np.float64),
        )
        kinds[kind] = dataclasses.replace(known, offset=offset, slope=slope)
    return dataclasses.replace(model, kinds=kinds)


def _fit(weight: npt.NDArray[np.float64], same: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Offset and slope of the logistic curve by Newton's method on the penalised likelihood."""
    start = np.array([0.0, math.log(2)])
    pull = np.diag([1 / _OFFSET_SPREAD**2, 1 / _SLOPE_SPREAD**2])
    design = np.column_stack([np.ones(len(weight)), weight])

    def loss(at: npt.NDArray[np.float64]) -> float:
        odds = design @ at
        return float(
            np.logaddexp(0, odds).sum() - same @ odds + (at - start) @ pull @ (at - start) / 2
        )

    at = start
    for _ in range(100):
        chance = 1 / (1 + np.exp(-np.clip(design @ at, -500, 500)))
        slope = design.T @ (chance - same) + pull @ (at - start)
        curve = (design * (chance * (1 - chance))[:, None]).T @ design + pull
        step = np.linalg.solve(curve, slope)
        size = 1.0
        while loss(at - size * step) > loss(at) and size > 1e-6:
            size /= 2
        at = at - size * step
        if np.abs(size * step).max() < 1e-9:
            break
    return float(at[0]), max(float(at[1]), _LEAST_SLOPE)
