"""Months and weeks as grids of days with what stands on them. Pure: today is an argument."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time, timedelta

from django.utils.functional import Promise

Text = str | Promise

FIRST_HOUR, LAST_HOUR = 8, 18


@dataclass(frozen=True)
class Event:
    """Something on a day, or on each from `on` to `until` (inclusive); `at` None is all day.

    `peek` is what htmx draws in the drawer on a click; `kind` says in words what the tone shows; `rest` stands
    for what is not shown, behind all others.
    """

    on: date
    title: str
    url: str = ""
    at: time | None = None
    until: date | None = None
    tone: str = "blue"
    kind: Text = ""
    peek: str = ""
    rest: bool = False

    def is_on(self, day: date) -> bool:
        return self.on <= day <= (self.until or self.on)


@dataclass(frozen=True)
class Day:
    """A cell: all its events in order of time, and of them `shown` before "n more"."""

    date: date
    events: Sequence[Event]
    in_month: bool = True
    is_today: bool = False
    note: Text = ""
    most: int = 4

    @property
    def shown(self) -> Sequence[Event]:
        # "1 more" takes the line the last event would.
        return self.events if len(self.events) <= self.most else self.events[: self.most - 1]

    @property
    def hidden(self) -> Sequence[Event]:
        return self.events[len(self.shown) :]


@dataclass(frozen=True)
class Month:
    """Whole weeks from Monday on which cover the month of `first`."""

    first: date
    weeks: Sequence[Sequence[Day]]

    @property
    def days(self) -> list[Day]:
        """Those of the month itself."""
        return [day for week in self.weeks for day in week if day.in_month]

    @property
    def previous(self) -> date:
        return (self.first - timedelta(1)).replace(day=1)

    @property
    def next(self) -> date:
        return _month_after(self.first)


@dataclass(frozen=True)
class Hour:
    """A row of the week: for each day the events that begin in this hour."""

    hour: int
    cells: Sequence[Sequence[Event]]


@dataclass(frozen=True)
class Week:
    """Monday to Sunday; `hours` reach from 8 to 18 and further where an event stands further."""

    first: date
    days: Sequence[Day]
    hours: Sequence[Hour] = field(default=())

    @property
    def last(self) -> date:
        return self.first + timedelta(6)

    @property
    def previous(self) -> date:
        return self.first - timedelta(7)

    @property
    def next(self) -> date:
        return self.first + timedelta(7)

    @property
    def whole_day(self) -> list[list[Event]]:
        return [[event for event in day.events if event.at is None] for day in self.days]


def month_of(
    first: date,
    events: Iterable[Event],
    today: date,
    notes: Mapping[date, Text] | None = None,
    *,
    most: int = 4,
) -> Month:
    """The month `first` lies in; `notes` are the words of special days (a holiday)."""
    first = first.replace(day=1)
    start, end = monday(first), _month_after(first)
    days = _days(start, monday(end + timedelta(6)), list(events), today, notes or {}, first, most)
    return Month(first, [days[at : at + 7] for at in range(0, len(days), 7)])


def week_of(
    day: date, events: Iterable[Event], today: date, notes: Mapping[date, Text] | None = None
) -> Week:
    """The week `day` lies in, with its hours."""
    first, everything = monday(day), list(events)
    days = _days(first, first + timedelta(7), everything, today, notes or {}, None, 4)
    starts = [event.at.hour for day in days for event in day.events if event.at]
    hours = range(min([FIRST_HOUR, *starts]), max([LAST_HOUR, *starts]) + 1)
    return Week(first, days, [_hour(hour, days) for hour in hours])


def monday(day: date) -> date:
    """The first day of the week, as a Chinese office counts it."""
    return day - timedelta(day.weekday())


def _month_after(first: date) -> date:
    return (first + timedelta(31)).replace(day=1)


def _days(
    start: date,
    end: date,
    events: Sequence[Event],
    today: date,
    notes: Mapping[date, Text],
    month: date | None,
    most: int,
) -> list[Day]:
    # All-day first; at the same minute by name, so that a reload changes nothing.
    ordered = sorted(events, key=lambda event: (event.rest, event.at or time.min, event.title))
    return [
        Day(
            day,
            [event for event in ordered if event.is_on(day)],
            month is None or (day.year, day.month) == (month.year, month.month),
            day == today,
            notes.get(day, ""),
            most,
        )
        for day in (start + timedelta(n) for n in range((end - start).days))
    ]


def _hour(hour: int, days: Sequence[Day]) -> Hour:
    return Hour(
        hour,
        [[event for event in day.events if event.at and event.at.hour == hour] for day in days],
    )
