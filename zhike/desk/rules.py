"""How much somebody takes away alone, and how long what waits and what was made is kept."""

from __future__ import annotations

from datetime import timedelta

ALONE = 500
"""Rows somebody takes within `WITHIN` before a second person is asked; an installation may set less, not more."""
WITHIN = timedelta(hours=24)
BULK_JOB = "job bulk"
"""How the origin of what a bulk job does begins on the trail."""
ANSWERED_WITHIN = timedelta(days=3)
KEPT_FOR = timedelta(hours=24)


def waits(rows: int, taken: int, clear: bool, limit: int) -> bool:
    """Whether a second person is asked: for anything in clear, and for what comes to more than `limit` rows.

    `taken` are the rows taken alone within `WITHIN`: five files of five hundred are as many as one of 2,500.
    """
    return clear or rows + taken > limit
