"""A mapping: the TOML file that says how the files of one source system become units, customers, agreements and facts.

docs/sources.md explains the grammar with a real example. Reading it never touches data; whatever is wrong in it is
one UserError that names the file, the section and the way out.
"""

from __future__ import annotations

import codecs
import hashlib
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from zhike.kernel.errors import UserError
from zhike.masterdata.sections import Section
from zhike.masterdata.targets import TAKES, TARGETS, Takes, Target
from zhike.masterdata.values import readers

FORMATS = ("csv", "parquet", "xlsx")
SINGLE_BYTE_NEWLINES = (
    "utf-8",
    "gb18030",
    "gbk",
    "gb2312",
    "big5",
    "iso8859-1",
    "iso8859-2",
    "cp1250",
    "cp1252",
)
REFERENCE = Takes("ref", required=True)
ALWAYS = ("@file", "@line")


@dataclass(frozen=True)
class Field:
    """How one field of a target is filled. Values are text until the target's kind is applied.

    columns: where it is read; constant: the same for every row; default: where the column is empty; codes: the
    source's word → ours ("*" stands for anything; words of several columns are joined by " | "); formats: of dates,
    as strptime knows them; prefix: put before a value; reader: a special reader by name; ref: the table of this source
    the value is a key of, take: what is taken from there; when: only on rows whose columns hold these values;
    required: an empty or implausible value refuses the row; lenient: a value that cannot be read is left out of it.
    """

    target: str
    columns: tuple[str, ...] = ()
    constant: str | None = None
    default: str | None = None
    codes: Mapping[str, str] = field(default_factory=dict)
    formats: tuple[str, ...] = ()
    prefix: str = ""
    reader: str = ""
    ref: str = ""
    take: str = ""
    when: Mapping[str, str] = field(default_factory=dict)
    required: bool = False
    lenient: bool = False


@dataclass(frozen=True)
class Join:
    """Another file read beside this one: its columns are called `<name>.<column>`.

    `table` is the block that describes the file, `key` its column that equals our column `on`; `where` keeps only
    rows whose columns hold these values.
    """

    name: str
    table: str
    on: str
    key: str
    where: Mapping[str, str]


@dataclass(frozen=True)
class Table:
    """One [[file]] block: which files, how they are written, what they become.

    repeats: a key that comes again is passed over silently; titles: so are rows of a workbook whose first cell alone
    is filled.
    The columns @file (its name without ending) and @line can be used like any other.
    """

    name: str
    path: str
    into: str
    key: tuple[str, ...]
    header: tuple[str, ...]
    fields: Mapping[str, Field]
    format: str = "csv"
    separator: str = ","
    encoding: str = "utf-8"
    sheet: str = ""
    skip_rows: int = 0
    titles: bool = False
    joins: tuple[Join, ...] = ()
    repeats: bool = False
    optional: bool = False

    @property
    def target(self) -> Target:
        return TARGETS[self.into]

    def takes(self, name: str) -> Takes:
        """What the mapped field `name` is read as: a reference is a key first, whatever it leads to."""
        takes = self.target.takes(name)
        assert takes is not None
        return REFERENCE if self.fields[name].ref else takes

    @property
    def sealed_key(self) -> bool:
        """Whether the key is kept as a keyed digest, because a part of it identifies a person."""
        columns = {
            column
            for name, spec in self.fields.items()
            if self.takes(name).kind == "sealed"
            for column in spec.columns
        }
        return not columns.isdisjoint(self.key)

    @property
    def longest_key(self) -> int:
        """In characters; behind the table's name it stands in a column of 80 wherever no record keeps it."""
        return 80 if self.into == "party" else 79 - len(self.name)

    @cached_property
    def columns(self) -> frozenset[str]:
        """Every column of the file that is looked at, columns of joined files left out."""
        used = {*self.key, *(join.on for join in self.joins)}
        for each in self.fields.values():
            used.update(each.columns, each.when)
        return frozenset(name for name in used if name in self.header)


