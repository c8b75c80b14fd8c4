"""The lives have shape: balances add up, money has seasons, and there is something to find."""

from __future__ import annotations

import datetime
from collections import Counter, defaultdict
from decimal import Decimal

import numpy as np
import pyarrow.compute as pc
import pytest

from zhike.packs.bank.sample.tests.conftest import AS_OF, Reading, Sample


@pytest.fixture(scope="module")
def account_of(sample: Sample) -> dict[int, list[str]]:
    """The lines of core/accounts.csv by account key."""
    return {int(line[0]): line for line in sample.lines("core/accounts.csv")}


@pytest.fixture(scope="module")
def entity_of(sample: Sample) -> dict[str, int]:
    """Entities by core customer number."""
    return {
        row["record_key"]: row["entity_id"]
        for row in sample.table("truth/records.parquet").to_pylist()
        if row["system"] == "core"
    }


@pytest.fixture(scope="module")
def life_of(sample: Sample) -> dict[int, dict[str, object]]:
    """Rows of truth/lives.parquet by entity."""
    return {row["entity_id"]: row for row in sample.table("truth/lives.parquet").to_pylist()}


@pytest.fixture(scope="module")
def deposits(
    sample: Sample, account_of: dict[int, list[str]], entity_of: dict[str, int]
) -> dict[int, dict[datetime.date, int]]:
    """Deposits in cents by entity and month end."""
    totals: dict[int, dict[datetime.date, int]] = defaultdict(lambda: defaultdict(int))
    for row in sample.table("core/balances").to_pylist():
        line = account_of[row["account_key"]]
        if line[3].startswith("D"):
            totals[entity_of[line[2]]][row["month_end"]] += int(row["balance"] * 100)
    return totals


def test_running_balances_add_up(sample: Sample, account_of: dict[int, list[str]]) -> None:
    table = sample.table("core/transactions").sort_by("transaction_key")
    key = table["account_key"].to_numpy()
    cents = pc.multiply(table["amount"], 100).cast("int64").to_numpy()
    signed = np.where(pc.equal(table["direction"].cast("string"), "in").to_numpy(), cents, -cents)
    balance = pc.multiply(table["balance"], 100).cast("int64").to_numpy()
    day = table["booked_on"].cast("int32").to_numpy()
    order = np.lexsort((table["transaction_key"].to_numpy(), key))
    key, signed, balance, day = key[order], signed[order], balance[order], day[order]
    same = key[1:] == key[:-1]
    assert (cents > 0).all()
    assert (balance >= 0).all()
    assert (balance[1:][same] == balance[:-1][same] + signed[1:][same]).all()
    assert (day[1:][same] >= day[:-1][same]).all()

    first = np.append(True, ~same)
    window = datetime.date(2023, 12, 1)
    for row in np.flatnonzero(first):
        opened = datetime.date.fromisoformat(account_of[int(key[row])][5])
        if opened >= window:
            assert balance[row] == signed[row], "an account begins with nothing"

    last = dict(
        zip(key[np.append(~same, True)].tolist(), balance[np.append(~same, True)], strict=True)
    )
    end = {
        row["account_key"]: int(row["balance"] * 100)
        for row in sample.table("core/balances").to_pylist()
        if row["month_end"] == AS_OF
    }
    assert all(last[account] == end.get(account, 0) for account in last)


def test_month_ends_follow_from_transactions(sample: Sample) -> None:
    """Closing balance of a month = that of the month before + what moved."""
    moved: dict[tuple[int, str], int] = defaultdict(int)
    table = sample.table("core/transactions").select(
        ["account_key", "booked_on", "direction", "amount"]
    )
    for key, day, direction, amount in zip(*(c.to_pylist() for c in table.columns), strict=True):
        cents = int(amount * 100)
        moved[key, f"{day:%Y-%m}"] += cents if direction == "in" else -cents
    before: dict[int, int] = {}
    for name in sorted(path.stem for path in (sample.folder / "core/balances").iterdir()):
        now = {}
        for row in sample.table(f"core/balances/{name}.parquet").to_pylist():
            key, cents = row["account_key"], int(row["balance"] * 100)
            if key in before:
                assert cents == before[key] + moved[key, name]
            now[key] = cents
        before = now


