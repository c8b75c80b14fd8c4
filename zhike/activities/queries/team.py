"""How the people in reach are doing with their lists."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from uuid import UUID

from django.db.models import Count, DateField, ExpressionWrapper, F, Q, QuerySet, Value
from django.db.models.functions import TruncDate

from zhike.access.roles import RIGHTS
from zhike.activities.models import Handing, WorkItem
from zhike.activities.queries.lists import on_the_list
from zhike.customers.models import Assignment, Party
from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.organisation.models import Appointment, Employee

SPAN_DAYS = 7
"""How far back "lately" reaches: a week, whatever day of it today is."""
CHART_DAYS = 14
MOST_PEOPLE = 200
MOST_LINES = 200
"""Lines that are handed over at once from the team's page; the list of work takes any number as a job."""
CLOSED = (WorkItem.State.DONE, WorkItem.State.DISMISSED)


@dataclass(frozen=True)
class PersonWork:
    """One person's work. `useless` counts lately dismissed lines by reason; `in_touch` of `customers` with a
    contact period were contacted within it."""

    employee: Employee
    open: int
    overdue: int
    waiting: int
    done_today: int
    done: int
    useless: Mapping[str, int]
    customers: int
    periods: int
    in_touch: int

    @property
    def dismissed(self) -> int:
        return sum(self.useless.values())

    @property
    def reasons(self) -> list[tuple[str, int]]:
        """Why lines were of no use, in words, the most frequent first."""
        labels = dict(WorkItem.Useless.choices)
        counts = sorted(self.useless.items(), key=lambda each: -each[1])
        return [(str(labels.get(because, because)), count) for because, count in counts]

    @property
    def coverage(self) -> float | None:
        """The share of customers contacted in their tier's period; None before any period is known."""
        return self.in_touch / self.periods if self.periods else None


@dataclass(frozen=True)
class TeamWork:
    """Everybody in reach, the worst first; `by_rule` counts lately closed lines as (not useful, all)."""

    people: list[PersonWork]
    by_rule: Mapping[str, tuple[int, int]] = field(default_factory=dict)


def team_work(actor: Actor, today: date) -> TeamWork:
    """The people of the units in reach who look after customers or have lines. Five queries whatever their number.

    For an actor who sees the whole institution only the `MOST_PEOPLE` with the most overdue lines.
    """
    lines = _lines_of_team(actor)
    open_now = _open_lines(lines, today)
    team = list(open_now)[:MOST_PEOPLE] if actor.everywhere else _team(actor)
    portfolios = _portfolios(Party.objects.visible_to(actor), team, today)
    people = (
        Employee.objects.visible_to(actor)
        .select_related("unit")
        .in_bulk(list(portfolios) if actor.everywhere else list(portfolios | open_now))
    )
    closed = lines.filter(
        employee__in=list(people), state__in=CLOSED, closed_at__gte=_days_ago(today, SPAN_DAYS - 1)
    )
    done: Counter[int] = Counter()
    done_today: Counter[int] = Counter()
    useless: dict[int, Counter[str]] = defaultdict(Counter)
    by_rule: dict[str, tuple[int, int]] = {}
    today_only = Q(closed_at__gte=_days_ago(today, 0))
    for employee, state, because, rule, count, count_today in (
        closed.values("employee", "state", "useless_because", "rule")
        .annotate(count=Count("pk"), count_today=Count("pk", filter=today_only))
        .order_by()
        .values_list("employee", "state", "useless_because", "rule", "count", "count_today")
    ):
        wrong, all_ = by_rule.get(rule, (0, 0))
        if state == WorkItem.State.DONE:
            done[employee] += count
            done_today[employee] += count_today
            by_rule[rule] = wrong, all_ + count
        else:
            useless[employee][because] += count
            by_rule[rule] = wrong + count, all_ + count
    table = [
        PersonWork(
            person,
            **open_now.get(pk, {"open": 0, "overdue": 0, "waiting": 0}),
            done_today=done_today[pk],
            done=done[pk],
            useless=useless[pk],
            **portfolios.get(pk, {"customers": 0, "periods": 0, "in_touch": 0}),
        )
        for pk, person in people.items()
    ]
    table.sort(key=lambda each: (-each.overdue, -each.open, each.employee.pk))
    return TeamWork(table, by_rule)


def team_members(actor: Actor) -> QuerySet[Employee]:
    """Who may work lines off today, by a position in the units of the actor's reach."""
    roles = [role for role, rights in RIGHTS.items() if "activities.work" in rights.permissions]
    seats = Appointment.objects.visible_to(actor).filter(
        during__contains=clock.today(), position__role__in=roles
    )
    if not actor.everywhere:
        seats = seats.filter(position__unit__in=actor.units)
    return (
        Employee.objects.visible_to(actor)
        .filter(pk__in=seats.values("employee"), left_on=None)
        .select_related("unit")
        .order_by("unit__path", "code")
    )


