"""An invented bank of two outlets with people and customers, made through the services that make real ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from typing import Any

from django.test import Client

from zhike.access.queries import actor_for
from zhike.activities.models import WorkItem
from zhike.activities.services import Found
from zhike.customers.models import Assignment, Party
from zhike.kernel import clock
from zhike.kernel.actor import Actor, system
from zhike.organisation.models import Employee, Role, Unit, User
from zhike.organisation.services import appoint, hire, open_unit

SYSTEM = system("test")
_numbers = count(1)


@dataclass(frozen=True)
class Person:
    employee: Employee
    user: User

    @property
    def actor(self) -> Actor:
        return actor_for(self.user, "test")

    @property
    def client(self) -> Client:
        client = Client()
        client.force_login(self.user)
        return client


def unit(parent: Unit | None = None) -> Unit:
    number = next(_numbers)
    return open_unit(
        actor=SYSTEM, code=f"u{number}", name=f"网点{number}", kind="outlet", parent=parent
    )


def person(role: str | None = Role.CUSTOMER_MANAGER, place: Unit | None = None) -> Person:
    """Somebody with a login; without a role they hold no position."""
    number = next(_numbers)
    place = place or unit()
    employee = hire(actor=SYSTEM, code=f"e{number}", name=f"员工{number}", unit=place)
    if role:
        appoint(
            actor=SYSTEM,
            employee=employee,
            unit=place,
            role=role,
            title=f"岗位{number}",
            since=date(2000, 1, 1),
        )
    # Without a password: a hash costs more than the rest of a test.
    user = User.objects.create(login=f"user{number}", employee=employee)
    return Person(employee, user)


def party(manager: Person | None = None, place: Unit | None = None, name: str = "") -> Party:
    made: Party = Party.objects.create(
        kind=Party.Kind.PERSON,
        type=Party.Type.INDIVIDUAL,
        name=name or f"客户{next(_numbers)}",
        unit=place or (manager.employee.unit if manager else unit()),
        sample=True,
    )
    if manager is not None:
        Assignment.objects.create(
            party=made, employee=manager.employee, during=(date(2000, 1, 1), None)
        )
    return made


def found(party: Party, rule: str = "birthday", **fields: Any) -> Found:
    today = clock.today()
    defaults: dict[str, Any] = {
        "priority": 50,
        "due_on": today,
        "figures": {"on": today.isoformat()},
    }
    return Found(party_id=party.pk, rule=rule, **(defaults | fields))


def item(manager: Person, party_: Party | None = None, **fields: Any) -> WorkItem:
    """An open line on the manager's list, due in `days` (today)."""
    today = clock.today()
    days = fields.pop("days", 0)
    defaults: dict[str, Any] = {
        "rule": "birthday",
        "due_on": today + timedelta(days=days),
        "found_on": today,
        "figures": {"on": today.isoformat()},
    }
    made: WorkItem = WorkItem.objects.create(
        party=party_ or party(manager), employee=manager.employee, **(defaults | fields)
    )
    return made