@pytest.mark.parametrize(("month", "days"), [("2025-03", 31), ("2025-11", 22)])
def test_averages_are_of_the_days(sample: Sample, month: str, days: int) -> None:
    """The average is taken over the balances at the end of each day, those of quiet days too."""
    moved: dict[tuple[int, int], int] = defaultdict(int)
    for row in sample.table(f"core/transactions/{month}.parquet").to_pylist():
        sign = 1 if row["direction"] == "in" else -1
        moved[row["account_key"], row["booked_on"].day] += sign * int(row["amount"] * 100)
    for row in sample.table(f"core/balances/{month}.parquet").to_pylist():
        key = row["account_key"]
        balance, total = int(row["balance"] * 100), 0
        for day in range(days, 0, -1):
            total += balance
            balance -= moved[key, day]
        assert abs(int(row["average_balance"] * 100) - total / days) <= 0.5


def test_closed_accounts_have_no_balance(sample: Sample, account_of: dict[int, list[str]]) -> None:
    closed = {key for key, line in account_of.items() if line[11] == "closed"}
    last = sample.table("core/balances/2025-11.parquet")["account_key"].to_pylist()
    assert closed
    assert not closed & set(last)
    odd = {
        key
        for key, line in account_of.items()
        if line[11] != "closed" and datetime.date.fromisoformat(line[5]) <= AS_OF
    }
    assert odd == set(last)


