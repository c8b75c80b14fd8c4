"""How long the pages people live in take: the customer list in its ways and the customer page, on invented customers.

    python benchmarks/pages.py [--customers 1000000] [--rounds 40] [--home FOLDER]

The rows are those of benchmarks/search.py with three contacts each, in a throw-away embedded PostgreSQL or one kept in
FOLDER (which both then reuse), with tiers, value classes and last contacts. Each line is one address asked as a browser
asks it, signed in, through every middleware to the last byte and behind the second wall, by a customer manager (300
customers), a branch head (ten outlets) and somebody of the head office (everyone's); times by the clock and by
processor time, this process and the database's together. Goals: p95 of a list of 50 at most 60 ms, of a customer page
100 ms; group totals over all rows and a filter on a metric at most 300 ms.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import search
import throughput

LIST, PAGE, WHOLE = 60, 100, 300
HEAD_UNIT = 10_001

# (what, address, goal in ms)
ASKED = (
    ("list of 50", "/customers/?view=all", LIST),
    ("next page", "next", LIST),
    ("sorted by name", "/customers/?view=all&sort=name_key", LIST),
    ("tier, then balance", "/customers/?sort=-standing__tier__rank,-standing__balance", WHOLE),
    ("quick filters: tier, kind", "/customers/?tier=gold,platinum&kind=person", LIST),
    ("metric: balance over 500,000", "/customers/?where=balance.over.500000", WHOLE),
    ("metric: contribution between", "/customers/?where=contribution.between.900|1000", WHOLE),
    (
        "any of two, nested",
        "/customers/?where=value_class.is.high,any(balance.over.90000,last_contact.older.400)",
        WHOLE,
    ),
    ("related: consents to marketing", "/customers/?where=consent.is.marketing", WHOLE),
    ("grouped by tier, sums", "/customers/?group=tier", WHOLE),
    ("grouped by value class, sums", "/customers/?group=value", WHOLE),
    ("foot of the table", "part", WHOLE),
    ("board by tier", "/customers/?show=board", WHOLE),
    ("calendar by last contact", "/customers/?show=calendar", WHOLE),
    ("customer page", "customers", PAGE),
)


def main() -> None:
    arguments = search._arguments()
    rounds = min(arguments.rounds, 40)
    with ExitStack() as stack:
        home = arguments.home or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        search._start(stack, home)
        search._fill(arguments.customers)
        _stand(arguments.customers)
        from django.db import transaction

        worst: dict[int, float] = {}
        with transaction.atomic():
            clients = _clients(arguments.customers)
            search.as_pages()
            for who, client in clients.items():
                _measure(who, client, rounds, worst)
            # Whoever asked was made for this run alone.
            transaction.set_rollback(True)
    print(f"\nload {os.getloadavg()[0]:.1f}")
    for goal, p95 in sorted(worst.items()):
        print(f"worst p95 of those that may take {goal} ms: {p95:.1f}; ratio {p95 / goal:.2f}")


def _stand(count: int) -> None:
    """Tiers, classes, contributions and contacts, as a refresh would leave them; once."""
    from django.db import connection

    from zhike.customers.models import Standing, Tier

    if Standing.objects.exclude(value_class="").exists():
        return
    for rank, (code, name) in enumerate(
        [("ordinary", "普通"), ("gold", "金"), ("platinum", "白金"), ("private", "私行")]
    ):
        Tier.objects.create(code=code, name=name, rank=rank + 1, contact_every_days=90 - 20 * rank)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE customers_standing s SET
                tier_id = t.id, contribution = round(s.balance * 0.011, 2), contact_every_days = 90,
                value_class = (ARRAY['high', 'second', 'potential', 'low'])[1 + mod(s.party_id * 7919, 4)],
                current_value = mod(s.party_id * 31, 100), potential_value = mod(s.party_id * 17, 100),
                last_contact_on = current_date - mod(s.party_id * 7919, 720)::int
            FROM customers_tier t
            WHERE t.rank = CASE WHEN s.balance < 1000 THEN 1 WHEN s.balance < 10000 THEN 2
                                WHEN s.balance < 100000 THEN 3 ELSE 4 END
            """
        )
        cursor.execute(
            "INSERT INTO customers_consentevent (party_id, purpose, channel, given, at, text_version, "
            "evidence) SELECT id, 'marketing', 'any', mod(id, 3) > 0, now(), '1', '' "
            "FROM customers_party WHERE mod(id, 5) = 0"
        )
    throughput.contacts(count)


