"""From a file to rows ready for a target: columns of joined files, converted values, keys, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from zhike.customers import identifiers
from zhike.kernel import crypto
from zhike.masterdata.mapping import Join, SourceMapping, Table, joined_columns
from zhike.masterdata.readers import Batch, read
from zhike.masterdata.rejects import Reject, masked
from zhike.masterdata.values import Column, arrow_type, convert

EMPTY = "empty, and needed"
LEFT_OUT = "left out of the row"


@dataclass(frozen=True)
class Rows:
    """Accepted rows of one batch: `keys`, physical `lines` and `values` by field, all of one length.

    `read` counts the rows of the batch, `refused` those not among these; `left_out` counts values.
    """

    keys: Column
    lines: Column
    values: dict[str, Column]
    read: int
    refused: int
    left_out: int = 0

    def __len__(self) -> int:
        return len(self.keys)


Told = Callable[[Reject], None]


def prepared(
    path: Path,
    mapping: SourceMapping,
    table: Table,
    joined: Mapping[str, list[Path]],
    tell: Told,
    batches: Iterator[Batch] | None = None,
) -> Iterator[Rows]:
    """The rows of a file, converted; each refusal is told. Raises UserError for a file that cannot be read.

    `batches` are its rows where somebody else reads it.
    """
    beside = {join.name: _Beside(join, mapping, table, joined[join.table]) for join in table.joins}
    sealed = {each.name for each in mapping.tables if each.sealed_key}
    for batch in _ahead(batches or read(path, table)):
        columns = dict(batch.columns)
        columns["@file"] = pa.repeat(pa.scalar(path.name.partition(".")[0]), len(batch))
        columns["@line"] = pa.array(batch.lines).cast(pa.string())
        for join in table.joins:
            columns.update(beside[join.name].columns_for(columns[join.on]))
        for bad in batch.bad:
            tell(Reject(bad.line, "", "", bad.reason))
        yield _rows(batch, columns, table, sealed, tell)


def _ahead(batches: Iterator[Batch]) -> Iterator[Batch]:
    """The same batches; the next is read while one is worked on."""
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = reader.submit(next, batches, None)
            yield batch


def _rows(
    batch: Batch, columns: Mapping[str, Column], table: Table, sealed: set[str], tell: Told
) -> Rows:
    count = len(batch)
    refused: set[int] = set()
    keys = _keys(columns, table)
    for row in pc.indices_nonzero(
        pc.or_(pc.equal(keys, ""), pc.greater(pc.utf8_length(keys), table.longest_key))
    ).to_pylist():
        refused.add(row)
        reason = (
            EMPTY
            if keys[row].as_py() == ""
            else f"a key has at most {table.longest_key} characters"
        )
        tell(Reject(int(batch.lines[row]), " + ".join(table.key), "", reason))
    values: dict[str, Column] = {}
    left_out = 0
    for name, spec in table.fields.items():
        takes = table.takes(name)
        label = " + ".join(spec.columns)
        found = convert(columns, count, spec, takes)
        for fault in found.faults:
            value = masked(fault.raw, takes.mask)
            line = int(batch.lines[fault.row])
            if spec.lenient and not takes.required:
                left_out += 1
                tell(Reject(line, label, value, f"{LEFT_OUT}: {fault.reason}"))
            else:
                refused.add(fault.row)
                tell(Reject(line, label, value, fault.reason))
        values[name] = _digested(found.values) if spec.ref in sealed else found.values
        if takes.required or spec.required:
            faulty = {fault.row for fault in found.faults}
            for row in pc.indices_nonzero(found.values.is_null()).to_pylist():
                if row not in faulty and not spec.when:
                    refused.add(row)
                    tell(Reject(int(batch.lines[row]), label, "", EMPTY))
        if spec.required and takes.kind == "sealed":
            for row, reason in _implausible(name, found.values):
                refused.add(row)
                value = masked(found.values[row].as_py(), takes.mask)
                tell(Reject(int(batch.lines[row]), label, value, reason))
    read = count + len(batch.bad)
    lines = pa.array(batch.lines)
    if refused:
        kept = pa.array([row for row in range(count) if row not in refused], pa.int64())
        keys, lines = keys.take(kept), lines.take(kept)
        values = {name: column.take(kept) for name, column in values.items()}
    return Rows(keys, lines, values, read, len(refused) + len(batch.bad), left_out)


def _implausible(name: str, column: Column) -> Iterator[tuple[int, str]]:
    form = identifiers.NORMAL_FORMS["address" if name.endswith("_address") else name]
    for row, raw in enumerate(column.to_pylist()):
        try:
            if raw is not None:
                form(raw)
        except identifiers.Implausible as error:
            yield row, str(error)


def _keys(columns: Mapping[str, Column], table: Table) -> Column:
    """The key of each row as text, "" for none; a keyed digest where a part of it identifies a person."""
    parts = [
        pc.fill_null(pc.utf8_trim_whitespace(columns[name].cast(pa.string())), "")
        for name in table.key
    ]
    joined = parts[0] if len(parts) == 1 else pc.binary_join_element_wise(*parts, "/")
    if len(parts) > 1:
        joined = pc.if_else(pc.equal(joined, "/" * (len(parts) - 1)), "", joined)
    return _digested(joined) if table.sealed_key else joined


def _digested(keys: Column) -> Column:
    """Keys that identify a person, and references to them, as keyed digests."""
    encoded = keys.dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    digests = [
        crypto.blind_index("key", key).hex() if key else ""
        for key in encoded.dictionary.to_pylist()
    ]
    return pa.array(digests, pa.string()).take(encoded.indices)


def fields_of(table: Table) -> pa.Schema:
    """The converted columns of a table as an Arrow schema."""
    return pa.schema([(name, arrow_type(table.takes(name))) for name in table.fields])


class _Beside:
    """A joined file in memory: only the columns that are asked for, by its key."""

    def __init__(self, join: Join, mapping: SourceMapping, table: Table, paths: list[Path]) -> None:
        self.join = join
        self.names = sorted(set(joined_columns(table, join)))
        described = mapping.table(join.table)
        needed = {join.key, *join.where, *self.names}
        described = replace(
            described, key=tuple(sorted(needed & set(described.header))), fields={}, joins=()
        )
        self.rows: dict[str, tuple[str, ...]] = {}
        for path in paths:
            for batch in read(path, described):
                columns = [
                    pc.utf8_trim_whitespace(batch.columns[name].cast(pa.string())).to_pylist()
                    for name in (join.key, *join.where, *self.names)
                ]
                held = tuple(join.where.values())
                for key, *rest in zip(*columns, strict=True):
                    if tuple(rest[: len(held)]) == held:
                        self.rows.setdefault(key, tuple(rest[len(held) :]))

    def columns_for(self, on: Column) -> dict[str, Column]:
        nothing = ("",) * len(self.names)
        found = [
            self.rows.get(key or "", nothing)
            for key in pc.utf8_trim_whitespace(on.cast(pa.string())).to_pylist()
        ]
        columns: list[Any] = list(zip(*found, strict=True)) if found else [()] * len(self.names)
        return {
            f"{self.join.name}.{name}": pa.array(column, pa.string())
            for name, column in zip(self.names, columns, strict=True)
        }
