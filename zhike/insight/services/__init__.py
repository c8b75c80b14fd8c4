"""Every write of the room: refreshes, thresholds, targets."""

from __future__ import annotations

from zhike.insight.services.refreshing import STEPS, Progress, refresh
from zhike.insight.services.targets import drop_target, set_target
from zhike.insight.services.thresholds import add_thresholds, set_thresholds

__all__ = [
    "STEPS",
    "Progress",
    "add_thresholds",
    "drop_target",
    "refresh",
    "set_target",
    "set_thresholds",
]
