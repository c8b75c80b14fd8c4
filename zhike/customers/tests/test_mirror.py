"""What lists are counted from: the standing of each customer repeats the customer, and counts as the customer does."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.db.models import F, Q, QuerySet
from django.test.utils import CaptureQueriesContext

from zhike.customers import queries, services, tables
from zhike.customers.models import Assignment, Party, Standing, Tier
from zhike.customers.queries import conditions
from zhike.customers.tests import factories
from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.kernel.asking import Rows
from zhike.kernel.scope import doors
from zhike.organisation.models import Employee, Unit
from zhike.ui import paging
from zhike.ui.lists import groups
from zhike.ui.mirrors import is_mirrored, mirrored
from zhike.ui.paging import Order

pytestmark = pytest.mark.django_db

SUMS = [column for column in tables.MONEY_COLUMNS if column.total]
ORDERS = (
    "-standing__balance",
    "standing__balance",
    "-standing__tier__rank,-standing__balance",
    "standing__tier__rank,standing__last_contact_on",
    "-standing__tier__rank,standing__contribution",
    "standing__last_contact_on,-standing__balance",
    "name_key",
    "-name_key,standing__balance",
)
ASKED = (
    Q(),
    Q(standing__balance__gt=500),
    Q(standing__tier__code="t2") | Q(standing__tier__code="t4"),
    Q(standing__value_class__in=("high", "low"), kind="person"),
    Q(standing__last_contact_on__isnull=True) | Q(standing__contribution__lt=30),
    ~Q(standing__balance__lte=100) & ~Q(type="company"),
    Q(name_key__startswith="z"),
    Q(birth_on__month=2),
)


@pytest.fixture
def everyone() -> list[Party]:
    """Sixty customers over three units, with ties and gaps in every column lists sort by."""
    chance = random.Random(5)
    places = [factories.unit() for _n in range(3)]
    tiers = [
        Tier.objects.create(code=f"t{n}", name=f"T{n}", rank=5 - n, contact_every_days=30 * n)
        for n in range(1, 5)
    ]
    mine = Employee.objects.create(code="me", name="me", unit=places[0])
    made = []
    for n in range(60):
        party = factories.party(
            name=chance.choice(["张伟", "周敏", "李静", "王芳"]),
            unit=chance.choice(places),
            kind=chance.choice(["person", "organisation"]),
            stage=chance.choice(["customer", "customer", "prospect", "former"]),
            birth_on=chance.choice([None, date(1990, 2, 1 + n % 28), date(1980, 3, 5)]),
            manager=mine if n % 7 == 0 else None,
        )
        Standing.objects.filter(party=party).update(
            tier=chance.choice([None, *tiers]),
            value_class=chance.choice(["", "high", "second", "low"]),
            balance=chance.choice([0, 100, 100, 750, chance.randrange(2000)]),
            contribution=chance.randrange(50),
            last_contact_on=chance.choice([None, *(date(2026, 2, 1 + n) for n in range(4))]),
            contact_every_days=chance.choice([None, 30]),
        )
        made.append(party)
    return made


def actors() -> list[Actor]:
    base: dict[str, Any] = {
        "user_id": 1,
        "name": "x",
        "roles": frozenset({"any"}),
        "permissions": frozenset({"customers.view", "insight.view"}),
    }
    me = Employee.objects.get(code="me").pk
    places = sorted(
        Unit.objects.filter(parties__isnull=False).distinct().values_list("pk", flat=True)
    )
    return [
        Actor(employee_id=None, everywhere=True, **base),
        Actor(employee_id=me, units=frozenset(places[1:]), **base),
        Actor(employee_id=None, units=frozenset(places[:1]), **base),
        Actor(employee_id=me, **base),
    ]


def listed(actor: Actor, asked: Q) -> QuerySet[Party]:
    rows = queries.with_standing(Party.objects.visible_to(actor))
    return rows.exclude(stage="former").filter(asked)


def differing() -> int:
    same = {f"standing__{name}": F(name) for name in ("unit", "stage", "kind", "type")}
    return Party.objects.exclude(pk__in=Party.objects.filter(**same).values("pk")).count()


def test_the_standing_follows_the_customer_through_every_service() -> None:
    here, there = factories.unit(), factories.unit()
    prospect = services.create_party(
        actor=factories.SYSTEM,
        kind="person",
        type="individual",
        name="周敏",
        unit=here,
        stage="prospect",
    )
    assert Standing.objects.get(party=prospect).stage == "prospect"
    services.convert_prospect(actor=factories.SYSTEM, party=prospect)
    services.update_party(
        actor=factories.SYSTEM, party=prospect, changes={"unit": there, "type": "farmer"}
    )
    standing = Standing.objects.get(party=prospect)
    assert (standing.stage, standing.unit_id, standing.type) == ("customer", there.pk, "farmer")
    services.close_party(actor=factories.SYSTEM, party=prospect, reason="销户")
    assert Standing.objects.get(party=prospect).stage == "former"
    services.reopen_party(actor=factories.SYSTEM, party=prospect, reason="回来")
    assert Standing.objects.get(party=prospect).stage == "customer"
    assert not differing()


def test_the_standing_follows_many_at_once(everyone: list[Party]) -> None:
    assert Standing.objects.count() == len(everyone)
    Party.objects.filter(kind="person").update(stage="former", type="farmer")
    Party.objects.bulk_create(
        Party(kind="person", type="individual", name="李静", unit=everyone[0].unit)
        for _n in range(3)
    )
    assert Standing.objects.count() == len(everyone) + 3
    assert not differing()


@pytest.mark.parametrize("asked", ASKED, ids=str)
@pytest.mark.parametrize("grouping", tables.GROUPINGS, ids=lambda each: each.id)
def test_groups_and_foot_count_what_the_rows_say(
    everyone: list[Party], asked: Q, grouping: groups.Grouping
) -> None:
    for actor in actors():
        rows = listed(actor, asked)
        counts: Counter[Any] = Counter()
        sums: Counter[Any] = Counter()
        for party in rows:
            key = {
                "tier": party.standing.tier.code if party.standing.tier else None,
                "value": party.standing.value_class,
                "stage": party.stage,
                "type": party.type,
                "unit": party.unit.code,
            }[grouping.id] or groups.NONE
            counts[key] += 1
            sums[key] += party.standing.balance
        found = groups.headings(rows, grouping, SUMS, actor)
        assert {each.key: each.sums.count for each in found} == counts
        assert {each.key: each.sums.totals[0] for each in found} == sums
        whole = groups.summed(rows, SUMS, actor)
        assert whole.count == sum(counts.values())
        assert (whole.totals[0] or 0) == sum(sums.values())
        assert paging.capped_count(rows).number == whole.count
        for key in counts:
            inside = groups.of_group(Party, grouping, key, grouping.names(actor))
            assert inside is not None
            assert rows.filter(inside).count() == counts[key]


def kept(actor: Actor, asked: Q) -> Rows[Party]:
    """As `listed`, the way a list asks."""
    rows = Rows(
        Party,
        lambda: queries.with_standing(Party.objects.visible_to(actor)),
        (kept, actor, clock.today()),
    )
    return rows.narrowed(~Q(stage="former"), asked)


@pytest.mark.parametrize("order", ORDERS)
def test_a_list_that_keeps_its_sql_shows_what_is_there_now(
    everyone: list[Party], order: str
) -> None:
    by = Order.parse(order)
    for turn in range(3):
        for actor in actors():
            for asked in ASKED:
                rows = listed(actor, asked)
                page = paging.page(kept(actor, asked), by, 20)
                expected = in_order(rows, by)[:20]
                assert [row.pk for row in page.rows] == [row.pk for row in expected]
                with CaptureQueriesContext(connection) as more:
                    shown = [
                        (row.unit, row.standing.tier, str(queries.manager_of(row)))
                        for row in page.rows
                    ]
                assert not more.captured_queries
                there = list(rows.filter(pk__in=[row.pk for row in page.rows]))
                there.sort(key=lambda row: [each.pk for each in page.rows].index(row.pk))
                assert shown == [
                    (row.unit, row.standing.tier, str(queries.manager_of(row))) for row in there
                ]
                for cap in (3, 2000):
                    count = paging.capped_count(kept(actor, asked), cap, doors(actor, Party))
                    assert count == paging.Count(min(rows.count(), cap), rows.count() > cap)
        # Between two looks customers come, go, move and are handed over.
        some = everyone[turn * 10 : turn * 10 + 10]
        Party.objects.filter(pk=some[0].pk).update(stage="former")
        Party.objects.filter(pk=some[1].pk).update(unit=some[2].unit, name_key="a")
        Standing.objects.filter(party=some[3]).update(
            balance=5000 + turn, tier=Tier.objects.first()
        )
        Assignment.objects.filter(party__in=some).delete()
        everyone.append(factories.party(name="新来", unit=some[4].unit))


@pytest.mark.parametrize("order", ORDERS)
def test_pages_walk_through_everybody_in_order_both_ways(everyone: list[Party], order: str) -> None:
    for actor in actors():
        for asked in ASKED:
            rows, by = listed(actor, asked), Order.parse(order)
            expected = [party.pk for party in in_order(rows, by)]
            cursor: str | None = ""
            pages = []
            while cursor is not None:
                page = paging.page(rows, by, 7, cursor)
                pages.append([row.pk for row in page.rows])
                cursor = page.next
            assert [pk for page in pages for pk in page] == expected
            backwards = page.previous
            for before in reversed(pages[:-1]):
                assert backwards is not None
                page = paging.page(rows, by, 7, backwards)
                assert [row.pk for row in page.rows] == before
                backwards = page.previous
            assert backwards is None


def in_order(rows: QuerySet[Party], order: Order) -> list[Party]:
    """By Python's own sort, the last key first; empty values behind."""
    found = sorted(rows, key=lambda row: row.pk, reverse=order.descending)
    for key in reversed(order.keys):
        values = {row.pk: value_of(row, key.field) for row in found}
        there = [row for row in found if values[row.pk] is not None]
        there.sort(key=lambda row: values[row.pk], reverse=key.descending)
        found = there + [row for row in found if values[row.pk] is None]
    return found


