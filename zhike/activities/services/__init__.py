"""Every write to work items, a module a theme; import them from here."""

from __future__ import annotations

from zhike.activities.services.findings import Counts, Found, follow_managers, replace_findings
from zhike.activities.services.handings import hand_over_lines, take_lines_back
from zhike.activities.services.items import (
    answer_silence,
    complete,
    dismiss,
    drop_marketing,
    plan_follow_up,
    postpone,
    reopen,
    resume,
)

__all__ = [
    "Counts",
    "Found",
    "answer_silence",
    "complete",
    "dismiss",
    "drop_marketing",
    "follow_managers",
    "hand_over_lines",
    "plan_follow_up",
    "postpone",
    "reopen",
    "replace_findings",
    "resume",
    "take_lines_back",
]
