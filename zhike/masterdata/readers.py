"""Source files, strictly and in pieces. Nothing is repaired: what cannot be read exactly is refused, with its line.

A `Batch` holds a few ten thousand rows as columns with the physical line of each; refused lines come with a reason.
A file that is not what the mapping says (encoding, header, truncated, NUL, open quote) is one `UserError`.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import hashlib
import io
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from python_calamine import CalamineError, CalamineWorkbook

from zhike.kernel.errors import UserError
from zhike.masterdata.marks import LOST_DIGITS
from zhike.masterdata.values import Column

if TYPE_CHECKING:
    from zhike.masterdata.mapping import Table  # the wizard reads without Django

PIECE = 8 * 1024 * 1024
LONGEST_RECORD = 4 * 1024 * 1024
GZIP = b"\x1f\x8b"
EXACT_INTEGERS = 10**15
WORDS = pa.dictionary(pa.int32(), pa.string())


@dataclass(frozen=True)
class BadLine:
    line: int
    reason: str


@dataclass(frozen=True)
class Batch:
    """Rows as columns of equal length by the header's names; `lines` are physical lines, the first of the file is 1."""

    columns: dict[str, Column]
    lines: npt.NDArray[np.int64]
    bad: tuple[BadLine, ...] = ()
    consumed: int = 0

    def __len__(self) -> int:
        return len(self.lines)


def digest_of(path: Path) -> str:
    """SHA-256 of the bytes as they lie on disk. Raises UserError when they cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(path, error) from error


def check(path: Path, table: Table) -> None:
    """Raise what is wrong with the file's beginning, so that a load stops before it wrote anything."""
    for _batch in read(path, table, only_header=True):
        return


def read(path: Path, table: Table, *, only_header: bool = False) -> Iterator[Batch]:
    """The file's rows in batches. Raises UserError for a file that is not what the mapping says."""
    if path.is_dir():
        raise UserError(
            f"{path} is a folder, not a file.",
            f"The table “{table.name}” needs a {table.format} file.",
        )
    if table.format == "parquet":
        yield from _parquet(path, table, only_header)
    elif table.format == "xlsx":
        yield from _workbook(path, table, only_header)
    else:
        yield from _Lines(path, table).batches(only_header)


def _unreadable(path: Path, error: OSError) -> UserError:
    return UserError(
        f"{path} cannot be read ({error.strerror or error}).",
        "Check that it is there and its rights.",
    )


def _empty(path: Path) -> UserError:
    return UserError(f"{path.name} is empty.", "A file without rows still has its header line.")


def must_have_header(path: Path, found: Sequence[str], table: Table, line: int = 1) -> None:
    """Raise when the columns are not exactly those the mapping names, and say which differ."""
    if tuple(found) == table.header:
        return
    missing = [name for name in table.header if name not in found]
    unknown = [name for name in found if name not in table.header]
    told = []
    if missing:
        told.append(f"missing: {', '.join(missing)}")
    if unknown:
        told.append(f"not in the mapping: {', '.join(name[:40] for name in unknown[:20])}")
    way_out = f"Correct the file, or `header` of the table “{table.name}” in the mapping."
    if len(found) == 1 and len(table.header) > 1:
        told = [f"it is one single column with the separator “{table.separator}”"]
        way_out = f"State the right `separator` for the table “{table.name}” in the mapping."
    raise UserError(
        f"{path.name}, line {line}: the header is not the expected one "
        f"({'; '.join(told) or 'the order differs'}).",
        way_out,
    )


def _of_few_words(table: Table) -> set[str]:
    """Columns that are looked at by their distinct values alone: days, and words of a choice."""
    few: set[str] = set()
    others = {*table.key, *(join.on for join in table.joins)}
    for name, spec in table.fields.items():
        takes = table.takes(name)
        single = len(spec.columns) == 1 and (takes.choices or takes.kind == "date")
        (few if single else others).update(spec.columns)
        others.update(spec.when)
    return few - others


