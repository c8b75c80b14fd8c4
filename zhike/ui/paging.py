"""Keyset paging: page ten thousand costs what page one costs.

The order is one column or several, then id in the direction of the first. Rows without a value in a
column come last, whichever way it goes. Those without one in the first column are a second stretch
with its own query, so that each stretch is one index range; so are the rows of each tier where a list
is sorted by the rank of a tier first: few rows that many share. Within a stretch the page begins beyond
a row value; where the columns go different ways, or a later one may be empty, beyond a lexicographic
condition that is bounded by the first column. Where a narrow table holds all that is asked
(`zhike.ui.mirrors`) the keys of a page are found there.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import FieldDoesNotExist
from django.db.models import BooleanField, F, Field, Func, Model, Q, QuerySet, Value
from django.db.models.expressions import OrderBy
from django.db.models.lookups import GreaterThan, LessThan
from django.utils.encoding import force_bytes

from zhike.kernel.asking import Part, Rows
from zhike.kernel.prepared import prepared
from zhike.ui.mirrors import Mirror, is_mirrored, mirrored

M = TypeVar("M", bound=Model)

COUNT_CAP = 2000
NOTHING = Q()
FEW = 20
"""Rows of a related table that may be walked one after the other."""


class BadCursor(ValueError):
    """The cursor is not ours, or belongs to another order; the way out is the first page."""


@dataclass(frozen=True)
class Order:
    """A column to sort by, and those its ties are sorted by; what is left is sorted by id."""

    field: str
    descending: bool = False
    then: tuple[Order, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Order:
        """`-balance,name_key`: the balance downwards, then the name."""
        return cls.joined(
            [cls(each.removeprefix("-"), each.startswith("-")) for each in text.split(",")]
        )

    @classmethod
    def joined(cls, keys: Sequence[Order]) -> Order:
        first, *then = keys
        return cls(
            first.field, first.descending, tuple(cls(key.field, key.descending) for key in then)
        )

    @property
    def keys(self) -> tuple[Order, ...]:
        return (Order(self.field, self.descending), *self.then)

    def __str__(self) -> str:
        return ",".join(f"{'-' * key.descending}{key.field}" for key in self.keys)


@dataclass(frozen=True)
class Count:
    """A count that stops at the cap: `number` rows, or at least so many when `capped`."""

    number: int
    capped: bool

    def __str__(self) -> str:
        return f"{self.number:,}{'+' if self.capped else ''}"


@dataclass(frozen=True)
class Page(Generic[M]):
    """Rows in the order asked for, with the cursors of the neighbouring pages, if any."""

    rows: list[M]
    next: str | None
    previous: str | None


def capped_count(
    rows: Rows[M] | QuerySet[M], cap: int = COUNT_CAP, doors: Sequence[Q] = (NOTHING,)
) -> Count:
    """How many rows, counted no further than `cap`; by one of the `doors` they came through after the other."""
    rows, found = _asked(rows), 0
    for part in rows.behind(doors, cap):
        found += rows.count((part.words, cap), partial(_ones, part=part, cap=cap), **part.given)
        if found > cap:
            break
    return Count(min(found, cap), found > cap)


def first(rows: QuerySet[M], order: Order, size: int) -> list[M]:
    """The first `size` rows in the order."""
    return _walk(Rows.of(rows), order, None, False, size)


def page(rows: Rows[M] | QuerySet[M], order: Order, size: int, cursor: str = "") -> Page[M]:
    """The page of `rows` at `cursor` (the first without one), `size` rows at most.

    Raises BadCursor. Two queries when the page lies across the border to the rows without a value,
    else one.
    """
    rows = _asked(rows)
    edge = _Edge.read(cursor, order) if cursor else None
    back = edge is not None and edge.back
    found = _walk(rows, order, edge, back, size + 1)
    more = len(found) > size
    found = found[:size]
    if back:
        found.reverse()
    return Page(
        rows=found,
        next=_Edge.of(order, found[-1], False) if found and (more or back) else None,
        previous=_Edge.of(order, found[0], True)
        if found and (more if back else edge is not None)
        else None,
    )


def _asked(rows: Rows[M] | QuerySet[M]) -> Rows[M]:
    return rows if isinstance(rows, Rows) else Rows.of(rows)


def _ones(rows: QuerySet[M], part: Part[M], cap: int, **given: Any) -> QuerySet[M, Any]:
    """One for each row of the part, no more than tell that there are more than `cap`."""
    behind = part.narrowed(rows, **given)
    return mirrored(behind.order_by().values(one=Value(1)))[: cap + 1]


class _Row(Func):
    function = "ROW"
    output_field = BooleanField()


@dataclass(frozen=True)
class _Edge:
    """The row a page starts beside: its values in the sort columns (None: it has none) and its id."""

    values: tuple[Any, ...]
    id: int
    back: bool

    @classmethod
    def of(cls, order: Order, row: Model, back: bool) -> str:
        found = [_reach(row, key.field) for key in order.keys]
        values = [None if value is None else str(value) for value in found]
        plain = json.dumps([str(order), values, _reach(row, "id"), back]).encode()
        return _cipher().encrypt(plain).decode().rstrip("=")

    @classmethod
    def read(cls, cursor: str, order: Order) -> _Edge:
        try:
            plain = _cipher().decrypt(cursor + "=" * (-len(cursor) % 4))
        except (InvalidToken, ValueError) as error:
            raise BadCursor("this cursor was not made here") from error
        made_for, values, id, back = json.loads(plain)
        if made_for != str(order):
            raise BadCursor(f"this cursor is for the order {made_for}, not {order}")
        return cls(tuple(values), id, back)


@dataclass(frozen=True)
class _Key:
    """A column on the way a page is read: `value` is the edge's, and empty ones stand at the end."""

    field: str
    descending: bool
    nullable: bool
    value: Any = None

    def sorting(self, back: bool, name: str) -> OrderBy:
        """By the column as the query calls it. Reading backwards, the empty ones come first."""
        column, descending = F(name), self.descending != back
        if self.nullable and descending != back:
            # Where the database's own habit is not ours: it takes an empty value for the largest.
            return OrderBy(
                column, descending, nulls_first=back or None, nulls_last=not back or None
            )
        return OrderBy(column, descending)

    def at(self) -> Q:
        return (
            Q(**{f"{self.field}__isnull": True})
            if self.value is None
            else Q(**{self.field: self.value})
        )

    def beyond(self, back: bool) -> Q | None:
        """What lies past the edge by this column alone; None where nothing can."""
        if self.value is None:
            return Q(**{f"{self.field}__isnull": False}) if back else None
        past = Q(**{f"{self.field}__{'lt' if self.descending != back else 'gt'}": self.value})
        return past | Q(**{f"{self.field}__isnull": True}) if self.nullable and not back else past


