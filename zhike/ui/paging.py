"""Keyset paging by row value: page ten thousand costs what page one costs.

The order is (column, id), both up or both down. Rows without a value in the column come last, by
id, whichever way the order goes: they are a second stretch with its own query, so that each stretch
is one index range and no condition holds an OR.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db.models import BooleanField, F, Field, Func, Model, QuerySet, Value
from django.db.models.lookups import GreaterThan, LessThan
from django.utils.encoding import force_bytes

M = TypeVar("M", bound=Model)

COUNT_CAP = 2000


class BadCursor(ValueError):
    """The cursor is not ours, or belongs to another order; the way out is the first page."""


@dataclass(frozen=True)
class Order:
    """A column to sort by, its ties broken by id in the same direction."""

    field: str
    descending: bool = False

    @classmethod
    def parse(cls, text: str) -> Order:
        return cls(text.removeprefix("-"), text.startswith("-"))

    def __str__(self) -> str:
        return f"-{self.field}" if self.descending else self.field


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
    """The row a page starts beside: its value in the sort column (None: it has none) and its id."""

    value: Any
    id: int
    back: bool

    @classmethod
    def of(cls, rows: QuerySet[M], order: Order, row: M, back: bool) -> str:
        value = _reach(row, order.field)
        text = None if value is None else str(_field(rows, order).get_prep_value(value))
        plain = json.dumps([str(order), text, _reach(row, "id"), back]).encode()
        return _cipher().encrypt(plain).decode().rstrip("=")

    @classmethod
    def read(cls, cursor: str, order: Order) -> _Edge:
        try:
            plain = _cipher().decrypt(cursor + "=" * (-len(cursor) % 4))
        except (InvalidToken, ValueError) as error:
            raise BadCursor("this cursor was not made here") from error
        made_for, value, id, back = json.loads(plain)
        if made_for != str(order):
            raise BadCursor(f"this cursor is for the order {made_for}, not {order}")
        return cls(value, id, back)


def _walk(rows: QuerySet[M], order: Order, edge: _Edge | None, back: bool, limit: int) -> list[M]:
    """Up to `limit` rows from the edge on (backwards, nearest first), through both stretches."""
    valued = rows.filter(**{f"{order.field}__isnull": False})
    bare = rows.filter(**{f"{order.field}__isnull": True})
    stretches: Sequence[tuple[QuerySet[M], tuple[str, ...], bool]] = (
        (valued, (order.field, "id"), False),
        (bare, ("id",), True),
    )
    if not _nullable(rows, order):
        stretches = ((rows, (order.field, "id"), False),)
    found: list[M] = []
    reached = edge is None
    descending = order.descending != back
    for stretch, keys, is_bare in reversed(stretches) if back else stretches:
        if edge is not None and not reached:
            if is_bare != (edge.value is None):
                continue
            reached = True
            stretch = stretch.filter(_beyond(rows, order, keys, edge, descending))
        if len(found) < limit:
            ordered = stretch.order_by(*(f"-{key}" if descending else key for key in keys))
            found += ordered[: limit - len(found)]
    return found


def _beyond(
    rows: QuerySet[M], order: Order, keys: tuple[str, ...], edge: _Edge, descending: bool
) -> LessThan[Any] | GreaterThan[Any]:
    # By name, not as the primary key: that of a partitioned table is (at, id).
    values = [Value(edge.id, output_field=_field(rows, Order("id")))]
    if len(keys) == 2:
        field = _field(rows, order)
        values.insert(0, Value(field.to_python(edge.value), output_field=field))
    compare = LessThan if descending else GreaterThan
    return compare(_Row(*(F(key) for key in keys)), _Row(*values))


def _field(rows: QuerySet[M], order: Order) -> Field[Any, Any]:
    # A clone, for resolving a path adds its joins to the query.
    return rows.query.clone().resolve_ref(order.field).output_field


def _nullable(rows: QuerySet[M], order: Order) -> bool:
    # Across a relation the row may be missing even where the column itself is never null.
    plain = order.field in {field.name for field in rows.model._meta.concrete_fields}
    return not plain or _field(rows, order).null


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
