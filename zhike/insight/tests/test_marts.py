"""Grains are unique, sums are those of the facts, and a refresh of what was touched equals a rebuild."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import ibis
import pytest

from zhike.insight import build, queries, snapshot, staging
from zhike.insight.marts import (
    AGREEMENT_MONTH,
    CUSTOMER_DAY,
    CUSTOMER_MONTH,
    CUSTOMER_VALUE,
    Period,
)
from zhike.insight.tests import factories
from zhike.insight.tests.factories import AS_OF
from zhike.kernel.warehouse import Warehouse
from zhike.products.models import Agreement

pytestmark = pytest.mark.django_db

Rows = list[dict[str, Any]]


@pytest.fixture
def accounts() -> list[Agreement]:
    factories.seeded()
    home = factories.unit()
    demand = factories.product()
    return [
        factories.agreement(factories.party(home, f"客{n}"), demand, f"{n}-{copy}")
        for n in range(6)
        for copy in range(2)
    ]


def history(accounts: list[Agreement], first: date, days: int, seed: int, per_day: int = 3) -> Rows:
    """Invented movements with a running balance for each account; some sources give no balance."""
    chance = random.Random(seed)
    balances: dict[int, Decimal] = defaultdict(Decimal)
    rows = []
    for day in range(days):
        for n in range(per_day):
            account = chance.choice(accounts)
            amount = Decimal(chance.randint(1, 2_000_000)) / 100
            amount = amount if chance.random() < 0.7 else -amount
            balances[account.pk] += amount
            rows.append(
                factories.movement(
                    account,
                    first + timedelta(days=day),
                    str(amount),
                    str(balances[account.pk]),
                    kind=chance.choice(["transfer", "fee", "salary", "loan_drawdown"]),
                    channel=chance.choice(["counter", "atm", "mobile"]),
                    key=str(day * 10 + n),
                )
            )
    return rows


def build_kept(warehouse: Warehouse, months: set[str] | None = None) -> None:
    for mart in build.KEPT:
        build.keep_up(warehouse, mart, months)


def rows_of(warehouse: Warehouse, mart: str) -> Rows:
    with staging.reading(warehouse, mart) as staged:
        return sorted(
            staged.rows(staged[mart]), key=lambda row: [str(row[key]) for key in sorted(row)]
        )


def test_days_and_months_hold_exactly_the_facts(accounts: list[Agreement]) -> None:
    facts = history(accounts, date(2026, 8, 1), 80, seed=1)
    factories.load(facts)
    warehouse = Warehouse()
    build_kept(warehouse)
    expected: dict[tuple[int, date], list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 4)
    for fact in facts:
        line = expected[fact["party_id"], fact["booked_on"]]
        out = fact["direction"] == "out"
        line[out] += fact["amount"]
        line[2] += fact["amount"] if out and fact["kind"] == "fee" else 0
        line[3] += fact["amount"] if fact["kind"] == "loan_drawdown" else 0
    days = rows_of(warehouse, CUSTOMER_DAY)
    assert {
        (row["party_id"], row["day"]): [
            row[name] for name in ("inflow", "outflow", "fee_income", "borrowed")
        ]
        for row in days
    } == expected
    assert len(days) == len(expected)
    months = rows_of(warehouse, CUSTOMER_MONTH)
    assert len({(row["party_id"], row["month"]) for row in months}) == len(months)
    for name in ("inflow", "outflow", "movements"):
        assert sum(row[name] for row in months) == sum(row[name] for row in days)


def slow_month(facts: Rows, agreement_id: int, month: str) -> tuple[Decimal, Decimal] | None:
    """(closing, balance days) by walking day by day."""
    mine = [f for f in facts if f["agreement_id"] == agreement_id and f["month"] == month]
    if not mine:
        return None
    mine.sort(
        key=lambda fact: (fact["booked_on"], len(fact["transaction_key"]), fact["transaction_key"])
    )
    day, area, balance = mine[0]["booked_on"], Decimal(0), Decimal(0)
    while f"{day:%Y-%m}" == month:
        for fact in mine:
            if fact["booked_on"] == day:
                balance = fact["balance"]
        area += balance
        day += timedelta(days=1)
    return balance, area


def test_balance_days_are_the_balance_of_each_day_added_up(accounts: list[Agreement]) -> None:
    facts = history(accounts, date(2026, 8, 1), 60, seed=2)
    factories.load(facts)
    warehouse = Warehouse()
    build_kept(warehouse)
    found = {
        (row["agreement_id"], row["month"]): row for row in rows_of(warehouse, AGREEMENT_MONTH)
    }
    assert len(found) == len(rows_of(warehouse, AGREEMENT_MONTH))
    for (agreement_id, month), row in found.items():
        assert (row["closing"], row["balance_days"]) == slow_month(facts, agreement_id, month)


def test_a_stated_balance_wins_over_movements(accounts: list[Agreement]) -> None:
    account = accounts[0]
    factories.load([factories.movement(account, date(2026, 9, 5), "100", "100")])
    factories.state_balances([(account, date(2026, 9, 30), "70.00", "50.00")])
    warehouse = Warehouse()
    build_kept(warehouse)
    (row,) = rows_of(warehouse, AGREEMENT_MONTH)
    assert (row["closing"], row["balance_days"]) == (Decimal("70.00"), Decimal("1500.00"))


def test_touched_months_refreshed_equal_a_rebuild_to_the_cent(accounts: list[Agreement]) -> None:
    warehouse = Warehouse()
    factories.load(history(accounts, date(2026, 6, 1), 120, seed=3), "1")
    before = build.digests(warehouse)
    build_kept(warehouse)
    versions = {mart: warehouse.files(mart) for mart in build.KEPT}
    factories.load(history(accounts, date(2026, 9, 20), 20, seed=4), "2")
    months = build.touched(before, build.digests(warehouse))
    assert months == {"2026-09", "2026-10"}
    build_kept(warehouse, months)
    refreshed = {mart: rows_of(warehouse, mart) for mart in build.KEPT}
    for mart in build.KEPT:
        kept = [file for file in versions[mart] if "month=2026-07" in file]
        assert kept
        assert set(kept) <= set(warehouse.files(mart)), "an untouched month was written anew"
    build_kept(warehouse)
    assert {mart: rows_of(warehouse, mart) for mart in build.KEPT} == refreshed


def value_of(as_of: date = AS_OF) -> dict[int, Mapping[str, Any]]:
    warehouse = Warehouse()
    book = queries.book(as_of)
    snapshot.take(warehouse, as_of, book)
    build_kept(warehouse)
    build.value(warehouse, Period(as_of), queries.terms(book))
    return {row["party_id"]: row for row in rows_of(warehouse, CUSTOMER_VALUE)}


def slow_average(facts: Rows, party_id: int, period: Period) -> Decimal:
    balances: dict[int, Decimal] = {}
    ordered = sorted(
        facts, key=lambda f: (f["booked_on"], len(f["transaction_key"]), f["transaction_key"])
    )
    day, total, count, at = min(f["booked_on"] for f in facts), Decimal(0), 0, 0
    while day <= period.as_of:
        while at < len(ordered) and ordered[at]["booked_on"] <= day:
            if ordered[at]["party_id"] == party_id:
                balances[ordered[at]["agreement_id"]] = ordered[at]["balance"]
            at += 1
        if day >= period.first:
            total += sum(balances.values())
        day += timedelta(days=1)
    count = (period.as_of - period.first).days + 1
    return total / count


def test_value_holds_one_row_a_customer_and_the_sums_of_the_window(
    accounts: list[Agreement],
) -> None:
    facts = history(accounts, date(2025, 10, 1), 500, seed=5, per_day=1)
    factories.load(facts)
    period = Period(date(2026, 11, 10))
    found = value_of(period.as_of)
    assert found.keys() == {account.party_id for account in accounts}
    inside = [f for f in facts if period.first <= f["booked_on"] <= period.as_of]
    for party_id, row in found.items():
        mine = [f for f in inside if f["party_id"] == party_id]
        assert row["inflow_12m"] == sum(f["amount"] for f in mine if f["direction"] == "in")
        assert row["movements_12m"] == len(mine)
        assert row["last_movement_on"] == max(f["booked_on"] for f in mine)
        assert abs(row["average_balance"] - slow_average(facts, party_id, period)) < Decimal(
            "0.006"
        )
        parts = (
            "net_interest_liability",
            "net_interest_asset",
            "net_interest_intermediary",
            "fee_income_12m",
        )
        assert row["contribution_12m"] == sum(row[part] for part in parts) - row["service_cost_12m"]
    rates = [row["profit_contribution_rate"] for row in found.values()]
    if rates[0] is not None:
        assert abs(sum(rates) - 1) < Decimal("0.0000001")
    classes = {row["abc_class"] for row in found.values()}
    assert classes <= {"A", "B", "C"}


def test_later_facts_do_not_change_an_earlier_day(accounts: list[Agreement]) -> None:
    facts = history(accounts, date(2026, 9, 1), 60, seed=6)
    day = date(2026, 10, 10)
    factories.load([fact for fact in facts if fact["booked_on"] <= day], "1")
    before = value_of(day)
    factories.load([fact for fact in facts if fact["booked_on"] > day], "2")
    assert value_of(day) == before


def test_a_loan_nobody_reports_is_paid_down_in_a_straight_line() -> None:
    factories.seeded()
    borrower = factories.party(factories.unit())
    loan = factories.product("loan", "loan", "asset", rate="6.2")
    factories.agreement(
        borrower, loan, opened_on=date(2026, 11, 21) - timedelta(days=500), principal="1000.00",
        matures_on=date(2026, 11, 21) + timedelta(days=500),
    )  # fmt: skip
    row = value_of()[borrower.pk]
    assert row["loan_balance"] == Decimal("500.00")
    assert row["balance"] == 0
    # from 2025-12-01 (855/1000 left) to 2026-11-21 (500/1000), 355 days, at 6.2 - 2.2 per cent
    assert row["net_interest_asset"] == Decimal("26.36")


def test_a_closed_account_holds_nothing_and_counts_to_the_end_of_its_month(
    accounts: list[Agreement],
) -> None:
    account = accounts[0]
    factories.load([factories.movement(account, date(2026, 10, 1), "365", "365")])
    Agreement.objects.filter(pk=account.pk).update(closed_on=date(2026, 10, 11))
    row = value_of()[account.party_id]
    assert row["balance"] == 0
    assert row["average_balance"] == Decimal("31.87")  # 365 x 31 days / 355 days


@pytest.mark.parametrize("engine", ["duckdb", "databricks"])
def test_the_marts_compile_for_every_engine(engine: str, accounts: list[Agreement]) -> None:
    factories.load([factories.movement(accounts[0], date(2026, 11, 1), "1", "1")])
    warehouse = Warehouse()
    book = queries.book(AS_OF)
    snapshot.take(warehouse, AS_OF, book)
    build_kept(warehouse)
    with staging.reading(warehouse, *build.KEPT) as staged:
        expression = build.value_expression(staged, Period(AS_OF), queries.terms(book))
        sql = ibis.to_sql(expression, dialect=engine)
        assert sql.startswith("WITH")


def test_the_mart_is_named_as_the_catalogue(accounts: list[Agreement]) -> None:
    from zhike.insight.metrics import metrics
    from zhike.insight.scoring import REASONS, VALUES

    factories.load([factories.movement(accounts[0], date(2026, 11, 1), "1", "1")])
    columns = set(next(iter(value_of().values())))
    named = {*VALUES, *(part for parts in REASONS.values() for part in parts)}
    assert named <= columns
    assert named <= {metric.name for metric in metrics}