def test_richest_fifth_holds_four_fifths(deposits: dict[int, dict[datetime.date, int]]) -> None:
    now = sorted((months[AS_OF] for months in deposits.values()), reverse=True)
    assert 0.72 < sum(now[: len(now) // 5]) / sum(now) < 0.88


def test_drifting_customers_leave(
    deposits: dict[int, dict[datetime.date, int]], life_of: dict[int, dict[str, object]]
) -> None:
    year_ago = datetime.date(2024, 11, 30)
    drifting = [entity for entity, life in life_of.items() if life["drifting"]]
    staying = [entity for entity in deposits if not life_of[entity]["drifting"]]
    assert len(drifting) > 20

    def change(entities: list[int]) -> float:
        then = sum(deposits[entity][year_ago] for entity in entities)
        return sum(deposits[entity][AS_OF] for entity in entities) / then

    assert change(drifting) < 0.15
    assert change(staying) > 0.85
    fell = [
        deposits[e][AS_OF] < 0.5 * deposits[e][year_ago] for e in drifting if deposits[e][year_ago]
    ]
    assert sum(fell) > 0.8 * len(fell)


def test_contacts_with_drifting_customers_thin_out(
    sample: Sample,
    strict: dict[str, Reading],
    entity_of: dict[str, int],
    life_of: dict[int, dict[str, object]],
) -> None:
    early: Counter[bool] = Counter()
    late: Counter[bool] = Counter()
    contacts = strict["contacts/contacts.csv"].accepted
    for row in contacts:
        drifting = bool(life_of[entity_of[row["customer_no"]]]["drifting"])
        (late if row["at"] >= "2025-08" else early)[drifting] += 1
    assert late[True] / early[True] < 0.6 * late[False] / early[False]
    managed = {
        row["customer_no"] for row in strict["core/customers.csv"].accepted if row["manager_code"]
    }
    recent = {row["customer_no"] for row in contacts if row["at"] >= "2025-05"}
    assert 0.2 < len(managed - recent) / len(managed) < 0.8


def test_windfalls_lie_idle(
    sample: Sample,
    deposits: dict[int, dict[datetime.date, int]],
    life_of: dict[int, dict[str, object]],
) -> None:
    lucky = {e: life["windfall_on"] for e, life in life_of.items() if life["windfall_on"]}
    assert lucky
    for entity, day in lucky.items():
        assert isinstance(day, datetime.date)
        assert day <= AS_OF
        before = [cents for end, cents in deposits[entity].items() if end < day]
        assert deposits[entity][AS_OF] > (before[-1] if before else 0)
        assert deposits[entity][AS_OF] >= 6_000_000  # the least windfall, in cents


def test_deposits_mature_soon(account_of: dict[int, list[str]]) -> None:
    soon = [
        line
        for line in account_of.values()
        if line[3].startswith("DP1")
        and line[11] == "open"
        and AS_OF.isoformat() < line[10] <= (AS_OF + datetime.timedelta(days=90)).isoformat()
    ]
    running = [
        line for line in account_of.values() if line[3].startswith("DP1") and line[11] == "open"
    ]
    assert 0.1 < len(soon) / len(running) < 0.6


def test_money_has_seasons(sample: Sample) -> None:
    sales: Counter[int] = Counter()
    cash: Counter[str] = Counter()
    pay_days: Counter[int] = Counter()
    for row in sample.transactions("agriculture_sale"):
        if row["booked_on"] < datetime.date(2025, 1, 1):
            sales[row["booked_on"].month] += int(row["amount"])
    for row in sample.transactions("cash"):
        if row["direction"] == "out":
            cash[f"{row['booked_on']:%Y-%m}"] += int(row["amount"])
    for row in sample.transactions("salary"):
        if row["direction"] == "in":
            pay_days[row["booked_on"].day] += 1
    assert {month for month, _ in sales.most_common(2)} == {6, 10}
    assert cash["2024-02"] > 1.2 * cash["2024-04"]
    assert cash["2025-01"] > 1.2 * cash["2025-04"]
    assert set(pay_days) == {5, 8, 10, 15, 20, 25}


def test_firms_pay_their_people(sample: Sample, account_of: dict[int, list[str]]) -> None:
    kinds = {line[0]: line[1] for line in sample.lines("core/customers.csv")}
    paid: Counter[datetime.date] = Counter()
    got: Counter[datetime.date] = Counter()
    for row in sample.transactions("salary"):
        if row["direction"] == "out":
            assert kinds[account_of[row["account_key"]][2]] == "C"
            paid[row["booked_on"]] += row["amount"]
        else:
            got[row["booked_on"]] += row["amount"]
    assert paid
    assert all(Decimal(0) < paid[day] <= got[day] for day in paid)


def test_lives_change(sample: Sample) -> None:
    """Some who lived on an allowance draw wages later: nobody's salary stops but by leaving or pension."""
    months: dict[int, set[str]] = defaultdict(set)
    for row in sample.transactions("salary"):
        if row["direction"] == "in":
            months[row["account_key"]].add(f"{row['booked_on']:%Y-%m}")
    began = Counter(min(seen) for seen in months.values() if len(seen) > 3)
    assert began["2024-07"] + began["2025-07"] + began["2024-08"] + began["2025-08"] > 5


def test_families_share_an_address(
    sample: Sample,
    strict: dict[str, Reading],
    entity_of: dict[str, int],
    life_of: dict[int, dict[str, object]],
) -> None:
    homes: dict[object, set[str]] = defaultdict(set)
    people: Counter[object] = Counter()
    for row in strict["core/customers.csv"].accepted:
        life = life_of[entity_of[row["customer_no"]]]
        if life["kind"] == "P" and life["life"] != "farmer":
            homes[life["household_id"]].add(row["address"])
            people[life["household_id"]] += 1
    families = [home for home, count in people.items() if count > 1]
    assert len(families) > 200
    together = sum(len(homes[home]) == 1 for home in families)
    assert together / len(families) > 0.6


def test_bank_is_staffed(sample: Sample) -> None:
    units = {line[0]: line for line in sample.lines("core/units.csv")}
    roles: dict[str, set[str]] = defaultdict(set)
    for line in sample.lines("core/employees.csv"):
        assert line[2] in units
        roles[line[2]].add(line[3])
    assert set().union(*roles.values()) == {
        "customer_manager", "team_lead", "branch_head", "analyst", "teller", "system_administrator",
        "security_administrator", "auditor",
    }  # fmt: skip
    for code, line in units.items():
        assert (line[3] in units) is (line[2] != "head_office")
        if line[2] == "branch":
            assert "branch_head" in roles[code]
        if line[2] in ("sub_branch", "outlet"):
            assert {"teller", "customer_manager"} <= roles[code]
    assert {line[3] for line in sample.lines("core/products.csv") if line[2] == "deposit"} == {
        "liability"
    }
    assert {line[3] for line in sample.lines("core/products.csv") if line[2] == "loan"} == {"asset"}


def test_relations_are_of_every_kind(strict: dict[str, Reading]) -> None:
    kinds = {row["relation"] for row in strict["core/relations.csv"].accepted}
    assert kinds == {
        "owner", "authorised_user", "guarantor", "family", "employer", "group", "decision_maker",
    }  # fmt: skip
    roles = {row["role"] for row in strict["core/account_parties.csv"].accepted}
    assert roles == {"owner", "authorised_user", "guarantor"}
