"""How long the workbench takes: a manager's list of sixty lines, and the team of a head of a hundred managers.

    python benchmarks/workbench.py [--customers 1000000] [--rounds 40] [--home FOLDER]

The rows are those of benchmarks/search.py and pages.py (FOLDER may be shared with both), with a line for every fifth
customer, a closed one a customer over the last sixty days and an agreement each. Each address is asked as a browser
asks it, through every middleware to the last byte. Goals: p95 of a list at most 60 ms, of the team at most 100 ms.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import pages
import search

LIST, TEAM = 60, 100
HEAD_UNIT = 10_002
FRAGMENT = {"HX-Request": "true", "HX-Request-Type": "partial"}


def main() -> None:
    arguments = search._arguments()
    rounds = min(arguments.rounds, 40)
    with ExitStack() as stack:
        home = arguments.home or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        search._start(stack, home)
        search._fill(arguments.customers)
        pages._stand(arguments.customers)
        _lines()
        from django.db import transaction

        with transaction.atomic():
            manager, head = _clients(arguments.customers)
            print(f"{'':34}{'p50 ms':>8}{'p95 ms':>8}{'CPU p50':>9}{'CPU p95':>9}{'kB':>7}")
            ratios = [
                _asked("the manager's page", manager, "/today/", rounds) / LIST,
                _asked("the list alone", manager, "/today/?rule=maturing", rounds, FRAGMENT) / LIST,
                _asked("the list of a day", manager, _in_two_days(), rounds) / LIST,
                _asked("the head's page", head, "/today/", rounds) / TEAM,
                _asked("the days of the team", head, _chart(), rounds, FRAGMENT) / TEAM,
            ]
            transaction.set_rollback(True)
    print(f"load {os.getloadavg()[0]:.1f}; the worst ratio to its goal {max(ratios):.2f}")


def _in_two_days() -> str:
    from datetime import timedelta

    from zhike.kernel import clock

    return f"/today/?on={clock.today() + timedelta(days=2)}"


def _chart() -> str:
    return "/today/?panel=activities.days"


def _asked(
    what: str, client: Any, address: str, rounds: int, headers: dict[str, str] | None = None
) -> float:
    """Prints the line of one address; answers its p95 by the clock, in ms."""
    size = len(client.get(address, headers=headers).content) / 1000

    def ask(text: str) -> int:
        answer = client.get(text, headers=headers)
        assert answer.status_code == 200, answer.status_code
        return 0

    return _timed(f"{what:34}", ask, [address] * rounds, size)


def _timed(what: str, ask: Callable[[str], int], texts: list[str], size: float) -> float:
    import time

    clocks, cpus = [], []
    for text in texts:
        began, used = time.perf_counter(), search._processor_seconds()
        ask(text)
        clocks.append((time.perf_counter() - began) * 1000)
        cpus.append((search._processor_seconds() - used) * 1000)
    (p50, p95), (cpu50, cpu95) = (search._quantiles(times) for times in (clocks, cpus))
    print(f"{what}{p50:8.1f}{p95:8.1f}{cpu50:9.1f}{cpu95:9.1f}{size:7.0f}", flush=True)
    return p95


def _lines() -> None:
    """Open lines, closed ones and agreements; once."""
    from django.db import connection

    from zhike.activities.models import WorkItem

    if WorkItem.objects.exists():
        return
    rules = "ARRAY['value_fell', 'idle_inflow', 'maturing', 'tier_up', 'no_contact', 'birthday']"
    figures = """'{"share": "0.35", "since": "2026-08-31", "before": "90000", "now": "58500", "idle": "9000",
        "amount": "20000", "on": "2026-12-01", "product": "定期", "tier": "金", "missing": "800",
        "every": "90", "last_contact_on": "2026-05-01", "days": "206"}'"""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            f"""INSERT INTO activities_workitem (party_id, employee_id, rule, state, priority, due_on,
                found_on, figures, result, useless_because)
            SELECT party_id, employee_id, ({rules})[1 + mod(party_id / 5, 6)], 'open',
                30 + mod(party_id, 50), current_date - 4 + mod(party_id / 5, 12)::int,
                current_date - mod(party_id, 20)::int, {figures}, '', ''
            FROM customers_assignment WHERE mod(party_id, 5) = 0"""
        )
        cursor.execute(
            f"""INSERT INTO activities_workitem (party_id, employee_id, rule, state, priority, due_on,
                found_on, figures, result, useless_because, closed_at)
            SELECT party_id, employee_id, ({rules})[1 + mod(party_id, 6)],
                CASE WHEN mod(party_id, 4) = 0 THEN 'dismissed' ELSE 'done' END, 50, current_date,
                current_date - mod(party_id, 60)::int, {figures}, '',
                CASE WHEN mod(party_id, 4) = 0 THEN 'wrong' ELSE '' END,
                now() - mod(party_id, 60) * interval '1 day'
            FROM customers_assignment"""
        )
        cursor.execute(
            "INSERT INTO products_product (code, name, category, side, status) "
            "VALUES ('d', '定期', 'deposit', 'liability', 'offered')"
        )
        cursor.execute(
            """INSERT INTO products_agreement (party_id, product_id, unit_id, source, source_key, currency,
                opened_on, matures_on, status, terms)
            SELECT p.id, (SELECT max(id) FROM products_product), p.unit_id, 'core', p.id::text, 'CNY',
                current_date - 300, current_date + mod(p.id * 7919, 700)::int, 'active', '{}'
            FROM customers_party p"""
        )
        cursor.execute("VACUUM ANALYZE")


def _clients(count: int) -> list[Any]:
    """A manager of three hundred customers and the head of three outlets: a hundred managers."""
    from django.db.models import F, Value
    from django.db.models.functions import Concat
    from django.test import Client

    from zhike.kernel.actor import system
    from zhike.organisation.models import Employee, Role, Unit, User
    from zhike.organisation.services import appoint, give_login

    by = system("benchmark")
    branch = Unit.objects.create(
        id=HEAD_UNIT, code="W", name="中心支行", kind="branch", path=f"/{HEAD_UNIT}/"
    )
    Unit.objects.filter(pk__lte=3).update(
        parent=branch, path=Concat(Value(f"/{HEAD_UNIT}"), F("path"))
    )
    head = Employee.objects.create(id=20_000_000, code="W", name="行长", unit=branch)
    manager = Employee.objects.get(pk=count // search.CUSTOMERS_A_MANAGER // 2)
    clients = []
    for role, employee, unit in (
        (Role.CUSTOMER_MANAGER, manager, manager.unit),
        (Role.BRANCH_HEAD, head, branch),
    ):
        appoint(actor=by, employee=employee, unit=unit, role=role, title="benchmark", since=None)
        login = f"workbench{employee.pk}"
        give_login(actor=by, employee=employee, login=login, password="a-long-passphrase-1")
        client = Client(headers={"host": "127.0.0.1"})
        client.force_login(User.objects.get(employee=employee))
        clients.append(client)
    return clients


if __name__ == "__main__":
    main()
