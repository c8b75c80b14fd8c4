"""Whose position ends may nothing from the next request on: page, token, job, event stream."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from zhike.access.queries import actor_for
from zhike.access.services import make_token
from zhike.config import asgi
from zhike.desk.services.notices import CHANNEL
from zhike.kernel import clock
from zhike.kernel.actor import Actor, system
from zhike.organisation.models import Appointment, Role, User
from zhike.organisation.services import appoint, end_appointment, reset_password
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
