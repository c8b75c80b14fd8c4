from __future__ import annotations

from datetime import date, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from zhike.ui import calendars
from zhike.ui.calendars import Event

DAYS = st.dates(date(1990, 1, 1), date(2090, 12, 31))
EVENTS = st.lists(
    st.builds(
        lambda on, length, at, title: Event(on, title, at=at, until=on + timedelta(length)),
        st.dates(date(2026, 10, 1), date(2026, 12, 31)),
        st.integers(0, 9),
        st.one_of(st.none(), st.times()),
        st.text(max_size=3),
    ),
    max_size=30,
)


@given(DAYS)
def test_a_month_is_whole_weeks_that_cover_it(day: date) -> None:
    month = calendars.month_of(day, [], day)
    days = [each.date for week in month.weeks for each in week]
    assert {len(week) for week in month.weeks} == {7}
    assert days == [days[0] + timedelta(n) for n in range(len(days))]
    assert days[0].weekday() == 0
    assert len(month.weeks) <= 6
    inside = [each.date for each in month.days]
    assert inside[0] == month.first == day.replace(day=1)
    assert inside[-1] == month.next - timedelta(1)
    assert day in inside
    assert month.previous == (inside[0] - timedelta(1)).replace(day=1)
    assert [each.date for week in month.weeks for each in week if each.is_today] == [day]


@given(EVENTS)
def test_each_event_stands_on_each_of_its_days_and_nowhere_else(events: list[Event]) -> None:
    today = date(2026, 11, 22)
    month = calendars.month_of(today, events, today)
    for week in month.weeks:
        for day in week:
            assert sorted(map(id, day.events)) == sorted(
                id(event) for event in events if event.is_on(day.date)
            )
            assert [*day.shown, *day.hidden] == list(day.events)
            assert len(day.shown) <= 4
            assert len(day.hidden) != 1, "one more takes no less room than the event itself"


@given(EVENTS, st.dates(date(2026, 10, 5), date(2026, 12, 20)))
def test_a_week_holds_each_event_in_its_hour(events: list[Event], day: date) -> None:
    week = calendars.week_of(day, events, day)
    assert [each.date.weekday() for each in week.days] == list(range(7))
    hours = [hour.hour for hour in week.hours]
    assert hours == list(range(hours[0], hours[-1] + 1))
    assert hours[0] <= 8
    assert hours[-1] >= 18
    for at, each in enumerate(week.days):
        placed = [*week.whole_day[at], *(event for hour in week.hours for event in hour.cells[at])]
        assert placed == list(each.events)


def test_all_day_stands_before_the_hours_and_names_keep_their_order() -> None:
    today = date(2026, 11, 23)
    events = [
        Event(today, "b", at=time(9)),
        Event(today, "a", at=time(9)),
        Event(today, "c"),
        Event(today, "d", at=time(7, 45)),
    ]
    [day] = [day for day in calendars.week_of(today, events, today).days if day.events]
    assert [event.title for event in day.events] == ["c", "d", "a", "b"]


def test_a_holiday_says_its_name() -> None:
    month = calendars.month_of(
        date(2026, 10, 9), [], date(2026, 10, 9), {date(2026, 10, 1): "国庆"}
    )
    assert [day.note for day in month.days if day.note] == ["国庆"]


def test_what_is_left_over_stands_last_whatever_its_words() -> None:
    today = date(2026, 11, 23)
    events = [
        Event(today, "a: 7 more", rest=True),
        Event(today, "b", at=time(9)),
        Event(today, "c"),
    ]
    [day] = [day for day in calendars.month_of(today, events, today).days if day.is_today]
    assert [event.title for event in day.events] == ["c", "b", "a: 7 more"]