class _Lines:
    """A delimited text file.

    Pieces of whole lines go through pyarrow when every line is plainly one row of the right width (counted), else
    through the csv module, which knows the exact line and reason.
    """

    def __init__(self, path: Path, table: Table) -> None:
        self.path, self.table = path, table
        self.line = 1
        self.offset = 0
        self.carry = b""  # the beginning of a row that did not end in its piece
        few = _of_few_words(table)
        self.types = {name: WORDS if name in few else pa.string() for name in table.header}
        separator = re.escape(table.separator.encode())
        self.odd_quote = re.compile(rb"[^" + separator + rb'\r\n"]"[^' + separator + rb'\r\n"]')

    def batches(self, only_header: bool) -> Iterator[Batch]:
        pieces = self._header()
        if only_header:
            yield Batch({}, np.empty(0, np.int64))
            return
        for piece, last in pieces:
            yield from self._rows(piece, last)

    def _open(self) -> IO[bytes]:
        try:
            file = self.path.open("rb")
        except OSError as error:
            raise _unreadable(self.path, error) from error
        if file.read(2) == GZIP:
            file.seek(0)
            return gzip.open(file)  # type: ignore[return-value]
        file.seek(0)
        return file

    def _pieces(self) -> Iterator[bytes]:
        """The bytes of the file, unpacked."""
        with self._open() as file:
            while True:
                try:
                    piece = file.read(PIECE)
                except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                    raise UserError(
                        f"{self.path.name} is cut off or damaged after {self.offset:,} unpacked bytes.",
                        "Fetch the file again: its end is missing.",
                    ) from error
                except OSError as error:
                    raise _unreadable(self.path, error) from error
                if not piece:
                    return
                yield piece

    def _header(self) -> Iterator[tuple[bytes, bool]]:
        """Checks the first line; answers the pieces after it, cut at line ends, with whether each is the last."""
        pieces = self._pieces()
        first = next(pieces, b"")
        if self.table.encoding == "utf-8" and first.startswith(codecs.BOM_UTF8):
            first = first[3:]
            self.offset = 3
        if not first.strip():
            raise _empty(self.path)
        for _above in range(self.table.skip_rows):
            above, newline, first = first.partition(b"\n")
            self._decoded(above)
            self.offset += len(above) + len(newline)
            self.line += 1
        head, newline, rest = first.partition(b"\n")
        if not newline and len(first) >= PIECE:
            raise UserError(
                f"{self.path.name} has no line end in its first 8 MB.", "Is it a text file?"
            )
        text = self._decoded(head + newline)
        names = next(csv.reader([text], delimiter=self.table.separator), [])
        must_have_header(self.path, [name.strip() for name in names], self.table, self.line)
        self.offset += len(head) + len(newline)
        self.line += 1
        return self._cut(rest, pieces)

    def _cut(self, rest: bytes, pieces: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
        for piece in pieces:
            whole, newline, tail = (rest + piece).rpartition(b"\n")
            if newline:
                self.carry = b""
                yield whole + newline, False
                rest = self.carry + tail
            else:
                rest = tail
            self._must_end(rest)
        self.carry = b""
        if rest:
            yield rest, True

    def _must_end(self, rest: bytes) -> None:
        if len(rest) > LONGEST_RECORD:
            raise UserError(
                f"{self.path.name}, line {self.line}: a row does not end within 4 MB.",
                'A quotation mark is not closed there, or the mapping states the wrong "separator".',
            )

    def _decoded(self, piece: bytes) -> str:
        """Raises UserError with byte offset and line for bytes that are not of the stated encoding, and for NUL."""
        zero = piece.find(b"\0")
        if zero >= 0:
            raise UserError(
                f"{self.path.name}, line {self.line + piece.count(10, 0, zero)}: a NUL byte at byte "
                f"{self.offset + zero:,}.",
                "It is no text file, or UTF-16: export it again as UTF-8.",
            )
        try:
            return piece.decode(self.table.encoding)
        except UnicodeDecodeError as error:
            line = self.line + piece.count(b"\n", 0, error.start)
            raise UserError(
                f"{self.path.name}, line {line}: byte {self.offset + error.start:,} is not {self.table.encoding}.",
                f"State the right `encoding` of the table “{self.table.name}” in the mapping "
                "(gb18030, big5, …), or convert the file to UTF-8.",
            ) from error

    def _rows(self, piece: bytes, last: bool) -> Iterator[Batch]:
        text = self._decoded(piece)
        batch = self._quick(piece if self.table.encoding == "utf-8" else text.encode())
        if batch is not None:
            self.line += len(batch)
            self.offset += len(piece)
            yield batch
            return
        batch, used_lines, used_characters = self._exact(text, last)
        left = text[used_characters:].encode(self.table.encoding)
        self.line += used_lines
        self.offset += len(piece) - len(left)
        self.carry = left
        self._must_end(left)
        if len(batch) or batch.bad:
            yield batch

    def _quick(self, piece: bytes) -> Batch | None:
        """The piece by pyarrow, or None unless every line is surely one row."""
        lines = piece.count(b"\n") + (not piece.endswith(b"\n"))
        returns = piece.count(b"\r")
        if returns and returns != piece.count(b"\r\n"):
            return None
        if b'"' in piece and (piece.count(b'"') % 2 or self.odd_quote.search(piece)):
            return None
        names = self.table.header
        refused: list[object] = []

        def skip(row: Any) -> str:
            refused.append(row)
            return "skip"

        try:
            rows = pa_csv.read_csv(
                io.BytesIO(piece),
                read_options=pa_csv.ReadOptions(
                    column_names=list(names), use_threads=False, block_size=len(piece) + 1
                ),
                parse_options=pa_csv.ParseOptions(
                    delimiter=self.table.separator, invalid_row_handler=skip
                ),
                convert_options=pa_csv.ConvertOptions(
                    column_types=self.types,
                    include_columns=sorted(self.table.columns),
                    strings_can_be_null=False,
                    quoted_strings_can_be_null=False,
                ),
            )
        except pa.ArrowInvalid:
            return None
        if refused or rows.num_rows != lines:
            return None
        columns = {name: rows[name].combine_chunks() for name in rows.column_names}
        return Batch(columns, np.arange(self.line, self.line + lines), consumed=len(piece))

    def _exact(self, text: str, last: bool) -> tuple[Batch, int, int]:
        """The piece by the csv module: rows, how many lines and characters they took (an open row is left over)."""
        lines = text.split("\n")
        if lines[-1] == "":
            lines.pop()
            ends = [f"{line}\n" for line in lines]
        else:
            ends = [f"{line}\n" for line in lines[:-1]] + lines[-1:]
        width = len(self.table.header)
        rows: list[list[str]] = []
        at: list[int] = []
        bad: list[BadLine] = []
        source = iter(ends)
        started = base = 0
        while True:
            reader = csv.reader(source, delimiter=self.table.separator, strict=True)
            try:
                for row in reader:
                    line = self.line + started
                    started = base + reader.line_num
                    if len(row) == width:
                        rows.append(row)
                        at.append(line)
                    elif row:
                        word = "short" if len(row) < width else "long"
                        reason = f"{word} line: {len(row)} columns instead of {width}"
                        bad.append(BadLine(line, reason))
                return self._batch(rows, at, bad), len(ends), len(text)
            except csv.Error as error:
                if "unexpected end of data" in str(error):
                    if last:
                        raise UserError(
                            f"{self.path.name}, line {self.line + started}: "
                            "a quotation mark opened here is never closed.",
                            "Close it in the file, or double it if it belongs to the text.",
                        ) from error
                    used = sum(map(len, ends[:started]))
                    return self._batch(rows, at, bad), started, used
                bad.append(BadLine(self.line + started, f"malformed line: {error}"))
                base += reader.line_num
                started = base

    def _batch(self, rows: list[list[str]], at: list[int], bad: list[BadLine]) -> Batch:
        columns = list(zip(*rows, strict=True)) if rows else [()] * len(self.table.header)
        used = self.table.columns
        return Batch(
            {
                name: pa.array(column, pa.string())
                for name, column in zip(self.table.header, columns, strict=True)
                if name in used
            },
            np.array(at, np.int64),
            tuple(bad),
        )


def _parquet(path: Path, table: Table, only_header: bool) -> Iterator[Batch]:
    try:
        with pq.ParquetFile(path) as file:
            must_have_header(path, file.schema_arrow.names, table)
            if only_header:
                yield Batch({}, np.empty(0, np.int64))
                return
            line = 1
            for rows in file.iter_batches(batch_size=65_536, columns=sorted(table.columns)):
                columns = {name: _decoded(rows.column(name)) for name in rows.schema.names}
                yield Batch(columns, np.arange(line, line + rows.num_rows))
                line += rows.num_rows
    except OSError as error:
        raise _unreadable(path, error) from error
    except (pa.ArrowInvalid, pa.ArrowException) as error:
        raise UserError(
            f"{path.name} is no whole Parquet file ({str(error).splitlines()[0][:120]}).",
            "Fetch the file again, or state its `format` in the mapping.",
        ) from error


def _decoded(column: Column) -> Column:
    """Dates and decimals as they are, everything else as text."""
    kind = column.type
    if pa.types.is_date(kind) or pa.types.is_decimal(kind):
        return column
    return column.cast(pa.string())


def _workbook(path: Path, table: Table, only_header: bool) -> Iterator[Batch]:
    try:
        with path.open("rb") as file:
            content = file.read()
        if not content:
            raise _empty(path)
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        name = table.sheet or book.sheet_names[0]
        if name not in book.sheet_names:
            raise UserError(
                f"{path.name} has no sheet “{name}”.",
                f"State `sheet` in the mapping; it has: {', '.join(book.sheet_names)}.",
            )
        sheet = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
    except OSError as error:
        raise _unreadable(path, error) from error
    except CalamineError as error:
        raise UserError(
            f"{path.name} is no whole XLSX file.", "Open it and save it again as XLSX."
        ) from error
    head = table.skip_rows
    if len(sheet) <= head:
        raise _empty(path)
    found = [_cell(value).strip() for value in sheet[head]]
    while found and not found[-1]:
        found.pop()
    must_have_header(path, found, table, head + 1)
    if only_header:
        yield Batch({}, np.empty(0, np.int64))
        return
    width = len(found)
    rows: list[list[str]] = []
    at: list[int] = []
    bad: list[BadLine] = []
    for line, cells in enumerate(sheet[head + 1 :], head + 2):
        texts = [_cell(value) for value in cells]
        if not any(text.strip() for text in texts[table.titles :]):
            continue
        if any(texts[width:]):
            bad.append(BadLine(line, f"long line: cells beyond the {width} columns of the header"))
            continue
        rows.append(texts[:width] + [""] * (width - len(texts)))
        at.append(line)
    columns = list(zip(*rows, strict=True)) if rows else [()] * width
    yield Batch(
        {
            name: pa.array(column, pa.string())
            for name, column in zip(table.header, columns, strict=True)
            if name in table.columns
        },
        np.array(at, np.int64),
        tuple(bad),
    )


def _cell(value: Any) -> str:
    """A cell as text; a number beyond 15 digits is marked, because its last digits are gone."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, int | float):
        if abs(value) >= EXACT_INTEGERS:
            return f"{LOST_DIGITS}{value:.0f}"
        return str(int(value)) if value == int(value) else format(value, ".15g")
    if isinstance(value, datetime):
        if (value.hour, value.minute, value.second) == (0, 0, 0):
            return value.date().isoformat()
        return value.isoformat(" ", "seconds")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)
