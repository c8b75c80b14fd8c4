"""How long the search box takes: p50 and p95 by kind of query and by reach, on invented customers.

    python benchmarks/search.py [--customers 1000000] [--rounds 100] [--home FOLDER]

The rows are made with the real token functions and copied into a throw-away embedded PostgreSQL (or one kept in
FOLDER, which a second run then reuses). Beyond the first million the names come again, under numbers of their own
that end like the first ones: a name is then as frequent among 10 M as it is among 1 M. All is asked behind the second
wall. The peer is what a Django list does out of the box: the name anywhere in the column, sorted by balance. Goal: p95
at most 30 ms at 1 M customers and 60 ms at 10 M.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path
from typing import Any

GOALS = {1_000_000: 30, 10_000_000: 60}
UNITS = 100
CUSTOMERS_A_MANAGER = 300
FIRMS = 0.08
BATCH = 100_000
MADE = 1_000_000


def main() -> None:
    arguments = _arguments()
    with ExitStack() as stack:
        home = arguments.home or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        _start(stack, home)
        made = _fill(arguments.customers)
        how = f"made in {made:.0f} s" if made else "there already"
        print(f"{arguments.customers:,} customers, {how}", flush=True)
        clock, cpu = _measure(arguments.customers, arguments.rounds)
    goal = next((ms for size, ms in sorted(GOALS.items()) if arguments.customers <= size), 60)
    load = os.getloadavg()[0]
    print(
        f"worst p95 {clock:.1f} ms by the clock (load {load:.1f}), {cpu:.1f} ms of processor time"
    )
    print(
        f"goal {goal} ms; ratio {clock / goal:.2f} by the clock, {cpu / goal:.2f} by processor time"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--home", type=Path)
    return parser.parse_args()


def _start(stack: ExitStack, home: Path) -> None:
    """A database of our own with the site's tables."""
    sys.path.insert(0, str(Path(__file__).parent.parent))
    import psycopg

    from zhike.kernel.postgres import ROLE, running

    os.environ["ZHIKE_HOME"] = str(home)
    url = stack.enter_context(running(home / "pg", throwaway=True))
    with psycopg.connect(url, user="postgres") as superuser:
        superuser.execute(f"GRANT SET ON PARAMETER session_replication_role TO {ROLE}")
    os.environ["DATABASE_URL"] = url
    os.environ["DJANGO_SETTINGS_MODULE"] = "zhike.config.settings"
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


@lru_cache(maxsize=400_000)
def _name_columns(name: str, person: bool) -> tuple[str, list[str]]:
    from zhike.customers.names import search_tokens, sort_key

    return sort_key(name, person=person), search_tokens(name, person=person)


def _names(count: int) -> Iterator[tuple[str, bool]]:
    """Names as they spread in life: few surnames carry most people."""
    from zhike.packs.bank.sample.words import BRANDS, COUNTIES, GIVEN_NAMES, SURNAMES, TRADES

    chance = random.Random(1)
    weights = [1 / (rank + 5) for rank in range(len(SURNAMES))]
    surnames = chance.choices(SURNAMES, weights, k=count)
    for surname in surnames:
        if chance.random() < FIRMS:
            trade = chance.choice(TRADES)[0]
            yield f"{chance.choice(COUNTIES)}{chance.choice(BRANDS)}{trade}有限公司", False
        else:
            yield surname + chance.choice(GIVEN_NAMES), True


def _mobile(number: int) -> str:
    return f"1540{number * 7919 % 10_000_000:07d}"


def _fill(count: int) -> float:
    """Fill the tables unless they hold as many already; answers the seconds it took."""
    from django.db import connection

    from zhike.customers.models import Party

    if Party.objects.count() == count:
        return 0.0
    began = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE customers_party, organisation_unit, organisation_employee CASCADE")
        cursor.execute("DROP INDEX IF EXISTS party_by_tokens")
        # The rows are right by construction: no foreign key is looked up.
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            "INSERT INTO organisation_unit (id, code, name, kind, path, region) SELECT i, i::text, "
            f"'支行' || i, 'outlet', '/' || i || '/', '' FROM generate_series(1, {UNITS}) i"
        )
        managers = count // CUSTOMERS_A_MANAGER + 1
        cursor.execute(
            "INSERT INTO organisation_employee (id, code, name, unit_id) SELECT i, i::text, "
            f"'员工' || i, 1 + mod(i, {UNITS}) FROM generate_series(1, {managers}) i"
        )
        _copy_parties(cursor, min(count, MADE))
        for first in range(MADE, count, MADE):
            _repeat(cursor, first, min(MADE, count - first))
        with connection.schema_editor() as editor:
            editor.add_index(Party, Party._meta.indexes[0])
        cursor.execute("VACUUM ANALYZE")
    return time.perf_counter() - began


