"""The workbench: today's list, what is done with its lines, and how the team is doing."""

from __future__ import annotations

from zhike.activities.views.actions import (
    Complete,
    Customers,
    Dismiss,
    FollowUp,
    PlanFollowUp,
    Postpone,
    Reopen,
    Resume,
)
from zhike.activities.views.handings import Handed, HandOver
from zhike.activities.views.lists import FrontPage, HomePage, PersonPage, TodayPage
from zhike.activities.views.records import ContactList, WorkList
from zhike.activities.views.team import TeamPage

__all__ = [
    "Complete",
    "ContactList",
    "Customers",
    "Dismiss",
    "FollowUp",
    "FrontPage",
    "HandOver",
    "Handed",
    "HomePage",
    "PersonPage",
    "PlanFollowUp",
    "Postpone",
    "Reopen",
    "Resume",
    "TeamPage",
    "TodayPage",
    "WorkList",
]
