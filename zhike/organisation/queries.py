"""Reads over units, people and positions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce
from operator import or_

from django.db.backends.postgresql.psycopg_any import DateRange
from django.db.models import Count, Exists, OuterRef, Prefetch, Q, QuerySet

from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.organisation import rules
from zhike.organisation.models import Appointment, Employee, Role, Team, TeamMember, Unit, User


def units_at_or_below(units: Iterable[Unit]) -> QuerySet[Unit]:
    """The units themselves and everything under them."""
    paths = [Q(path__startswith=unit.path) for unit in units]
    return Unit.objects.filter(reduce(or_, paths)) if paths else Unit.objects.none()


other_duties: list[Callable[[Employee, DateRange], set[str]]] = []
"""What a room above lets somebody do beside their positions, on a day of the range: roles and single actions."""


def duties_of(employee: Employee, during: DateRange) -> set[str]:
    """Every role, and every single action, that somebody holds on a day of the range."""
    positions = Appointment.objects.filter(employee=employee, during__overlap=during)
    found = set(positions.values_list("position__role", flat=True))
    if TeamMember.objects.filter(employee=employee, leads=True, during__overlap=during).exists():
        found.add(Role.TEAM_LEAD.value)
    return found.union(*(each(employee, during) for each in other_duties))


def appointments_of(actor: Actor, employee: Employee) -> QuerySet[Appointment]:
    """Every position the employee held, holds or will hold, the latest first."""
    return (
        Appointment.objects.visible_to(actor)
        .filter(employee=employee, during__isempty=False)
        .select_related("position__unit")
        .order_by("-during", "pk")
    )


def units_below(actor: Actor, unit: Unit | None) -> QuerySet[Unit]:
    """The units right below one (the roots for None), each with `people` and `has_more` (below it)."""
    below = Unit.objects.filter(parent=OuterRef("pk"))
    staff = Count("employees", filter=Q(employees__left_on__isnull=True))
    return (
        Unit.objects.visible_to(actor)
        .filter(parent=unit)
        .annotate(people=staff, has_more=Exists(below))
        .order_by("code")
    )


def units_above(actor: Actor, unit: Unit) -> QuerySet[Unit]:
    """From the root down to the unit's parent."""
    above = [int(part) for part in unit.path.strip("/").split("/")[:-1]]
    return Unit.objects.visible_to(actor).filter(pk__in=above).order_by("path")


@dataclass(frozen=True)
class Seat:
    """Somebody in a unit, with the titles of the positions they hold there; none for a helping hand."""

    employee: Employee
    titles: tuple[str, ...]


def people_listed(actor: Actor, rows: QuerySet[Employee]) -> QuerySet[Employee]:
    """Employees with their unit, `seats` (the appointments of today) and `may_sign_in`, a read each.

    `may_sign_in` is False for everybody where the actor may not read logins.
    """
    today = Appointment.objects.visible_to(actor).filter(during__contains=clock.today())
    seats = today.select_related("position").order_by("position__role", "position__title")
    logins = User.objects.visible_to(actor).filter(employee=OuterRef("pk"), is_active=True)
    return (
        rows.select_related("unit")
        .prefetch_related(Prefetch("appointments", seats, to_attr="seats"))
        .annotate(may_sign_in=Exists(logins))
    )


def people_named(rows: QuerySet[Employee], text: str) -> QuerySet[Employee]:
    """Those whose name holds `text` or reads like it in pinyin, or whose code begins with it."""
    named = Q(name__icontains=text) | Q(code__istartswith=text)
    if reads := rules.reading(text):
        named |= Q(name__regex=reads)
    return rows.filter(named)


def teams(actor: Actor) -> QuerySet[Team]:
    """Every team by name, with `today`: who is of it, who leads it first. Two queries."""
    today = TeamMember.objects.visible_to(actor).filter(during__contains=clock.today())
    members = today.select_related("employee__unit").order_by("-leads", "employee__code")
    return (
        Team.objects.visible_to(actor)
        .prefetch_related(Prefetch("members", members, to_attr="today"))
        .order_by("name")
    )


def members_of(actor: Actor, team: Team) -> QuerySet[TeamMember]:
    """Who is, was or will be of the team, who leads it first, then the latest."""
    rows = TeamMember.objects.visible_to(actor).filter(team=team, during__isempty=False)
    return rows.select_related("employee__unit").order_by("-leads", "-during", "pk")


def teams_of(actor: Actor, employee: Employee) -> QuerySet[TeamMember]:
    """The teams the employee was, is or will be of, the latest first."""
    rows = TeamMember.objects.visible_to(actor).filter(employee=employee, during__isempty=False)
    return rows.select_related("team").order_by("-during", "pk")


def people_in(actor: Actor, unit: Unit) -> list[Seat]:
    """Who holds a position in the unit today, and whom it employs without one. Two queries."""
    seated: dict[Employee, list[str]] = {}
    appointments = (
        Appointment.objects.visible_to(actor)
        .filter(position__unit=unit, during__contains=clock.today())
        .select_related("employee", "position")
        .order_by("position__role", "employee__code")
    )
    for each in appointments:
        seated.setdefault(each.employee, []).append(each.position.title)
    others = Employee.objects.visible_to(actor).filter(unit=unit, left_on__isnull=True)
    for employee in others.exclude(pk__in=[each.pk for each in seated]).order_by("code"):
        seated[employee] = []
    return [Seat(employee, tuple(titles)) for employee, titles in seated.items()]
