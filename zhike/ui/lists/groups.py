"""What a whole result adds up to: by group, as the cards of a board, as the days of a calendar."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, F, Model, Q, QuerySet, Sum, Value, Window
from django.db.models.functions import ExtractDay, RowNumber
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.kernel.asking import Rows
from zhike.kernel.scope import doors
from zhike.ui.lists.criteria import midnight
from zhike.ui.mirrors import mirrored
from zhike.ui.paging import COUNT_CAP, Order, first, sorting
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
    """A date of a row that a calendar may show; `yearly` for one that comes again each year, `moment` for an
    instant, which belongs to the business day it falls on."""

    id: str
    label: str | Promise
    path: str
    yearly: bool = False
    moment: bool = False

    @property
    def day(self) -> ExtractDay:
        return ExtractDay(self.path, tzinfo=clock.BUSINESS_ZONE if self.moment else None)

    def between(self, first: date, until: date) -> Q:
        """From the first day on, before the other."""
        ends = (midnight(first), midnight(until)) if self.moment else (first, until)
        return Q(**{f"{self.path}__gte": ends[0], f"{self.path}__lt": ends[1]})


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


def summed(rows: QuerySet[Any], columns: Sequence[Column], actor: Actor) -> Sums:
    """The whole result."""
    [line] = added_up(rows, Value(1), columns, actor)
    return _read(line, columns)


def headings(
    rows: QuerySet[Any], grouping: Grouping, columns: Sequence[Column], actor: Actor
) -> list[Heading]:
    """The groups of the whole result; one query more where the value stands in a related row."""
    names = grouping.names(actor)
    found = _lines(rows, grouping, columns, actor)
    place = {key: n for n, key in enumerate(names)}
    found.sort(key=lambda line: (place.get(line["key"], len(place)), -line["n"]))
    return [
        Heading(_key(line["key"]), str(names.get(line["key"], _("none"))), _read(line, columns))
        for line in found
    ]


def _lines(
    rows: QuerySet[Any], grouping: Grouping, columns: Sequence[Column], actor: Actor
) -> list[dict[str, Any]]:
    """A group each. A value of a related row is read once a group, not once a row."""
    through = _through(rows.model, grouping)
    key = F(through.path if through else grouping.path)
    found = added_up(rows, key, columns, actor)[:MOST_GROUPS]
    if through:
        values = through.values([line["key"] for line in found])
        for line in found:
            line["key"] = values.get(line["key"])
    return found


@dataclass(frozen=True)
class _Through:
    """A relation that many rows share, and the column that names one of its rows."""

    path: str
    model: type[Model]
    name: str

    def values(self, keys: Sequence[Any]) -> dict[Any, Any]:
        rows = self.model._default_manager.filter(pk__in=keys)
        return dict(rows.values_list("pk", self.name))

    def condition(self, value: Any) -> Q:
        """By key, so that the database knows how many rows have it and where they stand in an index."""
        row = self.model._default_manager.filter(**{self.name: value}).values_list("pk", flat=True)
        return Q(**{self.path: row.first()})


def _through(model: type[Model], grouping: Grouping) -> _Through | None:
    """The relation that the path of a grouping goes along last, where its value names one row there."""
    path, _joint, name = grouping.path.rpartition("__")
    field: Any = None
    owner: Any = model
    for step in path.split("__") if path else ():
        field = owner._meta.get_field(step)
        owner = field.related_model
    if field is None or not field.many_to_one or not owner._meta.get_field(name).unique:
        return None
    return _Through(path, owner, name)


def added_up(
    rows: QuerySet[Any], key: Any, columns: Sequence[Column], actor: Actor
) -> list[dict[str, Any]]:
    """What the actor's `rows` add up to for each `key`: a query for each of the doors they come through."""
    found: dict[Any, dict[str, Any]] = {}
    # A hash of a million rows wants more memory than the database gives by itself.
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '64MB'")
        for part in Rows.of(rows).behind(doors(actor, rows.model), COUNT_CAP):
            behind = part.narrowed(rows, **part.given)
            for each, line in _grouped(behind, key, columns).items():
                found[each] = _together(found[each], line) if each in found else line
    return list(found.values())


