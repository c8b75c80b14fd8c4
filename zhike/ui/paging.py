"""Keyset paging: page ten thousand costs what page one costs.

The order is one column or several, then id in the direction of the first. Rows without a value in a
column come last, whichever way it goes. Those without one in the first column are a second stretch
with its own query, so that each stretch is one index range. Within it the page begins beyond a row
value; where the columns go different ways, or a later one may be empty, beyond a lexicographic
condition that is bounded by the first column.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db.models import BooleanField, F, Field, Func, Model, Q, QuerySet, Value
from django.db.models.expressions import OrderBy
from django.db.models.lookups import GreaterThan, LessThan
from django.utils.encoding import force_bytes

M = TypeVar("M", bound=Model)

COUNT_CAP = 2000


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


def capped_count(rows: QuerySet[M], cap: int = COUNT_CAP) -> Count:
    """How many rows, counted no further than `cap`."""
    found = rows.order_by()[: cap + 1].count()
    return Count(min(found, cap), found > cap)


def page(rows: QuerySet[M], order: Order, size: int, cursor: str = "") -> Page[M]:
    """The page of `rows` at `cursor` (the first without one), `size` rows at most.

    Raises BadCursor. Two queries when the page lies across the border to the rows without a value,
    else one.
    """
    edge = _Edge.read(cursor, order) if cursor else None
    back = edge is not None and edge.back
    found = _walk(rows, order, edge, back, size + 1)
    more = len(found) > size
    found = found[:size]
    if back:
        found.reverse()
    return Page(
        rows=found,
        next=_Edge.of(rows, order, found[-1], False) if found and (more or back) else None,
        previous=_Edge.of(rows, order, found[0], True)
        if found and (more if back else edge is not None)
        else None,
    )


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
    def of(cls, rows: QuerySet[M], order: Order, row: M, back: bool) -> str:
        values = [_written(rows, key.field, _reach(row, key.field)) for key in order.keys]
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


def _written(rows: QuerySet[M], field: str, value: Any) -> str | None:
    return None if value is None else str(_field(rows, field).get_prep_value(value))


@dataclass(frozen=True)
class _Key:
    """A column on the way a page is read: `value` is the edge's, and empty ones stand at the end."""

    field: str
    descending: bool
    nullable: bool
    value: Any = None

    def sorting(self, back: bool) -> OrderBy:
        """Reading backwards, the empty ones come first."""
        column, descending = F(self.field), self.descending != back
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


def _walk(rows: QuerySet[M], order: Order, edge: _Edge | None, back: bool, limit: int) -> list[M]:
    """Up to `limit` rows from the edge on (backwards, nearest first), through both stretches."""
    first, *others = _keys(rows, order, edge)
    if first.nullable:
        valued = rows.filter(**{f"{first.field}__isnull": False})
        bare = rows.filter(**{f"{first.field}__isnull": True})
        sure = _Key(first.field, first.descending, False, first.value)
        stretches = [(valued, [sure, *others], False), (bare, others, True)]
    else:
        stretches = [(rows, [first, *others], False)]
    found: list[M] = []
    reached = edge is None
    for stretch, keys, is_bare in reversed(stretches) if back else stretches:
        if edge is not None and not reached:
            if is_bare != (edge.values[0] is None):
                continue
            reached = True
            stretch = stretch.filter(_beyond(rows, keys, back))
        if len(found) < limit:
            found += stretch.order_by(*(key.sorting(back) for key in keys))[: limit - len(found)]
    return found


def _keys(rows: QuerySet[M], order: Order, edge: _Edge | None) -> Iterator[_Key]:
    """The columns of the order and the id, with the edge's values as the database knows them."""
    for n, key in enumerate(order.keys):
        value = edge.values[n] if edge else None
        if value is not None:
            value = _field(rows, key.field).to_python(value)
        yield _Key(key.field, key.descending, _nullable(rows, key.field), value)
    # By name, not as the primary key: that of a partitioned table is (at, id).
    yield _Key("id", order.descending, False, edge.id if edge else None)


def _beyond(rows: QuerySet[M], keys: Sequence[_Key], back: bool) -> Q:
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


def _field(rows: QuerySet[M], path: str) -> Field[Any, Any]:
    # A clone, for resolving a path adds its joins to the query.
    return rows.query.clone().resolve_ref(path).output_field


def _nullable(rows: QuerySet[M], path: str) -> bool:
    # Across a relation the row may be missing even where the column itself is never null.
    plain = path in {field.name for field in rows.model._meta.concrete_fields}
    return not plain or _field(rows, path).null


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
