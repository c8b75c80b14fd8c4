"""Queries that every page asks, compiled once.

Turning a queryset into SQL costs several times what PostgreSQL takes to answer it by a key, and a page asks a dozen
such. Here the words of a query are kept for the process, and a call brings its values alone.
"""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar, cast
from uuid import UUID

import psycopg
from django.db import connections
from django.db.backends.utils import CursorWrapper
from django.db.models import F, ManyToOneRel, Model, QuerySet
from django.db.models.lookups import Lookup
from django.db.models.query import FlatValuesListIterable, ModelIterable
from django.db.models.sql.compiler import SQLCompiler

M = TypeVar("M", bound=Model)
R = TypeVar("R")
Value = int | str | date | datetime | UUID | list[int] | list[str]
Adapter = Callable[[Any], Any]


@dataclass(frozen=True)
class _Words:
    """A compiled query: at `places` of its parameters stand values of that name, adapted so."""

    compiler: SQLCompiler
    rows: QuerySet[Any]
    sql: str
    parameters: tuple[Any, ...]
    places: dict[int, tuple[str, Adapter]]
    converters: dict[int, Any]
    """By column: what makes the model's value of what the database answers."""


AT_MOST = 2000
"""Queries a process keeps, 17 kB each on a list, 44 kB where four tables are joined (measured); what was asked
longest ago goes first."""

_known: OrderedDict[Hashable, _Words] = OrderedDict()


def prepared(
    key: Hashable, build: Callable[..., QuerySet[M, R]], values: Mapping[str, Value]
) -> list[R]:
    """The rows of `build(**values)`, whose SQL is made at the first call with this `key`.

    `build` may put each value into conditions and nothing else: what else hangs on a value (which tables are
    joined, how many rows are wanted) must be told apart by `key`. Its rows are whole models, or what a flat
    `values_list` answers; what it prefetches, it does by a reverse key into an attribute of its own. TypeError
    where a value does not stand among the query's parameters as given.
    """
    words, parameters = _worded(key, build, values)
    shape: Any = words.rows._iterable_class
    if shape not in (ModelIterable, FlatValuesListIterable):
        raise TypeError("Only whole models and flat lists of values are prepared.")
    compiler = copy.copy(words.compiler)
    compiler.connection = connections[words.rows.db]  # a thread's own
    answer = execute(compiler.connection, words.sql, parameters)
    compiler.execute_sql = lambda *_args, **_options: [answer]  # type: ignore[assignment, method-assign]
    compiler.get_converters = lambda _columns: words.converters  # type: ignore[assignment, method-assign]
    rows: QuerySet[Any] = QuerySet(words.rows.model, using=words.rows.db)
    rows.query = cast("Any", _Answered(compiler))
    found = list(shape(rows))
    if found and shape is ModelIterable:
        for beside in words.rows._prefetch_related_lookups:  # type: ignore[attr-defined]
            _fetch_beside(key, beside, found)
    return found


def _fetch_beside(key: Hashable, beside: Any, rows: list[M]) -> None:
    """What hangs on the rows, into the attribute of the `Prefetch`."""
    relation: Any = getattr(beside, "to_attr", None) and rows[0]._meta.get_field(
        beside.prefetch_through
    )
    if not isinstance(relation, ManyToOneRel):
        raise TypeError(f"{beside} is not prefetched by a reverse key into an attribute.")
    back = relation.field

    def of(keys: list[int]) -> QuerySet[Any]:
        found: QuerySet[Any] = beside.queryset.filter(Among(F(back.attname), keys))
        return found

    there = {row.pk: row for row in rows}
    for row in rows:
        setattr(row, beside.to_attr, [])
    for each in prepared((key, beside.to_attr), of, {"keys": list(there)}):
        row = there[getattr(each, back.attname)]
        back.set_cached_value(each, row)
        getattr(row, beside.to_attr).append(each)


class Among(Lookup):
    """A key, a text or bytes that stand in a list, which is one parameter however long it is: `Among(F("pk"), keys)`.

    Django's `__in` makes a parameter of each value, which costs a load more than what the database does with them.
    """

    prepare_rhs = False

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, tuple[Any, ...]]:
        sql, parameters = self.process_lhs(compiler, connection)
        match self.lhs.output_field.get_internal_type():
            case "CharField" | "TextField":
                kind, values = "text", _array(map(_quoted, self.rhs))
            case "BinaryField":
                kind, values = "bytea", _array(f'"\\\\x{each.hex()}"' for each in self.rhs)
            case _:
                kind, values = "bigint", self.rhs
        return f"{sql} = ANY(%s::{kind}[])", (*parameters, values)


