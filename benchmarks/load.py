"""How long a load takes against the least that could be done with the same rows.

    python benchmarks/load.py [--customers 1000000] [--transactions 10000000] [--format csv]

Customers: a CSV file with documents, mobiles and addresses through `load` (read, checked, sealed, indexed, with
records of origin) against a bare COPY of the resulting column values into the same tables with the same indexes.
Transactions: a CSV (or Parquet) file through `load` (read, checked against the agreements and the stored months,
sorted, appended) against a bare Parquet write of the rows as stored, from memory, sorted, with the same compression
(zstd 3): once with pyarrow's own settings, once with the warehouse's. Goal: at most 4 times each.
CPU seconds are of this process and of its database backend.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

GOAL = 4
ACCOUNTS = 50_000
MAPPING = """
[source]
code = "bench"
name = "Benchmark"
trust = 80

[[given]]
into = "unit"
rows = [{ code = "1", name = "Head office", kind = "head_office" }]

[[given]]
into = "product"
rows = [{ code = "A", name = "Account", category = "deposit", side = "liability" }]

[[file]]
table = "customers"
path = "customers.csv"
optional = true
header = ["no", "name", "id_no", "mobile", "address", "since"]
into = "party"
key = "no"
[file.fields]
name = { column = "name" }
resident_id = { column = "id_no" }
mobile = { column = "mobile" }
home_address = { column = "address" }
since_on = { column = "since" }

[[file]]
table = "accounts"
path = "accounts.csv"
optional = true
header = ["no", "owner", "opened"]
into = "agreement"
key = "no"
[file.fields]
party = { column = "owner", ref = "customers" }
unit = { column = "owner", ref = "customers" }
product = { constant = "A" }
opened_on = { column = "opened" }

[[file]]
table = "transactions"
path = "transactions.*"
format = "FORMAT"
optional = true
header = ["no", "account", "day", "way", "amount", "balance", "kind", "channel"]
into = "transaction"
key = "no"
[file.fields]
agreement = { column = "account", ref = "accounts" }
booked_on = { column = "day" }
direction = { column = "way" }
amount = { column = "amount" }
balance = { column = "balance" }
kind = { column = "kind" }
channel = { column = "channel" }
"""


@dataclass
class Spent:
    wall: float = 0.0
    cpu: float = 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--transactions", type=int, default=10_000_000)
    parser.add_argument("--format", choices=("csv", "parquet"), default="csv")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        _start(stack, home)
        folder = home / "source"
        folder.mkdir()
        mapping = home / "bench.toml"
        mapping.write_text(MAPPING.replace("FORMAT", arguments.format), encoding="utf-8")
        ours = _load_customers(mapping, folder, arguments.customers)
        _tell("customers", arguments.customers, ours, "bare COPY", _copy_again(home))
        # The peer emptied the tables; the transactions need customers and accounts again.
        _load_customers(mapping, folder, min(arguments.customers, ACCOUNTS))
        _accounts(mapping, folder, min(arguments.customers, ACCOUNTS))
        ours = _load_transactions(mapping, folder, arguments)
        for name, as_ours in (("bare Parquet write", False), ("the same with our settings", True)):
            peer = _bare_write(home, as_ours=as_ours)
            _tell("transactions", arguments.transactions, ours, name, peer)
        print(
            f"load of the machine in the last minute: {os.getloadavg()[0]:.1f}, cores: {os.cpu_count()}"
        )


def _start(stack: ExitStack, home: Path) -> None:
    sys.path.insert(0, str(Path(__file__).parent.parent))
    from zhike.kernel.postgres import running

    os.environ["ZHIKE_HOME"] = str(home)
    os.environ["WAREHOUSE_URL"] = str(home / "warehouse")
    os.environ["DATABASE_URL"] = stack.enter_context(running(home / "pg", throwaway=True))
    os.environ["DJANGO_SETTINGS_MODULE"] = "zhike.config.settings"
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def _backend_cpu() -> float:
    """User and system seconds of our database backend (Linux)."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def _measured() -> Iterator[Spent]:
    def cpu() -> float:
        total = _backend_cpu()
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
            usage = resource.getrusage(who)
            total += usage.ru_utime + usage.ru_stime
        return total

    spent = Spent()
    wall, before = time.monotonic(), cpu()
    yield spent
    spent.wall, spent.cpu = time.monotonic() - wall, cpu() - before


def _tell(what: str, rows: int, ours: Spent, peer_name: str, peer: Spent) -> None:
    print(
        f"{what}: {rows:,} rows in {ours.wall:.1f} s ({rows / ours.wall:,.0f} a second), CPU {ours.cpu:.1f} s; "
        f"{peer_name} {peer.wall:.1f} s, CPU {peer.cpu:.1f} s; "
        f"ratio wall {ours.wall / peer.wall:.2f}, CPU {ours.cpu / peer.cpu:.2f}; goal {GOAL}",
        flush=True,
    )


