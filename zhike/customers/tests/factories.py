"""Invented customers and their people, made through the services that make real ones."""

from __future__ import annotations

from itertools import count

from django.test import Client

from zhike.access.queries import actor_for
from zhike.customers.models import Assignment, Party
from zhike.customers.names import search_tokens, sort_key
from zhike.kernel import clock
from zhike.kernel.actor import Actor, system
from zhike.organisation.models import Employee, Role, Team, Unit, User
from zhike.organisation.services import (
    appoint,
    give_login,
    hire,
    join_team,
    open_team,
    open_unit,
)

SYSTEM = system("test")
PASSWORD = "a-long-enough-passphrase"
_numbers = count(1)


def unit(name: str = "城东支行", *, parent: Unit | None = None, kind: str = "outlet") -> Unit:
    return open_unit(actor=SYSTEM, code=f"U{next(_numbers)}", name=name, kind=kind, parent=parent)


def employee_with_role(role: str = Role.CUSTOMER_MANAGER, unit: Unit | None = None) -> Employee:
    """An employee seated in a position of `role` since long ago, with a login."""
    number = next(_numbers)
    place = unit or globals()["unit"]()
    employee = hire(actor=SYSTEM, code=f"E{number}", name=f"员工{number}", unit=place)
    appoint(
        actor=SYSTEM,
        employee=employee,
        unit=place,
        role=role,
        title=f"岗位{number}",
        since=clock.today().replace(year=2000, day=1),
    )
    give_login(actor=SYSTEM, employee=employee, login=f"user{number}", password=PASSWORD)
    return employee


def actor_of(employee: Employee) -> Actor:
    """The actor the employee is on a page."""
    return actor_for(User.objects.get(employee=employee), origin="test")


def actor_with_role(role: str = Role.CUSTOMER_MANAGER, unit: Unit | None = None) -> Actor:
    return actor_of(employee_with_role(role, unit))


def signed_in_client(role: str = Role.CUSTOMER_MANAGER, unit: Unit | None = None) -> Client:
    """A browser signed in as a new employee of that role; `client.employee` and `client.actor` say as whom."""
    return client_of(employee_with_role(role, unit))


def client_of(employee: Employee) -> Client:
    client = Client()
    client.force_login(User.objects.get(employee=employee))
    client.employee = employee  # type: ignore[attr-defined]
    client.actor = actor_of(employee)  # type: ignore[attr-defined]
    return client


def party(
    name: str = "张伟明",
    *,
    unit: Unit | None = None,
    kind: str = Party.Kind.PERSON,
    manager: Employee | None = None,
    **fields: object,
) -> Party:
    """A customer, looked after by `manager` when one is given."""
    person = kind == Party.Kind.PERSON
    defaults: dict[str, object] = {
        "type": Party.Type.INDIVIDUAL if person else Party.Type.COMPANY,
        "since_on": clock.today().replace(year=2020, day=1),
        "sample": True,
    }
    made: Party = Party.objects.create(
        kind=kind,
        name=name,
        name_key=sort_key(name, person=person),
        search_tokens=search_tokens(name, person=person),
        unit=unit or globals()["unit"](),
        **(defaults | fields),
    )
    if manager is not None:
        Assignment.objects.create(
            party=made, employee=manager, during=(clock.today().replace(year=2021, day=1), None)
        )
    return made


def person(name: str = "张伟明", **fields: object) -> Party:
    return party(name, kind=Party.Kind.PERSON, **fields)  # type: ignore[arg-type]


def organisation(name: str = "青禾农机有限公司", **fields: object) -> Party:
    return party(name, kind=Party.Kind.ORGANISATION, **fields)  # type: ignore[arg-type]


def team_of(lead: Employee, *members: Employee) -> Team:
    """A team of these, led by the first."""
    team = open_team(actor=SYSTEM, name=f"银团{lead.pk}")
    for each in (lead, *members):
        join_team(actor=SYSTEM, team=team, employee=each, leads=each == lead)
    return team
