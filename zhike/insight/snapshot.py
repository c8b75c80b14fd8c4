"""What PostgreSQL knows, put beside the facts: streamed by COPY into Arrow, never held whole in memory."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import date

import pyarrow as pa
from django.db import connection
from pyarrow import csv

from zhike.insight.rules import Book
from zhike.insight.sources import EXTRACTS, Extract
from zhike.kernel.warehouse import Warehouse

THRESHOLDS = "crm/thresholds"
# Those the marts and findings compare with row by row; a unit may have its own.
LOCAL_THRESHOLDS = (
    "grid.current.cut",
    "grid.potential.cut",
    "work.value_fell.percent",
    "work.value_fell.amount",
    "work.idle_inflow.amount",
)


def take(warehouse: Warehouse, as_of: date, book: Book) -> None:
    """Write every extract and the thresholds in force for each unit, each in one commit."""
    for extract in EXTRACTS:
        with (
            connection.cursor() as cursor,
            cursor.copy(
                f"COPY ({extract.query}) TO STDOUT (FORMAT csv, HEADER)", {"as_of": as_of}
            ) as copy,
        ):
            warehouse.overwrite(extract.table, _reader(iter(copy), extract))
    warehouse.overwrite(THRESHOLDS, _thresholds(book))


def column_of(threshold: str) -> str:
    """The column of `crm/thresholds` that holds a threshold."""
    return threshold.replace(".", "_")


def _thresholds(book: Book) -> pa.Table:
    units = sorted(book.paths)
    columns = {
        column_of(name): pa.array([book.value(name, unit) for unit in units], pa.decimal128(20, 4))
        for name in LOCAL_THRESHOLDS
    }
    return pa.table({"unit_id": pa.array(units, pa.int64()), **columns})


class _Chunks(io.RawIOBase):
    """The rows of a running COPY as a file to read; a block is filled, since each comes as a chunk of its own."""

    def __init__(self, chunks: Iterator[bytes | memoryview]) -> None:
        self._chunks = chunks
        self._rest = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        parts, length = [self._rest], len(self._rest)
        while length < size or size < 0:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            parts.append(bytes(chunk))
            length += len(chunk)
        block = b"".join(parts)
        self._rest = block[size:] if size >= 0 else b""
        return block[:size] if size >= 0 else block


def _reader(chunks: Iterator[bytes | memoryview], extract: Extract) -> pa.RecordBatchReader:
    """CSV as PostgreSQL writes it: an empty field is NULL, a quoted empty one is empty text."""
    return csv.open_csv(
        _Chunks(chunks),
        convert_options=csv.ConvertOptions(
            column_types=extract.schema,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            true_values=["t"],
            false_values=["f"],
        ),
    )
