"""Who may hear the events, from which page, and what they carry. The stream itself runs in tests/browser."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest
from django.db import connection

from zhike.access.queries import actor_for
from zhike.config import asgi
from zhike.desk.services.notices import CHANNEL, notify
from zhike.kernel.actor import system
from zhike.organisation.models import Role
from zhike.organisation.services import close_login
from zhike.organisation.tests.factories import client_of, employee

HOST = (b"host", b"127.0.0.1:8001")
T = TypeVar("T")


def outcome(of: Coroutine[Any, Any, T]) -> T:
    """Run in a thread, for a browser's loop may run in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, of).result()


def answer(
    *headers: tuple[bytes, bytes], path: str = "/events/", method: str = "GET"
) -> dict[str, Any]:
    """What the first message of the answer says."""
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    scope = {"type": "http", "path": path, "method": method, "headers": list(headers)}
    outcome(asgi.application(scope, receive, send))
    return sent[0]


@pytest.mark.parametrize(
    "headers",
    [
        [(b"host", b"elsewhere.example:8001")],  # DNS rebinding
        [],
        [HOST, (b"origin", b"http://elsewhere.example")],
        [HOST, (b"origin", b"http://localhost:8000")],
        [HOST, (b"origin", b"null")],
        [HOST, (b"sec-fetch-site", b"cross-site")],
    ],
)
def test_only_pages_of_ours_may_listen(headers: list[tuple[bytes, bytes]]) -> None:
    assert answer(*headers)["status"] == 403


def test_nothing_else_is_served() -> None:
    assert answer(HOST, path="/events/other/")["status"] == 404
    assert answer(HOST, method="POST")["status"] == 404


def test_without_a_session_the_browser_is_sent_away_for_good() -> None:
    """204: an EventSource does not come back."""
    refused = answer(HOST, (b"origin", b"http://127.0.0.1:8000"), (b"cookie", b"other=1"))
    assert refused["status"] == 204
    assert (b"access-control-allow-origin", b"http://127.0.0.1:8000") in refused["headers"]


@pytest.mark.django_db
def test_a_session_is_its_readers() -> None:
    who, seatless = employee(Role.CUSTOMER_MANAGER), employee()
    assert asgi._reader(client_of(who).session.session_key or "") == who.user.pk
    assert asgi._reader(client_of(seatless).session.session_key or "") is None
    assert asgi._reader("made-up") is None
    key = client_of(who).session.session_key or ""
    assert asgi._alive([key, "made-up"]) == {key}


@pytest.mark.django_db
def test_the_first_event_counts_what_was_missed() -> None:
    who = employee(Role.CUSTOMER_MANAGER)
    for _number in range(2):
        notify(actor=system("test"), kind="test", text="Unread", employees=[who.pk])
    assert actor_for(who.user).user_id == who.user.pk
    data, newest = asgi._unread(who.user.pk, "")
    assert data == {"unread": 2, "new": 0}
    notify(actor=system("test"), kind="test", text="Unread", employees=[who.pk])
    data, newer = asgi._unread(who.user.pk, newest)
    assert (data, newer > newest) == ({"unread": 3, "new": 1}, True)


def test_a_person_has_so_many_streams_and_a_slow_page_is_let_go() -> None:
    async def run() -> tuple[list[bytes | None], int]:
        hub = asgi.Hub()
        streams = [asgi.Stream(1, f"s{number}") for number in range(asgi.STREAMS_A_PERSON + 1)]
        for stream in streams:
            hub.join(stream)
        oldest = streams[0].waiting.get_nowait()
        slow = streams[1]
        for _number in range(asgi.WAITING_EVENTS + 1):
            slow.say(b"x")
        last, left = slow.waiting.get_nowait(), slow.waiting.qsize()
        for stream in streams:
            hub.leave(stream)
        assert not hub.streams
        return [oldest, last], left

    assert outcome(run()) == ([None, None], 0)


@pytest.mark.django_db(transaction=True)
def test_whoever_goes_hears_nothing_any_more_from_the_commit_on() -> None:
    who = employee(Role.CUSTOMER_MANAGER)
    connection.ensure_connection()
    raw: Any = connection.connection
    with connection.cursor() as cursor:
        cursor.execute(f"LISTEN {CHANNEL}")
    close_login(actor=system("test"), user=who.user, reason="离职")
    told = [json.loads(each.payload) for each in raw.notifies(timeout=1, stop_after=1)]
    assert told == [{"user": who.user.pk, "event": "signed-out", "data": {}}]

    async def run() -> bytes | None:
        hub, stream = asgi.Hub(), asgi.Stream(who.user.pk, "key")
        hub.join(stream)
        await hub.tell(told[0]["user"], told[0]["event"], told[0]["data"])
        return stream.waiting.get_nowait()

    assert outcome(run()) is None
    assert asgi._reader(client_of(who).session.session_key or "") is None
