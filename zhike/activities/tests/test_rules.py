"""Groups cover every day once; a sentence never breaks, whatever the figures."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from zhike.activities.models import WorkItem
from zhike.activities.rules import Due, due_range, sentence

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