@dataclass(frozen=True)
class Given:
    """Rows written in the mapping itself: a catalogue or a head office that no file names."""

    name: str
    into: str
    rows: tuple[Mapping[str, str], ...]


@dataclass(frozen=True)
class Source:
    """A source system; `trust` (0 to 100) ranks its word against another system's.

    `attach_by_contact`: its customers carry no documents and are known by mobile and name; `sample`: invented people.
    """

    code: str
    name: str
    trust: int
    attach_by_contact: bool = False
    sample: bool = False


@dataclass(frozen=True)
class SourceMapping:
    """A whole mapping, its tables in the order of loading."""

    path: Path
    digest: str
    source: Source
    given: tuple[Given, ...]
    tables: tuple[Table, ...]

    def table(self, name: str) -> Table:
        return next(table for table in self.tables if table.name == name)


_FILE_KEYS = (
    "table, path, into, key, header, format, separator, encoding, sheet, skip_rows, titles, join, repeats, "
    "optional, fields"
)
_FIELD_KEYS = "column, columns, constant, default, codes, format, prefix, reader, ref, take, when, required, lenient"


def read_mapping(path: Path) -> SourceMapping:
    """Raises UserError for a file that is absent, no TOML, or says what this grammar does not know."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"The mapping {path} cannot be read ({error.strerror}).",
            "Give the path of a TOML file.",
        ) from error
    return parse_mapping(path, content)


def parse_mapping(path: Path, content: bytes) -> SourceMapping:
    """The mapping that `content` says; `path` names it in messages. Raises UserError like `read_mapping`."""
    try:
        values = tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise UserError(
            f"The mapping {path.name} is not UTF-8 (byte {error.start}).", "Save it as UTF-8."
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise UserError(
            f"The mapping {path.name} is no TOML: {error}.", "Correct the line named."
        ) from error
    top = Section(path, "top", values)
    source = _source(Section(path, "[source]", top.take("source", dict)))
    given = tuple(
        _given(Section(path, f"[[given]] number {number}", each))
        for number, each in enumerate(top.take("given", list, []), 1)
    )
    tables = [
        _table(Section(path, f"[[file]] number {number}", each))
        for number, each in enumerate(top.take("file", list, []), 1)
    ]
    top.end("source, given, file")
    if not tables:
        raise top.wrong("no [[file]] block", "Say at least of one file how it is read.")
    _check_references(top, tables)
    return SourceMapping(
        path, hashlib.sha256(content).hexdigest(), source, given, tuple(_in_order(top, tables))
    )


def _source(section: Section) -> Source:
    source = Source(
        section.take("code", str),
        section.take("name", str),
        section.take("trust", int, 50),
        section.take("attach_by_contact", bool, False),
        section.take("sample", bool, False),
    )
    if not 0 <= source.trust <= 100:
        raise section.wrong("“trust” is out of range", "Give a whole number from 0 to 100.")
    section.end("code, name, trust, attach_by_contact, sample")
    return source


def _given(section: Section) -> Given:
    into = section.choice("into", ("unit", "product"))
    rows = []
    for row in section.take("rows", list):
        if not isinstance(row, dict):
            raise section.wrong("a row is no table", 'Write rows as { code = "…", … }.')
        for name, takes in TARGETS[into].fields.items():
            if takes.required and not str(row.get(name, "")):
                raise section.wrong(f"a row lacks “{name}”", f"Give every row its {name}.")
        for name, value in row.items():
            known = TARGETS[into].takes(name)
            if known is None:
                raise section.wrong(
                    f"{into} has no field “{name}”", f"It has: {_names(TARGETS[into])}."
                )
            if known.choices and value not in known.choices:
                raise section.wrong(
                    f"“{value}” is no {name}", f"One of: {', '.join(sorted(known.choices))}."
                )
        rows.append({name: str(value) for name, value in row.items()})
    section.end("into, rows")
    return Given(section.where, into, tuple(rows))


def _names(target: Target) -> str:
    names = ", ".join(sorted(target.fields))
    return f"{names}, {target.open}…" if target.open else names


def _table(section: Section) -> Table:
    name = section.take("table", str)
    section.where = f"[[file]] “{name}”"
    encoding = section.take("encoding", str, "utf-8")
    try:
        encoding = codecs.lookup(encoding).name
    except LookupError:
        encoding = ""
    if encoding not in SINGLE_BYTE_NEWLINES:
        raise section.wrong(
            "this encoding cannot be read",
            f"One of: {', '.join(SINGLE_BYTE_NEWLINES)}; convert any other file to UTF-8.",
        )
    format = section.choice("format", FORMATS, "csv")
    separator = section.take("separator", str, ",")
    if len(separator) != 1 or separator in '"\r\n' or not separator.isascii():
        raise section.wrong("“separator” is not one character", 'Write separator = ";" or "\\t".')
    header = section.words("header")
    if len(set(header)) != len(header) or not header:
        raise section.wrong("“header” is empty or names a column twice", "Name each column once.")
    into = section.choice("into", tuple(TARGETS))
    joins = tuple(
        _join(Section(section.path, f"{section.where}, join “{called}”", each), called)
        for called, each in section.take("join", dict, {}).items()
    )
    target = TARGETS[into]
    fields = {}
    for called, each in _flat(section, target, section.take("fields", dict)):
        inner = Section(section.path, f"{section.where}, field “{called}”", each)
        if target.takes(called) is None:
            raise inner.wrong(f"{into} has no such field", f"It has: {_names(target)}.")
        fields[called] = _field(inner, called, target)
    table = Table(
        name=name,
        path=section.take("path", str),
        into=into,
        key=section.words("key"),
        header=header,
        fields=fields,
        format=format,
        separator=separator,
        encoding=encoding,
        sheet=section.take("sheet", str, ""),
        skip_rows=section.take("skip_rows", int, 0),
        titles=section.take("titles", bool, False),
        joins=joins,
        repeats=section.take("repeats", bool, False),
        optional=section.take("optional", bool, False),
    )
    section.end(_FILE_KEYS)
    _check_columns(section, table)
    return table


def _flat(section: Section, target: Target, fields: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Fields by name; `terms.purpose = {…}` is a table in a table for TOML."""
    for name, value in fields.items():
        if target.open == f"{name}." and isinstance(value, dict):
            yield from ((f"{name}.{inner}", each) for inner, each in value.items())
        else:
            yield name, value


