"""Each rule of the daily list: it finds whom it should, says why in figures, and leaves the others alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.apps import apps
from django.db import connection

from zhike.customers.models import Party, Tier
from zhike.insight.findings import PRIORITIES, Finding, findings
from zhike.insight.services import refresh, set_thresholds
from zhike.insight.tests.factories import (
    AS_OF,
    SYSTEM,
    agreement,
    assign,
    employee,
    load,
    movement,
    party,
    product,
    seeded,
    unit,
)
from zhike.kernel.errors import UserError
from zhike.organisation.models import Employee, Unit

pytestmark = pytest.mark.django_db


@pytest.fixture
def home() -> Unit:
    seeded()
    Tier.objects.update(contact_every_days=10_000)
    return unit()


@pytest.fixture
def manager(home: Unit) -> Employee:
    return employee(home)


@pytest.fixture
def customer(home: Unit, manager: Employee) -> Callable[..., Party]:
    def make(name: str = "甲", **fields: object) -> Party:
        row = party(home, name, since_on=AS_OF, **fields)
        assign(row, manager)
        return row

    return make


def found(as_of: date = AS_OF) -> dict[tuple[int, str], Finding]:
    rows = list(findings(as_of))
    by_key = {(row.party_id, row.rule): row for row in rows}
    assert len(by_key) == len(rows), "two findings of one rule on one customer"
    return by_key


def test_the_rules_are_those_of_the_work_list() -> None:
    assert set(PRIORITIES) == set(apps.get_model("activities.WorkItem").Rule.values) - {"promise"}


def test_value_that_fell(customer: Callable[..., Party]) -> None:
    falling, steady = customer("落"), customer("稳")
    one, other = agreement(falling, product()), agreement(steady, product())
    load(
        [
            movement(one, date(2026, 8, 1), "40000", "40000", key="1"),
            movement(one, date(2026, 10, 1), "-15000", "25000", key="2"),
            movement(other, date(2026, 8, 1), "40000", "40000", key="3"),
            movement(other, date(2026, 10, 1), "-9999", "30001", key="4"),
        ]
    )
    refresh(actor=SYSTEM, as_of=AS_OF)
    rows = found()
    assert rows[falling.pk, "value_fell"].figures == {
        "before": "40000.00",
        "now": "25000.00",
        "share": "0.3750",
        "since": "2026-08-31",
    }
    assert (steady.pk, "value_fell") not in rows


def test_inflow_that_lies_idle(customer: Callable[..., Party]) -> None:
    idle, spent, lent = customer("闲"), customer("用"), customer("贷")
    accounts = [agreement(each, product()) for each in (idle, spent, lent)]
    day = AS_OF - timedelta(days=5)
    load(
        [
            movement(accounts[0], day, "80000", "81000", key="1"),
            movement(accounts[0], AS_OF, "-10000", "71000", key="2"),
            movement(accounts[1], day, "80000", "81000", key="3"),
            movement(accounts[1], AS_OF, "-60000", "21000", key="4"),
            movement(accounts[2], day, "80000", "80000", key="5", kind="loan_drawdown"),
        ]
    )
    refresh(actor=SYSTEM, as_of=AS_OF)
    rows = found()
    assert rows[idle.pk, "idle_inflow"].figures == {
        "amount": "80000.00",
        "on": day.isoformat(),
        "idle": "70000.00",
    }
    assert (spent.pk, "idle_inflow") not in rows
    assert (lent.pk, "idle_inflow") not in rows


def test_the_next_agreement_to_mature(customer: Callable[..., Party]) -> None:
    saver = customer()
    term = product("term")
    for key, days, amount in (("a", 20, "1"), ("b", 10, "5000"), ("c", 31, "3"), ("d", -1, "4")):
        agreement(saver, term, key, matures_on=AS_OF + timedelta(days=days), principal=amount)
    refresh(actor=SYSTEM, as_of=AS_OF)
    row = found()[saver.pk, "maturing"]
    assert row.figures == {"product": "term", "amount": "5000.00", "on": "2026-11-30"}
    assert row.due_on == date(2026, 11, 23)


def test_a_tier_within_reach_and_one_about_to_go(customer: Callable[..., Party]) -> None:
    out_of_reach = {
        f"tier.{code}.contribution": Decimal(10**9 + rank)
        for rank, code in enumerate(("gold", "platinum", "private"))
    }
    set_thresholds(actor=SYSTEM, values=out_of_reach, since=date(2020, 1, 1), reason="test")
    near, falling = customer("近"), customer("失")
    one, other = agreement(near, product()), agreement(falling, product())
    load(
        [
            movement(one, date(2026, 10, 1), "46000", "46000", key="1"),
            movement(other, date(2026, 10, 1), "50000", "50000", key="2"),
        ]
    )
    refresh(actor=SYSTEM, as_of=AS_OF)
    gold = Tier.objects.get(code="gold").name
    assert found()[near.pk, "tier_up"].figures == {"missing": "4000.00", "tier": gold}
    day = AS_OF + timedelta(days=1)
    load([movement(other, day, "-2000", "48000", key="3")], "2")
    refresh(actor=SYSTEM, as_of=day)
    row = found(day)[falling.pk, "tier_down"]
    assert row.figures == {"missing": "2000.00", "tier": gold}
    assert row.due_on == day + timedelta(days=90)
    assert (falling.pk, "tier_up") not in found(day)


def test_no_contact_for_the_period_of_tier_or_class(
    home: Unit, manager: Employee, customer: Callable[..., Party]
) -> None:
    Tier.objects.update(contact_every_days=20)
    never, fresh = party(home, "久", since_on=date(2020, 1, 1)), customer("新")
    assign(never, manager)
    unmanaged = party(home, "无", since_on=date(2020, 1, 1))
    refresh(actor=SYSTEM, as_of=AS_OF)
    rows = found()
    assert rows[never.pk, "no_contact"].figures == {"every": "20"}
    assert rows[never.pk, "no_contact"].due_on == AS_OF
    assert (fresh.pk, "no_contact") not in rows
    assert (unmanaged.pk, "no_contact") not in rows
    later = AS_OF + timedelta(days=20)
    refresh(actor=SYSTEM, as_of=later)
    assert (fresh.pk, "no_contact") in found(later)


def test_silence_presses_more_the_higher_the_tier(home: Unit, manager: Employee) -> None:
    Tier.objects.update(contact_every_days=20)
    rich, poor = (party(home, name, since_on=date(2020, 1, 1)) for name in "富贫")
    assign(rich, manager)
    assign(poor, manager)
    load([movement(agreement(rich, product()), date(2026, 8, 1), "9000000", "9000000", key="1")])
    refresh(actor=SYSTEM, as_of=AS_OF)
    rows = found()
    assert rows[rich.pk, "no_contact"].priority > rows[poor.pk, "no_contact"].priority


def test_birthdays(customer: Callable[..., Party]) -> None:
    soon = customer("生", birth_on=date(1986, 11, 27))
    gone = customer("过", birth_on=date(1986, 11, 19))
    lunar = customer("农", birth_on=date(1986, 11, 22), lunar_birthday=True)
    firm = customer("公司", birth_on=date(1986, 11, 22), kind="organisation", type="company")
    refresh(actor=SYSTEM, as_of=AS_OF)
    rows = found()
    assert rows[soon.pk, "birthday"].figures == {"on": "2026-11-27", "age": "40"}
    assert rows[soon.pk, "birthday"].due_on == date(2026, 11, 27)
    assert not any((each.pk, "birthday") in rows for each in (gone, lunar, firm))


def test_born_on_the_leap_day(customer: Callable[..., Party]) -> None:
    leap = customer("闰", birth_on=date(2000, 2, 29))
    day = date(2027, 2, 25)
    refresh(actor=SYSTEM, as_of=day)
    assert found(day)[leap.pk, "birthday"].due_on == date(2027, 2, 28)


def test_the_taker_may_copy_while_it_takes(customer: Callable[..., Party]) -> None:
    customer("生", birth_on=date(1986, 11, 27))
    Tier.objects.update(contact_every_days=0)
    refresh(actor=SYSTEM, as_of=AS_OF)
    rows = findings(AS_OF)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE taken (rule text) ON COMMIT DROP")
        with cursor.copy("COPY taken FROM STDIN") as copy:
            for row in rows:
                copy.write_row((row.rule,))
        cursor.execute("SELECT count(*) FROM taken")
        assert cursor.fetchone()[0] == 2


def test_a_day_that_is_not_refreshed_is_refused(home: Unit) -> None:
    refresh(actor=SYSTEM, as_of=AS_OF)
    with pytest.raises(UserError, match="is not the day refreshed last"):
        findings(AS_OF + timedelta(days=1))
