"""What an uploaded file is: its format by its content, encoding, separator, header line, first rows.

Only strict UTF-8 tells itself from other encodings; Big5 and GB18030 read as each other, so a person chooses.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from zhike.kernel.errors import UserError
from zhike.masterdata.wizard.shapes import Look, Reading, problem_of
from zhike.masterdata.wizard.workbook import Workbook

PIECE = 1024 * 1024
HEAD = 512 * 1024
FIRST_ROWS = 1_000
LINES_SHOWN = 6
LONGEST_SHOWN = 120
SEPARATORS = (",", "\t", ";", "|")
LOOKED_AT = 50
ENCODINGS = ("gb18030", "big5", "cp1252")
# The lead bytes of the commonest characters: level 1 of GB 2312 and of Big5.
COMMON = {"gb18030": ("gb2312", 0xB0, 0xD7), "big5": ("big5", 0xA4, 0xC6)}
# What is no name of a column: a day, an amount, a number longer than that of a year.
VALUE = re.compile(r"[\d.,:/+-]{5,}X?")
SAVE_AS = "Open it in the program it comes from and save it as CSV UTF-8 or XLSX."
# By its first bytes: what else people upload, and what it is called.
OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old XLS workbook or one with a password"),
    (b"\x1f\x8b", "a compressed file (GZIP)"),
    (b"7z\xbc\xaf\x27\x1c", "an archive (7z)"),
    (b"Rar!\x1a\x07", "an archive (RAR)"),
    (b"BZh", "a compressed file (BZIP2)"),
    (b"\xfd7zXZ\x00", "a compressed file (XZ)"),
    (b"\x28\xb5\x2f\xfd", "a compressed file (Zstandard)"),
    (b"%PDF-", "a PDF document"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"MZ", "a program"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3", "a database"),
    (b"{\\rtf", "an RTF document"),
)


def look(path: Path, reading: Reading) -> Look:
    """The file as far as it can be told. Raises UserError for one that is none of the formats read here."""
    with path.open("rb") as file:
        head = file.read(PIECE)
    if not head:
        raise UserError(f"{path.name} is empty.", "A file without rows still has its header line.")
    if head.startswith(b"PK\x03\x04") or head.startswith(b"PK\x05\x06"):
        return _workbook(path, reading)
    if head.startswith(b"PAR1"):
        return _parquet(path)
    for magic, what in OTHERS:
        if head.startswith(magic):
            raise UserError(f"{path.name} is {what}, not a table.", SAVE_AS)
    return _text(path, head, reading)


def _workbook(path: Path, reading: Reading) -> Look:
    with Workbook(path) as book:
        sheet = reading.sheet or book.sheets[0]
        rows = list(islice(book.rows(sheet), FIRST_ROWS + LOOKED_AT))
        texts = [(line, [cell.strip() for cell in cells]) for line, cells, _bad in rows]
        at = reading.skip_rows
        if at is None:
            at = texts[_header_at([cells for _line, cells in texts])][0] - 1 if texts else 0
        header = next((cells for line, cells in texts if line == at + 1), [])
        found = _named(header)
        return Look(
            format="xlsx",
            sheets=tuple(book.sheets),
            sheet=sheet,
            skip_rows=at,
            header=tuple(map(_sayable, found)),
            rows=_even([cells for line, cells in texts if line > at + 1], len(found)),
            count=None if len(rows) >= FIRST_ROWS else sum(line > at + 1 for line, _ in texts),
            problem=problem_of(found),
        )


def _parquet(path: Path) -> Look:
    import pyarrow as pa  # slow to begin with, and few files ask for it
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            names = tuple(file.schema_arrow.names)
            count = file.metadata.num_rows
            if problem := problem_of(names):
                return Look(format="parquet", header=names[:20], count=count, problem=problem)
            batch = next(file.iter_batches(batch_size=FIRST_ROWS), None)
            columns = [
                ["" if each is None else str(each)[:200] for each in column.to_pylist()]
                for column in (batch.columns if batch is not None else [])
            ]
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise UserError(
            f"{path.name} is no whole Parquet file.", "Fetch the file again from where it was made."
        ) from error
    rows = tuple(zip(*columns, strict=True)) if columns else ()
    return Look(format="parquet", header=names, rows=rows, count=count)


def _text(path: Path, head: bytes, reading: Reading) -> Look:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise UserError(f"{path.name} is UTF-16.", "Save it as CSV UTF-8.")
    start = head.lstrip(codecs.BOM_UTF8 + b" \t\r\n")[:200].lower()
    if start.startswith(
        (b"<!doctype", b"<html", b"<table", b"<?xml", b"<head", b"<meta", b"<body")
    ):
        raise UserError(
            f"{path.name} is a web page or XML, whatever it is called.",
            "Open it in a spreadsheet program and save it as XLSX.",
        )
    possible, lines, odd = _scan(path)
    candidates = tuple(name for name in ENCODINGS if name in possible)
    readings: tuple[tuple[str, tuple[str, ...]], ...] = ()
    if "utf-8" in possible and reading.encoding in (None, "utf-8"):
        encoding = "utf-8"
    else:
        readings = tuple((name, tuple(_shown(each, name) for each in odd)) for name in candidates)
        readings = tuple(sorted(readings, key=lambda each: -_plausible(each[0], each[1])))
        encoding = reading.encoding if reading.encoding in possible else ""
        if not encoding:
            return Look(format="csv", encoding="", readings=readings, count=max(lines - 1, 0))
    text = _beginning(head, encoding)
    separator = reading.separator or _separator(text)
    rows = _rows(text, separator, FIRST_ROWS + LOOKED_AT)
    at = reading.skip_rows
    if at is None:
        at = _header_at([cells for _line, cells in rows])
        at = rows[at][0] - 1 if rows else 0
    names = next((cells for line, cells in rows if line == at + 1), [])
    header = tuple(name.strip() for name in names)
    found = Look(
        format="csv",
        encoding=encoding,
        readings=readings,
        separator=separator,
        skip_rows=at,
        header=header[:20],
        count=max(lines - at - 1, 0),
        problem=problem_of(header),
    )
    if found.problem:
        return found
    after = [cells for line, cells in rows if line > at + 1 and cells][:FIRST_ROWS]
    return replace(found, header=header, rows=_even(after, len(header)))


def _scan(path: Path) -> tuple[set[str], int, list[bytes]]:
    """The encodings the whole file could be, how many lines it has, the first ones that are not plain ASCII."""
    possible, lines, odd = _decodable(path, ("utf-8",))
    if not possible:
        possible, lines, odd = _decodable(path, ENCODINGS)
    if not possible:
        raise _in_no_encoding(path)
    return possible, lines, odd


def _in_no_encoding(path: Path) -> UserError:
    """What is wrong with a file that is nearly UTF-8, for all we know."""
    number = 1
    with path.open("rb") as file:
        for line in file:
            try:
                line.decode()
            except UnicodeDecodeError:
                break
            number += 1
    told = f"line {number}: bytes that are no UTF-8, and no other encoding fits the file"
    return UserError(f"{path.name}, {told}.", SAVE_AS)


def _decodable(path: Path, names: Sequence[str]) -> tuple[set[str], int, list[bytes]]:
    decoders = {name: codecs.getincrementaldecoder(name)("strict") for name in names}
    odd: list[bytes] = []
    lines, at, rest, last = 0, 0, b"", b""
    with path.open("rb") as file:
        while decoders and (piece := file.read(PIECE)):
            zero = piece.find(b"\0")
            if zero >= 0:
                line = lines + piece.count(b"\n", 0, zero) + 1
                raise UserError(
                    f"{path.name}, line {line}: a NUL byte at byte {at + zero:,}.",
                    "It is no text file, or UTF-16: export it again as UTF-8.",
                )
            _feed(decoders, piece)
            if len(odd) < LINES_SHOWN and not (rest + piece).isascii():
                whole = (rest + piece).split(b"\n")
                odd += [each for each in whole[:-1] if not each.isascii()]
                rest = whole[-1][-PIECE:]
            lines += piece.count(b"\n")
            at, last = at + len(piece), piece[-1:]
    _feed(decoders, b"", last=True)
    if not rest.isascii():
        odd.append(rest)
    return set(decoders), lines + (last != b"\n"), odd[:LINES_SHOWN]


def _feed(decoders: dict[str, codecs.IncrementalDecoder], piece: bytes, last: bool = False) -> None:
    for name in tuple(decoders):
        try:
            decoders[name].decode(piece, last)
        except UnicodeDecodeError:
            del decoders[name]


def _shown(line: bytes, encoding: str) -> str:
    return line.decode(encoding, "replace").strip("\r\n")[:LONGEST_SHOWN]


def _plausible(encoding: str, lines: Sequence[str]) -> float:
    """The share of characters beyond ASCII that are of the commonest ones, as this encoding has them."""
    if encoding not in COMMON:
        return 0.0
    codec, first, last = COMMON[encoding]
    beyond = [each for line in lines for each in line if not each.isascii()]
    common = sum(first <= each.encode(codec, "replace")[0] <= last for each in beyond)
    return common / len(beyond) if beyond else 0.0


def _beginning(head: bytes, encoding: str) -> str:
    """The first lines, as text; the last one, when it is cut, is left out."""
    head = head[:HEAD].removeprefix(codecs.BOM_UTF8) if encoding == "utf-8" else head[:HEAD]
    text = codecs.getincrementaldecoder(encoding)("replace").decode(head)
    return text.rpartition("\n")[0] if len(head) == HEAD else text


def _rows(text: str, separator: str, most: int) -> list[tuple[int, list[str]]]:
    """(line, cells) of the first rows, as far as they can be read; empty lines have no cells."""
    found: list[tuple[int, list[str]]] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    line = 1
    try:
        for row in islice(reader, most):
            found.append((line, row))
            line = reader.line_num + 1
    except csv.Error:
        pass
    return found


def _separator(text: str) -> str:
    """The one that cuts most lines into the same number of columns, two or more."""

    def fit(separator: str) -> tuple[float, int]:
        widths = Counter(len(row) for _line, row in _rows(text, separator, LOOKED_AT) if row)
        if not widths:
            return 0.0, 0
        width, times = widths.most_common(1)[0]
        return (times / widths.total() if width > 1 else 0.0), width

    return max(SEPARATORS, key=fit)


def _header_at(rows: Sequence[Sequence[str]]) -> int:
    """The number of the first row that is as wide as most are: what stands above is a title. Where that row is none of
    names, the row right above it that is: then the rows are too long, and not the names too few."""
    widths = Counter(len(row) for row in rows[:LOOKED_AT] if _width(row) > 1)
    if not widths:
        return 0
    width = max(widths, key=lambda each: (widths[each], each))
    at = next(number for number, row in enumerate(rows) if len(row) >= width)
    if at and not _names(rows[at]) and _names(rows[at - 1]):
        return at - 1
    return at


def _names(row: Sequence[str]) -> bool:
    """Whether a row can name columns. A year may; a longer number, a day or an amount is a value."""
    cells = _trimmed(row)
    return len(cells) > 1 and not problem_of(cells) and not any(map(VALUE.fullmatch, cells))


def _trimmed(row: Sequence[str]) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in _named(row))


def _width(row: Sequence[str]) -> int:
    return max((number for number, cell in enumerate(row, 1) if cell.strip()), default=0)


def _named(header: Sequence[str]) -> tuple[str, ...]:
    return tuple(header[: _width(header)])


def _even(rows: Sequence[Sequence[str]], width: int) -> tuple[tuple[str, ...], ...]:
    """Rows of one width, for showing."""
    return tuple(
        tuple(_sayable(cell[:200]) for cell in [*row[:width], *[""] * (width - len(row))])
        for row in rows[:FIRST_ROWS]
        if any(row)
    )


def _sayable(text: str) -> str:
    """Half characters, which nothing can say, as question marks."""
    return text.encode("utf-8", "replace").decode()
