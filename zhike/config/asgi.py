"""The event stream: what `zhike.desk.services.notices.tell` says, to the open pages of its user.

A process of its own beside the pages, with one connection to the database that listens. A stream
carries ids, counts and states, never a name. It begins with how many notices are unread, so whoever
comes back after a break has missed nothing that matters; the id of each event is the instant of the
newest notice, and `Last-Event-ID` makes the first one say how many are new since.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections import defaultdict
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zhike.config.settings")
django.setup()

import psycopg  # noqa: E402  Django is up
from django.conf import settings  # noqa: E402  Django is up
from django.contrib.auth import get_user  # noqa: E402  Django is up
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402  Django is up
from django.contrib.sessions.models import Session  # noqa: E402  Django is up
from django.db import connection  # noqa: E402  Django is up
from django.http import HttpRequest  # noqa: E402  Django is up
from django.http.request import split_domain_port, validate_host  # noqa: E402  Django is up

from zhike.access.queries import actor_for, must_enrol  # noqa: E402  Django is up
from zhike.desk import queries  # noqa: E402  Django is up
from zhike.desk.services.notices import CHANGED, CHANNEL, SIGNED_OUT  # noqa: E402  Django is up
from zhike.kernel import clock  # noqa: E402  Django is up
from zhike.organisation.models import User  # noqa: E402  Django is up
from zhike.ui.context import EVENTS_PATH  # noqa: E402  Django is up

log = logging.getLogger(__name__)

Message = dict[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]

HEARTBEAT_SECONDS = 20.0
RETRY_MILLISECONDS = 3000
STREAMS_A_PERSON = 6
"""The oldest of one person's streams gives way to the seventh."""
WAITING_EVENTS = 100
LONGEST_PAUSE = 30.0
_CLOSE = None


@dataclass(eq=False)
class Stream:
    """One open page: what it still has to be told; None ends it."""

    user_id: int
    session_key: str
    waiting: asyncio.Queue[bytes | None] = field(
        default_factory=lambda: asyncio.Queue(WAITING_EVENTS)
    )

    def say(self, said: bytes | None) -> None:
        # A page that does not read is let go; it comes back by itself and begins anew.
        if said is _CLOSE or self.waiting.full():
            while not self.waiting.empty():
                self.waiting.get_nowait()
            said = _CLOSE
        self.waiting.put_nowait(said)