def value_of(row: Any, path: str) -> Any:
    for name in path.split("__"):
        row = None if row is None else getattr(row, name)
    return row


def test_the_calendar_shows_the_same_days_with_and_without_the_mirror(
    everyone: list[Party], monkeypatch: pytest.MonkeyPatch
) -> None:
    def shown(actor: Actor, dated: groups.Dated) -> list[tuple[date, int, list[int]]]:
        days = groups.days(
            listed(actor, Q()), dated, date(2026, 2, 1), Order("standing__balance", True), actor
        )
        return [(each.on, each.count, [row.pk for row in each.rows]) for each in days]

    asked = [(actor, dated) for actor in actors() for dated in tables.DATES]
    found = [shown(*each) for each in asked]
    assert sum(map(len, found)) > 20
    monkeypatch.delattr(Party, "mirror")
    assert [shown(*each) for each in asked] == found


def test_what_a_mirror_lacks_is_read_from_the_customer_itself(everyone: list[Party]) -> None:
    _all, heads, _units, mine = actors()
    for actor in (heads, mine):
        for asked in (Q(standing__balance__gt=5, kind="person"), conditions.managed()):
            assert is_mirrored(mirrored(listed(actor, asked).values("pk")))
        for asked in (Q(name_key__startswith="z"), Q(since_on__isnull=True), Q(version=1)):
            assert not is_mirrored(mirrored(listed(actor, asked).values("pk")))
        due = conditions.contact_due(Q(due_on__gte=clock.today() - timedelta(days=3000)))
        rows = listed(actor, due & ~conditions.managed())
        assert set(mirrored(rows.values_list("pk", flat=True))) == {row.pk for row in rows}


def test_a_query_stays_what_it_was_when_its_mirror_is_asked(everyone: list[Party]) -> None:
    rows = listed(actors()[1], Q(standing__balance__gt=Decimal(5)))
    before = str(rows.query)
    list(mirrored(rows.values_list("pk", flat=True)))
    assert str(rows.query) == before
    assert str(rows.filter(standing__tier__rank=1).query).count("customers_standing") > 1


def test_the_one_who_looks_after_somebody_elsewhere_counts_them_once(everyone: list[Party]) -> None:
    me = Employee.objects.get(code="me")
    actor = actors()[1]
    ids = set(Assignment.objects.filter(employee=me).values_list("party", flat=True))
    expected = {party.pk for party in everyone if party.unit_id in actor.units} | ids
    assert groups.summed(Party.objects.visible_to(actor), [], actor).count == len(expected)


def test_a_mirrored_query_may_stand_within_another(everyone: list[Party]) -> None:
    actor = actors()[1]
    rows = listed(actor, Q(kind="person"))
    within = Standing.objects.filter(party__in=mirrored(rows.order_by().values("pk")))
    assert set(within.values_list("party", flat=True)) == {party.pk for party in rows}
