"""Flows on the customer page: only one's customer's own movements, by month, direction and kind."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest

from zhike.customers.models import Party
from zhike.customers.tests import factories
from zhike.insight.panels_flows import CHANNELS, gains, monthly_flows_on
from zhike.insight.queries.transactions import Flow, months_up_to
from zhike.kernel.warehouse import Warehouse
from zhike.organisation.models import Role, Unit
from zhike.products.facts import TRANSACTION_COLUMNS, TRANSACTIONS

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}


@pytest.fixture
def unit() -> Unit:
    return factories.unit()


@pytest.fixture
def party(unit: Unit) -> Party:
    mine, other = factories.person(unit=unit), factories.person("王小芳", unit=unit)
    moved = [
        (mine.pk, date(2026, 9, 2), "in", "1000.00", "salary"),
        (mine.pk, date(2026, 9, 20), "out", "300.00", "card"),
        (mine.pk, date(2026, 10, 3), "in", "55.55", "interest"),
        (other.pk, date(2026, 9, 3), "in", "9999.99", "transfer"),
    ]
    rows = [
        {
            "party_id": party,
            "agreement_id": 1,
            "booked_on": on,
            "direction": way,
            "amount": Decimal(amount),
            "balance": None,
            "kind": kind,
            "channel": "web",
            "source": "test",
            "transaction_key": str(number),
            "month": f"{on:%Y-%m}",
        }
        for number, (party, on, way, amount, kind) in enumerate(moved)
    ]
    table = pa.Table.from_pylist(rows, schema=TRANSACTION_COLUMNS)
    Warehouse().append(TRANSACTIONS, table, batch="one", partition_by=["month"])
    return mine


def test_the_months_add_up_and_end_with_the_day(party: Party, unit: Unit) -> None:
    actor = factories.actor_with_role(Role.TEAM_LEAD, unit)
    found = monthly_flows_on(actor, party, date(2026, 9, 30))
    sums = {each["month"]: (each["came_in"], each["went_out"]) for each in found["months"]}
    assert sums["2026-09"] == (Decimal("1000.00"), Decimal("300.00"))
    assert "2026-10" not in sums
    stranger = factories.actor_with_role(Role.CUSTOMER_MANAGER)
    assert not monthly_flows_on(stranger, party, date(2026, 9, 30))["some"]


def test_what_a_customer_gains_by_channel() -> None:
    moved = [
        ("in", "interest", "auto", "55.55", 4),
        ("out", "fee", "counter", "12.00", 2),
        ("out", "interest", "auto", "20.05", 1),
        ("out", "cash", "counter", "5000.00", 3),
        ("in", "salary", "unknown", "9000.00", 1),
        ("out", "transfer", "mobile", "100.00", 9),
    ]
    found = gains(
        Flow("2026-09", way, kind, channel, Decimal(amount), count)
        for way, kind, channel, amount, count in moved
    )
    assert [(each.channel, each.got, each.paid, each.left, each.times) for each in found] == [
        (CHANNELS["mobile"], 0, 0, 0, 9),
        (CHANNELS["counter"], 0, Decimal("12.00"), Decimal("-12.00"), 5),
        (CHANNELS["auto"], Decimal("55.55"), Decimal("20.05"), Decimal("35.50"), 0),
    ]


def test_a_month_opens_into_its_own_transactions(party: Party, unit: Unit) -> None:
    lead = factories.signed_in_client(Role.TEAM_LEAD, unit)
    address = f"/insight/flows/{party.public_id}"
    month = lead.get(f"{address}/2026-09/", headers=HTMX).content.decode()
    assert "1,000.00" in month
    assert "300.00" in month
    assert "9,999.99" not in month
    assert "55.55" not in month
    year = lead.get(f"{address}/year/?to=2026-10&direction=in").content.decode()
    assert "55.55" in year
    assert "300.00" not in year
    for odd in ("2026-13", "year", "x"):
        assert lead.get(f"{address}/{odd}/").status_code == 404
    stranger = factories.signed_in_client(Role.CUSTOMER_MANAGER)
    assert stranger.get(f"{address}/2026-09/").status_code == 404


def test_twelve_months_across_a_year() -> None:
    months = months_up_to(date(2026, 3, 31))
    assert (months[0], months[-1], len(months)) == ("2025-04", "2026-03", 12)