class Hub:
    """Every stream of this process, and the one connection that listens."""

    def __init__(self) -> None:
        self.streams: dict[int, list[Stream]] = defaultdict(list)
        self._database = ThreadPoolExecutor(2, thread_name_prefix="events")
        self._tasks: list[asyncio.Task[None]] = []

    async def ask(self, read: Callable[..., Any], *arguments: Any) -> Any:
        """Run a read of the database in a thread; its connection is closed after it."""

        def run() -> Any:
            try:
                return read(*arguments)
            finally:
                connection.close()

        return await asyncio.get_running_loop().run_in_executor(self._database, run)

    def begin(self) -> None:
        """Listen and keep watch from the first stream on."""
        if not self._tasks:
            loop = asyncio.get_running_loop()
            self._tasks = [loop.create_task(self._listen()), loop.create_task(self._watch())]

    def join(self, stream: Stream) -> None:
        mine = self.streams[stream.user_id]
        mine.append(stream)
        for oldest in mine[:-STREAMS_A_PERSON]:
            oldest.say(_CLOSE)

    def leave(self, stream: Stream) -> None:
        mine = self.streams[stream.user_id]
        if stream in mine:
            mine.remove(stream)
        if not mine:
            self.streams.pop(stream.user_id, None)

    async def tell(self, user_id: int, event: str, data: Message) -> None:
        if user_id not in self.streams:
            return
        if event == SIGNED_OUT:
            for stream in list(self.streams[user_id]):
                stream.say(_CLOSE)
            return
        said = await self.unread(user_id) if event == CHANGED else _event(event, data)
        for stream in list(self.streams.get(user_id, ())):
            stream.say(said)

    async def unread(self, user_id: int, since: str = "") -> bytes:
        return _event(CHANGED, *(await self.ask(_unread, user_id, since)))

    async def _listen(self) -> None:
        pause = 1.0
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    **_connection_parameters(), autocommit=True
                ) as listener:
                    await listener.execute(f"LISTEN {CHANNEL}")
                    pause = 1.0
                    for user_id in list(self.streams):  # what was said while nobody listened
                        await self.tell(user_id, CHANGED, {})
                    async for said in listener.notifies():
                        told = json.loads(said.payload)
                        await self.tell(told["user"], told["event"], told["data"])
            except (psycopg.Error, OSError) as error:
                log.warning("events: %s; listening again in %g s", type(error).__name__, pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    async def _watch(self) -> None:
        """Close the streams whose session ended, and keep proxies from closing the others."""
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            streams = [each for mine in self.streams.values() for each in mine]
            if not streams:
                continue
            try:
                alive = await self.ask(_alive, [each.session_key for each in streams])
            except Exception as error:
                log.warning("events: %s while asking for sessions", type(error).__name__)
                continue
            for each in streams:
                each.say(b": \n\n" if each.session_key in alive else _event("signed-out", {}))
                if each.session_key not in alive:
                    each.say(_CLOSE)


hub = Hub()


def _event(name: str, data: Message, id: str = "") -> bytes:
    line = f"id: {id}\n" if id else ""
    return f"event: {name}\n{line}data: {json.dumps(data)}\n\n".encode()


def _connection_parameters() -> dict[str, Any]:
    parameters = connection.get_connection_params()
    wanted = parameters.keys() - {"cursor_factory", "context", "prepare_threshold"}
    return {key: parameters[key] for key in wanted}


def _reader(session_key: str) -> int | None:
    """Whose session it is, if that person may use the site today."""
    request = HttpRequest()
    request.session = SessionStore(session_key)
    user = get_user(request)
    if not isinstance(user, User):
        return None
    actor = actor_for(user)
    may = actor.may("account.use") and not must_enrol(actor, request.session)
    return actor.user_id if may else None


def _unread(user_id: int, since: str) -> tuple[Message, str]:
    """How many notices are unread, how many of them are new since an event's id, and the newest's id."""
    user = User.objects.select_related("employee").get(pk=user_id)
    actor = actor_for(user)
    instants = list(queries.unread(actor).values_list("at", flat=True)[:1000])
    stamps = [f"{at.timestamp():.6f}" for at in instants]
    new = sum(stamp > since for stamp in stamps) if since else 0
    return {"unread": len(stamps), "new": new}, max([*stamps, since or "0"])


def _alive(keys: list[str]) -> set[str]:
    living = Session.objects.filter(session_key__in=keys, expire_date__gt=clock.now())
    return set(living.values_list("session_key", flat=True))


def _headers(scope: Message) -> dict[str, str]:
    return {
        name.decode("latin1").lower(): value.decode("latin1") for name, value in scope["headers"]
    }


def _host_and_origin(headers: dict[str, str]) -> tuple[bool, str]:
    """Whether the call names a host of ours and comes from a page of it; the origin to allow, if another.

    The pages stand on another port of the same host when no proxy is between; a name that was made to
    point here (DNS rebinding) is none of `ALLOWED_HOSTS`.
    """
    host, _port = split_domain_port(headers.get("host", ""))
    origin = headers.get("origin", "")
    if not host or not validate_host(host, settings.ALLOWED_HOSTS):
        return False, ""
    if not origin:
        return headers.get("sec-fetch-site", "same-origin") == "same-origin", ""
    scheme, _slashes, place = origin.partition("://")
    name, _port = split_domain_port(place)
    return scheme in ("http", "https") and name == host, origin


async def application(scope: Message, receive: Receive, send: Send) -> None:
    """GET /events/ with the session's cookie: the stream. Anything else is refused."""
    if scope["type"] != "http":
        return
    headers = _headers(scope)
    trusted, origin = _host_and_origin(headers)
    if not trusted:
        await _refuse(send, 403)
    elif scope["path"] != EVENTS_PATH or scope["method"] != "GET":
        await _refuse(send, 404)
    else:
        key = _session_key(headers.get("cookie", ""))
        user_id = await hub.ask(_reader, key) if key else None
        if user_id is None:
            # EventSource does not try again after 204.
            await _refuse(send, 204, origin)
        else:
            await _stream(
                Stream(user_id, key), receive, send, origin, headers.get("last-event-id", "")
            )


def _session_key(cookies: str) -> str:
    jar: SimpleCookie = SimpleCookie()
    with suppress(CookieError):
        jar.load(cookies)
    found = jar.get(settings.SESSION_COOKIE_NAME)
    return found.value if found else ""


def _shared(origin: str) -> list[tuple[bytes, bytes]]:
    """What lets the page on the other port read the answer."""
    if not origin:
        return []
    return [
        (b"access-control-allow-origin", origin.encode("latin1")),
        (b"access-control-allow-credentials", b"true"),
        (b"vary", b"Origin"),
    ]


async def _refuse(send: Send, status: int, origin: str = "") -> None:
    start = {"type": "http.response.start", "status": status, "headers": _shared(origin)}
    await send(start)
    await send({"type": "http.response.body", "body": b""})


async def _stream(
    stream: Stream, receive: Receive, send: Send, origin: str, last_event: str
) -> None:
    hub.begin()
    hub.join(stream)
    gone = asyncio.create_task(_until_gone(receive))
    try:
        headers = [
            (b"content-type", b"text/event-stream"),
            (b"cache-control", b"no-store"),
            (b"x-accel-buffering", b"no"),
            (b"x-content-type-options", b"nosniff"),
            *_shared(origin),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        first = f"retry: {RETRY_MILLISECONDS}\n".encode()
        first += await hub.unread(stream.user_id, last_event)
        await send({"type": "http.response.body", "body": first, "more_body": True})
        while not gone.done():
            next_said = asyncio.create_task(stream.waiting.get())
            await asyncio.wait({next_said, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not next_said.done():
                next_said.cancel()
                break
            said = next_said.result()
            if said is _CLOSE:
                break
            await send({"type": "http.response.body", "body": said, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        gone.cancel()
        hub.leave(stream)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