def sorting(rows: QuerySet[M], order: Order) -> list[OrderBy]:
    """The order as the database is told it."""
    return [key.sorting(False, key.field) for key in _keys(Rows.of(rows), order, None)]


@dataclass(frozen=True)
class _Stretch:
    """Rows that lie together in the order, by `keys` among themselves. `at` says where the edge lies: before them
    (-1, also where there is none), among them or beyond."""

    narrowing: Q
    keys: tuple[_Key, ...]
    at: int = -1


def _walk(rows: Rows[M], order: Order, edge: _Edge | None, back: bool, limit: int) -> list[M]:
    """Up to `limit` rows from the edge on (backwards, nearest first), through all stretches."""
    stretches = list(_stretches(rows, tuple(_keys(rows, order, edge)), edge))
    found: list[Any] = []
    for stretch in reversed(stretches) if back else stretches:
        if len(found) == limit:
            break
        ordered = partial(_ordered, stretch=stretch, back=back, limit=limit - len(found))
        if edge is None:
            found += rows.asked((stretch, limit - len(found)), ordered)
        elif stretch.at == 0:
            found += ordered(rows.queryset, beyond=_beyond(rows, stretch.keys, back))
        elif stretch.at == (1 if back else -1):
            found += ordered(rows.queryset)
    if not found or isinstance(found[0], Model):
        return found
    there = {row.pk: row for row in rows.told_by(found)}
    return [there[pk] for pk in found if pk in there]


def _ordered(
    rows: QuerySet[M], stretch: _Stretch, back: bool, limit: int, beyond: Q = NOTHING
) -> QuerySet[M, Any]:
    """The stretch in its order; the keys of its rows alone where a narrow table has all it takes."""
    rows, keys = rows.filter(stretch.narrowing).filter(beyond), stretch.keys
    named = rows.annotate(**{f"by{n}": F(key.field) for n, key in enumerate(keys)})
    sorting = [key.sorting(back, f"by{n}") for n, key in enumerate(keys)]
    narrow = mirrored(named.order_by(*sorting).values_list("pk", flat=True))
    if is_mirrored(narrow):
        return narrow[:limit]
    return rows.order_by(*(key.sorting(back, key.field) for key in keys))[:limit]


