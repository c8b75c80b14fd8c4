"""Whose position ends may nothing from the next request on: page, token, job, event stream."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from time import perf_counter
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from zhike.access.queries import actor_for, actor_of_token
from zhike.access.services import give_right, make_token, take_right_back
from zhike.config import asgi
from zhike.customers.tests import factories
from zhike.desk.services.notices import CHANNEL
from zhike.kernel import clock
from zhike.kernel.actor import Actor, system
from zhike.organisation.models import Appointment, Role, User
from zhike.organisation.services import (
    appoint,
    end_appointment,
    join_team,
    leave_team,
    open_team,
    reset_password,
)
from zhike.organisation.tests.factories import client_of, employee

ADMIN = system("test")


def told(raw: Any) -> list[dict[str, Any]]:
    return [json.loads(each.payload) for each in raw.notifies(timeout=1, stop_after=1)]


def listening() -> Any:
    connection.ensure_connection()
    with connection.cursor() as cursor:
        cursor.execute(f"LISTEN {CHANNEL}")
    return connection.connection


def by_token(secret: str) -> int:
    headers = {"HTTP_AUTHORIZATION": f"Bearer {secret}"}
    return Client().get("/api/customers/", **headers).status_code  # type: ignore[arg-type]


def exports(client: Client) -> bool:
    answer: Any = client.get("/customers/export/")
    if answer.streaming:
        assert b"".join(answer.streaming_content)
    return bool(answer.status_code == 200)


def end_all(who: Any) -> None:
    for each in Appointment.objects.filter(employee=who):
        end_appointment(actor=ADMIN, appointment=each, on=clock.today(), reason="调离")


@pytest.mark.django_db(transaction=True)
def test_a_position_that_ends_ends_every_channel() -> None:
    who = employee(Role.CUSTOMER_MANAGER)
    client = client_of(who)
    key = client.session.session_key or ""
    actor: Actor = actor_for(who.user)
    _token, secret = make_token(actor=actor, name="表", permissions=["customers.view"], days=7)
    assert client.get("/customers/").status_code == 200
    assert by_token(secret) == 200
    assert asgi._reader(key) == who.user.pk
    raw = listening()
    end_all(who)
    assert told(raw)[0] == {"user": who.user.pk, "event": "signed-out", "data": {}}
    assert client.get("/customers/").status_code == 302
    assert by_token(secret) == 401
    assert asgi._reader(key) is None
    assert not actor_for(User.objects.get(pk=who.user.pk)).may("account.use")


@pytest.mark.django_db
def test_another_position_is_another_s_rights_at_once() -> None:
    who = employee(Role.BRANCH_HEAD)
    client = client_of(who)
    assert client.get("/imports/").status_code == 200
    appoint(actor=ADMIN, employee=who, unit=who.unit, role=Role.TELLER, title="柜员")
    first = Appointment.objects.filter(employee=who).order_by("pk").first()
    assert first is not None
    end_appointment(actor=ADMIN, appointment=first, on=clock.today(), reason="调离")
    assert client.get("/imports/").status_code == 403
    assert client.get("/customers/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_right_taken_back_is_gone_within_a_second_on_every_channel() -> None:
    """A grant, and the lead of a team: page, export, token, event stream (G-04)."""
    who, member = employee(Role.TELLER), employee(Role.CUSTOMER_MANAGER)
    theirs = factories.person(manager=member)
    until = clock.today() + timedelta(days=7)
    grant = give_right(
        actor=ADMIN, employee=who, what=Role.BRANCH_HEAD, where=who.unit, until=until, reason="代班"
    )
    team = open_team(actor=ADMIN, name="银团")
    lead, _member = (
        join_team(actor=ADMIN, team=team, employee=each, leads=each == who)
        for each in (who, member)
    )
    client = client_of(who)
    actor = actor_for(who.user)
    _token, secret = make_token(actor=actor, name="表", permissions=["customers.assign"], days=7)
    asked: dict[str, Callable[[], bool]] = {
        "page of a role": lambda: client.get("/imports/").status_code == 200,
        "export": lambda: exports(client),
        "job": lambda: bool(actor_for(User.objects.get(pk=who.user.pk)).may("customers.export")),
        "token": lambda: bool(actor_of_token(secret)[0].may("customers.assign")),
    }
    of_team = f"/customers/{theirs.public_id}/"
    assert [name for name, may in asked.items() if not may()] == []
    assert client.get(of_team).status_code == 200
    raw = listening()
    leave_team(actor=ADMIN, member=lead, on=clock.today(), reason="调离")
    assert told(raw)[0] == {"user": who.user.pk, "event": "signed-out", "data": {}}
    assert client.get(of_team).status_code == 404
    began = perf_counter()
    take_right_back(actor=ADMIN, grant=grant, reason="不再需要")
    assert told(raw)[0] == {"user": who.user.pk, "event": "signed-out", "data": {}}
    assert [name for name, may in asked.items() if may()] == []
    assert perf_counter() - began < 1
    # What the position gives stays.
    assert client.get("/customers/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_another_password_ends_sessions_and_streams() -> None:
    who = employee(Role.TELLER)
    client = client_of(who)
    key = client.session.session_key or ""
    assert asgi._reader(key) == who.user.pk
    raw = listening()
    reset_password(actor=ADMIN, user=who.user, password="another-long-passphrase")
    assert told(raw)[0] == {"user": who.user.pk, "event": "signed-out", "data": {}}
    assert client.get("/me/").status_code == 302
    assert asgi._reader(key) is None
