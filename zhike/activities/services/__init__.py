"""Every write to work items, a module a theme; import them from here."""

from __future__ import annotations

from zhike.activities.services.findings import Counts, Found, follow_managers, replace_findings
from zhike.activities.services.items import answer_silence, complete, dismiss, reopen

__all__ = [
    "Counts",
    "Found",
    "answer_silence",
    "complete",
    "dismiss",
    "follow_managers",
    "reopen",
    "replace_findings",
]