def _load(mapping: Path, folder: Path, name: str) -> Spent:
    from zhike.kernel.actor import system
    from zhike.masterdata.services import load

    with _measured() as spent:
        report = load(actor=system("benchmark"), mapping=mapping, paths=[folder / name])
    (table,) = [each for each in report.tables if each.files]
    assert table.rejected == table.left_out == 0, report
    assert table.accepted == table.read > 0, report
    return spent


def _load_customers(mapping: Path, folder: Path, count: int) -> Spent:
    from zhike.customers.identifiers import id_check

    family, given = (
        "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高",
        "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平",
    )
    with (folder / "customers.csv").open("w", encoding="utf-8") as file:
        file.write("no,name,id_no,mobile,address,since\n")
        for n in range(count):
            name = family[n % 20] + given[n // 20 % 20] + given[n // 400 % 20]
            # No province has the code 29, no operator the prefix 154: nobody's numbers.
            day = f"{1950 + n // 6_720 % 50}{1 + n // 560 % 12:02d}{1 + n // 20 % 28:02d}"
            document = f"29{n // 336_000:04d}{day}{n % 20:03d}"
            file.write(
                f"{n},{name},{document}{id_check(document)},154{n:08d},"
                f"岫禾市澍浦县文昌路{n % 900}号{n % 37}幢,20{10 + n % 15}-0{1 + n % 9}-1{n % 10}\n"
            )
    return _load(mapping, folder, "customers.csv")


def _copy_again(home: Path) -> Spent:
    """The same column values out into files, the tables emptied, and in again by bare COPY."""
    from django.db import connection, transaction

    tables = (
        "customers_party customers_identifier customers_contactpoint customers_address masterdata_sourcerecord"
    ).split()
    with connection.cursor() as cursor:
        for table in tables:
            with (home / table).open("wb") as file, cursor.copy(f"COPY {table} TO STDOUT") as out:
                for piece in out:
                    file.write(piece)
        cursor.execute(f"TRUNCATE {', '.join(tables)} CASCADE")
    with _measured() as spent, transaction.atomic(), connection.cursor() as cursor:
        for table in tables:
            with (home / table).open("rb") as file, cursor.copy(f"COPY {table} FROM STDIN") as into:
                while piece := file.read(1 << 20):
                    into.write(piece)
            # Without it the checks of foreign keys at the end are planned for empty tables and take minutes.
            cursor.execute(f"ANALYZE {table}")
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(tables)}, masterdata_importfile CASCADE")
    for table in tables:
        (home / table).unlink()
    return spent


def _accounts(mapping: Path, folder: Path, count: int) -> None:
    lines = "".join(f"{n},{n},2015-01-01\n" for n in range(count))
    (folder / "accounts.csv").write_text(f"no,owner,opened\n{lines}", encoding="utf-8")
    _load(mapping, folder, "accounts.csv")


def _load_transactions(mapping: Path, folder: Path, arguments: Any) -> Spent:
    import numpy as np
    import pyarrow as pa
    import pyarrow.csv as pa_csv
    import pyarrow.parquet as pq

    random = np.random.default_rng(7)
    count = arguments.transactions
    accounts = min(arguments.customers, ACCOUNTS)

    def words(*choices: str) -> Any:
        return pa.array(choices).take(pa.array(random.integers(0, len(choices), count)))

    def money(top: int) -> Any:
        return (
            pa.array(random.integers(1, top, count))
            .cast(pa.decimal128(19, 0))
            .cast(pa.decimal128(21, 2))
        )

    days = np.datetime64("2024-01-01") + random.integers(0, 365, count)
    rows = pa.table(
        {
            "no": pa.array(np.arange(count)),
            "account": pa.array(random.integers(0, accounts, count)),
            "day": pa.array(days).cast(pa.date32()),
            "way": words("in", "out"),
            "amount": money(100_000),
            "balance": money(10_000_000),
            "kind": words("salary", "transfer", "cash", "card", "fee"),
            "channel": words("counter", "mobile", "atm", "pos"),
        }
    )
    name = f"transactions.{arguments.format}"
    if arguments.format == "csv":
        pa_csv.write_csv(rows, folder / name, pa_csv.WriteOptions(quoting_style="none"))
    else:
        pq.write_table(rows, folder / name)
    del rows
    return _load(mapping, folder, name)


def _bare_write(home: Path, *, as_ours: bool) -> Spent:
    """The rows as they were stored, all in memory and sorted, into one Parquet file of the same compression: with the
    writer's own settings, or with those (and the dictionaries in memory) of the warehouse."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from zhike.kernel.warehouse import Warehouse, write_parquet
    from zhike.products import facts

    files = Warehouse().files(facts.TRANSACTIONS)
    repeated = ["direction", "kind", "channel", "source"] if as_ours else []
    rows = pa.concat_tables(
        pq.ParquetFile(file, read_dictionary=repeated).read() for file in files
    ).unify_dictionaries()
    with _measured() as spent:
        if as_ours:
            write_parquet(rows, home / "bare.parquet")
        else:
            pq.write_table(rows, home / "bare.parquet", compression="zstd", compression_level=3)
    return spent


if __name__ == "__main__":
    main()