def _copy_parties(cursor: Any, count: int) -> None:
    from zhike.kernel import crypto

    names = _names(count)
    chance = random.Random(2)
    filler = bytes(45)
    blank = ("", False, "", "", "", "")
    for first in range(1, count + 1, BATCH):
        ids = range(first, min(first + BATCH, count + 1))
        with cursor.copy(
            "COPY customers_party (id, kind, stage, type, name, name_key, search_tokens, sex, "
            "lunar_birthday, occupation, industry, education, marital_status, unit_id, note, sample, "
            "provenance) FROM STDIN"
        ) as copy:
            for id, (name, person) in zip(ids, names, strict=False):
                kind, type = ("person", "individual") if person else ("organisation", "company")
                key, tokens = _name_columns(name, person)
                unit = 1 + (id // CUSTOMERS_A_MANAGER) % UNITS
                copy.write_row(
                    (id, kind, "customer", type, name, key, tokens, *blank, unit, "", True, "{}")
                )
        with cursor.copy(
            "COPY customers_standing (party_id, unit_id, stage, kind, type, value_class, balance, "
            "contribution) FROM STDIN"
        ) as copy:
            for id in ids:
                unit = 1 + (id // CUSTOMERS_A_MANAGER) % UNITS
                balance = round(chance.paretovariate(0.8) * 100, 2)
                copy.write_row((id, unit, "customer", "person", "individual", "", balance, 0))
        cursor.execute(
            "UPDATE customers_standing s SET kind = p.kind, type = p.type FROM customers_party p "
            "WHERE p.id = s.party_id AND p.kind <> s.kind"
        )
        with cursor.copy(
            "COPY customers_contactpoint (party_id, kind, label, is_preferred, sealed, blind, tail, "
            "source) FROM STDIN"
        ) as copy:
            for id in ids:
                mobile = _mobile(id)
                blind = crypto.blind_index("mobile", mobile)
                tail = crypto.tail_index("mobile", mobile)
                copy.write_row((id, "mobile", "", True, filler, blind, tail, "core"))
        with cursor.copy(
            "COPY customers_assignment (party_id, employee_id, role, during, reason) FROM STDIN"
        ) as copy:
            for id in ids:
                copy.write_row((id, 1 + id // CUSTOMERS_A_MANAGER, "main", "[2020-01-01,)", ""))


def _repeat(cursor: Any, shift: int, rows: int) -> None:
    """The first `rows` customers once more as those from `shift` + 1 on."""
    unit = f"1 + mod((id + {shift}) / {CUSTOMERS_A_MANAGER}, {UNITS})"
    owner = f"1 + (party_id + {shift}) / {CUSTOMERS_A_MANAGER}"
    blind = f"sha256(blind || '{shift}'::bytea)"
    new = {
        "customers_party": {"id": f"id + {shift}", "unit_id": unit},
        "customers_standing": {
            "party_id": f"party_id + {shift}",
            "unit_id": f"1 + mod((party_id + {shift}) / {CUSTOMERS_A_MANAGER}, {UNITS})",
        },
        "customers_contactpoint": {"party_id": f"party_id + {shift}", "blind": blind},
        "customers_assignment": {"party_id": f"party_id + {shift}", "employee_id": owner},
    }
    for table, changed in new.items():
        cursor.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = %s "
            "AND (column_default IS NULL AND is_identity = 'NO' OR column_name = ANY(%s))",
            [table, list(changed)],
        )
        names = [name for (name,) in cursor.fetchall()]
        values = ", ".join(changed.get(name, name) for name in names)
        key = "id" if table == "customers_party" else "party_id"
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(names)}) "
            f"SELECT {values} FROM {table} WHERE {key} <= {rows}"
        )