def _join(section: Section, name: str) -> Join:
    join = Join(
        name,
        section.take("table", str),
        section.take("on", str),
        section.take("key", str),
        section.pairs("where"),
    )
    section.end("table, on, key, where")
    return join


def _field(section: Section, name: str, target: Target) -> Field:
    columns = section.words("columns", ()) or section.words("column", ())
    section.values.pop("column", None)
    constant = section.values.pop("constant", None)
    default = section.values.pop("default", None)
    made = Field(
        target=name,
        columns=columns,
        constant=None if constant is None else str(constant),
        default=None if default is None else str(default),
        codes=section.pairs("codes"),
        formats=section.words("format", ()),
        prefix=section.take("prefix", str, ""),
        reader=section.take("reader", str, ""),
        ref=section.take("ref", str, ""),
        take=section.take("take", str, ""),
        when=section.pairs("when"),
        required=section.take("required", bool, False),
        lenient=section.take("lenient", bool, False),
    )
    section.end(_FIELD_KEYS)
    takes = target.takes(name)
    assert takes is not None
    if bool(columns) == (made.constant is not None):
        raise section.wrong(
            "it has no column, or a column and a constant", 'Give column = "…" or constant = "…".'
        )
    if len(columns) > 1 and not (made.codes or made.reader):
        raise section.wrong(
            "several columns need codes or a reader", 'Add codes = {…} or reader = "…".'
        )
    if made.reader and made.reader not in readers:
        raise section.wrong(
            f"there is no reader “{made.reader}”",
            f"There are: {', '.join(sorted(each.id for each in readers)) or 'none'}.",
        )
    if takes.kind == "ref" and not made.ref:
        raise section.wrong(
            "it is a reference", 'Add ref = "<table>" to say which table the key is of.'
        )
    if made.take and made.take not in TAKES:
        raise section.wrong(f"“{made.take}” cannot be taken", f"One of: {', '.join(TAKES)}.")
    for ours in (*made.codes.values(), made.default, made.constant):
        if ours and takes.choices and ours not in takes.choices:
            raise section.wrong(
                f"“{ours}” is no {name}", f"One of: {', '.join(sorted(takes.choices))}."
            )
    return made


