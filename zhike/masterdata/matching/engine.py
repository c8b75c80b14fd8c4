"""Records as codes in memory, and a DuckDB of its own for each call, so that nothing of a person reaches a disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from zhike.masterdata.matching.comparing import COLUMNS, KINDS, Kind
from zhike.masterdata.matching.normalise.coding import coded, first

Table = Any  # pyarrow publishes no types
Records = Table | dict[Kind, Table]  # normalised, as a table or as `apart` parts it
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


def apart(normalised: Table) -> dict[Kind, Table]:
    """The records of each kind. Training, keys and scores take this as they take the table, and part it no more."""
    return {kind: of_kind(normalised, kind) for kind in KINDS}


def kinds_in(normalised: Records) -> list[Kind]:
    """The kinds that occur: a database costs milliseconds, too much for one that stays empty."""
    if isinstance(normalised, dict):
        return [kind for kind in KINDS if len(normalised[kind])]
    there = set(normalised["kind"].unique().to_pylist())
    return [kind for kind in KINDS if kind in there]


def of_kind(normalised: Records, kind: Kind) -> Table:
    """The records of one kind in the order given: `comparing.COLUMNS`, the two of `comparing.MADE`, and `row`, which
    counts them. Each text is a code into its column's one dictionary: equal texts have equal codes."""
    if isinstance(normalised, dict):
        return normalised[kind]
    there = normalised.select([*COLUMNS, *_STREET]).filter(pc.equal(normalised["kind"], kind))
    columns = {
        name: there[name].combine_chunks() if name in _NO_TEXT else coded(there[name])
        for name in (*COLUMNS, *_STREET)
    }
    road, village = (columns.pop(name) for name in _STREET)
    born = columns["birth_on"].dictionary_encode()
    text = pc.strftime(born.dictionary, format="%Y%m%d")
    columns["birth_text"] = pa.DictionaryArray.from_arrays(born.indices, text)
    columns["address_street"] = first(road, village)
    columns["row"] = pa.array(np.arange(len(there), dtype=np.int32))
    return pa.table(columns)


_STREET: Final = ("address_road", "village")
_NO_TEXT: Final = ("record", "birth_on")


def load(con: duckdb.DuckDBPyConnection, name: str, normalised: Table, kind: Kind) -> None:
    """Make the table `name` of the records of one kind, as `of_kind` gives them, by ascending record."""
    con.register(f"{name}_given", of_kind(normalised, kind))
    con.execute(f"create or replace table {name} as from {name}_given order by record")
    con.unregister(f"{name}_given")
