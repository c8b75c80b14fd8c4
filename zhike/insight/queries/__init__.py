"""Reads over thresholds, runs, scores, tallies and targets."""

from __future__ import annotations

from zhike.insight.queries.concentration import Concentration, concentration, every_curve
from zhike.insight.queries.movers import Mover, behind, expected, largest_changes, mover, movers
from zhike.insight.queries.portfolio import (
    Part,
    Sums,
    View,
    flows,
    parts,
    sample,
    still,
    structure,
    units_of,
)
from zhike.insight.queries.scores import (
    last_run,
    latest_score,
    latest_scores,
    score_days,
    scores_of,
)
from zhike.insight.queries.targets import Progress, actuals, progress, targets_of
from zhike.insight.queries.terms import book, history, terms, units_with_their_own

__all__ = [
    "Concentration",
    "Mover",
    "Part",
    "Progress",
    "Sums",
    "View",
    "actuals",
    "behind",
    "book",
    "concentration",
    "every_curve",
    "expected",
    "flows",
    "history",
    "largest_changes",
    "last_run",
    "latest_score",
    "latest_scores",
    "mover",
    "movers",
    "parts",
    "progress",
    "sample",
    "score_days",
    "scores_of",
    "still",
    "structure",
    "targets_of",
    "terms",
    "units_of",
    "units_with_their_own",
]
