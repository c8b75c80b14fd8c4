"""How a file is written, as both sides of the reading process know it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

MOST_COLUMNS = 500
MOST_ROWS = 1_048_576
LONGEST_NAME = 80
# Numbers as long as those of people, cards and telephones, and e-mail addresses: nobody calls a column so.
OF_SOMEBODY = re.compile(r"[\d ()+-]{9,}[Xx]?|\S+@\S+\.\S+")


@dataclass(frozen=True)
class Shape:
    """What `readers` ask of a table of a mapping; `columns` are those that are read, `guarded` those of plain text."""

    name: str
    header: tuple[str, ...]
    format: str
    separator: str
    encoding: str
    sheet: str
    skip_rows: int
    titles: bool
    columns: frozenset[str]
    guarded: frozenset[str]
    key: tuple[str, ...] = ()
    joins: tuple[Any, ...] = ()
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Reading:
    """How somebody said a file is to be read; None where it is to be found out."""

    encoding: str | None = None
    separator: str | None = None
    sheet: str | None = None
    skip_rows: int | None = None


@dataclass(frozen=True)
class Look:
    """What a file looks like. `problem` is why it cannot be read like this, "" when it can.

    `encoding` is "" while a person has to choose among `readings`: (encoding, lines as they read). `rows` are the
    first ones, as texts; `count` those of the whole file, None where only reading it all would tell.
    """

    format: str
    encoding: str = "utf-8"
    readings: tuple[tuple[str, tuple[str, ...]], ...] = ()
    separator: str = ","
    sheets: tuple[str, ...] = ()
    sheet: str = ""
    skip_rows: int = 0
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    count: int | None = None
    problem: str = ""


def problem_of(header: tuple[str, ...]) -> str:
    """Why these cannot be the names of columns; "" when they can."""
    if not header:
        return "the file has no columns"
    if len(header) > MOST_COLUMNS:
        return f"the file has {len(header):,} columns; at most {MOST_COLUMNS} can be read"
    for number, name in enumerate(header, 1):
        if OF_SOMEBODY.fullmatch(name):
            return f"column {number} of the header line holds a value, not a name"
    for number, name in enumerate(header, 1):
        if not name:
            return f"column {number} has no name in the header line"
        if len(name) > LONGEST_NAME:
            return f"the name of column {number} is longer than {LONGEST_NAME} characters"
        if not name.isprintable():
            return f"the name of column {number} holds characters that cannot be seen"
    for number, name in enumerate(header, 1):
        if header.index(name) + 1 != number:
            return f"columns {header.index(name) + 1} and {number} have the same name"
    return ""


def shown_name(name: str) -> str:
    """A cell of the header line as a page may show it: whole, unless it is the value of somebody."""
    return f"{name[:2]}•••{name[-2:]}" if OF_SOMEBODY.fullmatch(name) else name
