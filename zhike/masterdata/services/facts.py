"""Movements and balances into the warehouse: staged beside, checked against the agreements and against what is stored,
sorted by month and customer, appended in one commit. Nothing of them enters PostgreSQL."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from django.conf import settings
from django.db import connection

from zhike.customers.queries.merges import AGREEMENTS_OF_ABSORBED
from zhike.kernel.warehouse import MEMORY_LIMIT, THREADS, Parts, Warehouse
from zhike.masterdata.rejects import Reject
from zhike.masterdata.rows import Rows, fields_of
from zhike.masterdata.services.filing import Filing, source_key
from zhike.products import facts

STORED = {"transaction": facts.TRANSACTIONS, "balance": facts.BALANCES}
COLUMNS = {"transaction": facts.TRANSACTION_COLUMNS, "balance": facts.BALANCE_COLUMNS}
DAY = {"transaction": "booked_on", "balance": "month_end"}
# What says that a stored row is the same one again, besides its key.
SAME = {
    "transaction": ("agreement_id", "booked_on", "direction", "amount"),
    "balance": ("balance", "average_balance"),
}
SUMMED = {"transaction": ("amount",), "balance": ("balance",)}
PIECE = 64 * 1024


class Stage:
    """The rows of one file, beside: as they come in an Arrow file, which is mapped, not read, into a DuckDB that joins
    and counts, and from which each month is taken as it is written."""

    def __init__(self, filing: Filing) -> None:
        self.filing = filing
        self.into = filing.table.into
        folder = Path(settings.ZHIKE_HOME) / "staging"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = tempfile.TemporaryDirectory(dir=folder)
        self.db = duckdb.connect()
        for statement in (
            f"SET memory_limit = '{MEMORY_LIMIT}'",
            f"SET threads = {THREADS}",
            f"SET temp_directory = '{self._folder.name}/spill'",
            "SET preserve_insertion_order = false",
            "SET autoinstall_known_extensions = false",
        ):
            self.db.execute(statement)
        self._path = Path(self._folder.name) / "staged.arrow"
        columns = [("row", pa.int64()), ("key", pa.string()), ("line", pa.int64())]
        self._schema = pa.schema([*columns, *fields_of(filing.table)])
        self._writer: Any = pa.ipc.new_file(self._path, self._schema)
        self._rows = 0
        self.staged: Any = None

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *error: object) -> None:
        self.db.close()
        self._writer.close()
        self.staged = None
        self._folder.cleanup()

    def add(self, rows: Rows) -> None:
        count = self.filing.count
        count.read += rows.read
        count.rejected += rows.refused
        count.left_out += rows.left_out
        if len(rows):
            numbers = np.arange(self._rows, self._rows + len(rows))
            columns = [pa.array(numbers), rows.keys, rows.lines, *rows.values.values()]
            self._writer.write_batch(pa.record_batch(columns, schema=self._schema))
            self._rows += len(rows)

    def settle(self) -> None:
        """Tell agreements apart that are not there, keys that come twice, rows that are stored already."""
        self._writer.close()
        self.staged = pa.ipc.open_file(pa.memory_map(str(self._path))).read_all()
        self.db.register("staged", self.staged)
        self._bring_agreements()
        self.db.execute("CREATE TABLE refused (line BIGINT)")
        self._refuse_unknown_agreements()
        self._refuse_repeated_keys()
        self._compare_with_stored()
        sums = ", ".join(f"sum({name})" for name in SUMMED[self.into])
        accepted, *totals = self._one(f"SELECT count(*), {sums} FROM staged WHERE {self._taken()}")  # noqa: S608  names of our own
        self.filing.count.accepted += accepted
        for each, total in zip(SUMMED[self.into], totals, strict=True):
            self.filing.count.sums[each] = total if total is not None else Decimal(0)

    def _taken(self) -> str:
        """The condition of the rows that are appended; nothing is asked where nothing was refused."""
        (refused,) = self._one("SELECT count(*) FROM refused")
        return "line NOT IN (SELECT line FROM refused)" if refused else "true"

    def _refuse_unknown_agreements(self) -> None:
        spec = self.filing.table.fields["agreement"]
        column = " + ".join(spec.columns)
        reason = f"not among the loaded rows of “{spec.ref}”"
        self.db.execute(
            "CREATE TABLE lost AS SELECT line, agreement FROM staged s "
            "WHERE NOT EXISTS (SELECT 1 FROM agreements a WHERE a.key = s.agreement)"
        )
        for line, key in self._fetch("SELECT line, agreement FROM lost"):
            self.filing.tell(Reject(line, column, key, reason))
            self.filing.count.rejected += 1
        self.db.execute("INSERT INTO refused SELECT line FROM lost")

    def _refuse_repeated_keys(self) -> None:
        # Keys whose hashes all differ are all different: sorting numbers is a quarter of grouping texts.
        hashes = self.db.sql("SELECT hash(key) AS h FROM staged").fetchnumpy()["h"]
        hashes.sort()
        if not (hashes[1:] == hashes[:-1]).any():
            return
        self.db.execute(
            f"CREATE TABLE twice AS SELECT key, min(line) AS first_line FROM staged WHERE {self._taken()} "  # noqa: S608  names of our own
            "GROUP BY key HAVING count(*) > 1"
        )
        self.db.execute(
            "CREATE TABLE repeated AS SELECT s.line, t.first_line FROM staged s JOIN twice t ON t.key = s.key "
            "WHERE s.line > t.first_line AND s.line NOT IN (SELECT line FROM refused)"
        )
        for line, first in self._fetch("SELECT line, first_line FROM repeated"):
            self.filing.refuse(line, "", None, f"the key stands on line {first} already")
        self.db.execute("INSERT INTO refused SELECT line FROM repeated")

    def _fetch(self, query: str) -> Iterator[Any]:
        cursor = self.db.cursor()
        found = cursor.execute(f"{query} ORDER BY line")
        while rows := found.fetchmany(10_000):
            yield from rows

    def _bring_agreements(self) -> None:
        """The agreements of the referred table: key, id and owner, by COPY."""
        source, _colon, table = self.filing.table.fields["agreement"].ref.rpartition(":")
        prefix = source_key(table, "")
        self.db.execute("CREATE TABLE agreements (key VARCHAR, id BIGINT, party_id BIGINT)")
        with (
            connection.cursor() as cursor,
            cursor.copy(
                # Under the home of the agreement: merges and splits then rewrite no fact.
                "COPY (SELECT substr(source_key, %s), id, coalesce(home.absorbed, party_id) "  # noqa: S608  ours
                f"FROM products_agreement LEFT JOIN ({AGREEMENTS_OF_ABSORBED}) home ON home.agreement_id = id "
                "WHERE source = %s AND starts_with(source_key, %s)) TO STDOUT",
                [len(prefix) + 1, source or self.filing.system.code, prefix],
            ) as copy,
        ):
            copy.set_types(["text", "int8", "int8"])
            rows: list[Any] = []
            for row in copy.rows():
                rows.append(row)
                if len(rows) == PIECE:
                    self._add_agreements(rows)
                    rows = []
            self._add_agreements(rows)

    def _add_agreements(self, rows: list[Any]) -> None:
        if rows:
            columns = list(zip(*rows, strict=True))
            batch = pa.table(
                [
                    pa.array(columns[0], pa.string()),
                    *(pa.array(c, pa.int64()) for c in columns[1:]),
                ],
                names=["key", "id", "party_id"],
            )
            self.db.register("batch", batch)
            self.db.execute("INSERT INTO agreements SELECT * FROM batch")

    def _compare_with_stored(self) -> None:
        """Rows whose key is stored: the same row is unchanged, another one is refused. Only touched months are read."""
        warehouse = Warehouse()
        name = STORED[self.into]
        if not warehouse.exists(name):
            return
        self.db.execute(warehouse.view(name))
        alias = name.rsplit("/", 1)[-1]
        touched = self.db.execute(
            f"SELECT DISTINCT strftime({DAY[self.into]}, '%Y-%m') FROM staged"  # noqa: S608  names of our own
        ).fetchall()
        if not touched:
            return
        months = ", ".join(f"'{month}'" for (month,) in touched)
        on = (
            "t.transaction_key = s.key"
            if self.into == "transaction"
            else "t.agreement_id = a.id AND t.month_end = s.month_end"
        )
        same = " AND ".join(
            f"t.{each} IS NOT DISTINCT FROM {'a.id' if each == 'agreement_id' else f's.{each}'}"
            for each in SAME[self.into]
            if self._has(each)
        )
        self.db.execute(
            f"""CREATE TABLE met AS SELECT s.line, bool_or({same}) AS same
            FROM staged s JOIN agreements a ON a.key = s.agreement JOIN {alias} t ON {on}
            WHERE t.source = ? AND t.month IN ({months}) AND s.line NOT IN (SELECT line FROM refused)
            GROUP BY s.line""",  # noqa: S608  names of our own
            [self.filing.system.code],
        )
        (unchanged,) = self._one("SELECT count(*) FROM met WHERE same")
        self.filing.count.unchanged += unchanged
        for (line,) in self._fetch("SELECT line FROM met WHERE NOT same"):
            reason = "another row with this key was loaded before; facts are not rewritten"
            self.filing.refuse(line, "", None, reason)
        self.db.execute("INSERT INTO refused SELECT line FROM met")

    def _has(self, column: str) -> bool:
        return column == "agreement_id" or column in self.filing.table.fields

    def _one(self, query: str) -> Any:
        (row,) = self.db.execute(query).fetchall()
        return row

    def append(self, batch: str) -> None:
        """The settled rows into the warehouse, sorted, under this batch id."""
        if not self.filing.count.accepted:
            return
        found = self.db.sql(
            f"SELECT row, year({DAY[self.into]}) * 12 + month({DAY[self.into]}) - 1 AS month, "  # noqa: S608  names of our own
            "party_id, a.id FROM staged s JOIN agreements a ON a.key = s.agreement "
            f"WHERE {self._taken()}"
        ).fetchnumpy()
        order = _sorted(found["month"], found["party_id"], found["row"])
        owners = np.zeros((2, self._rows), np.int64)
        owners[:, found["row"]] = found["party_id"], found["id"]
        make = {
            f"{month // 12:04d}-{month % 12 + 1:02d}": self._maker(rows, owners)
            for month, rows in order.items()
        }
        parts = Parts(COLUMNS[self.into], "month", make)
        Warehouse().append(STORED[self.into], parts, batch=batch)

    def _maker(self, rows: npt.NDArray[np.int64], owners: Any) -> Callable[[], pa.Table]:
        def make() -> pa.Table:
            taken = self.staged.select([*self._own(), "key"]).take(pa.array(rows))
            columns: dict[str, Any] = {name: taken[name] for name in self._own()}
            columns["party_id"], columns["agreement_id"] = owners[:, rows]
            columns["transaction_key"] = taken["key"]
            columns["source"] = _one_word(self.filing.system.code, len(rows))
            if self.into == "transaction":
                columns["channel"] = _known(columns.get("channel"), len(rows))
            schema = COLUMNS[self.into]
            return pa.table(
                {
                    each.name: columns.get(each.name, pa.nulls(len(rows), each.type))
                    for each in schema
                    if each.name != "month"
                }
            )

        return make

    def _own(self) -> list[str]:
        """The stored columns that the file itself fills."""
        return [name for name in COLUMNS[self.into].names if name in self.filing.table.fields]


def _sorted(months: Any, parties: Any, rows: Any) -> dict[int, npt.NDArray[np.int64]]:
    """The rows of each month, by customer and then as they stood in the file.

    The three numbers are packed into one, which sorts ten times as fast, when they fit into 63 bits.
    """
    first, last = int(months.min()), int(months.max())
    people, lines = int(parties.max()) + 1, int(rows.max()) + 1
    months = months.astype(np.int64) - first
    if (last - first + 1) * people * lines < 2**63:
        packed = (months * people + parties) * lines + rows
        packed.sort()
        months, rows = packed // (people * lines), packed % lines
    else:
        order = np.lexsort((rows, parties, months))
        months, rows = months[order], rows[order]
    starts = np.searchsorted(months, np.arange(last - first + 2))
    return {
        first + number: rows[start:end]
        for number, (start, end) in enumerate(itertools.pairwise(starts))
        if start < end
    }


def _one_word(word: str, rows: int) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int8()), rows), [word])


def _known(channel: Any, rows: int) -> Any:
    if channel is None:
        return _one_word("unknown", rows)
    return (
        pc.coalesce(channel, pa.scalar("unknown", channel.type)) if channel.null_count else channel
    )
