"""Invented people with a role and, where a test signs in, a password."""

from __future__ import annotations

from datetime import date
from itertools import count

from django.test import Client

from zhike.kernel.actor import system
from zhike.organisation.models import Unit, User
from zhike.organisation.services import appoint, give_login, hire, open_unit

SYSTEM = system("test")
PASSWORD = "a-long-enough-passphrase"
_numbers = count(1)


def unit(parent: Unit | None = None) -> Unit:
    number = next(_numbers)
    return open_unit(
        actor=SYSTEM, code=f"u{number}", name=f"网点{number}", kind="outlet", parent=parent
    )


def user(*roles: str, place: Unit | None = None, password: str = "") -> User:
    """A user whose employee holds these roles in one unit since long ago."""
    number = next(_numbers)
    place = place or unit()
    employee = hire(actor=SYSTEM, code=f"e{number}", name=f"员工{number}", unit=place)
    for role in roles:
        appoint(
            actor=SYSTEM,
            employee=employee,
            unit=place,
            role=role,
            title=f"岗位{role}",
            since=date(2000, 1, 1),
        )
    if password:
        return give_login(actor=SYSTEM, employee=employee, login=f"user{number}", password=password)
    # A hash costs more than the rest of a test.
    made: User = User.objects.create(login=f"user{number}", employee=employee)
    return made


def client_of(who: User) -> Client:
    client = Client()
    client.force_login(who)
    return client