def lines_to_hand_over(actor: Actor, giver: Employee) -> list[WorkItem]:
    """The open lines of one person in the actor's sight, the next first, waiting ones too."""
    lines = WorkItem.objects.visible_to(actor).filter(employee=giver.pk, state=WorkItem.State.OPEN)
    return list(lines.select_related("party").order_by("plan_on", "pk")[:MOST_LINES])


def given_with(actor: Actor, handing: Handing) -> list[Handing]:
    """Every line that was handed over with it, of those the actor may see."""
    together = Handing.objects.visible_to(actor).filter(batch=handing.batch)
    return list(
        together.select_related(
            "item__party", "item__employee", "giver", "receiver", "by"
        ).order_by("item__plan_on", "pk")
    )


def _team(actor: Actor) -> list[int]:
    """The people who work in the units of the actor's reach."""
    return list(
        Employee.objects.visible_to(actor).filter(unit__in=actor.units).values_list("pk", flat=True)
    )


def _lines_of_team(actor: Actor) -> QuerySet[WorkItem]:
    """Their lines the actor may see. By people first: their customers alone are a scan of everybody's."""
    lines = WorkItem.objects.visible_to(actor)
    return lines if actor.everywhere else lines.filter(employee__in=_team(actor))


def _open_lines(lines: QuerySet[WorkItem], today: date) -> dict[int, dict[str, int]]:
    """Employee → how many lines are on the list, of those overdue, and how many wait; the most overdue first."""
    now = on_the_list(today)
    rows = (
        lines.filter(state=WorkItem.State.OPEN)
        .values("employee")
        .annotate(
            open=Count("pk", filter=now),
            overdue=Count("pk", filter=now & Q(plan_on__lt=today)),
            waiting=Count("pk", filter=~now),
        )
        .order_by("-overdue", "-open", "employee")
    )
    return {
        each["employee"]: {key: each[key] for key in ("open", "overdue", "waiting")}
        for each in rows
    }


def _portfolios(
    parties: QuerySet[Party], team: list[int], today: date
) -> dict[int, dict[str, int]]:
    """Employee → customers, those with a contact period, and of these those contacted within it."""
    period = Q(standing__contact_every_days__isnull=False)
    every = F("standing__contact_every_days")
    since = ExpressionWrapper(Value(today, DateField()) - every, DateField())
    rows = (
        parties.filter(
            assignments__role=Assignment.Role.MAIN,
            assignments__during__contains=today,
            assignments__employee__in=team,
        )
        .values("assignments__employee")
        .annotate(
            customers=Count("pk"),
            periods=Count("pk", filter=period),
            in_touch=Count("pk", filter=period & Q(standing__last_contact_on__gte=since)),
        )
        .order_by()
    )
    return {
        each["assignments__employee"]: {
            key: each[key] for key in ("customers", "periods", "in_touch")
        }
        for each in rows
    }


@dataclass(frozen=True)
class DayCount:
    on: date
    found: int
    done: int
    dismissed: int


def days_of_work(actor: Actor, today: date) -> list[DayCount]:
    """Lines found and closed by day, the last fourteen days, of everybody in reach. Two queries."""
    first = today - timedelta(days=CHART_DAYS - 1)
    lines = _lines_of_team(actor)
    found = dict(
        lines.filter(found_on__range=(first, today))
        .values_list("found_on")
        .annotate(Count("pk"))
        .order_by()
    )
    closed: dict[tuple[date, str], int] = {
        (on, state): count
        for on, state, count in lines.filter(
            state__in=CLOSED, closed_at__gte=_days_ago(today, CHART_DAYS - 1)
        )
        .annotate(on=TruncDate("closed_at", tzinfo=clock.BUSINESS_ZONE))
        .values_list("on", "state")
        .annotate(Count("pk"))
        .order_by()
    }
    days = [first + timedelta(days=n) for n in range(CHART_DAYS)]
    return [
        DayCount(
            on,
            found.get(on, 0),
            closed.get((on, WorkItem.State.DONE), 0),
            closed.get((on, WorkItem.State.DISMISSED), 0),
        )
        for on in days
    ]


def person_in_scope(actor: Actor, public_id: UUID) -> Employee | None:
    """The person of that id when the actor may look at their list: themselves, or somebody with customers or
    lines in reach."""
    person = Employee.objects.visible_to(actor).filter(public_id=public_id).first()
    if person is None or person.pk == actor.employee_id:
        return person
    if not (actor.units or actor.everywhere):
        return None
    in_reach = (
        Assignment.objects.visible_to(actor)
        .filter(employee=person, during__contains=clock.today())
        .exists()
        or WorkItem.objects.visible_to(actor)
        .filter(employee=person, state=WorkItem.State.OPEN)
        .exists()
    )
    return person if in_reach else None


def _days_ago(today: date, days: int) -> datetime:
    """When that business day began."""
    return datetime.combine(today - timedelta(days=days), time.min, tzinfo=clock.BUSINESS_ZONE)
