"""How many pages a second the site serves: the list of 50 and the customer page, as a customer manager and a head.

    python benchmarks/throughput.py [--customers 100000] [--seconds 15] [--home FOLDER]

The customers of `search.py`, three contacts each, on a throw-away embedded PostgreSQL; `zhike serve`'s own web server
with 2 workers; 8 clients that keep their connections, in a process of their own on the same machine. Every answer
must be a 200 that holds a row. Goal: at least 100 list pages and 120 customer pages a second.
"""

from __future__ import annotations

import argparse
import http.client
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import search

GOALS = {"list": 100, "customer page": 120}
CLIENTS = 8
CONTACTS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--home", type=Path)
    arguments = parser.parse_args()
    os.environ["ZHIKE_COLLECTED"] = "1"
    with ExitStack() as stack:
        home = arguments.home or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        search._start(stack, home)
        from zhike.kernel.postgres import Cluster
        from zhike.kernel.roles import PAGES_ROLE

        os.environ["PAGES_DATABASE_URL"] = Cluster(home / "pg").url(role=PAGES_ROLE)
        if search._fill(arguments.customers):
            contacts(arguments.customers)
        port = stack.enter_context(_served())
        for role in ("customer_manager", "branch_head"):
            cookie, parties = _person(role)
            addresses = {
                "list": ["/customers/", "/customers/?sort=name_key", "/customers/?kind=person"],
                "customer page": [f"/customers/{each}/" for each in parties],
            }
            for page, paths in addresses.items():
                _ask(port, cookie, paths, 2)
                count, times = _ask(port, cookie, paths, arguments.seconds)
                times.sort()
                rate = count / arguments.seconds
                print(
                    f"{role:18}{page:15}{rate:7.1f} a second, p50 {times[count // 2] * 1000:.0f} ms, p95 "
                    f"{times[int(count * 0.95)] * 1000:.0f} ms; goal {GOALS[page]}; ratio {rate / GOALS[page]:.2f}",
                    flush=True,
                )
    print(f"load of the machine in the last minute: {os.getloadavg()[0]:.1f}")


def contacts(count: int) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO customers_timelineentry (at, party_id, kind, channel, direction, title, body, result, "
            "source, source_key) SELECT now() - (n * 17 + mod(i, 300)) * interval '1 day', i, 'contact', "
            "(ARRAY['phone', 'visit', 'wechat'])[n], 'out', '回访', '谈了续存与信用卡', '约好下周来网点', 'core', '' "
            f"FROM generate_series(1, {count}) i, generate_series(1, {CONTACTS}) n"
        )
        cursor.execute("VACUUM ANALYZE")


class _served:
    """The pages on a free port of this machine, as the supervisor starts them."""

    def __enter__(self) -> int:
        from zhike.config.supervisor import collect_files, site_children

        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port: int = free.getsockname()[1]
        collect_files()
        children = site_children(host="127.0.0.1", port=port, events_port=0, workers=2, threads=2)
        pages = children[0]
        self.process = subprocess.Popen(
            pages.argv,
            env={**os.environ, **pages.env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
                connection.request("GET", "/health/")
                if connection.getresponse().status == http.HTTPStatus.OK:
                    return port
            except OSError:
                time.sleep(0.2)
        raise SystemExit("the site did not answer within a minute")

    def __exit__(self, *_error: object) -> None:
        self.process.terminate()
        self.process.wait(30)


def _person(role: str) -> tuple[str, list[str]]:
    """A session cookie of somebody in that role at outlet 5, and the addresses of customers they see."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from zhike.access.queries import actor_for
    from zhike.customers.models import Party
    from zhike.kernel import clock
    from zhike.organisation.models import Appointment, Employee, Position, User

    employee = Employee.objects.filter(unit=5).order_by("pk")[role == "branch_head"]
    position, _made = Position.objects.get_or_create(unit_id=5, role=role, title=role)
    if not employee.appointments.exists():
        Appointment.objects.create(
            employee=employee, position=position, during=(clock.today().replace(year=2020), None)
        )
    user, _made = User.objects.get_or_create(login=role, employee=employee)
    session: Any = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    actor = actor_for(user, "benchmark")
    # Fewer than the pace of a person admits in an hour.
    parties = list(Party.objects.visible_to(actor).values_list("public_id", flat=True)[:100])
    assert len(parties) >= CLIENTS, f"{role} sees {len(parties)}"
    seal(parties)
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}", list(map(str, parties))


def seal(parties: Sequence[object]) -> None:
    """The numbers that are looked at are sealed truly; `search.py` only needs their indexes."""
    from zhike.customers.models import ContactPoint
    from zhike.kernel import crypto

    for point in ContactPoint.objects.filter(party__public_id__in=parties):
        point.sealed = crypto.encrypt("15400000000", point.place)
        point.save(update_fields=["sealed"])


def _ask(port: int, cookie: str, paths: list[str], seconds: float) -> tuple[int, list[float]]:
    """How many answers the clients got, and how long each took in seconds."""
    call = [sys.executable, __file__, "--client", str(port), cookie, str(seconds), *paths]
    out = subprocess.run(call, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    return len(out), list(map(float, out))


def _answer(connection: socket.socket) -> tuple[bytes, bytes]:
    """The head and the body of one answer, whose length its head says."""
    answer = b""
    while (cut := answer.find(b"\r\n\r\n")) < 0:
        answer += _more(connection)
    head, body = answer[:cut], answer[cut + 4 :]
    _name, _found, rest = head.lower().partition(b"\r\ncontent-length:")
    pieces, held, whole = [body], len(body), int(rest.partition(b"\r\n")[0])
    while held < whole:
        pieces.append(_more(connection))
        held += len(pieces[-1])
    return head, b"".join(pieces)


def _more(connection: socket.socket) -> bytes:
    if piece := connection.recv(1 << 18):
        return piece
    raise ConnectionError("the site closed the connection")


def _client(port: str, cookie: str, seconds: str, *paths: str) -> None:
    took: list[float] = []
    failed: list[int] = []
    until = time.monotonic() + float(seconds)

    # A bare socket: the clients share the machine, and `http.client` costs a tenth of what a page does.
    words = {
        path: f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: {cookie}\r\n\r\n".encode()
        for path in paths
    }

    def ask() -> None:
        chance = random.Random()
        with socket.create_connection(("127.0.0.1", int(port)), timeout=30) as connection:
            while time.monotonic() < until:
                began = time.perf_counter()
                connection.sendall(words[chance.choice(paths)])
                head, body = _answer(connection)
                took.append(time.perf_counter() - began)
                status = int(head.split(b" ", 2)[1])
                if status != http.HTTPStatus.OK or b"<main" not in body:
                    failed.append(status)
                    return

    clients = [threading.Thread(target=ask) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    if failed:
        sys.exit(f"refused: {failed[0]}")
    print("\n".join(f"{each:.5f}" for each in took))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--client"]:
        _client(*sys.argv[2:])
    else:
        main()
