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
from zhike.insight.sources import AGREEMENTS, MERGED, PARTIES, PRODUCTS, TAKEN
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
def reading(warehouse: Warehouse, *marts: str, as_loaded: bool = False) -> Iterator[Staged]:
    """Every staging view, and the named marts as they stand. A fact table never loaded is an empty view.

    Facts and what is kept of them stand under the party they were loaded for, so that a merge or split of customers
    rewrites none of them. Here they are read under the customer that party is part of; `as_loaded` leaves them. What
    moved on an agreement that was taken out of a party is read under whom it went to, in either case.
    """
    facts = {TRANSACTIONS: TRANSACTION_COLUMNS, BALANCES: BALANCE_COLUMNS}
    crm = (PARTIES.table, AGREEMENTS.table, PRODUCTS.table, MERGED.table, TAKEN.table, THRESHOLDS)
    there = [name for name in (*facts, *crm, *marts) if warehouse.exists(name)]
    with warehouse.reading(*there) as backend:
        for name in facts.keys() - set(there):
            backend.con.register(_short(name), facts[name].empty_table())
        raw = {name: backend.table(_short(name)) for name in {*there, *facts}}
        views = {name: VIEWS.get(name, _as_it_is)(table) for name, table in raw.items()}
        taken = views.get(TAKEN.table)
        if taken is not None and backend.to_pyarrow(taken.count()).as_py():
            views[TRANSACTIONS] = rehomed(views[TRANSACTIONS], taken)
        merged = views.get(MERGED.table)
        if merged is not None and not as_loaded and backend.to_pyarrow(merged.count()).as_py():
            views |= {name: rooted(views[name], merged) for name in PARTY_FACTS & views.keys()}
        yield Staged(backend, views)


# What stands under parties, and is summed where two of them are one customer.
PARTY_FACTS = frozenset({TRANSACTIONS, "marts/customer_day", "marts/customer_month"})


def rehomed(facts: ir.Table, taken: ir.Table) -> ir.Table:
    """The movements, those on agreements that were taken out of a customer under whom these went to."""
    columns = facts.columns
    found = facts.left_join(taken.rename(went_to="party_id"), "agreement_id")
    return found.mutate(party_id=found.went_to.fill_null(found.party_id)).select(columns)


def rooted(table: ir.Table, merged: ir.Table) -> ir.Table:
    """The rows under the customers that their parties are part of: one a movement, or one a customer and time."""
    columns = table.columns
    found = table.left_join(merged, "party_id")
    found = found.mutate(party_id=found.root.fill_null(found.party_id)).select(columns)
    if "agreement_id" in columns:
        return found
    ends = merged.select("party_id").union(merged.select(party_id="root"), distinct=True)
    keys = [name for name in ("party_id", "month", "day") if name in columns]
    both = found.semi_join(ends, "party_id")
    sums = {
        name: (both[name].max() if name == "last_on" else both[name].sum()).cast(both[name].type())
        for name in columns
        if name not in keys
    }
    joined = both.group_by(keys).agg(**sums).select(columns)
    return table.anti_join(ends, "party_id").union(joined, distinct=False)


def _cast(table: ir.Table, **types: str) -> ir.Table:
    """These columns, each in its type, and no others."""
    return table.select(**{name: table[name].cast(type) for name, type in types.items()})


def transactions(table: ir.Table) -> ir.Table:
    """One row a movement on an agreement."""
    return _cast(
        table.rename(key="transaction_key"),
        party_id="int64",
        agreement_id="int64",
        booked_on="date",
        direction="string",
        amount=MONEY,
        balance=MONEY,
        kind="string",
        channel="string",
        key="string",
        month="string",
    )


def balances(table: ir.Table) -> ir.Table:
    """One row an agreement and month end, as the source states it."""
    return _cast(
        table,
        agreement_id="int64",
        month_end="date",
        balance=MONEY,
        average_balance=MONEY,
        month="string",
    )


def parties(table: ir.Table) -> ir.Table:
    """One row a party, as PostgreSQL had it at the snapshot."""
    return _cast(
        table.rename(tier_before="tier"),
        party_id="int64",
        unit_id="int64",
        stage="string",
        since_on="date",
        manager_id="int64",
        tier_before="string",
        tier_since="date",
        below_since="date",
        rated_on_day="boolean",
        last_contact_on="date",
    )


def agreements(table: ir.Table) -> ir.Table:
    """One row an agreement, under the party that owns it."""
    return _cast(
        table,
        agreement_id="int64",
        party_id="int64",
        product="string",
        category="string",
        side="string",
        rate=RATE,
        principal=MONEY,
        opened_on="date",
        closed_on="date",
        matures_on="date",
        status="string",
    )


def products(table: ir.Table) -> ir.Table:
    """One row a line of the catalogue."""
    return _cast(
        table,
        code="string",
        category="string",
        status="string",
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
