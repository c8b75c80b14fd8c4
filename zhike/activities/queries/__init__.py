"""Reads over work: somebody's list, the week ahead, and how a team is doing."""

from __future__ import annotations

from zhike.activities.queries.ahead import KINDS, Coming, Day, week_ahead
from zhike.activities.queries.lists import (
    WorkList,
    closed_today,
    customers_named,
    has_customers,
    next_planned,
    open_work_on,
    waiting,
    work_list,
)
from zhike.activities.queries.team import (
    MOST_LINES,
    DayCount,
    PersonWork,
    TeamWork,
    days_of_work,
    given_with,
    lines_to_hand_over,
    person_in_scope,
    team_members,
    team_work,
)

__all__ = [
    "KINDS",
    "MOST_LINES",
    "Coming",
    "Day",
    "DayCount",
    "PersonWork",
    "TeamWork",
    "WorkList",
    "closed_today",
    "customers_named",
    "days_of_work",
    "given_with",
    "has_customers",
    "lines_to_hand_over",
    "next_planned",
    "open_work_on",
    "person_in_scope",
    "team_members",
    "team_work",
    "waiting",
    "week_ahead",
    "work_list",
]
