# ruff: noqa: S608  the words put into SQL are the schemes' own
"""A DuckDB of its own for each call: in memory, so that nothing of a person reaches a disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import duckdb

from zhike.masterdata.matching.comparing import COLUMNS, KINDS, MADE, Kind

Table = Any  # pyarrow publishes no types
MEMORY: Final = "1500MB"


@contextmanager
def database(memory: str = MEMORY) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory that may take `memory` and writes no temporary files: DuckDB encrypts those only for
    an encrypted database, so there are none. What does not fit raises duckdb.OutOfMemoryException."""
    with duckdb.connect(":memory:") as con:
        con.execute("set memory_limit = ?", [memory])
        con.execute("set temp_directory = ''")
        con.execute("set preserve_insertion_order = false")
        con.execute("set enable_progress_bar = false")
        yield con


def kinds_in(normalised: Table) -> list[Kind]:
    """The kinds that occur: a database costs milliseconds, too much for one that stays empty."""
    there = set(normalised["kind"].unique().to_pylist())
    return [kind for kind in KINDS if kind in there]


def plain(con: duckdb.DuckDBPyConnection, name: str, normalised: Table, kind: Kind) -> None:
    """Make the view `name` of the records of one kind with the columns that are compared."""
    con.register(f"all_{name}", normalised)
    made = ", ".join(f"{sql} as {column}" for column, sql in MADE.items())
    con.execute(
        f"create or replace view {name} as select {', '.join(COLUMNS)}, {made} from all_{name} where kind = '{kind}'"
    )


def load(
    con: duckdb.DuckDBPyConnection, name: str, normalised: Table, kind: Kind, one_in: int = 1
) -> int:
    """Make the table `name` of the records of one kind with the columns that are compared, in the
    order of the records: of all, or evenly of one in so many; returns how many."""
    plain(con, f"{name}_plain", normalised, kind)
    con.execute(
        f"create or replace table {name} as from {name}_plain where hash(record) % {one_in} = 0 order by record"
    )
    return count(con, name)


def count(con: duckdb.DuckDBPyConnection, name: str) -> int:
    """Rows of a table."""
    return int(con.execute(f"select count(*) from {name}").fetchall()[0][0])