def _stretches(rows: Rows[M], keys: tuple[_Key, ...], edge: _Edge | None) -> Iterator[_Stretch]:
    first, *others = keys
    if not first.nullable:
        yield _Stretch(Q(), keys, 0)
        return
    empty = edge is not None and first.value is None
    if ranks := _ranks(rows.model, first):
        path, steps = ranks
        for pk, value in steps:
            at = 1 if empty else 0
            if first.value is not None:
                at = (first.value > value) - (first.value < value)
                at = -at if first.descending else at
            yield _Stretch(Q(**{path: pk}), tuple(others), at)
        yield _Stretch(Q(**{f"{path}__isnull": True}), tuple(others), 0 if empty else -1)
        return
    sure = _Key(first.field, first.descending, False, first.value)
    valued = Q(**{f"{first.field}__isnull": False})
    yield _Stretch(valued, (sure, *others), 1 if empty else 0)
    bare = Q(**{f"{first.field}__isnull": True})
    yield _Stretch(bare, tuple(others), 0 if empty else -1)


def _ranks(of: type[Model], key: _Key) -> tuple[str, list[tuple[Any, Any]]] | None:
    """The way to a row that many share, and (key, value) of all there are in the order of the column; None for
    another column, or where there are too many."""
    path, _joint, name = key.field.rpartition("__")
    if not path:
        return None
    relation: Any = None
    model: Any = of
    for step in path.split("__"):
        relation = model._meta.get_field(step)
        model = relation.related_model
    if not relation.many_to_one or not model._meta.get_field(name).unique:
        return None
    steps = model._default_manager.order_by(f"{'-' * key.descending}{name}")[: FEW + 1]
    found = prepared((_ranks, model, name, key.descending), lambda: steps, {})
    return (path, [(row.pk, getattr(row, name)) for row in found]) if len(found) <= FEW else None


def _keys(rows: Rows[M], order: Order, edge: _Edge | None) -> Iterator[_Key]:
    """The columns of the order and the id, with the edge's values as the database knows them."""
    for n, key in enumerate(order.keys):
        value = edge.values[n] if edge else None
        if value is not None:
            value = _field(rows, key.field).to_python(value)
        yield _Key(key.field, key.descending, _nullable(rows, key.field), value)
    # By name, not as the primary key: that of a partitioned table is (at, id).
    yield _Key("id", order.descending, False, edge.id if edge else None)


def _beyond(rows: Rows[M], keys: Sequence[_Key], back: bool) -> Q:
    """The rows past the edge, by all columns."""
    if not any(key.nullable for key in keys) and len({key.descending for key in keys}) == 1:
        compare = LessThan if keys[0].descending != back else GreaterThan
        fields = [_field(rows, key.field) for key in keys]
        values = [
            Value(key.value, output_field=field) for key, field in zip(keys, fields, strict=True)
        ]
        return Q(compare(_Row(*(F(key.field) for key in keys)), _Row(*values)))
    condition = keys[-1].beyond(back) or Q()
    for key in reversed(keys[:-1]):
        past = key.beyond(back)
        condition = key.at() & condition if past is None else past | key.at() & condition
    first = keys[0]
    if first.nullable:
        return condition
    side = "lte" if first.descending != back else "gte"
    return Q(**{f"{first.field}__{side}": first.value}) & condition


def _field(rows: Rows[M], path: str) -> Field[Any, Any]:
    model: Any = rows.model
    *relations, name = path.split("__")
    try:
        for relation in relations:
            model = model._meta.get_field(relation).related_model
        found: Field[Any, Any] = model._meta.get_field(name)
    except FieldDoesNotExist:
        # An annotation; of a clone, for resolving a path adds its joins to the query.
        found = rows.queryset.query.clone().resolve_ref(path).output_field
    return found


def _nullable(rows: Rows[M], path: str) -> bool:
    # Across a relation the row may be missing even where the column itself is never null.
    mirror: Mirror | None = getattr(rows.model, "mirror", None)
    relation, _joint, _name = path.rpartition("__")
    sure = not relation or (mirror is not None and relation == mirror.path)
    return not sure or _field(rows, path).null


def _reach(row: Any, path: str) -> Any:
    for name in path.split("__"):
        if row is None:
            return None
        row = getattr(row, name)
    return row


def _cipher() -> MultiFernet:
    # Sealed, not only signed: the sort value may be a person's name, and the id a count.
    secrets = map(force_bytes, (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))
    keys = (hashlib.sha256(b"zhike.ui.paging" + secret).digest() for secret in secrets)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys])
