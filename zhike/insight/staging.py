"""One view a source table: columns renamed and cast, nothing else. Everything above reads these, never a table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends.duckdb import Backend

from zhike.insight.snapshot import THRESHOLDS
from zhike.insight.sources import AGREEMENTS, PARTIES, PRODUCTS
from zhike.kernel.warehouse import Warehouse
from zhike.products.facts import (
    BALANCE_COLUMNS,
    BALANCES,
    TRANSACTION_COLUMNS,
    TRANSACTIONS,
)

MONEY = "decimal(18, 2)"
RATE = "decimal(8, 4)"


@dataclass(frozen=True)
class Staged:
    """The views over one reading of the warehouse; `backend` runs what is built on them."""

    backend: Backend
    tables: dict[str, ir.Table]

    def __getitem__(self, name: str) -> ir.Table:
        return self.tables[name]

    def stream(self, expression: ir.Table, rows: int = 1_000_000) -> pa.RecordBatchReader:
        """The result in batches, one stream at a time (`to_pyarrow_batches` of Ibis 12 calls what DuckDB 2 lacks)."""
        return self.backend.con.sql(self.backend.compile(expression)).to_arrow_reader(rows)

    def rows(self, expression: ir.Table) -> Iterator[dict[str, Any]]:
        """The result row by row, never held whole."""
        for batch in self.stream(expression, 50_000):
            yield from batch.to_pylist()


@contextmanager
def reading(warehouse: Warehouse, *marts: str) -> Iterator[Staged]:
    """Every staging view, and the named marts as they stand. A fact table never loaded is an empty view."""
    facts = {TRANSACTIONS: TRANSACTION_COLUMNS, BALANCES: BALANCE_COLUMNS}
    crm = (PARTIES.table, AGREEMENTS.table, PRODUCTS.table, THRESHOLDS)
    there = [name for name in (*facts, *crm, *marts) if warehouse.exists(name)]
    with warehouse.reading(*there) as backend:
        for name in facts.keys() - set(there):
            backend.con.register(_short(name), facts[name].empty_table())
        raw = {name: backend.table(_short(name)) for name in {*there, *facts}}
        views = {name: VIEWS.get(name, _as_it_is)(table) for name, table in raw.items()}
        yield Staged(backend, views)


def transactions(table: ir.Table) -> ir.Table:
    """One row a movement on an agreement."""
    return table.select(
        party_id=table.party_id.cast("int64"),
        agreement_id=table.agreement_id.cast("int64"),
        booked_on=table.booked_on.cast("date"),
        direction=table.direction.cast("string"),
        amount=table.amount.cast(MONEY),
        balance=table.balance.cast(MONEY),
        kind=table.kind.cast("string"),
        channel=table.channel.cast("string"),
        key=table.transaction_key.cast("string"),
        month=table.month.cast("string"),
    )


def balances(table: ir.Table) -> ir.Table:
    """One row an agreement and month end, as the source states it."""
    return table.select(
        agreement_id=table.agreement_id.cast("int64"),
        month_end=table.month_end.cast("date"),
        balance=table.balance.cast(MONEY),
        average_balance=table.average_balance.cast(MONEY),
        month=table.month.cast("string"),
    )


def parties(table: ir.Table) -> ir.Table:
    """One row a party, as PostgreSQL had it at the snapshot."""
    return table.select(
        party_id=table.party_id.cast("int64"),
        unit_id=table.unit_id.cast("int64"),
        stage=table.stage.cast("string"),
        since_on=table.since_on.cast("date"),
        manager_id=table.manager_id.cast("int64"),
        tier_before=table.tier.cast("string"),
        tier_since=table.tier_since.cast("date"),
        below_since=table.below_since.cast("date"),
        rated_on_day=table.rated_on_day.cast("boolean"),
        last_contact_on=table.last_contact_on.cast("date"),
    )


def agreements(table: ir.Table) -> ir.Table:
    """One row an agreement, under the party that owns it."""
    return table.select(
        agreement_id=table.agreement_id.cast("int64"),
        party_id=table.party_id.cast("int64"),
        product=table["product"].cast("string"),
        category=table.category.cast("string"),
        side=table.side.cast("string"),
        rate=table.rate.cast(RATE),
        principal=table.principal.cast(MONEY),
        opened_on=table.opened_on.cast("date"),
        closed_on=table.closed_on.cast("date"),
        matures_on=table.matures_on.cast("date"),
        status=table.status.cast("string"),
    )


def products(table: ir.Table) -> ir.Table:
    """One row a line of the catalogue."""
    return table.select(
        code=table.code.cast("string"),
        category=table.category.cast("string"),
        status=table.status.cast("string"),
    )


def _as_it_is(table: ir.Table) -> ir.Table:
    return table


def _short(name: str) -> str:
    return name.rsplit("/", 1)[-1]


VIEWS = {
    TRANSACTIONS: transactions,
    BALANCES: balances,
    PARTIES.table: parties,
    AGREEMENTS.table: agreements,
    PRODUCTS.table: products,
}
