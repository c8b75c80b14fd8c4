"""What data quality costs: measuring everybody, a day's 20,000 customers, a load's triggers, and the pages.

    python benchmarks/quality.py [--customers 1000000] [--rounds 20] [--home FOLDER] [--pages]

Invented customers are loaded from a file as a bank would (documents, mobiles and addresses sealed), a tenth of them
with a second record that says something else, each with a manager of 300, in 100 outlets under 10 branches; in a
throw-away embedded PostgreSQL or one kept in FOLDER, which a second run then reuses. Processor seconds are this
process's and its database backend's. Goals at 1 M: everybody 120 processor seconds, a day 5, p95 of a page 300 ms.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import load
import search

WHOLE, DAY, PAGE = 120, 5, 300
TOUCHED, TRIGGERED = 20_000, 100_000
OUTLETS, BRANCHES = 100, 10
MAPPING = """
[source]
code = "core"
name = "Core"
trust = 80

[[file]]
table = "customers"
path = "customers.csv"
header = [
    "no", "name", "kind", "type", "unit", "sex", "birth", "id_no", "credit", "mobile", "email", "address",
    "occupation", "education", "industry", "employees", "since", "seen",
]
into = "party"
key = "no"
[file.fields]
name = { column = "name" }
kind = { column = "kind" }
type = { column = "type" }
unit = { column = "unit" }
sex = { column = "sex" }
birth_on = { column = "birth" }
resident_id = { column = "id_no" }
credit_code = { column = "credit" }
mobile = { column = "mobile" }
email = { column = "email" }
home_address = { column = "address" }
occupation = { column = "occupation" }
education = { column = "education" }
industry = { column = "industry" }
employees_count = { column = "employees" }
since_on = { column = "since" }
observed_on = { column = "seen" }
"""

# (what, address)
ASKED = (
    ("overview by unit", "/quality/"),
    ("overview by main manager", "/quality/?by=owner"),
    ("overview by source", "/quality/?by=source"),
    ("overview by rule", "/quality/?by=rule"),
    ("findings, the worst first", "/quality/findings/"),
    ("findings on one rule", "/quality/findings/?rule=plausible.birth_on.identity"),
    ("findings on freshness", "/quality/findings/?dimension=fresh"),
    ("findings of a source", "/quality/findings/?source=second"),
    ("findings of nobody's", "/quality/findings/?who=nobody"),
    ("rules in force", "/quality/rules/"),
    ("to verify", "/quality/verify/"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--pages", action="store_true", help="measure the pages alone")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        home = arguments.home or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        os.environ["WAREHOUSE_URL"] = str(home / "warehouse")
        search._start(stack, home)
        _fill(home, arguments.customers)
        if not arguments.pages:
            _passes(arguments.customers)
        _pages(arguments.customers, arguments.rounds)
        if not arguments.pages:
            _triggers(home)
    print(f"load {os.getloadavg()[0]:.1f}")


def _fill(home: Path, count: int) -> None:
    """Load the customers unless they are there already."""
    from django.db import connection

    from zhike.customers.models import Party

    if Party.objects.count() >= count:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO organisation_unit (id, code, name, kind, path, region, parent_id) "
            f"SELECT {OUTLETS} + i, 'B' || i, '分行' || i, 'branch', '/' || {OUTLETS} + i || '/', '', NULL "
            f"FROM generate_series(1, {BRANCHES}) i"
        )
        cursor.execute(
            "INSERT INTO organisation_unit (id, code, name, kind, path, region, parent_id) "
            f"SELECT i, i::text, '支行' || i, 'outlet', format('/%s/%s/', {OUTLETS} + 1 + (i - 1) / 10, i), '', "
            f"{OUTLETS} + 1 + (i - 1) / 10 FROM generate_series(1, {OUTLETS}) i"
        )
        cursor.execute(
            "INSERT INTO organisation_employee (id, code, name, unit_id) SELECT i, i::text, '员工' || i, "
            f"1 + mod(i - 1, {OUTLETS}) FROM generate_series(1, {_managers(count)}) i"
        )
    spent = _load(home, range(count))
    print(f"{count:,} customers loaded, {spent.cpu:.0f} processor seconds", flush=True)
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            "UPDATE customers_party SET sample = true WHERE id = (SELECT min(id) FROM customers_party)"
        )
        cursor.execute(
            "INSERT INTO customers_assignment (party_id, employee_id, role, during, reason) "
            f"SELECT id, 1 + mod(id / {search.CUSTOMERS_A_MANAGER}, {_managers(count)}), 'main', '[2020-01-01,)', '' "
            "FROM customers_party WHERE mod(id, 50) > 0"
        )
        cursor.execute(
            "INSERT INTO masterdata_sourcesystem (code, name, trust) VALUES ('second', 'Second', 50)"
        )
        cursor.execute(
            'INSERT INTO masterdata_sourcerecord (system_id, "table", key, digest, party_id, "values", stamps, '
            "observed_on) SELECT s.id, 'customers', r.key, r.digest, r.party_id, "
            "r.\"values\" || jsonb_build_object('occupation', (ARRAY['教师', '医生'])[1 + mod(r.id, 2)]), "
            "r.stamps, r.observed_on FROM masterdata_sourcerecord r, masterdata_sourcesystem s "
            "WHERE s.code = 'second' AND mod(r.id, 10) = 0"
        )
        cursor.execute("RESET session_replication_role")
        cursor.execute("VACUUM ANALYZE")


def _managers(count: int) -> int:
    return count // search.CUSTOMERS_A_MANAGER + 1


def _load(home: Path, numbers: range) -> load.Spent:
    folder = home / "source"
    folder.mkdir(exist_ok=True)
    mapping = home / "bench.toml"
    mapping.write_text(MAPPING, encoding="utf-8")
    with (folder / "customers.csv").open("w", encoding="utf-8") as file:
        header = tomllib.loads(MAPPING)["file"][0]["header"]
        file.write(",".join(header) + "\n")
        for line in _lines(numbers):
            file.write(",".join(line) + "\n")
    spent = load._load(mapping, folder, "customers.csv")
    (folder / "customers.csv").unlink()
    return spent


def _lines(numbers: range) -> Iterator[tuple[str, ...]]:
    """As in life: some without a document or an address, some born another day than it says, most seen long ago."""
    from zhike.customers.identifiers import id_check

    chance = random.Random(numbers.start)
    names = search._names(len(numbers))
    for n, (name, person) in zip(numbers, names, strict=True):
        born = f"{1950 + n % 50}{1 + n // 50 % 12:02d}{1 + n // 600 % 28:02d}"
        document = f"29{n // 336_000:04d}{born}{n // 16_800 % 1000:03d}"
        documents = ("", _credit_code(n)) if not person else (document + id_check(document), "")
        if chance.random() < 0.1:
            documents = ("", "")
        slip = "28" if chance.random() < 0.03 else born[6:]
        seen = f"20{22 + n % 5}-0{1 + n % 9}-1{n % 10}"
        yield (
            *(str(n), name),
            *(("person", "individual") if person else ("organisation", "company")),
            str(1 + n // search.CUSTOMERS_A_MANAGER % OUTLETS),
            "FM"[n % 2] if person else "",
            f"{born[:4]}-{born[4:6]}-{slip}",
            *documents,
            f"154{'025'[n // 10_000_000 % 3]}{n % 10_000_000:07d}",
            f"c{n}@example.com" if n % 3 == 0 else "",
            f"岫禾市澍浦县文昌路{n % 900}号{n % 37}幢" if chance.random() < 0.8 else "",
            *(chance.choice((("教师", "本科", "", ""), ("", "", "", ""))) if person else ("", "", "零售业", "12")),
            f"20{10 + n % 15}-0{1 + n % 9}-1{n % 10}",
            seen,
        )  # fmt: skip


def _credit_code(number: int) -> str:
    from zhike.customers.identifiers import CREDIT_ALPHABET

    first = f"9129{number % 10_000:04d}{number:09d}"
    total = sum(CREDIT_ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(first))
    return first + CREDIT_ALPHABET[-total % 31]


def _spent(what: str, goal: float | None, spent: load.Spent, rows: int) -> None:
    told = f"; goal {goal} s, ratio {spent.cpu / goal:.2f}" if goal else ""
    print(
        f"{what}: {rows:,} customers, {spent.cpu:.1f} processor seconds, {spent.wall:.1f} s by the clock, "
        f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB at most{told}",
        flush=True,
    )


def _passes(count: int) -> None:
    """Everybody; then a day on which 20,000 were written of."""
    from django.db import connection

    from zhike.kernel import clock
    from zhike.kernel.actor import system
    from zhike.masterdata.quality.models import QualityRun
    from zhike.masterdata.services import quality

    by = system("benchmark")
    for what in ("everybody, for the first time", "everybody again"):
        with load._measured() as spent:
            done = quality.measure(actor=by, whole=True)
        _spent(what, WHOLE * count / 1_000_000, spent, done.measured)
        print(f"  {done.changed:,} changed", flush=True)
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE masterdata_qualitytouched")
    with load._measured() as spent, connection.cursor() as cursor:
        cursor.execute(
            "UPDATE customers_party SET marital_status = CASE marital_status WHEN '' THEN 'married' ELSE '' END "
            f"WHERE mod(id, {max(count // TOUCHED, 1)}) = 0"
        )
    today = clock.today()
    QualityRun.objects.filter(as_of=today).update(as_of=today - timedelta(days=1))
    with load._measured() as spent:
        done = quality.measure(actor=by)
    _spent("a day", DAY, spent, done.measured)
    print(f"  {done.changed:,} changed", flush=True)


def _triggers(home: Path) -> None:
    """Two loads of new customers, without the triggers and with them."""
    from django.db import connection, transaction

    tables = "party identifier contactpoint address assignment relation".split()
    watched = [f"customers_{table}" for table in tables] + [
        "masterdata_sourcerecord",
        "masterdata_pin",
    ]
    first = 50_000_000
    for what, state in (("without triggers", "DISABLE"), ("with triggers", "ENABLE")):
        with connection.cursor() as cursor:
            for table in watched:
                for event in ("insert", "update", "delete"):
                    cursor.execute(f"ALTER TABLE {table} {state} TRIGGER quality_touched_{event}")
        with transaction.atomic():
            spent = _load(home, range(first, first + TRIGGERED))
            transaction.set_rollback(True)
        _spent(f"a load {what}", None, spent, TRIGGERED)


def _pages(count: int, rounds: int) -> None:
    import pages
    from django.db import connection, transaction
    from django.test.utils import CaptureQueriesContext

    worst = 0.0
    with transaction.atomic():
        for who, client in _clients(count).items():
            print(
                f"\n{who}\n{'':32}{'p50 ms':>8}{'p95 ms':>8}{'CPU p95':>9}{'queries':>9}{'kB':>7}"
            )
            for what, address in ASKED:

                def ask(client: Any = client, address: str = address) -> int:
                    answer = client.get(address)
                    assert answer.status_code in {200, 403}, (address, answer.status_code)
                    return len(answer.content) if answer.status_code == 200 else 0

                with CaptureQueriesContext(connection) as queries:
                    size = ask()
                if size:
                    worst = max(worst, pages._line(what, ask, rounds, len(queries), size))
        transaction.set_rollback(True)
    print(f"worst p95 {worst:.1f} ms; goal {PAGE}, ratio {worst / PAGE:.2f}")


def _clients(count: int) -> dict[str, Any]:
    """A browser signed in for the institution, a branch of ten outlets and a manager of 300 customers."""
    from django.test import Client

    from zhike.kernel.actor import system
    from zhike.organisation.models import Employee, Role, Unit, User
    from zhike.organisation.services import appoint, give_login

    by = system("benchmark")
    found = {}
    for who, role, number, unit in (
        ("institution", Role.ANALYST, 9, None),
        ("branch of ten outlets", Role.BRANCH_HEAD, 7, Unit.objects.get(code="B1")),
        ("own customers", Role.CUSTOMER_MANAGER, _managers(count) // 2, None),
    ):
        employee = Employee.objects.get(pk=number)
        appoint(
            actor=by,
            employee=employee,
            unit=unit or employee.unit,
            role=role,
            title=who,
            since=None,
        )
        give_login(
            actor=by, employee=employee, login=f"quality{number}", password="a-long-passphrase-1"
        )
        client = Client(headers={"host": "127.0.0.1"})
        client.force_login(User.objects.get(employee=employee))
        found[who] = client
    return found


if __name__ == "__main__":
    main()
