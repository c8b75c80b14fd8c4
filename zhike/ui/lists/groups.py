"""What a whole result adds up to: by group, as the cards of a board, as the days of a calendar."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, F, Q, QuerySet, Sum, Window
from django.db.models.functions import ExtractDay, RowNumber
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from zhike.kernel.actor import Actor
from zhike.ui.paging import Order
from zhike.ui.tables import Column

NONE = "-"
"""How the group of the rows without a value is called in an address."""

MOST_GROUPS = 200
CARDS = 20
DAY_CARDS = 4


@dataclass(frozen=True)
class Grouping:
    """A column whose values are few enough to stand as headings.

    `names(actor)` maps a value of `path` to its label and gives the order; values it does not name come behind
    it. A `board` may be made of them.
    """

    id: str
    label: str | Promise
    path: str
    names: Callable[[Actor], Mapping[Any, str | Promise]]
    board: bool = True


@dataclass(frozen=True)
class Dated:
    """A date of a row that a calendar may show; `yearly` for one that comes again each year."""

    id: str
    label: str | Promise
    path: str
    yearly: bool = False


@dataclass(frozen=True)
class Sums:
    """How many rows, and what the columns with a sum add up to, in their order."""

    count: int
    totals: tuple[Decimal | None, ...]

    @property
    def averages(self) -> tuple[Decimal | None, ...]:
        return tuple(
            None if total is None or not self.count else total / self.count for total in self.totals
        )


@dataclass(frozen=True)
class Heading:
    """A group with its sums; `key` stands for it in an address."""

    key: str
    label: str
    sums: Sums


@dataclass(frozen=True)
class Pile:
    """A column of a board."""

    heading: Heading
    rows: Sequence[Any]

    @property
    def more(self) -> int:
        return self.heading.sums.count - len(self.rows)


def summed(rows: QuerySet[Any], columns: Sequence[Column]) -> Sums:
    """The whole result in one query."""
    with _room_to_work():
        found = rows.order_by().aggregate(n=Count("pk"), **_sums(columns))
    return _read(found, columns)


def headings(
    rows: QuerySet[Any], grouping: Grouping, columns: Sequence[Column], actor: Actor
) -> list[Heading]:
    """The groups of the whole result, in one query."""
    names = grouping.names(actor)
    with _room_to_work():
        found = list(
            rows.order_by()
            .values(key=F(grouping.path))
            .annotate(n=Count("pk"), **_sums(columns))[:MOST_GROUPS]
        )
    place = {key: n for n, key in enumerate(names)}
    found.sort(key=lambda line: (place.get(line["key"], len(place)), -line["n"]))
    return [
        Heading(_key(line["key"]), str(names.get(line["key"], _("none"))), _read(line, columns))
        for line in found
    ]


def of_group(grouping: Grouping, key: str, names: Mapping[Any, Any]) -> Q | None:
    """The rows of a group; None for one that is not there."""
    if key == NONE:
        known = [each for each in names if each not in (None, "")]
        return ~Q(**{f"{grouping.path}__in": known}) | Q(**{f"{grouping.path}__isnull": True})
    value = next((each for each in names if _key(each) == key), None)
    return None if value is None else Q(**{grouping.path: value})


def piles(
    rows: QuerySet[Any], grouping: Grouping, columns: Sequence[Column], order: Order, actor: Actor
) -> list[Pile]:
    """A board: each choice with its sums and the first cards in the order of the list."""
    names = grouping.names(actor)
    there = {each.key: each for each in headings(rows, grouping, columns, actor)}
    nothing = Sums(0, tuple(None for _column in columns))
    asked = {_key(key): str(label) for key, label in names.items()}
    if NONE in there:
        asked.setdefault(NONE, there[NONE].label)
    found = []
    for key, label in asked.items():
        heading = there.get(key, Heading(key, label, nothing))
        condition = of_group(grouping, key, names)
        few = rows.filter(condition) if condition is not None and heading.sums.count else None
        cards = [] if few is None else list(few.order_by(*_order_by(order))[:CARDS])
        found.append(Pile(heading, cards))
    return found


def month_of(text: str, today: date) -> date:
    """The first day of the month an address names, of this one otherwise."""
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        return today.replace(day=1)


@dataclass(frozen=True)
class Busy:
    """A day of a calendar with how many rows it has and the first of them."""

    on: date
    count: int
    rows: Sequence[Any]


def days(rows: QuerySet[Any], dated: Dated, month: date, order: Order) -> list[Busy]:
    """The days of a month that have rows: two queries."""
    there = rows.filter(_in_month(dated, month))
    counts = dict(
        there.order_by()
        .values(day=ExtractDay(dated.path))
        .annotate(n=Count("pk"))
        .values_list("day", "n")
    )
    cards = _few_a_day(there, dated, order) if counts else {}
    last = monthrange(month.year, month.month)[1]
    # Whoever was born on the 29th of February is thought of on the 28th.
    return [
        Busy(month.replace(day=min(day, last)), count, cards.get(day, []))
        for day, count in sorted(counts.items())
    ]


def on_day(dated: Dated, text: str) -> tuple[Q, date] | None:
    """The rows of one day of a calendar; None for no day."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    if dated.yearly:
        return Q(**{f"{dated.path}__month": day.month, f"{dated.path}__day": day.day}), day
    return Q(**{dated.path: day}), day


def _in_month(dated: Dated, month: date) -> Q:
    if dated.yearly:
        return Q(**{f"{dated.path}__month": month.month})
    until = month + timedelta(days=monthrange(month.year, month.month)[1])
    return Q(**{f"{dated.path}__gte": month, f"{dated.path}__lt": until})


def _few_a_day(rows: QuerySet[Any], dated: Dated, order: Order) -> dict[int, list[Any]]:
    by_day = ExtractDay(dated.path)
    numbered = rows.annotate(
        nth=Window(RowNumber(), partition_by=[by_day], order_by=_order_by(order)), on_day=by_day
    )
    found: dict[int, list[Any]] = {}
    for row in numbered.filter(nth__lte=DAY_CARDS).order_by("on_day", "nth"):
        found.setdefault(row.on_day, []).append(row)
    return found


def _order_by(order: Order) -> list[Any]:
    keys = [*order.keys, Order("pk", order.descending)]
    return [
        F(key.field).desc(nulls_last=True) if key.descending else F(key.field).asc() for key in keys
    ]


def _sums(columns: Sequence[Column]) -> dict[str, Sum]:
    return {f"sum{n}": Sum(column.total) for n, column in enumerate(columns)}


def _read(line: Mapping[str, Any], columns: Sequence[Column]) -> Sums:
    return Sums(line["n"], tuple(line[f"sum{n}"] for n in range(len(columns))))


def _key(value: Any) -> str:
    return NONE if value in (None, "") else str(value)


@contextmanager
def _room_to_work() -> Iterator[None]:
    """A hash of a million rows wants more memory than the database gives by itself; for one query."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '64MB'")
        yield
