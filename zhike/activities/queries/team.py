"""How the people in reach are doing with their lists."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import TypeVar
from uuid import UUID

from django.db.models import Count, DateField, ExpressionWrapper, F, Model, Q, QuerySet, Value
from django.db.models.functions import TruncDate

from zhike.access.roles import RIGHTS
from zhike.activities.models import Handing, WorkItem
from zhike.activities.queries.lists import on_the_list
from zhike.customers.models import Assignment, Party
from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.organisation.models import Appointment, Employee
from zhike.ui.mirrors import mirrored

M = TypeVar("M", bound=Model)

SPAN_DAYS = 7
"""How far back "lately" reaches: a week, whatever day of it today is."""
CHART_DAYS = 14
MOST_PEOPLE = 200
MOST_LINES = 200
"""Lines that are handed over at once from the team's page; the list of work takes any number as a job."""
NOW, PORTFOLIO = ("open", "overdue", "waiting"), ("customers", "periods", "in_touch")
USELESS = dict(WorkItem.Useless.choices)
NOTHING: Counter[str] = Counter()
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
        counts = sorted(self.useless.items(), key=lambda each: -each[1])
        return [(str(USELESS.get(because, because)), count) for because, count in counts]

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
    """The people of the units in reach who look after customers or have lines. Seven queries whatever their number.

    For an actor who sees the whole institution only the `MOST_PEOPLE` with the most overdue lines.
    """
    team = None if actor.everywhere else _team(actor)
    lines = _lines_of(team, actor)
    open_now = _open_lines(lines, today)
    if team is None:
        team = list(open_now)[:MOST_PEOPLE]
    portfolios = _portfolios(actor, team, today)
    people = (
        Employee.objects.visible_to(actor)
        .select_related("unit")
        .in_bulk(list(portfolios) if actor.everywhere else list(portfolios | open_now))
    )
    closed = WorkItem.objects.visible_to(actor).filter(
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
            **{key: open_now.get(pk, NOTHING)[key] for key in NOW},
            done_today=done_today[pk],
            done=done[pk],
            useless=useless[pk],
            **{
                key: portfolios.get(pk, NOTHING)[key]
                for key in ("customers", "periods", "in_touch")
            },
        )
        for pk, person in people.items()
    ]
    table.sort(key=lambda each: (-each.overdue, -each.open, each.employee.pk))
    return TeamWork(table, by_rule)


def team_members(actor: Actor) -> QuerySet[Employee]:
    """Who may work lines off today, by a position in the units of the actor's reach or in a team they lead."""
    roles = [role for role, rights in RIGHTS.items() if "activities.work" in rights.permissions]
    seats = Appointment.objects.visible_to(actor).filter(
        during__contains=clock.today(), position__role__in=roles
    )
    if not actor.everywhere:
        seats = seats.filter(Q(position__unit__in=actor.units) | Q(employee__in=actor.people))
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
    """The people who work in the units of the actor's reach, and those of a team they lead."""
    theirs = Q(unit__in=actor.units) | Q(pk__in=actor.people)
    return list(Employee.objects.visible_to(actor).filter(theirs).values_list("pk", flat=True))


def _seen(actor: Actor, model: type[M]) -> list[QuerySet[M]]:
    """What the actor may see in parts that have no row in common, one a door.

    By index a door is answered from what lies behind it; one OR the other from everybody's customers.
    """
    parts: list[QuerySet[M]] = []
    before: list[Q] = []
    for door, rows in model.objects.visible_through(actor):  # type: ignore[attr-defined]
        parts.append(rows.filter(*(~each for each in before)))
        before.append(door)
    return parts


def _lines_of(team: list[int] | None, actor: Actor) -> list[QuerySet[WorkItem]]:
    """The lines of these people, or of everybody, that the actor may see, in parts."""
    parts = _seen(actor, WorkItem)
    return parts if team is None else [rows.filter(employee__in=team) for rows in parts]


def _open_lines(parts: list[QuerySet[WorkItem]], today: date) -> dict[int, Counter[str]]:
    """Employee → how many lines are on the list, of those overdue, and how many wait; the most overdue first."""
    now = on_the_list(today)
    found: dict[int, Counter[str]] = defaultdict(Counter)
    for lines in parts:
        for each in (
            lines.filter(state=WorkItem.State.OPEN)
            .values("employee")
            .annotate(
                open=Count("pk", filter=now),
                overdue=Count("pk", filter=now & Q(plan_on__lt=today)),
                waiting=Count("pk", filter=~now),
            )
        ):
            found[each["employee"]] += Counter(
                open=each["open"], overdue=each["overdue"], waiting=each["waiting"]
            )
    worst = sorted(found.items(), key=lambda each: (-each[1]["overdue"], -each[1]["open"], each[0]))
    return dict(worst)


def _portfolios(actor: Actor, team: list[int], today: date) -> dict[int, Counter[str]]:
    """Employee → customers, those with a contact period, and of these those contacted within it."""
    period = Q(standing__contact_every_days__isnull=False)
    every = F("standing__contact_every_days")
    since = ExpressionWrapper(Value(today, DateField()) - every, DateField())
    found: dict[int, Counter[str]] = defaultdict(Counter)
    for parties in _seen(actor, Party):
        rows = (
            parties.filter(
                assignments__role=Assignment.Role.MAIN,
                assignments__during__contains=today,
                assignments__employee__in=team,
            )
            .values(employee=F("assignments__employee"))
            .annotate(
                customers=Count("pk"),
                periods=Count("pk", filter=period),
                in_touch=Count("pk", filter=period & Q(standing__last_contact_on__gte=since)),
            )
            .order_by()
        )
        for each in mirrored(rows):
            found[each["employee"]].update({key: each[key] for key in PORTFOLIO})
    return found


@dataclass(frozen=True)
class DayCount:
    on: date
    found: int
    done: int
    dismissed: int


def days_of_work(actor: Actor, today: date) -> list[DayCount]:
    """Lines found and closed by day, the last fourteen days, of everybody in reach. Five queries."""
    first = today - timedelta(days=CHART_DAYS - 1)
    found: Counter[date] = Counter()
    closed: Counter[tuple[date, str]] = Counter()
    for lines in _lines_of(None if actor.everywhere else _team(actor), actor):
        for on, count in (
            lines.filter(found_on__range=(first, today))
            .values_list("found_on")
            .annotate(Count("pk"))
            .order_by()
        ):
            found[on] += count
        for on, state, count in (
            lines.filter(state__in=CLOSED, closed_at__gte=_days_ago(today, CHART_DAYS - 1))
            .annotate(on=TruncDate("closed_at", tzinfo=clock.BUSINESS_ZONE))
            .values_list("on", "state")
            .annotate(Count("pk"))
            .order_by()
        ):
            closed[on, state] += count
    days = [first + timedelta(days=n) for n in range(CHART_DAYS)]
    return [
        DayCount(
            on,
            found[on],
            closed[on, WorkItem.State.DONE],
            closed[on, WorkItem.State.DISMISSED],
        )
        for on in days
    ]


def person_in_scope(actor: Actor, public_id: UUID) -> Employee | None:
    """The person of that id when the actor may look at their list: themselves, or somebody with customers or
    lines in reach."""
    person = Employee.objects.visible_to(actor).filter(public_id=public_id).first()
    if person is None or person.pk == actor.employee_id:
        return person
    if not (actor.units or actor.people or actor.everywhere):
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
