"""The rows of an upload in Arrow batches, strictly; what cannot be taken as it stands is refused with its line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from zhike.kernel.errors import UserError
from zhike.masterdata.marks import LOST_DIGITS
from zhike.masterdata.readers import BadLine, Batch, must_have_header, read
from zhike.masterdata.values import Column
from zhike.masterdata.wizard.shapes import MOST_ROWS, Shape
from zhike.masterdata.wizard.workbook import Workbook

ROWS_AT_ONCE = 20_000
EXACT = 10.0**15
# Controls, and marks that turn or hide what is written; not the line ends and tabs a note may hold.
UNSEEN = (
    "[\\x{00}-\\x{08}\\x{0b}\\x{0c}\\x{0e}-\\x{1f}\\x{7f}-\\x{9f}\\x{ad}\\x{61c}\\x{180e}\\x{200b}-\\x{200f}"
    "\\x{2028}-\\x{202e}\\x{2060}-\\x{206f}\\x{feff}\\x{fff9}-\\x{fffb}\\x{e0000}-\\x{e007f}]"
)
CONTROLS = "[\\x{00}-\\x{08}\\x{0b}\\x{0c}\\x{0e}-\\x{1f}\\x{7f}]"
SURROGATE = re.compile("[\ud800-\udfff]")


def rows(path: Path, shape: Shape) -> Iterator[Batch]:
    """The rows of the file, in batches, what cannot be taken as it stands refused with its line."""
    count = 0
    for batch in _batches(path, shape):
        count += len(batch)
        if count > MOST_ROWS:
            raise UserError(
                f"{path.name} has more than {MOST_ROWS:,} rows.", "Cut it into several files."
            )
        yield _seen(batch, shape)


def _batches(path: Path, shape: Shape) -> Iterator[Batch]:
    if shape.format == "xlsx":
        yield from _workbook(path, shape)
    elif shape.format == "parquet":
        yield from _parquet(path, shape)
    else:
        for batch in read(path, shape):  # type: ignore[arg-type]
            yield from _pieces(batch)


def _pieces(batch: Batch) -> Iterator[Batch]:
    """A batch of text is as long as it happens to be; whoever takes the rows holds them as objects."""
    for start in range(0, max(len(batch), 1), ROWS_AT_ONCE):
        yield Batch(
            {name: column.slice(start, ROWS_AT_ONCE) for name, column in batch.columns.items()},
            batch.lines[start : start + ROWS_AT_ONCE],
            () if start else batch.bad,
        )


def _workbook(path: Path, shape: Shape) -> Iterator[Batch]:
    width = len(shape.header)
    lines: list[int] = []
    held: list[list[str]] = []
    bad: list[BadLine] = []
    found = False
    with Workbook(path) as book:
        for line, cells, fault in book.rows(shape.sheet or book.sheets[0]):
            if line <= shape.skip_rows:
                continue
            if not found:
                names = [cell.strip() for cell in cells]
                must_have_header(path, names if line == shape.skip_rows + 1 else [], shape, line)  # type: ignore[arg-type]
                found = True
                continue
            if fault:
                bad.append(BadLine(line, fault))
            elif any(cells[width:]):
                bad.append(
                    BadLine(line, f"long line: cells beyond the {width} columns of the header")
                )
            elif surrogate := next(
                (n for n, cell in enumerate(cells) if SURROGATE.search(cell)), None
            ):
                bad.append(BadLine(line, _unseen(shape.header[surrogate])))
            elif any(cell.strip() for cell in cells):
                lines.append(line)
                held.append(cells + [""] * (width - len(cells)))
            if len(held) >= ROWS_AT_ONCE:
                yield _batch(shape, lines, held, bad)
                lines, held, bad = [], [], []
    if not found:
        must_have_header(path, [], shape)  # type: ignore[arg-type]
    yield _batch(shape, lines, held, bad)


def _batch(shape: Shape, lines: list[int], held: list[list[str]], bad: list[BadLine]) -> Batch:
    columns = list(zip(*held, strict=True)) if held else [()] * len(shape.header)
    return Batch(
        {
            name: pa.array(column, pa.string())
            for name, column in zip(shape.header, columns, strict=True)
            if name in shape.columns
        },
        np.array(lines, np.int64),
        tuple(bad),
    )


def _parquet(path: Path, shape: Shape) -> Iterator[Batch]:
    try:
        with pq.ParquetFile(path) as file:
            must_have_header(path, file.schema_arrow.names, shape)  # type: ignore[arg-type]
            if file.metadata.num_rows > MOST_ROWS:
                raise UserError(
                    f"{path.name} has more than {MOST_ROWS:,} rows.", "Cut it into several files."
                )
            line = 1
            for found in file.iter_batches(batch_size=ROWS_AT_ONCE, columns=sorted(shape.columns)):
                found.validate(full=True)
                columns = {name: _texts(found.column(name)) for name in found.schema.names}
                yield Batch(columns, np.arange(line, line + found.num_rows))
                line += found.num_rows
    except (pa.ArrowException, OSError, OverflowError, ValueError) as error:
        raise UserError(
            f"{path.name} is no whole Parquet file.", "Fetch the file again from where it was made."
        ) from error


def _texts(column: Column) -> Column:
    """Every value as text; numbers with a point are only exact to 15 digits."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _texts(column.dictionary_decode())
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        raise pa.ArrowInvalid("a column of no single values")
    if pa.types.is_floating(kind):
        numbers = column.to_pylist()
        return pa.array([None if each is None else _number(each) for each in numbers], pa.string())
    return column.cast(pa.string())


