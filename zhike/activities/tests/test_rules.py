"""Groups cover every day once, customers stand once; a sentence never breaks, whatever the figures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from zhike.activities.models import WorkItem
from zhike.activities.rules import (
    LONGEST_WAIT,
    NEXT_STEPS,
    QUIET_DAYS,
    Due,
    cards,
    concerns,
    due_of,
    due_range,
    kept_on,
    key_figure,
    later_days,
    may_wait_until,
    quiet_days,
    sentence,
)
from zhike.customers.models import TimelineEntry

DAYS = st.dates(date(1990, 1, 1), date(2100, 1, 1))
FULL: dict[str, dict[str, Any]] = {
    "value_fell": {"before": "1200000", "now": "780000", "share": "0.35", "since": "2026-10-22"},
    "idle_inflow": {"amount": "500000", "on": "2026-11-02", "idle": "480000"},
    "maturing": {"product": "三年定期", "amount": "200000", "on": "2026-12-01"},
    "tier_up": {"tier": "金卡", "missing": "35000"},
    "tier_down": {"tier": "金卡", "missing": "12000"},
    "no_contact": {"last_contact_on": "2026-08-01", "days": 113, "every": 90},
    "birthday": {"on": "2026-11-25", "age": 60},
    "promise": {"text": "call back about the car loan"},
}


@given(today=DAYS, due_on=DAYS)
def test_a_day_belongs_to_one_group(today: date, due_on: date) -> None:
    groups = [due for due in Due if due_range(due, today)[0] <= due_on < due_range(due, today)[1]]
    assert len(groups) == 1
    [group] = groups
    assert (group is Due.OVERDUE) == (due_on < today)
    assert (group is Due.TODAY) == (due_on == today)
    same_week = due_on.isocalendar()[:2] == today.isocalendar()[:2]
    assert (group is Due.WEEK) == (due_on > today and same_week)


def test_every_rule_has_a_sentence_with_its_figures() -> None:
    assert set(FULL) == set(WorkItem.Rule.values)
    with translation.override("en"):
        said = {rule: sentence(rule, figures, "en") for rule, figures in FULL.items()}
    assert said["value_fell"] == "Fell by 35% since 2026-10-22: from ¥1.20M to ¥780,000.00."
    assert said["no_contact"] == "Last contact on 2026-08-01, 113 days ago; one is due every 90."
    assert said["birthday"] == "Turns 60 on 2026-11-25."
    assert all(said.values())


@pytest.mark.parametrize(
    ("rule", "figures", "said"),
    [
        ("birthday", {"on": "2026-11-25", "age": None}, "Birthday on 2026-11-25."),
        ("no_contact", {"every": 30}, "No contact on record; a contact is due every 30 days."),
        ("birthday", {}, ""),
        ("maturing", {"product": "x", "amount": "much", "on": "2026-12-01"}, ""),
        ("gossip", {}, ""),
    ],
)
def test_what_is_not_known_is_not_said(rule: str, figures: dict[str, object], said: str) -> None:
    with translation.override("en"):
        assert sentence(rule, figures, "en") == said


VALUES = st.one_of(
    st.none(), st.text(max_size=8), st.integers(), st.floats(), st.lists(st.integers(), max_size=2)
)


@given(
    rule=st.sampled_from(WorkItem.Rule.values),
    figures=st.dictionaries(
        st.sampled_from(sorted({name for each in FULL.values() for name in each})), VALUES
    ),
)
def test_a_sentence_never_breaks_the_page(rule: str, figures: dict[str, object]) -> None:
    assert isinstance(sentence(rule, figures, "zh-hans"), str)


@dataclass(frozen=True)
class Entry:
    party_id: int
    priority: int
    plan_on: date


ENTRIES = st.lists(
    st.builds(
        Entry,
        party_id=st.integers(1, 6),
        priority=st.integers(0, 100),
        plan_on=st.dates(date(2026, 11, 1), date(2026, 12, 31)),
    ),
    max_size=25,
)


@given(entries=ENTRIES, today=st.dates(date(2026, 11, 1), date(2026, 12, 31)))
def test_a_customer_stands_on_the_list_once_where_they_are_most_urgent(
    entries: list[Entry], today: date
) -> None:
    groups = cards(entries, today)
    shown = [card for group in groups.values() for card in group]
    parties = [card.party_id for card in shown]
    assert sorted(parties) == sorted({each.party_id for each in entries})
    assert sorted(map(hash, entries)) == sorted(hash(line) for card in shown for line in card.lines)
    order = list(Due)
    assert [order.index(due) for due in groups] == sorted(order.index(due) for due in groups)
    for due, group in groups.items():
        assert group
        for card in group:
            assert {line.party_id for line in card.lines} == {card.party_id}
            assert due_of(min(line.plan_on for line in card.lines), today) is due
            pressing = [(-line.priority, line.plan_on) for line in card.lines]
            assert pressing == sorted(pressing)
        leaders = [(-card.lines[0].priority, card.lines[0].plan_on) for card in group]
        assert leaders == sorted(leaders)


@given(today=DAYS, day=DAYS)
def test_a_line_is_put_off_into_the_next_quarter_only(today: date, day: date) -> None:
    assert may_wait_until(day, today) == (0 < (day - today).days <= LONGEST_WAIT)


@given(today=DAYS)
def test_every_day_that_is_offered_may_be_chosen(today: date) -> None:
    offers = later_days(today)
    assert offers[0] == today + timedelta(days=1)
    assert list(offers) == sorted(set(offers))
    assert all(may_wait_until(day, today) for day in offers)
    assert any(day.weekday() == 0 for day in offers)


@given(birth=st.dates(date(1950, 1, 1), date(2020, 1, 1)), year=st.integers(2024, 2060))
def test_a_birthday_is_kept_once_a_year(birth: date, year: int) -> None:
    days = [date(year, 1, 1) + timedelta(days=n) for n in range(366)]
    kept = [day for day in days if day.year == year and (birth.month, birth.day) in kept_on(day)]
    assert len(kept) == 1


def test_every_rule_says_one_next_step() -> None:
    assert set(NEXT_STEPS) == set(WorkItem.Rule.values)
    channels = {value for value, _label in TimelineEntry.Channel.choices}
    assert {step.channel for step in NEXT_STEPS.values()} <= channels
    assert all(step.verb and step.icon for step in NEXT_STEPS.values())


def test_the_figure_says_how_much_is_at_stake() -> None:
    with translation.override("en"):
        said = {rule: key_figure(rule, figures, "en") for rule, figures in FULL.items()}
    assert said["value_fell"] == "-35%"
    assert said["idle_inflow"] == "¥480,000.00"
    assert said["no_contact"] == "113 days"
    assert (said["birthday"], said["promise"]) == ("", "")
    assert key_figure("idle_inflow", {"idle": "much"}, "en") == ""


def test_what_the_customer_does_not_want_stays_away_longer() -> None:
    assert quiet_days("") == quiet_days("wrong") == QUIET_DAYS
    assert quiet_days("not_wanted") > QUIET_DAYS


@dataclass(frozen=True)
class Someone:
    open: int = 0
    overdue: int = 0
    done: int = 1
    dismissed: int = 0
    coverage: float | None = None


def test_a_head_reads_first_what_is_wrong() -> None:
    late, later = Someone(open=9, overdue=3), Someone(open=9, overdue=7)
    idle, silent = Someone(open=4, done=0), Someone(coverage=0.2)
    found = {
        each.kind: each for each in concerns([late, later, idle, silent], {"birthday": (4, 6)})
    }
    assert found["overdue"].people == (later, late)
    assert found["idle"].people == (idle,)
    assert found["coverage"].people == (silent,)
    assert found["rule"].people == ()


def test_a_team_in_order_is_no_concern() -> None:
    team = [
        Someone(open=2),
        Someone(open=1, done=0, dismissed=1),
        Someone(coverage=0.6),
        Someone(done=0),
    ]
    assert concerns(team, {"birthday": (2, 6), "maturing": (4, 4)}) == []
