"""Invented units and people, made through the services that make real ones."""

from __future__ import annotations

from datetime import date
from itertools import count

from django.test import Client

from zhike.kernel.actor import Actor, system
from zhike.organisation.models import Employee, Role, Unit, User
from zhike.organisation.services import appoint, hire, open_unit

SYSTEM = system("test")
LONG_AGO = date(2000, 1, 1)
_numbers = count(1)


def unit(parent: Unit | None = None, name: str = "", kind: str = "outlet") -> Unit:
    number = next(_numbers)
    return open_unit(
        actor=SYSTEM, code=f"u{number}", name=name or f"网点{number}", kind=kind, parent=parent
    )


def employee(
    role: str | None = None, place: Unit | None = None, since: date = LONG_AGO
) -> Employee:
    """Somebody with a login (without a password: a hash is dear), seated when a role is given."""
    number = next(_numbers)
    place = place or unit()
    made = hire(actor=SYSTEM, code=f"e{number}", name=f"员工{number}", unit=place)
    if role:
        appoint(actor=SYSTEM, employee=made, unit=place, role=role, title="岗位", since=since)
    User.objects.create(login=f"user{number}", employee=made)
    return made


def administrator(place: Unit | None = None) -> Actor:
    """The actor of a system administrator, without asking the room above to work it out."""
    who = employee(Role.SYSTEM_ADMINISTRATOR, place)
    return Actor(
        user_id=who.user.pk,
        employee_id=who.pk,
        name=who.name,
        roles=frozenset({Role.SYSTEM_ADMINISTRATOR}),
        permissions=frozenset({"account.use", "organisation.view", "organisation.administer"}),
    )


def onlooker() -> Actor:
    """Somebody who may look at units and people and change nothing."""
    who = employee(Role.CUSTOMER_MANAGER)
    return Actor(
        user_id=who.user.pk,
        employee_id=who.pk,
        name=who.name,
        roles=frozenset({Role.CUSTOMER_MANAGER}),
        permissions=frozenset({"account.use", "organisation.view"}),
    )


def client_of(who: Employee) -> Client:
    client = Client()
    client.force_login(who.user)
    return client
