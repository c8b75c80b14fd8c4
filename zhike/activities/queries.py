"""Reads over work: somebody's list in groups, and who has how much."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.utils.functional import Promise

from zhike.activities.models import WorkItem
from zhike.activities.rules import DUE_LABELS, Due, due_range
from zhike.customers.models import Party
from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.organisation.models import Employee

AT_ONCE = 12
"""Lines of a group shown at first, so that no group hides the next."""
AT_MOST = 500


@dataclass(frozen=True)
class Group:
    """The open lines of one stretch of days; `lines` are the most pressing of `count`."""

    due: Due
    label: str | Promise
    count: int
    lines: list[WorkItem]

    @property
    def more(self) -> int:
        return self.count - len(self.lines)


@dataclass(frozen=True)
class WorkList:
    """Somebody's open lines, by when they are due, with how many there are for each reason."""

    groups: list[Group]
    by_rule: Mapping[str, int]

    @property
    def count(self) -> int:
        return sum(group.count for group in self.groups)


def open_work(actor: Actor, employee_id: int) -> QuerySet[WorkItem]:
    """The open lines of one person, of those the actor may see."""
    return WorkItem.objects.visible_to(actor).filter(
        employee=employee_id, state=WorkItem.State.OPEN
    )


def work_list(
    actor: Actor, employee_id: int, today: date, *, rule: str = "", whole: str = ""
) -> WorkList:
    """The list of one person: overdue, today, this week, later; each by priority.

    `rule` narrows it to one reason; `whole` names the group to show beyond its first lines. One query
    for the counts and one for each group that holds something.
    """
    rows = open_work(actor, employee_id)
    counts: Any = rows.values("rule").annotate(
        **{due.value: Count("pk", filter=_due(due, today)) for due in Due}
    )
    by_rule = {each["rule"]: sum(each[due.value] for due in Due) for each in counts}
    chosen = [each for each in counts if not rule or each["rule"] == rule]
    if rule:
        rows = rows.filter(rule=rule)
    groups = []
    for due in Due:
        count = sum(each[due.value] for each in chosen)
        if count:
            lines = rows.filter(_due(due, today)).select_related("party")
            lines = lines.order_by("-priority", "due_on", "pk")
            shown = lines[: AT_MOST if whole == due else AT_ONCE]
            groups.append(Group(due, DUE_LABELS[due], count, list(shown)))
    return WorkList(groups, by_rule)


def _due(due: Due, today: date) -> Q:
    first, end = due_range(due, today)
    return Q(due_on__gte=first, due_on__lt=end)


def closed_today(actor: Actor, employee_id: int) -> QuerySet[WorkItem]:
    """What was done or dismissed on one person's list today, the latest first."""
    since = clock.now().astimezone(clock.BUSINESS_ZONE).replace(hour=0, minute=0, second=0)
    return (
        WorkItem.objects.visible_to(actor)
        .filter(
            employee=employee_id,
            state__in=(WorkItem.State.DONE, WorkItem.State.DISMISSED),
            closed_at__gte=since,
        )
        .select_related("party")
        .order_by("-closed_at")[:AT_ONCE]
    )


@dataclass(frozen=True)
class Workload:
    """How many lines are open on one person's list, and how many of them are overdue."""

    employee: Employee
    open: int
    overdue: int


def workloads(actor: Actor, today: date) -> list[Workload]:
    """Everybody with open lines the actor may see, the most overdue first. Two queries."""
    counts = (
        WorkItem.objects.visible_to(actor)
        .filter(state=WorkItem.State.OPEN)
        .values("employee")
        .annotate(open=Count("pk"), overdue=Count("pk", filter=Q(due_on__lt=today)))
        .order_by("-overdue", "-open", "employee")
    )
    people = Employee.objects.visible_to(actor).in_bulk([each["employee"] for each in counts])
    return [
        Workload(people[each["employee"]], each["open"], each["overdue"])
        for each in counts
        if each["employee"] in people
    ]


def person_in_scope(actor: Actor, public_id: UUID, seen: Iterable[Workload]) -> Employee | None:
    """The person of that id when the actor may look at their list: themselves or somebody in `seen`."""
    for each in seen:
        if each.employee.public_id == public_id:
            return each.employee
    return (
        Employee.objects.visible_to(actor).filter(public_id=public_id, user=actor.user_id).first()
    )


def open_work_on(actor: Actor, party: Party) -> QuerySet[Any]:
    """The open lines on one customer, whoever's list they stand on."""
    return (
        WorkItem.objects.visible_to(actor)
        .filter(party=party, state=WorkItem.State.OPEN)
        .select_related("employee")
        .order_by("-priority", "due_on", "pk")
    )