def _check_columns(section: Section, table: Table) -> None:
    missing = [
        name
        for name, takes in table.target.fields.items()
        if takes.required and name not in table.fields
    ]
    if missing:
        raise section.wrong(
            f"{table.into} needs {', '.join(missing)}", "Add them to [file.fields]."
        )
    joined = {join.name for join in table.joins}
    named = {
        **dict.fromkeys(table.key, "key"),
        **{join.on: f"join “{join.name}”" for join in table.joins},
        **{
            column: f"field “{each.target}”"
            for each in table.fields.values()
            for column in (*each.columns, *each.when)
        },
    }
    for column, where in named.items():
        if column not in (*table.header, *ALWAYS) and column.partition(".")[0] not in joined:
            raise section.wrong(
                f"{where} reads the column “{column}”, which is not in the header",
                f"The header has: {', '.join(table.header)}.",
            )


def _check_references(top: Section, tables: Sequence[Table]) -> None:
    known = {table.name: table for table in tables}
    if len(known) < len(tables):
        names = [table.name for table in tables]
        twice = next(name for name in names if names.count(name) > 1)
        raise top.wrong(f"two [[file]] blocks have the table “{twice}”", "Give each its own.")
    for table in tables:
        wanted = [(join.table, f"join “{join.name}”") for join in table.joins]
        wanted += [
            (each.ref, f"field “{each.target}”")
            for each in table.fields.values()
            if each.ref and ":" not in each.ref
        ]
        for other, where in wanted:
            if other not in known:
                raise UserError(
                    f"Mapping {top.path.name}, [[file]] “{table.name}”, {where}: no table “{other}”.",
                    f"Name one of: {', '.join(known)}; a table of another source as source:table.",
                )
        for join in table.joins:
            for column in (join.key, *join.where, *joined_columns(table, join)):
                if column not in known[join.table].header:
                    raise UserError(
                        f"Mapping {top.path.name}, [[file]] “{table.name}”, join “{join.name}”: "
                        f"“{join.table}” has no column “{column}”.",
                        f"It has: {', '.join(known[join.table].header)}.",
                    )


def joined_columns(table: Table, join: Join) -> Iterator[str]:
    """The columns of the joined file that the table asks for."""
    asked = [*table.key, *(each.on for each in table.joins)]
    for spec in table.fields.values():
        asked += [*spec.columns, *spec.when]
    for column in asked:
        name, dot, rest = column.partition(".")
        if dot and name == join.name and column not in table.header:
            yield rest


def _in_order(top: Section, tables: Sequence[Table]) -> Iterator[Table]:
    """What is referred to comes first: by the target's rank, then by the references."""
    waiting = sorted(tables, key=lambda table: table.target.rank)
    done: set[str] = set()
    while waiting:
        for table in waiting:
            refs = {each.ref for each in table.fields.values() if each.ref and ":" not in each.ref}
            if refs - {table.name} <= done:
                break
        else:
            names = ", ".join(table.name for table in waiting)
            raise top.wrong(f"the tables {names} refer to each other in a circle", "Break it.")
        waiting.remove(table)
        done.add(table.name)
        yield table