def _grouped(rows: QuerySet[Any], key: Any, columns: Sequence[Column]) -> dict[Any, dict[str, Any]]:
    lines = rows.order_by().values(key=key).annotate(n=Count("*"), **_sums(columns))
    return {line["key"]: line for line in mirrored(lines)}


def _together(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Two lines of the same key. A sum of nothing is None."""
    added = {name: (one[name], other[name]) for name in one if name != "key"}
    return {"key": one["key"]} | {
        name: some if more is None else more if some is None else some + more
        for name, (some, more) in added.items()
    }


def of_group(
    model: type[Model], grouping: Grouping, key: str, names: Mapping[Any, Any]
) -> Q | None:
    """The rows of a group; None for one that is not there."""
    if key == NONE:
        known = [each for each in names if each not in (None, "")]
        return ~Q(**{f"{grouping.path}__in": known}) | Q(**{f"{grouping.path}__isnull": True})
    value = next((each for each in names if _key(each) == key), None)
    if value is None:
        return None
    through = _through(model, grouping)
    return through.condition(value) if through else Q(**{grouping.path: value})


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
        condition = of_group(rows.model, grouping, key, names)
        few = rows.filter(condition) if condition is not None and heading.sums.count else None
        cards = [] if few is None else first(few, order, CARDS)
        found.append(Pile(heading, cards))
    return found


def month_of(text: str, today: date) -> date:
    """The first day of the month an address names, of this one otherwise."""
    return _day(f"{text}-01") or today.replace(day=1)


def _day(text: str) -> date | None:
    """The day of an address; None for none, and for one with no year before or behind it."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if date.min.year < day.year < date.max.year else None


@dataclass(frozen=True)
class Busy:
    """A day of a calendar with how many rows it has and the first of them."""

    on: date
    count: int
    rows: Sequence[Any]


def days(rows: QuerySet[Any], dated: Dated, month: date, order: Order, actor: Actor) -> list[Busy]:
    """The days of a month that have rows, with the first of each."""
    there = rows.filter(_in_month(dated, month))
    counts = {line["key"]: line["n"] for line in added_up(there, dated.day, (), actor)}
    cards = _few_a_day(there, dated, order) if counts else {}
    last = monthrange(month.year, month.month)[1]
    # Whoever was born on the 29th of February is thought of on the 28th.
    return [
        Busy(month.replace(day=min(day, last)), count, cards.get(day, []))
        for day, count in sorted(counts.items())
    ]


def on_day(dated: Dated, text: str) -> tuple[Q, date] | None:
    """The rows of one day of a calendar; None for no day."""
    day = _day(text)
    if day is None:
        return None
    if dated.yearly:
        return Q(**{f"{dated.path}__month": day.month, f"{dated.path}__day": day.day}), day
    return dated.between(day, day + timedelta(days=1)), day


def _in_month(dated: Dated, month: date) -> Q:
    if dated.yearly:
        return Q(**{f"{dated.path}__month": month.month})
    until = month + timedelta(days=monthrange(month.year, month.month)[1])
    return dated.between(month, until)


def _few_a_day(rows: QuerySet[Any], dated: Dated, order: Order) -> dict[int, list[Any]]:
    numbered = rows.annotate(
        on_day=dated.day,
        nth=Window(RowNumber(), partition_by=[dated.day], order_by=sorting(rows, order)),
    )
    few = numbered.filter(nth__lte=DAY_CARDS).order_by("nth")
    # A key of several columns does not come out of a windowed query as one.
    key = [field.name for field in rows.model._meta.pk_fields]
    chosen = [
        (each[0] if len(key) == 1 else tuple(each), day)
        for *each, day in mirrored(few.values_list(*key, "on_day"))
    ]
    there = {row.pk: row for row in rows.order_by().filter(pk__in=[pk for pk, _day in chosen])}
    found: dict[int, list[Any]] = {}
    for pk, day in chosen:
        found.setdefault(day, []).append(there[pk])
    return found


def _sums(columns: Sequence[Column]) -> dict[str, Sum]:
    return {f"sum{n}": Sum(column.total) for n, column in enumerate(columns)}


def _read(line: Mapping[str, Any], columns: Sequence[Column]) -> Sums:
    return Sums(line["n"], tuple(line[f"sum{n}"] for n in range(len(columns))))


def _key(value: Any) -> str:
    return NONE if value in (None, "") else str(value)