def _clients(count: int) -> dict[str, Any]:
    """A browser a reach, signed in; the ten outlets of the branch head lie under one branch."""
    from django.db.models import F, Value
    from django.db.models.functions import Concat
    from django.test import Client

    from zhike.kernel.actor import system
    from zhike.organisation.models import Employee, Role, Unit, User
    from zhike.organisation.services import appoint, give_login

    by = system("benchmark")
    branch = Unit.objects.create(
        id=HEAD_UNIT, code="B", name="中心支行", kind="branch", path=f"/{HEAD_UNIT}/"
    )
    Unit.objects.filter(pk__lte=10).update(
        parent=branch, path=Concat(Value(f"/{HEAD_UNIT}"), F("path"))
    )
    found = {}
    manager = count // search.CUSTOMERS_A_MANAGER // 2
    for who, role, employee_id, unit in (
        ("own customers", Role.CUSTOMER_MANAGER, manager, None),
        ("branch of ten outlets", Role.BRANCH_HEAD, 7, branch),
        ("institution", Role.ANALYST, 9, None),
    ):
        employee = Employee.objects.get(pk=employee_id)
        place = unit or employee.unit
        appoint(actor=by, employee=employee, unit=place, role=role, title=who, since=None)
        give_login(
            actor=by, employee=employee, login=f"bench{employee_id}", password="a-long-passphrase-1"
        )
        client = Client(headers={"host": "127.0.0.1"})
        client.force_login(User.objects.get(employee=employee))
        found[who] = client
    return found


def _measure(who: str, client: Any, rounds: int, worst: dict[int, float]) -> None:
    import random
    import re
    from html import unescape

    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from zhike.kernel import wall

    print(
        f"\n{who}\n{'':32}{'p50 ms':>8}{'p95 ms':>8}{'CPU p95':>9}{'queries':>9}{'kB':>7}",
        flush=True,
    )
    first = client.get("/customers/?view=all").content.decode()
    onward = re.search(r'rel="next" id="page-next" href="([^"]+)"', first)
    customers = sorted(set(re.findall(r"/customers/[0-9a-f-]{36}/", first)))
    with wall.lowered():
        throughput.seal([address.split("/")[2] for address in customers])
    chance = random.Random(4)
    for what, address, goal in ASKED:
        headers = {}
        if address == "next":
            if onward is None:
                continue
            address = "/customers/" + unescape(onward[1])
        elif address == "part":
            address, headers = (
                "/customers/?part=totals",
                {"hx-request": "true", "hx-request-type": "partial"},
            )

        def ask(address: str = address, headers: dict[str, str] = headers) -> int:
            asked = chance.choice(customers) if address == "customers" else address
            answer = client.get(asked, headers=headers)
            assert answer.status_code == 200, (asked, answer.status_code)
            return len(answer.content)

        with CaptureQueriesContext(connection) as queries:
            size = ask()
        p95 = _line(what, ask, rounds, len(queries), size)
        worst[goal] = max(worst.get(goal, 0.0), p95)


def _line(what: str, ask: Callable[[], int], rounds: int, queries: int, size: int) -> float:
    clocks, cpus = [], []
    for _round in range(rounds):
        began, used = time.perf_counter(), search._processor_seconds()
        ask()
        clocks.append((time.perf_counter() - began) * 1000)
        cpus.append((search._processor_seconds() - used) * 1000)
    (p50, p95), (_cpu50, cpu95) = search._quantiles(clocks), search._quantiles(cpus)
    print(f"{what:32}{p50:8.1f}{p95:8.1f}{cpu95:9.1f}{queries:9}{size / 1000:7.1f}", flush=True)
    return p95


if __name__ == "__main__":
    main()