def _number(value: float) -> str:
    if not abs(value) < EXACT:
        return f"{LOST_DIGITS}{value:.0f}"
    return str(int(value)) if value == int(value) else format(value, ".15g")


def _seen(batch: Batch, shape: Shape) -> Batch:
    """Rows with characters that nobody sees go to the refused ones."""
    refused: dict[int, str] = {}
    for name, column in batch.columns.items():
        pattern = UNSEEN if name in shape.guarded else CONTROLS
        for row in pc.indices_nonzero(
            pc.fill_null(pc.match_substring_regex(column, pattern), False)
        ).to_pylist():
            refused.setdefault(row, name)
    if not refused:
        return batch
    kept = pa.array([row for row in range(len(batch)) if row not in refused], pa.int64())
    bad = [BadLine(int(batch.lines[row]), _unseen(name)) for row, name in refused.items()]
    return Batch(
        {name: column.take(kept) for name, column in batch.columns.items()},
        batch.lines[kept.to_numpy()],
        (*batch.bad, *bad),
    )


def _unseen(name: str) -> str:
    return f"the column “{name}” holds characters that cannot be seen"


def write(path: Path, shape: Shape, out: IO[bytes]) -> None:
    """The rows as an Arrow stream; refused lines with their reasons stand beside each batch."""
    pa.set_cpu_count(1)
    names = sorted(shape.columns)
    schema = pa.schema([(name, pa.string()) for name in names] + [("@line", pa.int64())])
    with pa.ipc.new_stream(out, schema) as stream:
        for batch in rows(path, shape):
            arrays = [_whole(batch.columns[name]) for name in names]
            found = pa.record_batch([*arrays, pa.array(batch.lines)], schema=schema)
            bad = json.dumps([[each.line, each.reason] for each in batch.bad])
            stream.write_batch(found, custom_metadata={"bad": bad})


def _whole(column: Column) -> Column:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def shape_of(given: dict[str, Any]) -> Shape:
    return Shape(
        **{
            **given,
            "header": tuple(given["header"]),
            "columns": frozenset(given["columns"]),
            "guarded": frozenset(given["guarded"]),
        }
    )
