"""A drill: what an institution loses when its database is lost, and how long it stands still (RPO and RTO).

A throw-away institution works through the services, each write acknowledged by a commit; then the server is killed and
its data folder thrown away in the midst of it, and what stands ready takes its place. The real one is not touched: a
drill is a process of its own, with folders, keys and servers of its own (`begin` must come before the settings).
"""

from __future__ import annotations

import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any
from uuid import UUID

from zhike.config import institution
from zhike.config.drills.places import PLACES, Place
from zhike.kernel.errors import UserError

if TYPE_CHECKING:
    from zhike.organisation.models import Unit

RTO_SECONDS = 60
ROWS = 60  # acknowledged before the server is lost
SAMPLE = 50  # sealed values that are opened again
WRITERS = 2
LONGEST = 600  # seconds until a drill is given up
OF_OURS = ("ZHIKE_", "DATABASE_URL", "PAGES_DATABASE_URL", "WAREHOUSE_URL", "SECRET_KEY", "PG")
_numbers = count(90_000_000)  # benchmarks draw theirs from below


@dataclass(frozen=True)
class Line:
    """One promise: what was found, what was wanted, and whether that is enough."""

    what: str
    figure: str
    target: str
    ok: bool


@dataclass(frozen=True)
class Drill:
    """What was lost: `lost` of `acknowledged` rows, `rpo` seconds of work; after `rto` seconds all worked again."""

    kind: str
    server: str
    customers: int
    acknowledged: int
    lost: int
    rpo: float
    rto: float
    trail: str
    entries: int
    unopened: int
    signed_in: bool

    @property
    def lines(self) -> list[Line]:
        return [
            Line("RPO", f"{self.lost} of {self.acknowledged} rows lost", "0", not self.lost),
            Line("RPO", f"{self.rpo:.2f} s lost", "0 s", not self.rpo),
            Line("RTO", f"{self.rto:.1f} s", f"{RTO_SECONDS} s", self.rto <= RTO_SECONDS),
            Line(
                "trail",
                self.trail or f"{self.entries:,} entries as sealed",
                "whole",
                not self.trail,
            ),
            Line("sealed values", f"{self.unopened} not opened", "0", not self.unopened),
            Line("sign-in", "works" if self.signed_in else "fails", "works", self.signed_in),
        ]

    @property
    def held(self) -> bool:
        return all(each.ok for each in self.lines)


@dataclass
class Writer:
    """Somebody at work: each acknowledged row with its moment, until the server is gone."""

    unit: Unit
    acknowledged: list[tuple[float, UUID]] = field(default_factory=list)

    def __call__(self) -> None:
        from django.db import InterfaceError, OperationalError, connection

        try:
            while True:
                made = new_customer(self.unit)
                self.acknowledged.append((time.monotonic(), made.public_id))
        except (OperationalError, InterfaceError):
            connection.close()


@contextmanager
def begun(kind: str, made: Path | None = None) -> Iterator[Place]:
    """A place of that kind in a folder of its own, the settings those of the drill; both are gone at the end.

    It begins empty, or with a copy of `made`: the data folder of an embedded server that does not run.
    """
    for name in [each for each in os.environ if each.startswith(OF_OURS)]:
        del os.environ[name]
    with tempfile.TemporaryDirectory(prefix="zhike-drill-") as folder:
        place = PLACES[kind](Path(folder), made)
        try:
            os.environ |= {
                "ZHIKE_HOME": str(place.home),
                "ZHIKE_KEYS": str(Path(folder, "keys")),
                "ZHIKE_AUDIT_HEADS": str(Path(folder, "elsewhere", "heads")),
                **place.open(),
            }
            institution.begin()
            institution.bring_up_to_date()
            yield place
        finally:
            place.close()


def drill(place: Place, *, customers: int) -> Drill:
    """Lose the place's database in the midst of work and get it back; so many customers are made before."""
    from django.db import connection

    from zhike.customers.models import ContactPoint, Party
    from zhike.kernel import clock, sealing
    from zhike.kernel.actor import system
    from zhike.organisation.models import Role
    from zhike.organisation.services import appoint, give_login, hire, open_unit

    actor, login, password = system("zhike drill"), "drill", secrets.token_urlsafe()
    unit = open_unit(actor=actor, code="drill", name="演练支行", kind="outlet")
    person = hire(actor=actor, code="drill", name="演练员工", unit=unit)
    since = clock.today() - timedelta(1)
    appoint(actor=actor, employee=person, unit=unit, role=Role.TELLER, title="柜员", since=since)
    give_login(actor=actor, employee=person, login=login, password=password)
    for _each in range(customers):
        new_customer(unit)
    known = {each.pk: each.in_clear() for each in ContactPoint.objects.order_by("-pk")[:SAMPLE]}
    if not _signs_in(login, password):
        raise UserError("Nobody can sign in before the drill.", "`zhike doctor` says more.")
    size = Party.objects.count()
    place.secure()

    writers = [Writer(unit) for _each in range(WRITERS)]
    threads = [Thread(target=each, daemon=True) for each in writers]
    for thread in threads:
        thread.start()
    until = time.monotonic() + LONGEST
    while sum(len(each.acknowledged) for each in writers) < ROWS:
        if time.monotonic() > until or not all(thread.is_alive() for thread in threads):
            raise UserError("Nothing is acknowledged before the drill.", "Run it again.")
        sealing.seal()
        time.sleep(0.05)
    lost_at = place.lose()
    for thread in threads:
        thread.join(LONGEST)
    connection.close()
    place.recover()
    again = _worked_again(unit)
    signed_in = _signs_in(login, password)
    seconds = time.monotonic() - lost_at

    acknowledged = sorted(row for each in writers for row in each.acknowledged)
    keys = [key for _at, key in acknowledged]
    there = set(Party.objects.filter(public_id__in=keys).values_list("public_id", flat=True))
    missing = [at for at, key in acknowledged if key not in there]
    found = sealing.verify()
    opened = {each.pk: each.in_clear() for each in ContactPoint.objects.filter(pk__in=known)}
    assert Party.objects.filter(pk=again).exists()
    return Drill(
        kind=place.kind,
        server=place.server,
        customers=size,
        acknowledged=len(acknowledged),
        lost=len(missing),
        rpo=round(lost_at - min(missing), 2) if missing else 0.0,
        rto=round(seconds, 1),
        trail=found.fault,
        entries=found.entries,
        unopened=sum(opened.get(pk) != value for pk, value in known.items()),
        signed_in=signed_in,
    )


def new_customer(unit: Unit) -> Any:
    """A customer with a number of the range that is given to nobody."""
    from zhike.customers.services import open_party
    from zhike.kernel.actor import system

    return open_party(
        actor=system("zhike drill"), kind="person", type="individual", name="演练客户", unit=unit,
        mobile=f"154{next(_numbers):08}",
    )  # fmt: skip


def _worked_again(unit: Unit) -> int:
    """Write until it is acknowledged; answers the row."""
    from django.db import InterfaceError, OperationalError, connection

    until = time.monotonic() + LONGEST
    while True:
        try:
            return int(new_customer(unit).pk)
        except (OperationalError, InterfaceError):
            connection.close()
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def _signs_in(login: str, password: str) -> bool:
    """By the pages themselves: the form, and a page behind it."""
    from django.conf import settings
    from django.test import Client  # asks the site within this process, through every middleware

    settings.STATIC_ROOT.mkdir(exist_ok=True)
    browser = Client(SERVER_NAME="localhost")
    browser.post("/sign-in/", {"login": login, "password": password})
    return browser.get("/me/").status_code == 200
