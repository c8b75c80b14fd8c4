"""Between any two days with scores: the same counts as by hand, the same customers behind them, whatever is tallied."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date
from itertools import combinations
from typing import Any

import pytest
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zhike.customers.models import Party, Tier
from zhike.customers.tests import factories as people
from zhike.insight import queries
from zhike.insight.models import Curve, Move, RefreshRun, Score, Tally
from zhike.insight.queries import Mover, View
from zhike.insight.queries.movers import NONE, behind, movers
from zhike.insight.queries.scores import scores_seen
from zhike.insight.services.tallies import tally
from zhike.insight.tests.factories import AS_OF, EARLIER, SYSTEM, scored, seeded, tallied
from zhike.organisation.models import Employee, Role, Unit
from zhike.ui import paging

pytestmark = pytest.mark.django_db

DAYS = (date(2026, 9, 30), EARLIER, AS_OF)
PAIRS = list(combinations(DAYS, 2))
TIERS = ("ordinary", "gold", "platinum")
CLASSES = ("high", "low")


@pytest.fixture
def branch() -> Unit:
    """Thirty customers of two outlets and one elsewhere, who come, go, rise, fall and change outlets."""
    seeded()
    top = people.unit("城东支行")
    places = [
        people.unit("城东一所", parent=top),
        people.unit("城东二所", parent=top),
        people.unit("外"),
    ]
    managers = [people.employee_with_role(Role.CUSTOMER_MANAGER, place) for place in places]
    chance = random.Random(11)
    for _n in range(30):
        home = chance.randrange(3)
        party = people.person("甲", unit=places[home], manager=managers[home])
        for on in DAYS:
            if chance.random() < 0.2:
                continue
            place = chance.randrange(3) if chance.random() < 0.2 else home
            score = scored(
                party,
                on,
                tier=chance.choice(TIERS),
                value_class=chance.choice(CLASSES),
                balance=str(chance.randrange(1000)),
                contribution=str(chance.randrange(-5, 50)),
                outlook=chance.choice(["", "up", "down"]),
                manager=managers[place],
            )
            Score.objects.filter(pk=score.pk).update(unit=places[place])
    tallied()
    return top


def views(branch: Unit, since: date, until: date) -> list[View]:
    head = people.actor_with_role(Role.BRANCH_HEAD, branch)
    outlet = Unit.objects.get(name="城东一所")
    manager = Employee.objects.get(unit=outlet)
    return [
        View(SYSTEM, since, until),
        View(SYSTEM, since, until, outlet),
        View(SYSTEM, since, until, None, manager),
        View(head, since, until),
        View(head, since, until, outlet),
        View(people.actor_of(manager), since, until),
    ]


def by_hand(view: View) -> dict[tuple[Any, ...], int]:
    """(tier before, tier now, class before, class now) → customers, from the rows themselves."""
    scores = {
        (each.party_id, each.as_of): each for each in Score.objects.select_related("tier", "unit")
    }
    mine = {
        party.pk for party in Party.objects.filter(assignments__employee=view.actor.employee_id)
    }
    found: Counter[tuple[Any, ...]] = Counter()
    for party in Party.objects.all():
        was, now = scores.get((party.pk, view.since)), scores.get((party.pk, view.as_of))
        place = now or was
        if place is None:
            continue
        seen = view.actor.everywhere or place.unit_id in view.actor.units or party.pk in mine
        if view.unit and not str(place.unit and place.unit.path).startswith(view.unit.path):
            seen = False
        if view.employee and place.manager_id != view.employee.pk:
            seen = False
        if seen:
            key = [each.tier.code if each and each.tier else "" for each in (was, now)]
            found[*key, was.value_class if was else "", now.value_class if now else ""] += 1
    return dict(found)


def counted(view: View) -> dict[tuple[Any, ...], int]:
    codes = {
        each.tier_id: each.tier.code for each in Score.objects.select_related("tier") if each.tier
    }
    moved = queries.flows(view, "tier_before_id", "tier_id", "class_before", "value_class")
    return {
        (codes.get(was, ""), codes.get(now, ""), class_was, class_now): sums.customers
        for (was, now, class_was, class_now), sums in moved.items()
    }


@pytest.mark.parametrize(("since", "until"), PAIRS)
def test_moves_between_two_days_are_those_of_the_rows(
    branch: Unit, since: date, until: date
) -> None:
    for view in views(branch, since, until):
        assert counted(view) == by_hand(view)


def test_what_is_tallied_and_what_is_compared_now_come_to_the_same(branch: Unit) -> None:
    keys = (
        "unit_id",
        "manager_id",
        "tier_before_id",
        "tier_id",
        "class_before",
        "value_class",
        "outlook",
    )
    asked = [view for pair in PAIRS for view in views(branch, *pair)]
    some = [queries.flows(view, *keys) for view in asked]
    assert Tally.objects.filter(since=DAYS[0], as_of=DAYS[2]).exists()
    # From each kept day to the next; the fixture's third refresh left what the second had written.
    assert Tally.objects.filter(since=DAYS[0], as_of=DAYS[1]).exists()
    Tally.objects.all().delete()
    assert [queries.flows(view, *keys) for view in asked] == some
    stranger = people.actor_with_role(Role.TELLER, branch)
    assert queries.flows(View(stranger, *DAYS[:2]), *keys) == {}


def test_moves_between_days_that_are_no_longer_neighbours_go(branch: Unit) -> None:
    tally([DAYS[0], DAYS[2]], DAYS[2])
    pairs = {tuple(each) for each in Tally.objects.values_list("since", "as_of")}
    assert pairs == {(DAYS[0], DAYS[0]), (DAYS[0], DAYS[2]), (DAYS[2], DAYS[2])}
    later = date(2026, 12, 31)
    tally([*DAYS, later], later)
    kept = {tuple(each) for each in Tally.objects.values_list("since", "as_of")}
    assert kept >= {(DAYS[0], DAYS[0]), (DAYS[2], DAYS[2])}
    assert (DAYS[0], DAYS[2]) not in kept


@pytest.mark.parametrize(("since", "until"), PAIRS)
@pytest.mark.parametrize("many", [False, True])
def test_the_rows_behind_a_cell_are_as_many_as_it_says(
    branch: Unit, since: date, until: date, many: bool
) -> None:
    view = View(SYSTEM, since, until)
    cells = counted(view)
    for was, now in {key[:2] for key in cells}:
        which = Mover(was_tier=was or NONE, tier=now or NONE)
        expected = sum(count for key, count in cells.items() if key[:2] == (was, now))
        assert queries.expected(view, which) == expected
        found = behind(view, which, paging.COUNT_CAP + 1 if many else expected)
        assert found.rows.count() == expected == len(found.page(200).rows)
        two = found.page(2)
        rest = found.page(200, two.next).rows if two.next else []
        walked = [*two.rows, *rest]
        assert {row.pk for row in walked} == {row.pk for row in found.rows}
        assert walked == sorted(walked, key=lambda row: -row.balance)
        for row in found.rows:
            assert row.as_of == (until if now else since)
            assert (row.tier_was is None) == (not was or not now)  # type: ignore[attr-defined]
    rank = {"ordinary": 0, "gold": 1, "platinum": 2, "": None}
    for turn in ("rose", "fell"):
        there = 0
        for (was, now, *_classes), count in cells.items():
            before, after = rank[was], rank[now]
            if before is not None and after is not None and before != after:
                there += count * ((after > before) == (turn == "rose"))
        which = Mover(turn=turn)
        assert queries.expected(view, which) == there == behind(view, which, there).rows.count()


def test_curves_are_kept_of_every_unit_and_day_and_are_those_worked_out(branch: Unit) -> None:
    for on in DAYS:
        for view in views(branch, on, on):
            for measure in ("contribution", "balance"):
                kept = queries.concentration(view, measure)
                held = list(Curve.objects.filter(as_of=on).values())
                Curve.objects.filter(as_of=on).delete()
                if view.actor.everywhere:
                    assert queries.concentration(view, measure) == kept
                Curve.objects.bulk_create(Curve(**each) for each in held)
    assert Curve.objects.filter(unit=branch).count() == 2 * len(DAYS)


def test_a_page_of_two_earlier_days_keeps_them_and_leads_to_their_rows(branch: Unit) -> None:
    client = people.signed_in_client(Role.BRANCH_HEAD, branch)
    days = f"since={DAYS[0]}&until={DAYS[1]}"
    outlet = Unit.objects.get(name="城东一所")
    page = client.get(f"{reverse('insight:movements')}?{days}&unit={outlet.code}&turn=fell")
    assert (page.context["since"], page.context["as_of"]) == DAYS[:2]
    text = page.content.decode().replace("&amp;", "&")
    assert f"unit={outlet.code}&since={DAYS[0]}&until={DAYS[1]}" in text
    assert 'name="turn" value="fell"' in text
    steps = [step for row in page.context["matrix"].rows for step in row.steps if step.url]
    assert steps
    for step in steps:
        rows = client.get(step.url).context["page"].rows
        visible = Party.objects.filter(unit__path__startswith=branch.path)
        assert {row.party_id for row in rows} <= set(visible.values_list("pk", flat=True))
        assert len(rows) <= step.sums.customers
    grid = client.get(f"{reverse('insight:overview')}?{days}")
    assert all(cell.url.startswith(reverse("insight:movers")) for cell in grid.context["classes"])


@pytest.mark.parametrize(
    ("asked", "since", "until"),
    [
        ("", EARLIER, AS_OF),
        (f"until={EARLIER}", DAYS[0], EARLIER),
        (f"since={AS_OF}&until={EARLIER}", DAYS[0], EARLIER),
        (f"since={DAYS[0]}&until={DAYS[0]}", DAYS[0], DAYS[0]),
        ("since=yesterday&until=today", EARLIER, AS_OF),
    ],
)
def test_days_that_make_no_pair_fall_back(
    branch: Unit, asked: str, since: date, until: date
) -> None:
    client = people.signed_in_client(Role.BRANCH_HEAD, branch)
    for name in ("overview", "movements", "concentration", "bulletin"):
        context = client.get(f"{reverse(f'insight:{name}')}?{asked}").context
        assert (context["since"], context["as_of"]) == (since, until)


def test_the_scores_seen_are_those_visible_by_the_one_door(branch: Unit) -> None:
    actors = [view.actor for view in views(branch, *DAYS[:2])]
    for actor in (*actors, people.actor_with_role(Role.TELLER, branch)):
        seen = set(scores_seen(actor).values_list("pk", flat=True))
        assert seen == set(Score.objects.visible_to(actor).values_list("pk", flat=True))


def test_moves_by_name_are_kept_between_neighbours_and_since_the_month_before(branch: Unit) -> None:
    kept = set(Move.objects.values_list("since", "as_of").distinct())
    assert kept == {DAYS[:2], DAYS[1:]}
    later = date(2026, 11, 21)
    tally(DAYS, later)
    kept = set(Move.objects.values_list("since", "as_of").distinct())
    assert kept == {DAYS[:2], DAYS[1:], (AS_OF, later), (EARLIER, later)}
    tally([DAYS[0], later], later)
    assert set(Move.objects.values_list("since", "as_of").distinct()) == {(DAYS[0], later)}


QUESTIONS = [
    *(Mover(was_tier=was, tier=now) for was in (*TIERS, NONE, "") for now in (*TIERS, NONE, "")),
    *(Mover(was_class=was, value_class=now) for was in (*CLASSES, NONE, "") for now in CLASSES),
    *(Mover(turn=turn) for turn in ("rose", "fell", "up", "down")),
    Mover(was_tier="gold", turn="rose"),
    Mover(was_tier="gold", tier="platinum", was_class="high", value_class="low"),
    Mover(was_tier="no such", tier="gold"),
    Mover(was_class="high", value_class=NONE),
]
STANDING = st.none() | st.tuples(
    st.sampled_from((*TIERS, None)), st.sampled_from((*CLASSES, "")), st.sampled_from(("", "up"))
)


@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(histories=st.lists(st.tuples(STANDING, STANDING), min_size=8, max_size=8))
def test_those_kept_by_name_are_those_the_scores_of_both_days_say(
    histories: list[tuple[Any, Any]], eight: list[Party]
) -> None:
    Score.objects.all().delete()
    tiers = {tier.code: tier for tier in Tier.objects.all()}
    runs = {run.as_of: run for run in RefreshRun.objects.all()}
    Score.objects.bulk_create(
        Score(
            party=party,
            run=runs[on],
            as_of=on,
            unit=party.unit,
            tier=tiers.get(standing[0]),
            value_class=standing[1],
            outlook=standing[2],
        )
        for party, history in zip(eight, histories, strict=True)
        for on, standing in zip((EARLIER, AS_OF), history, strict=True)
        if standing is not None
    )
    tally([EARLIER], AS_OF)
    view = View(SYSTEM, EARLIER, AS_OF)
    changed = {
        party.pk
        for party, (was, now) in zip(eight, histories, strict=True)
        if (was and was[:2]) != (now and now[:2])
    }
    assert set(Move.objects.values_list("party", flat=True)) == changed
    named = [set(movers(view, which).values_list("pk", flat=True)) for which in QUESTIONS]
    Move.objects.all().delete()
    compared = [set(movers(view, which).values_list("pk", flat=True)) for which in QUESTIONS]
    assert named == compared


@pytest.fixture
def eight() -> list[Party]:
    seeded()
    unit = people.unit("城东一所")
    parties = [people.person("甲", unit=unit) for _n in range(8)]
    for on in (EARLIER, AS_OF):
        scored(parties[0], on)
    return parties
