"""Every write to requests about one's data; import them from here."""

from __future__ import annotations

from zhike.privacy.services.answering import approve_access, hand_over, make_answer
from zhike.privacy.services.erasing import forget_due, restrict
from zhike.privacy.services.requests import ask, correct, refuse

__all__ = [
    "approve_access",
    "ask",
    "correct",
    "forget_due",
    "hand_over",
    "make_answer",
    "refuse",
    "restrict",
]