def _actors(count: int) -> dict[str, Any]:
    from zhike.kernel.actor import Actor

    base: dict[str, Any] = {
        "user_id": 1,
        "name": "bench",
        "roles": frozenset({"any"}),
        "permissions": frozenset({"customers.view"}),
    }
    return {
        "institution": Actor(employee_id=None, everywhere=True, **base),
        "branch of ten outlets": Actor(employee_id=7, units=frozenset(range(1, 11)), **base),
        "one outlet": Actor(employee_id=7, units=frozenset({5}), **base),
        "own customers": Actor(employee_id=count // CUSTOMERS_A_MANAGER // 2, **base),
    }


def _queries(count: int, rounds: int) -> dict[str, list[str]]:
    """What people type, drawn from the names and numbers that are there."""
    from zhike.customers.names import syllables

    chance = random.Random(3)
    drawn = list(_names(min(count, 50_000)))
    people = chance.sample([name for name, person in drawn if person and len(name) == 3], rounds)
    firms = chance.sample([name for name, person in drawn if not person], rounds)
    return {
        "name, two characters": [name[:2] for name in people],
        "name, whole": people,
        "given name": [name[1:] for name in people],
        "initials": ["".join(each[0] for each in syllables(name)) for name in people],
        "initials, two": ["".join(each[0] for each in syllables(name))[:2] for name in people],
        "pinyin": ["".join(syllables(name)) for name in people],
        "firm, two characters": [name[2:4] for name in firms],
        "firm, trade": [name[4:6] for name in firms],
        "firm, “有限公司”": ["有限公司"] * (rounds // 4),
        "last four": [_mobile(chance.randrange(1, min(count, MADE)))[-4:] for _ in range(rounds)],
        "mobile": [_mobile(chance.randrange(1, min(count, MADE))) for _ in range(rounds)],
    }


def _measure(count: int, rounds: int) -> tuple[float, float]:
    """Prints a line a kind; answers the worst p95 by the clock and by processor time, in ms."""
    from zhike.customers.search import search
    from zhike.kernel import wall

    worst = (0.0, 0.0)
    queries = _queries(count, rounds)
    as_pages()
    for reach, actor in _actors(count).items():
        wall.face(actor)
        print(
            f"\n{reach}\n{'':26}{'p50 ms':>8}{'p95 ms':>8}{'CPU p50':>9}{'CPU p95':>9}{'hits':>7}"
        )
        for kind, texts in queries.items():
            for text in texts[:5]:
                search(actor, text)
            clock, cpu = _line(kind, lambda text, actor=actor: len(search(actor, text)), texts)  # type: ignore[misc]
            worst = max(worst[0], clock), max(worst[1], cpu)
    print()
    _line("peer: contains, by balance", _peer, queries["name, two characters"][:20])
    return worst


def as_pages() -> None:
    """From now on this connection stands behind the second wall, as those of the pages do."""
    from django.conf import settings
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"SET ROLE {settings.ZHIKE_PAGES_ROLE}")
    settings.ZHIKE_WALL = True


def _line(kind: str, ask: Callable[[str], int], texts: list[str]) -> tuple[float, float]:
    """Times the texts and prints them; answers p95 by the clock and by processor time, in ms."""
    clocks, cpus, hits = [], [], 0
    for text in texts:
        began, used = time.perf_counter(), _processor_seconds()
        hits += ask(text)
        clocks.append((time.perf_counter() - began) * 1000)
        cpus.append((_processor_seconds() - used) * 1000)
    (p50, p95), (cpu50, cpu95) = (_quantiles(times) for times in (clocks, cpus))
    print(
        f"{kind:26}{p50:8.1f}{p95:8.1f}{cpu50:9.1f}{cpu95:9.1f}{hits / len(texts):7.1f}", flush=True
    )
    return p95, cpu95


def _quantiles(times: list[float]) -> tuple[float, float]:
    times.sort()
    return times[len(times) // 2], times[int(len(times) * 0.95)]


def _processor_seconds() -> float:
    """Of this process and of the database's: what a query costs however busy the machine is."""
    running = Path(f"/proc/{_backend()}/schedstat").read_text().split()[0]
    return time.process_time() + int(running) / 1e9


@lru_cache(maxsize=1)
def _backend() -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid: int = cursor.fetchone()[0]
    return pid


def _peer(text: str) -> int:
    from zhike.customers.models import Party

    rows = Party.objects.select_related("unit", "standing__tier")
    return len(rows.filter(name__icontains=text).order_by("-standing__balance", "-pk")[:50])


if __name__ == "__main__":
    main()
