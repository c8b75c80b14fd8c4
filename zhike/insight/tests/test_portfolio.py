"""Counts within the scope, and movements that add up on both sides."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zhike.customers.models import Assignment, Party
from zhike.customers.tests import factories as people
from zhike.insight import queries
from zhike.insight.models import Score, Tally
from zhike.insight.queries import Mover, View, flows, movers, parts, structure
from zhike.insight.rules import begins_on, ends_on, kept_days
from zhike.insight.tests.factories import AS_OF, EARLIER, SYSTEM, scored, seeded, tallied
from zhike.kernel.actor import Actor
from zhike.organisation.models import Role, Unit

pytestmark = pytest.mark.django_db

LENGTHS = {"month": range(28, 32), "quarter": range(90, 93), "year": range(365, 367)}
CODES = ("high", "second", "potential", "low")


@pytest.fixture
def here() -> Unit:
    seeded()
    return people.unit("城东支行")


def view(actor: Actor, since: date = EARLIER, **more: object) -> View:
    return View(actor, since, AS_OF, **more)  # type: ignore[arg-type]


def counts(sums: dict[tuple[object, ...], queries.Sums]) -> dict[object, int]:
    return {key[0]: each.customers for key, each in sums.items()}


def test_a_head_counts_the_units_customers_and_no_others(here: Unit) -> None:
    elsewhere = people.unit("城西支行")
    for name, place in (("甲", here), ("乙", here), ("丙", elsewhere)):
        scored(people.person(name, unit=place), value_class="high", balance="500")
    tallied()
    head = people.actor_with_role(Role.BRANCH_HEAD, here)
    found = structure(view(head), "value_class")
    assert found == {("high",): queries.Sums(2, balance=Decimal(1000), contribution=Decimal(20))}
    assert counts(structure(view(SYSTEM), "value_class")) == {"high": 3}
    stranger = people.actor_with_role(Role.BRANCH_HEAD, people.unit())
    assert structure(view(stranger), "value_class") == {}
    teller = people.actor_with_role(Role.TELLER, here)
    assert structure(view(teller), "value_class") == {}


def test_customers_looked_after_outside_the_units_are_added_once(here: Unit) -> None:
    elsewhere = people.unit("城西支行")
    lead = people.employee_with_role(Role.TEAM_LEAD, here)
    inside = people.person("甲", unit=here, manager=lead)
    assisted = people.person("乙", unit=elsewhere)
    other = people.person("丙", unit=elsewhere)
    Assignment.objects.create(
        party=assisted,
        employee=lead,
        role=Assignment.Role.ASSISTANT,
        during=(date(2020, 1, 1), None),
    )
    for party in (inside, assisted, other):
        scored(party, manager=lead if party == inside else None)
    tallied()
    actor = people.actor_of(lead)
    assert counts(structure(view(actor), "value_class")) == {"low": 2}
    # Two lines: the unit (or the person in it), and what lies outside.
    assert (
        sum(
            each.customers
            for _part, sums in parts(view(actor, AS_OF), "value_class")
            for each in sums.values()
        )
        == 2
    )
    manager = people.employee_with_role(Role.CUSTOMER_MANAGER, here)
    Assignment.objects.create(party=other, employee=manager, during=(date(2020, 1, 1), None))
    assert counts(structure(view(people.actor_of(manager)), "value_class")) == {"low": 1}


def test_the_lead_of_a_team_without_a_unit_counts_what_its_people_look_after(here: Unit) -> None:
    elsewhere = people.unit("城西支行")
    lead = people.employee_with_role(Role.CUSTOMER_MANAGER, people.unit("总行"))
    member = people.employee_with_role(Role.CUSTOMER_MANAGER, here)
    other = people.employee_with_role(Role.CUSTOMER_MANAGER, elsewhere)
    people.team_of(lead, member)
    managed = people.person("甲", unit=here, manager=member)
    assisted, shared = people.person("乙", unit=elsewhere), people.person("丙", unit=elsewhere)
    for party, role in ((assisted, "assistant"), (shared, "shared")):
        during = (date(2020, 1, 1), None)
        Assignment.objects.create(party=party, employee=member, role=role, during=during)
    foreign = people.person("丁", unit=elsewhere, manager=other)
    for party, manager in ((managed, member), (assisted, other), (shared, None), (foreign, other)):
        scored(party, manager=manager)
    tallied()
    actor = people.actor_of(lead)
    assert not actor.units
    assert counts(structure(view(actor), "value_class")) == {"low": 2}
    assert counts(structure(view(actor, employee=member), "value_class")) == {"low": 1}
    lines = parts(view(actor, AS_OF), "value_class")
    assert {part.name for part, _sums in lines} == {member.name, other.name}


def test_a_view_narrows_to_a_unit_and_to_a_person(here: Unit) -> None:
    below = people.unit("分理处", parent=here)
    manager = people.employee_with_role(Role.CUSTOMER_MANAGER, below)
    scored(people.person("甲", unit=here))
    scored(people.person("乙", unit=below, manager=manager), manager=manager)
    tallied()
    assert counts(structure(view(SYSTEM, unit=here), "value_class")) == {"low": 2}
    assert counts(structure(view(SYSTEM, unit=below), "value_class")) == {"low": 1}
    assert counts(structure(view(SYSTEM, employee=manager), "value_class")) == {"low": 1}
    found = parts(view(SYSTEM, AS_OF, unit=here), "value_class")
    assert [(part.name, part.own) for part, _sums in found] == [
        ("分理处", False),
        ("城东支行", True),
    ]


@settings(
    deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.tuples(st.sampled_from(("", *CODES)), st.sampled_from(("", *CODES))), max_size=8)
)
def test_a_movement_adds_up_to_both_days(here: Unit, steps: list[tuple[str, str]]) -> None:
    Score.objects.all().delete()
    Tally.objects.all().delete()
    for before, now in steps:
        party = people.person("甲", unit=here)
        if before:
            scored(party, EARLIER, value_class=before)
        if now:
            scored(party, AS_OF, value_class=now)
    for day in (EARLIER, AS_OF):  # a day without any score is no day
        scored(people.person("乙", unit=here), day, value_class="high")
    tallied()
    head = people.actor_with_role(Role.BRANCH_HEAD, here)
    moved = flows(view(head), "class_before", "value_class")
    expected = Counter((*steps, ("high", ""), ("", "high")))
    del expected["", ""]
    assert {key: each.customers for key, each in moved.items()} == expected
    for at, day in ((0, EARLIER), (1, AS_OF)):
        summed: Counter[object] = Counter()
        for key, each in moved.items():
            if key[at]:
                summed[key[at]] += each.customers
        assert summed == counts(queries.structure(view(head), "value_class", on=day))


def test_the_customers_behind_a_cell_are_those_counted(here: Unit) -> None:
    elsewhere = people.unit("城西支行")
    rows = {
        "升": ("ordinary", "gold"), "降": ("gold", "ordinary"), "留": ("gold", "gold"),
        "新": (None, "gold"), "走": ("gold", None),
    }  # fmt: skip
    made: dict[str, Party] = {}
    for name, (before, now) in rows.items():
        made[name] = people.person(name, unit=here)
        hidden = people.person(name, unit=elsewhere)
        for party in (made[name], hidden):
            if before:
                scored(party, EARLIER, tier=before)
            if now:
                scored(party, AS_OF, tier=now, outlook="up" if name == "留" else "")
    tallied()
    head = people.actor_with_role(Role.BRANCH_HEAD, here)

    def names(**which: str) -> list[str]:
        found = movers(view(head), Mover(**which))
        return sorted(found.values_list("party__name", flat=True))

    assert names(turn="rose") == ["升"]
    assert names(turn="fell") == ["降"]
    assert names(turn="up") == ["留"]
    assert names(was_tier="gold", tier="gold") == ["留"]
    assert names(was_tier="none", tier="gold") == ["新"]
    assert names(was_tier="gold", tier="none") == ["走"]
    assert movers(view(SYSTEM), Mover(turn="rose")).count() == 2
    moved = flows(view(head), "tier_before_id", "tier_id")
    assert sum(each.customers for each in moved.values()) == len(rows)


def by_hand(gains: list[int], places: range) -> list[tuple[Any, Any]]:
    whole = sum(gain for gain in gains if gain > 0)
    best = sorted((max(gain, 0) for gain in gains), reverse=True)
    return [
        (
            pytest.approx(place / len(best), abs=1e-6),
            pytest.approx(sum(best[:place]) / whole, abs=1e-6),
        )
        for place in places
    ]


def test_the_curve_is_that_of_sorting_by_hand(here: Unit) -> None:
    gains = [50, 30, 10, 5, 4, 1, 0, 0, 0, -20]
    for gain in gains:
        scored(people.person("甲", unit=here), contribution=str(gain))
    scored(people.person("外", unit=people.unit()), contribution="10000")
    tallied()
    head = people.actor_with_role(Role.BRANCH_HEAD, here)
    found = queries.concentration(view(head, AS_OF), "contribution")
    assert found is not None
    assert found.customers == len(gains)
    assert found.curve == [(0.0, 0.0), *by_hand(gains, range(1, 11))]
    assert found.top_share == pytest.approx(0.8)
    assert found.largest == [(1, 0.5), (10, 1.0)]
    assert found.abc == [("A", 2, 0.8), ("B", 2, 0.15), ("C", 6, 0.05)]
    kept = queries.concentration(view(SYSTEM, AS_OF), "contribution")
    assert kept is not None
    assert kept.customers == len(gains) + 1
    assert kept.total == Decimal(10100)


def test_the_curve_of_many_has_a_point_a_per_cent_and_no_other(here: Unit) -> None:
    gains = [7 * at % 131 for at in range(130)]
    for gain in gains:
        scored(people.person("甲", unit=here), contribution=str(gain))
    tallied()
    found = queries.concentration(view(SYSTEM, AS_OF), "contribution")
    assert found is not None
    assert len(found.curve) == 101
    shares = [share for _at, share in found.curve]
    steps = [later - sooner for sooner, later in pairwise(shares)]
    assert all(step >= -1e-9 for step in steps)
    assert dict(found.largest)[50] == by_hand(gains, range(50, 51))[0][1]


@given(st.sets(st.dates(date(2024, 1, 1), date(2026, 11, 20))))
def test_of_each_month_the_last_day_stays_and_the_day_before(days: set[date]) -> None:
    kept = kept_days(days, AS_OF)
    assert AS_OF in kept
    assert kept <= days | {AS_OF}
    before = {day for day in days if day < AS_OF}
    if before:
        assert max(before) in kept
    for month in {(day.year, day.month) for day in before} - {(AS_OF.year, AS_OF.month)}:
        of_month = [day for day in before if (day.year, day.month) == month]
        assert max(of_month) in kept
        assert sum(day in kept for day in of_month) == 1


@given(
    st.dates(date(2020, 1, 1), date(2030, 12, 31)), st.sampled_from(("month", "quarter", "year"))
)
def test_a_day_lies_in_its_period(day: date, period: str) -> None:
    first = begins_on(period, day)
    last = ends_on(period, first)
    assert first <= day <= last
    assert (last - first).days + 1 in {
        "month": range(28, 32),
        "quarter": range(90, 93),
        "year": range(365, 367),
    }[period]
