"""A small institution with facts, made through the models and the warehouse as loads make them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
from django.db.backends.postgresql.psycopg_any import DateRange

from zhike.customers.models import Assignment, Party, Tier
from zhike.insight.models import RefreshRun, Score
from zhike.insight.queries import score_days
from zhike.insight.seed import seed
from zhike.insight.services.tallies import keep_curves, tally
from zhike.kernel import clock
from zhike.kernel.actor import Actor, system
from zhike.kernel.warehouse import Warehouse
from zhike.organisation.models import Employee, Unit
from zhike.organisation.services import hire, open_unit
from zhike.products.facts import (
    BALANCE_COLUMNS,
    BALANCES,
    TRANSACTION_COLUMNS,
    TRANSACTIONS,
)
from zhike.products.models import Agreement, Product

SYSTEM = system("test")
AS_OF = date(2026, 11, 20)


def unit(code: str = "001", parent: Unit | None = None) -> Unit:
    kind = Unit.Kind.BRANCH if parent else Unit.Kind.HEAD_OFFICE
    return open_unit(actor=SYSTEM, code=code, name=f"Unit {code}", kind=kind, parent=parent)


def employee(unit: Unit, code: str = "e1") -> Employee:
    return hire(actor=SYSTEM, code=code, name=f"Employee {code}", unit=unit)


def party(unit: Unit, name: str = "甲", **fields: Any) -> Party:
    fields = {"kind": Party.Kind.PERSON, "type": Party.Type.INDIVIDUAL, **fields}
    row: Party = Party.objects.create(unit=unit, name=name, sample=True, **fields)
    return row


def assign(party: Party, employee: Employee, since: date = date(2020, 1, 1)) -> None:
    Assignment.objects.create(party=party, employee=employee, during=DateRange(since, None))


def product(
    code: str = "demand",
    category: str = Product.Category.DEPOSIT,
    side: str = Product.Side.LIABILITY,
    **fields: Any,
) -> Product:
    row: Product = Product.objects.get_or_create(
        code=code, defaults={"name": code, "category": category, "side": side, **fields}
    )[0]
    return row


def agreement(party: Party, product: Product, key: str = "", **fields: Any) -> Agreement:
    fields = {"opened_on": date(2020, 1, 1), **fields}
    row: Agreement = Agreement.objects.create(
        party=party,
        product=product,
        unit=party.unit,
        source="test",
        source_key=key or f"{party.pk}-{product.code}",
        **fields,
    )
    return row


def movement(
    agreement: Agreement,
    on: date,
    amount: str,
    balance: str | None = None,
    *,
    kind: str = "transfer",
    channel: str = "mobile",
    key: str = "1",
) -> dict[str, Any]:
    """A movement; a negative amount goes out."""
    value = Decimal(amount)
    return {
        "party_id": agreement.party_id,
        "agreement_id": agreement.pk,
        "booked_on": on,
        "direction": "out" if value < 0 else "in",
        "amount": abs(value),
        "balance": None if balance is None else Decimal(balance),
        "kind": kind,
        "channel": channel,
        "source": "test",
        "transaction_key": key,
        "month": f"{on:%Y-%m}",
    }


def load(rows: Iterable[dict[str, Any]], batch: str = "1") -> None:
    """Append movements to the warehouse as one batch."""
    table = pa.Table.from_pylist(list(rows), schema=TRANSACTION_COLUMNS)
    Warehouse().append(TRANSACTIONS, table, batch=batch, partition_by=["month"])


def state_balances(rows: Iterable[tuple[Agreement, date, str, str]], batch: str = "b1") -> None:
    """Append (agreement, month end, balance, average) as one batch."""
    table = pa.Table.from_pylist(
        [
            {
                "party_id": agreement.party_id,
                "agreement_id": agreement.pk,
                "month_end": on,
                "balance": Decimal(balance),
                "average_balance": Decimal(average),
                "source": "test",
                "month": f"{on:%Y-%m}",
            }
            for agreement, on, balance, average in rows
        ],
        schema=BALANCE_COLUMNS,
    )
    Warehouse().append(BALANCES, table, batch=batch, partition_by=["month"])


def seeded(actor: Actor = SYSTEM) -> None:
    seed(actor=actor)


EARLIER = date(2026, 10, 31)


def scored(
    party: Party,
    on: date = AS_OF,
    *,
    tier: str = "ordinary",
    value_class: str = "low",
    balance: str = "1000",
    contribution: str = "10",
    outlook: str = "",
    manager: Employee | None = None,
) -> Score:
    """What the party was worth on a day, as a refresh writes it."""
    run, _made = RefreshRun.objects.get_or_create(
        as_of=on,
        defaults={
            "model_version": "1",
            "started_at": clock.now(),
            "state": RefreshRun.State.DONE,
        },
    )
    score: Score = Score.objects.create(
        party=party,
        run=run,
        as_of=on,
        unit=party.unit,
        manager=manager,
        tier=Tier.objects.get(code=tier),
        value_class=value_class,
        balance=Decimal(balance),
        contribution=Decimal(contribution),
        outlook=outlook,
        values={"current_value": "50.00", "potential_value": "40.00", "balance": balance},
    )
    return score


def tallied() -> None:
    """Tallies and curves over the scores that are there, a refresh a day."""
    days = sorted(score_days())
    for at, day in enumerate(days):
        tally(days[: at + 1], day)
        keep_curves(days[: at + 1], day)
