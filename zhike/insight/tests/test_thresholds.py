"""Thresholds: what agrees, who may, and a preview that says what setting them then does."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhike.customers.models import Party, Standing, Tier
from zhike.customers.tests import factories as people
from zhike.insight import preview, queries, rules
from zhike.insight.models import Threshold
from zhike.insight.preview import changed
from zhike.insight.rules import Book, Held
from zhike.insight.seed import DEFAULTS, TIERS
from zhike.insight.services import refresh, set_thresholds
from zhike.insight.tests.factories import (
    AS_OF,
    SYSTEM,
    agreement,
    load,
    movement,
    party,
    product,
    seeded,
    unit,
)
from zhike.insight.thresholds import GROUPS, SPECS, faults
from zhike.insight.views.thresholds import shown
from zhike.kernel import clock
from zhike.kernel.errors import Conflict, Refused, UserError
from zhike.kernel.models import AuditEntry
from zhike.organisation.models import Role, Unit

CODES = [code for code, *_rest in TIERS]
BOOK = Book(
    {(name, None): Decimal(value) for name, value in DEFAULTS.items()}, {1: (1,), 2: (1, 2)}
)
TOMORROW = timedelta(days=1)


def wrong(values: dict[str, str], unit: int | None = None) -> list[str]:
    book = changed(BOOK, {name: Decimal(value) for name, value in values.items()}, unit)
    return [fault.text for fault in faults(book, CODES, GROUPS)]


def test_every_default_is_described_and_agrees() -> None:
    assert set(SPECS) == set(DEFAULTS)
    assert wrong({}) == []


@pytest.mark.parametrize(
    "values",
    [
        {"tier.gold.balance": "300000"},
        {"tier.platinum.contribution": "80000.01"},
        {"abc.a": "95"},
        {"weight.current.balance": "41"},
        {"grid.current.cut": "101"},
        {"tier.hold_days": "-1"},
    ],
)
def test_terms_that_contradict_each_other_are_found(values: dict[str, str]) -> None:
    assert len(wrong(values)) == 1


def test_a_unit_is_judged_with_what_it_inherits() -> None:
    assert wrong({"tier.gold.balance": "299999"}, 2) == []
    assert len(wrong({"tier.gold.balance": "300001"}, 2)) == 1


def test_following_again_takes_the_own_value_away() -> None:
    own = changed(BOOK, {"tier.gold.balance": Decimal(1)}, 2)
    assert own.value("tier.gold.balance", 2) == 1
    assert changed(own, {"tier.gold.balance": None}, 2) == BOOK


@pytest.fixture
def home() -> Unit:
    seeded()
    return unit()


def held() -> list[Any]:
    return list(Threshold.objects.order_by("pk").values())


def refused(error: type[UserError], **call: Any) -> str:
    """The words of a refused change that changed nothing."""
    before, entries = held(), AuditEntry.objects.count()
    asked: dict[str, Any] = {"actor": SYSTEM, "reason": "test", "since": clock.today()} | call
    with pytest.raises(error) as found:
        set_thresholds(**asked)
    assert held() == before
    assert AuditEntry.objects.count() == entries
    return str(found.value)


@pytest.mark.django_db
def test_what_is_wrong_changes_nothing(home: Unit) -> None:
    gold = {"tier.gold.balance": Decimal(60000)}
    refused(UserError, values={"tier.gold.balance": Decimal(400000)})
    refused(UserError, values={"weight.current.balance": Decimal(50)})
    refused(UserError, values={"abc.a": Decimal(70)}, unit=home)
    refused(UserError, values={"tier.gold.balance": None})
    refused(UserError, values=gold, reason=" ")
    refused(UserError, values={"tier.silver.balance": Decimal(1)})
    manager = people.actor_with_role(Role.CUSTOMER_MANAGER, home)
    refused(Refused, values=gold, actor=manager)
    analyst = people.actor_with_role(Role.ANALYST, home)
    refused(UserError, values=gold, actor=analyst, since=clock.today() - TOMORROW)
    refused(Conflict, values=gold, seen={"tier.gold.balance": Decimal(1)})


@pytest.mark.django_db
def test_a_later_change_that_no_longer_agrees_is_found_today(home: Unit) -> None:
    today = clock.today()
    branch = unit("002", home)
    set_thresholds(
        actor=SYSTEM, values={"tier.gold.balance": Decimal(290000)}, unit=branch,
        since=today + timedelta(days=30), reason="later",
    )  # fmt: skip
    text = refused(UserError, values={"tier.platinum.balance": Decimal(280000)})
    assert branch.name in text


@pytest.mark.django_db
def test_weights_are_set_together_and_once_each(home: Unit) -> None:
    today = clock.today()
    values = {"weight.current.balance": Decimal(50), "weight.current.contribution": Decimal(50)}
    assert len(set_thresholds(actor=SYSTEM, values=values, since=today, reason="even")) == 2
    assert set_thresholds(actor=SYSTEM, values=values, since=today, reason="again") == []
    assert queries.terms(queries.book(today)).weights.current_balance == 50
    assert queries.terms(queries.book(today - TOMORROW)).weights.current_balance == 40


@given(
    balance=st.integers(0, 8_000_000),
    contribution=st.integers(-100, 100_000),
    before=st.sampled_from((None, *CODES)),
    below=st.none() | st.dates(date(2026, 6, 1), AS_OF),
)
def test_the_rule_in_the_warehouse_is_the_rule(
    balance: int, contribution: int, before: str | None, below: date | None
) -> None:
    import ibis
    import pyarrow as pa

    figures: dict[str, Any] = {
        "party_id": 1, "unit_id": 1, "balance": Decimal(balance), "contribution_12m": Decimal(contribution),
        "tier_before": before, "below_since": below if before else None, "abc_class": "A",
        "current_value": Decimal(80), "potential_value": Decimal(10), "value_class": "x",
        "grid_current_cut": Decimal(0), "grid_potential_cut": Decimal(0),
    }  # fmt: skip
    money = pa.decimal128(18, 2)
    types = {
        "party_id": pa.int64(), "unit_id": pa.int64(), "balance": money, "contribution_12m": money,
        "tier_before": pa.string(), "below_since": pa.date32(), "abc_class": pa.string(),
        "current_value": money, "potential_value": money, "value_class": pa.string(),
        "grid_current_cut": money, "grid_potential_cut": money,
    }  # fmt: skip
    mart = ibis.memtable(pa.Table.from_pylist([figures], schema=pa.schema(types.items())))
    (row,) = (
        preview._placed(mart, ibis.memtable(preview._terms(BOOK, CODES)), CODES, AS_OF)
        .execute()
        .to_dict("records")
    )
    rated = rules.rating(
        Decimal(balance), Decimal(contribution), Held(before, figures["below_since"]) if before else None,
        rules.ladder(BOOK, CODES, 1), on=AS_OF, hold_days=90, near_share=Decimal("0.9"),
    )  # fmt: skip
    assert row["tier"] == rated.code
    assert bool(row["pending"]) is (rated.below_since is not None)
    assert row["value_class"] == "second"


@pytest.fixture
def customers(home: Unit) -> list[Party]:
    """Two units, balances around the terms, two refreshes: tiers are held on the second."""
    branch = unit("002", home)
    rows, made = [], []
    for at, amount in enumerate((100, 20000, 45000, 49000, 52000, 70000, 290000, 310000)):
        for place in (home, branch):
            each = party(place, f"客{at}{place.code}")
            account = agreement(each, product())
            key = f"{at}{place.code}"
            rows.append(movement(account, date(2026, 9, 1), str(amount), str(amount), key=key))
            made.append(each)
    load(rows)
    refresh(actor=SYSTEM, as_of=date(2026, 10, 31))
    refresh(actor=SYSTEM, as_of=AS_OF)
    return made


def standings() -> dict[int, tuple[str, str]]:
    rows = Standing.objects.select_related("tier")
    return {row.party_id: (row.tier.code if row.tier else "", row.value_class) for row in rows}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("values", "own"),
    [
        ({"tier.gold.balance": "45000", "tier.gold.contribution": "700"}, False),
        ({"tier.gold.balance": "60000"}, True),
        ({"grid.current.cut": "40", "grid.potential.cut": "50"}, False),
        ({"grid.current.cut": "20"}, True),
        ({"weight.current.contribution": "0", "weight.current.balance": "100"}, False),
        ({"price.transfer.liability": "4.00"}, False),
    ],
)
def test_setting_does_what_the_preview_said(
    customers: list[Party], home: Unit, values: dict[str, str], own: bool
) -> None:
    place = Unit.objects.get(code="002") if own else None
    asked: dict[str, Decimal | None] = {name: Decimal(value) for name, value in values.items()}
    before = queries.book(AS_OF)
    said = preview.preview(
        before, changed(before, asked, place.pk if place else None), CODES, as_of=AS_OF
    )
    was = standings()
    set_thresholds(actor=SYSTEM, values=asked, unit=place, since=AS_OF, reason="test")
    refresh(actor=SYSTEM, as_of=AS_OF)
    now = standings()
    for at, kind in enumerate(("tier", "value_class")):
        real: dict[tuple[str, str], int] = {}
        for pk in was:
            pair = (was[pk][at], now[pk][at])
            real[pair] = real.get(pair, 0) + 1
        assert dict(said.moves[kind]) == real
    moved = {pk for pk in was if was[pk] != now[pk]}
    assert moved <= {each.party_id for each in said.first}
    assert said.customers == len(customers)


@pytest.mark.django_db
def test_a_preview_keeps_to_the_units(customers: list[Party], home: Unit) -> None:
    branch = Unit.objects.get(code="002")
    before = queries.book(AS_OF)
    after = changed(before, {"tier.gold.balance": Decimal(45000)}, None)
    found = preview.preview(before, after, CODES, as_of=AS_OF, units=[branch.pk])
    assert found.customers == len(customers) // 2
    assert set(found.units) == {branch.pk}
    assert {each.unit_id for each in found.first} == {branch.pk}
    assert found.moves["tier"]["ordinary", "gold"] == found.moved == 2


@pytest.mark.django_db
def test_the_form_previews_saves_and_tells_of_conflicts(customers: list[Party], home: Unit) -> None:
    client = people.signed_in_client(Role.ANALYST, home)
    with clock.stopped_at(AS_OF):
        address = "/insight/thresholds/tier/"
        page = client.get(address)
        form = page.context["form"]
        sent = {name: str(form[name].value()) for name in form.held}
        sent |= {f"seen-{name}": value for name, value in page.context["seen"]}
        sent |= {"since": AS_OF.isoformat(), "reason": "更低的门槛", "tier.gold.balance": "45000"}
        rows = held()
        tried = client.post(address, sent | {"try": "1"})
        assert tried.status_code == 200
        assert tried.context["tried"]["up"] == 4
        assert held() == rows
        assert "客2001" in tried.content.decode()
        assert client.post(address, sent | {"since": "2026-01-01"}).status_code == 422
        upside_down = sent | {"tier.gold.balance": "400000", "save": "1"}
        assert client.post(address, upside_down).status_code == 422
        assert held() == rows
        assert client.post(address, sent | {"save": "1"}).status_code == 303
        assert queries.book(AS_OF).value("tier.gold.balance") == 45000
        late = client.post(address, sent | {"tier.gold.balance": "46000", "save": "1"})
        assert late.status_code == 409
        assert Tier.objects.filter(code="gold").exists()
        assert client.get("/insight/thresholds/nothing/").status_code == 404
        own = client.get(f"{address}?unit=002")
        assert own.status_code == 200
        assert own.context["form"]["tier.gold.balance"].value() is None


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_a_threshold_is_shown_exactly_and_without_empty_places(spec: Any) -> None:
    said = {"money": "40.00", "percent": "40%", "share": "4,000%"}
    assert shown(Decimal("40.0000"), spec) == said.get(spec.unit, "40")
    if spec.places:
        least = Decimal(1).scaleb(-spec.places)
        text = shown(least, spec)
        assert Decimal(text.rstrip("%")) == (least * 100 if spec.unit == "share" else least)


@pytest.mark.django_db
def test_a_share_is_typed_and_shown_in_per_cent(home: Unit) -> None:
    client = people.signed_in_client(Role.ANALYST, home)
    address = "/insight/thresholds/tier/"
    with clock.stopped_at(AS_OF):
        page = client.get(address)
        form = page.context["form"]
        sent = {name: str(form[name].value()) for name in form.held}
        assert Decimal(sent["tier.near_share"]) == 90
        sent |= {f"seen-{name}": value for name, value in page.context["seen"]}
        sent |= {"since": AS_OF.isoformat(), "reason": "早一点提醒", "save": "1"}
        assert client.post(address, sent | {"tier.near_share": "101"}).status_code == 422
        assert client.post(address, sent | {"tier.near_share": "85.5"}).status_code == 303
        assert queries.book(AS_OF).value("tier.near_share") == Decimal("0.855")
        assert "85.5%" in client.get("/insight/thresholds/").content.decode()