def _array(written: Iterable[str]) -> str:
    return f"{{{','.join(written)}}}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def kept_sql(
    key: Hashable, build: Callable[..., QuerySet[Any, Any]], values: Mapping[str, Value]
) -> tuple[str, list[Any]]:
    """The SQL of `build(**values)` and its parameters, kept alike; its rows may be anything.

    For a query that others are written around. EmptyResultSet where it can have no row.
    """
    words, parameters = _worded(key, build, values)
    return words.sql, parameters


def _worded(
    key: Hashable, build: Callable[..., QuerySet[Any, Any]], values: Mapping[str, Value]
) -> tuple[_Words, list[Any]]:
    words = _known.pop(key, None) or _compiled(build, values)
    while len(_known) >= AT_MOST:
        _known.popitem(last=False)
    _known[key] = words  # the last again
    parameters = list(words.parameters)
    for at, (name, adapt) in words.places.items():
        parameters[at] = adapt(values[name])
    return words, parameters


def execute(
    connection: Any, sql: str, parameters: Sequence[Any] | Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    """What kept SQL answers: words that stay the same from call to call, whose plan the server may keep."""
    with _cursor(connection) as cursor:
        cursor.execute(sql, parameters)
        answer: list[tuple[Any, ...]] = cursor.fetchall()
    return answer


def _cursor(connection: Any) -> CursorWrapper:
    """A cursor that leaves the values to the server, which then keeps its plan (`prepare_threshold`)."""
    if connection.queries_logged:  # a log wants the values within the text
        return connection.cursor()  # type: ignore[no-any-return]
    connection.ensure_connection()
    return connection.make_cursor(psycopg.Cursor(connection.connection))  # type: ignore[no-any-return]


class _Answered:
    """Stands in for a queryset's query that is compiled already."""

    values_select = ()

    def __init__(self, compiler: SQLCompiler) -> None:
        self.compiler = compiler

    def get_compiler(self, using: str) -> SQLCompiler:
        return self.compiler


def _compiled(build: Callable[..., QuerySet[Any, Any]], values: Mapping[str, Value]) -> _Words:
    marks = [
        {name: _mark(value, n, turn) for n, (name, value) in enumerate(values.items())}
        for turn in (0, 1)
    ]
    rows = build(**marks[0])
    compiler = rows.query.get_compiler(rows.db)
    sql, first = compiler.as_sql()
    converters = compiler.get_converters([column[0] for column in compiler.select])
    if not values:
        return _Words(compiler, rows, sql, tuple(first), {}, converters)
    others = build(**marks[1])
    other_sql, second = others.query.get_compiler(others.db).as_sql()
    places: dict[int, tuple[str, Adapter]] = {}
    for at, pair in enumerate(zip(first, second, strict=True)):
        if pair[0] == pair[1]:
            continue
        name = next((each for each in values if pair == (marks[0][each], marks[1][each])), None)
        if name is None:
            raise TypeError(
                f"A value of {compiler.query.model.__name__} is changed on its way: {sql}"
            )
        plain = type(pair[0]) is type(marks[0][name])
        adapt = _as_array if isinstance(pair[0], list) else _as_given
        places[at] = (name, adapt if plain else type(pair[0]))
    missing = set(values) - {name for name, _adapt in places.values()}
    if sql != other_sql or missing:
        raise TypeError(f"More than the parameters hangs on {missing or set(values)}: {sql}")
    return _Words(compiler, rows, sql, tuple(first), places, converters)


def _as_given(value: Any) -> Any:
    return value


def _as_array(values: list[Any]) -> Any:
    """Keys as PostgreSQL writes an array, which the driver would do one by one."""
    keys = all(type(each) is int for each in values)
    return f"{{{','.join(map(str, values))}}}" if keys else values


def _mark(value: Value, n: int, turn: int) -> Any:
    """A value of the same type that no query holds by chance; another one in each turn."""
    number = 1_900_000_000 + 2 * n + turn
    match value:
        case bool():
            raise TypeError("What is true or false is told apart by the key.")
        case int():
            return number
        case str():
            return f"mark {number}"
        case [first, *_]:
            return [_mark(first, n, turn)]
        case UUID():
            return UUID(int=number)
        case datetime():
            return datetime(3000, 1, 1, tzinfo=UTC) + timedelta(2 * n + turn)
        case date():
            return date(3000, 1, 1) + timedelta(2 * n + turn)
    raise TypeError(f"{type(value).__name__} cannot be prepared.")
