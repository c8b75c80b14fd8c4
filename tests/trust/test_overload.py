"""G-32: ten times more requests than places, of real pages and writes; who is told to come again lost nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.test import RequestFactory

from zhike.access.queries import actor_for
from zhike.access.services import make_token
from zhike.config.door import Door
from zhike.customers.models import Party, TimelineEntry
from zhike.customers.tests.factories import client_of, employee_with_role, party

THREADS, WAITING, TIMES = 2, 4, 10
SITE = "localhost"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


class Site:
    """The site as a server runs it; its connections are closed, for the database of the tests goes away."""

    def __init__(self) -> None:
        self.whole = get_wsgi_application()

    def __call__(self, environ: dict[str, Any], start: Any) -> list[bytes]:
        answer = self.whole(environ, start)
        try:
            return list(answer)
        finally:
            answer.close()
            connection.close()


def ask(door: Door, method: str, path: str, data: Any = None, **headers: Any) -> Answer:
    factory = RequestFactory(SERVER_NAME=SITE)
    body = json.dumps(data) if data else ""
    request = factory.generic(method, path, body, "application/json", **headers)
    told: list[Any] = []
    content = b"".join(
        door(request.environ, lambda status, found, error=None: told.append((status, found)))
    )
    status, found = told[-1]
    return Answer(int(status[:3]), dict(found), content)


@pytest.mark.django_db(transaction=True)
def test_ten_times_too_much_is_told_to_come_again(
    record_property: Callable[[str, object], None],
) -> None:
    manager = employee_with_role()
    customer: Party = party(manager=manager, unit=manager.unit)
    cookie = f"{django_settings.SESSION_COOKIE_NAME}={client_of(manager).session.session_key}"
    _token, secret = make_token(
        actor=actor_for(manager.user),
        name="表",
        permissions=["customers.view", "customers.edit"],
        days=7,
    )
    bearer = f"Bearer {secret}"
    door = Door(Site(), threads=THREADS, waiting=WAITING)
    count = (THREADS + WAITING) * TIMES

    def one(number: int) -> Answer:
        if number % 2:
            return ask(door, "GET", f"/customers/{customer.public_id}/", HTTP_COOKIE=cookie)
        return ask(
            door,
            "POST",
            f"/api/customers/{customer.public_id}/contacts",
            {"channel": "phone", "title": "回电", "body": str(number)},
            HTTP_AUTHORIZATION=bearer,
        )

    with ThreadPoolExecutor(count) as readers:
        told = [readers.submit(one, number) for number in range(count)]
        signing_in = ask(door, "GET", "/sign-in/")
        answers = [each.result(timeout=60) for each in told]
    assert signing_in.status == 200
    served = [each for each in answers if each.status in (200, 201)]
    busy = [each for each in answers if each.status == 503]
    assert len(served) + len(busy) == count, {each.status for each in answers}
    assert len(served) >= THREADS + WAITING
    assert len(busy) >= count // 4
    assert {each.headers["Retry-After"] for each in busy} == {"5"}
    assert all(
        "Nothing was saved" in each.body.decode() or b"way_out" in each.body for each in busy
    )
    # What was answered is there once, what was not is not there.
    notes = sum(each.status == 201 for each in answers[::2])
    assert TimelineEntry.objects.filter(party=customer, kind="contact").count() == notes
    began = perf_counter()
    assert one(1).status == 200
    record_property("seconds", perf_counter() - began)
    record_property("asked", count)
    record_property("refused", len(busy))
