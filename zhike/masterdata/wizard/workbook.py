"""XLSX row by row, in little memory, strictly: what a cell does not say exactly is refused with its place.

Read as streams of the archive by expat. No entities, no links out of the file, no macros; numbers beyond 15 digits
have lost some, formulas need their result, cells that are merged have no value of their own.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any
from xml.parsers import expat

from zhike.kernel.errors import UserError
from zhike.masterdata.marks import LOST_DIGITS
from zhike.masterdata.wizard.shapes import MOST_ROWS

PIECE = 128 * 1024
MOST_ENTRIES = 2_000
MOST_UNPACKED = 4 * 1024**3
RATIO_FROM, MOST_RATIO = 4 * 1024 * 1024, 250
MOST_CELLS_ACROSS = 16_384
EXACT = 10**15
DATE_IDS = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))
QUOTED = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.|_.|\*.')
ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
EPOCHS = {False: date(1899, 12, 30), True: date(1904, 1, 1)}
SAVE = "Open it and save it again as XLSX."

Row = tuple[int, list[str], str]


class _Faulty(Exception):
    """What is wrong with the XML, as raised out of a parser's handler."""


class Workbook:
    """`sheets` are the names; `rows` the rows of one. Raises UserError for whatever is no sound workbook."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise self._wrong("is no whole XLSX file", SAVE) from error
        self._check_archive()
        self._targets: dict[str, str] = {}
        self._1904 = False
        self._read_structure()
        self._shared: list[str] | None = None
        self._dates: list[bool] = []

    def __enter__(self) -> Workbook:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._zip.close()

    @property
    def sheets(self) -> list[str]:
        return list(self._targets)

    def rows(self, sheet: str) -> Iterator[Row]:
        """(number, cells as text, why the row is refused or "") of each row that has a cell; the first is 1."""
        if sheet not in self._targets:
            raise self._wrong(f"has no sheet “{sheet}”", f"It has: {', '.join(self.sheets)}.")
        if self._shared is None:
            self._shared = self._strings()
            self._dates = self._styles()
        reader = _Sheet(self._shared, self._dates, EPOCHS[self._1904])
        for _ in self._parse(self._targets[sheet], reader.handlers()):
            yield from reader.taken()
        if reader.merged:
            raise self._wrong(
                f"has merged cells ({', '.join(reader.merged[:3])})",
                "Unmerge them, so that every row has its own values.",
            )

    def _wrong(self, what: str, way_out: str) -> UserError:
        return UserError(f"{self.path.name} {what}.", way_out)

    def _check_archive(self) -> None:
        entries = self._zip.infolist()
        if any(each.flag_bits & 1 for each in entries):
            raise self._wrong("has a password", "Save it without one.")
        names = {each.filename for each in entries}
        if any(name.lower().endswith("vbaproject.bin") for name in names):
            raise self._wrong("holds macros", "Save it as XLSX, without macros.")
        if "xl/workbook.xml" not in names:
            raise self._wrong("is an archive, but no XLSX workbook", SAVE)
        if (
            len(entries) > MOST_ENTRIES
            or len(names) < len(entries)
            or sum(each.file_size for each in entries) > MOST_UNPACKED
            or any(
                each.file_size > RATIO_FROM
                and each.file_size > MOST_RATIO * max(each.compress_size, 1)
                for each in entries
            )
        ):
            raise self._wrong("unpacks to far more than a workbook holds", "Save its rows as CSV.")

    def _parse(self, entry: str, handlers: dict[str, Callable[..., None]]) -> Iterator[None]:
        """Feed a part of the archive to handlers, piece by piece."""
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True

        def no_entities(*_given: Any) -> None:
            raise _Faulty("declares entities, as no spreadsheet program does")

        parser.StartDoctypeDeclHandler = no_entities
        parser.EntityDeclHandler = no_entities
        for name, handler in handlers.items():
            setattr(parser, name, handler)
        try:
            with self._zip.open(entry) as file:
                while piece := file.read(PIECE):
                    parser.Parse(piece)
                    yield
                parser.Parse(b"", True)
                yield
        except KeyError as error:
            raise self._wrong("lacks a part of itself", SAVE) from error
        except _Faulty as error:
            raise self._wrong(str(error), SAVE) from error
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise self._wrong("is cut off or damaged", "Fetch the file again.") from error
        except (expat.ExpatError, ValueError, OverflowError) as error:
            raise self._wrong("is no sound XLSX file", SAVE) from error

    def _read_structure(self) -> None:
        sheets: list[tuple[str, str]] = []
        links: dict[str, str] = {}

        def workbook(name: str, given: dict[str, str]) -> None:
            match name.rpartition(" ")[2]:
                case "sheet":
                    link = next((v for k, v in given.items() if k.endswith("relationships id")), "")
                    sheets.append((given.get("name", ""), link))
                case "workbookPr":
                    self._1904 = given.get("date1904", "0") in ("1", "true")

        def relations(name: str, given: dict[str, str]) -> None:
            if name.endswith(" Relationship") and given.get("TargetMode") != "External":
                target = given.get("Target", "")
                links[given.get("Id", "")] = (
                    target.lstrip("/") if target[:1] == "/" else f"xl/{target}"
                )

        parts: tuple[tuple[str, Callable[..., None]], ...] = (
            ("xl/workbook.xml", workbook),
            ("xl/_rels/workbook.xml.rels", relations),
        )
        for entry, handler in parts:
            handlers: dict[str, Callable[..., None]] = {"StartElementHandler": handler}
            for _ in self._parse(entry, handlers):
                pass
        self._targets = {name: links[link] for name, link in sheets if link in links}
        if not self._targets:
            raise self._wrong("has no sheet with rows", SAVE)

    def _strings(self) -> list[str]:
        if "xl/sharedStrings.xml" not in self._zip.namelist():
            return []
        found: list[str] = []
        parts: list[str] = []
        inside = {"t": False, "rPh": False}

        def start(name: str, _given: dict[str, str]) -> None:
            tag = name.rpartition(" ")[2]
            if tag == "si":
                parts.clear()
            elif tag in inside:
                inside[tag] = True

        def end(name: str) -> None:
            tag = name.rpartition(" ")[2]
            if tag == "si":
                found.append(_unescaped("".join(parts)))
            elif tag in inside:
                inside[tag] = False

        def text(data: str) -> None:
            if inside["t"] and not inside["rPh"]:
                parts.append(data)

        handlers: dict[str, Callable[..., None]] = {
            "StartElementHandler": start,
            "EndElementHandler": end,
            "CharacterDataHandler": text,
        }
        for _ in self._parse("xl/sharedStrings.xml", handlers):
            pass
        return found

    def _styles(self) -> list[bool]:
        """Whether each style of cells shows a day or moment."""
        if "xl/styles.xml" not in self._zip.namelist():
            return []
        custom: dict[str, bool] = {}
        found: list[bool] = []
        inside: list[str] = []

        def start(name: str, given: dict[str, str]) -> None:
            tag = name.rpartition(" ")[2]
            inside.append(tag)
            if tag == "numFmt":
                code = QUOTED.sub("", given.get("formatCode", "")).lower()
                custom[given.get("numFmtId", "")] = any(each in code for each in "ymdhs年月日")
            elif tag == "xf" and "cellXfs" in inside:
                id = given.get("numFmtId", "0")
                found.append(custom.get(id, id.isdecimal() and int(id) in DATE_IDS))

        def end(_name: str) -> None:
            inside.pop()

        for _ in self._parse(
            "xl/styles.xml", {"StartElementHandler": start, "EndElementHandler": end}
        ):
            pass
        return found


class _Sheet:
    """Gathers the rows of a sheet from the parser's events."""

    def __init__(self, shared: list[str], dates: list[bool], epoch: date) -> None:
        self.shared, self.dates, self.epoch = shared, dates, epoch
        self.merged: list[str] = []
        self._rows: list[Row] = []
        self._line = 0
        self._cells: list[str] = []
        self._bad = ""
        self._at = 0
        self._kind = self._style = ""
        self._text: list[str] = []
        self._reading = self._phonetic = self._formula = False

    def handlers(self) -> dict[str, Callable[..., None]]:
        return {
            "StartElementHandler": self._start,
            "EndElementHandler": self._end,
            "CharacterDataHandler": self._data,
        }

    def taken(self) -> Iterator[Row]:
        rows, self._rows = self._rows, []
        return iter(rows)

    def _start(self, name: str, given: dict[str, str]) -> None:
        match name.rpartition(" ")[2]:
            case "c":
                self._begin_cell(given)
            case "v" | "t":
                self._reading = not self._phonetic
            case "f":
                self._formula = True
            case "rPh":
                self._phonetic = True
            case "row":
                line = int(given.get("r") or self._line + 1)
                if line <= self._line or line > MOST_ROWS:
                    raise _Faulty("has rows in an impossible order")
                self._line, self._cells, self._bad, self._at = line, [], "", 0
            case "mergeCell":
                self.merged.append(given.get("ref", "?")[:20])

    def _begin_cell(self, given: dict[str, str]) -> None:
        place = given.get("r", "")
        at = _column(place) if place else self._at + 1
        if at <= self._at or at > MOST_CELLS_ACROSS:
            raise _Faulty("has cells in an impossible order")
        self._at = at
        self._kind, self._style = given.get("t", "n"), given.get("s", "")
        self._formula = False
        self._text.clear()

    def _data(self, data: str) -> None:
        if self._reading:
            self._text.append(data)

    def _end(self, name: str) -> None:
        match name.rpartition(" ")[2]:
            case "v" | "t":
                self._reading = False
            case "rPh":
                self._phonetic = False
            case "c":
                value = self._value("".join(self._text))
                if value:
                    self._cells += [""] * (self._at - 1 - len(self._cells))
                    self._cells.append(value)
            case "row":
                if self._cells or self._bad:
                    self._rows.append((self._line, self._cells, self._bad))

    def _value(self, text: str) -> str:
        if not text:
            if self._formula and self._kind != "str":
                self._refuse("the formula in column {at} has no result; open the file and save it")
            return ""
        match self._kind:
            case "s":
                number = int(text)
                if not 0 <= number < len(self.shared):
                    raise _Faulty("names a text it does not hold")
                return self.shared[number]
            case "str" | "inlineStr":
                return _unescaped(text)
            case "b":
                return "1" if text == "1" else "0"
            case "e":
                self._refuse("the cell in column {at} holds an error")
                return ""
            case "d":
                return text.removesuffix("Z").replace("T00:00:00", "").replace("T", " ")
        return self._number(text)

    def _number(self, text: str) -> str:
        value = float(text)
        if value != value or value in (float("inf"), float("-inf")):
            raise _Faulty("holds a number that is none")
        style = int(self._style) if self._style.isdecimal() else -1
        if 0 <= style < len(self.dates) and self.dates[style]:
            return self._moment(value)
        if abs(value) >= EXACT:
            return f"{LOST_DIGITS}{value:.0f}"
        return str(int(value)) if value == int(value) else format(value, ".15g")

    def _moment(self, value: float) -> str:
        days, part = divmod(value, 1)
        if not 0 <= days < 2_958_466 or (self.epoch.year == 1899 and 0 < days < 61):
            # Excel counts a 29 February 1900 that never was.
            self._refuse("the day in column {at} is none")
            return ""
        at = datetime.combine(self.epoch, datetime.min.time()) + timedelta(
            days=days, seconds=round(part * 86_400)
        )
        return at.date().isoformat() if not part else at.isoformat(" ", "seconds")

    def _refuse(self, reason: str) -> None:
        self._bad = self._bad or reason.format(at=_letters(self._at))


def _column(place: str) -> int:
    """The number of the column a cell's place names: A1 → 1, AB7 → 28."""
    number = 0
    for letter in place:
        if not "A" <= letter <= "Z":
            break
        number = number * 26 + ord(letter) - 64
    return number


def _letters(number: int) -> str:
    found = ""
    while number:
        number, rest = divmod(number - 1, 26)
        found = chr(65 + rest) + found
    return found


def _unescaped(text: str) -> str:
    """Characters that XML cannot hold are written _x0007_."""
    return ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text
