"""Current value x potential value, and the four classes with a strategy each (D-09, R-025).

    current value   = 100 x (w1 x rank of contribution + w2 x rank of balance)
    potential value = 100 x (w1 x rank of growth + w2 x gap in holdings + w3 x rank of inflow)

A rank is the share of the other customers that stand below, 0 to 1. Growth is the change of the balance since
the end of the month three months back, against that balance and a floor, so that a small account that doubles
does not lead the list. The gap is the share of the offered product categories that the customer does not hold.
Inflow over twelve months is what the customer could place with us. The weights are per cent and sum to 100.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import ibis
import ibis.expr.types as ir

SCORE = "decimal(6, 2)"


@dataclass(frozen=True)
class Weights:
    """Per cent; each score's sum to 100. `growth_floor` is money."""

    current_contribution: Decimal
    current_balance: Decimal
    potential_growth: Decimal
    potential_gap: Decimal
    potential_inflow: Decimal
    growth_floor: Decimal


@dataclass(frozen=True)
class Strategy:
    """How customers of a class are served: contact, channel, who looks after them, their part of the budget."""

    value_class: str
    contact_every_days: int
    channel: str
    owner: str
    budget_percent: int


STRATEGIES = {
    each.value_class: each
    for each in (
        Strategy("high", 30, "visit", "senior", 50),
        Strategy("potential", 45, "phone", "manager", 30),
        Strategy("second", 60, "phone", "manager", 15),
        Strategy("low", 180, "remote", "team", 5),
    )
}


def current_value(
    table: ir.Table, *, contribution: str, balance: str, weights: Weights
) -> ir.Table:
    """`table` with `rank_contribution`, `rank_balance` (0 to 1) and `current_value` (0 to 100)."""
    ranked = table.mutate(
        rank_contribution=_rank(table[contribution]), rank_balance=_rank(table[balance])
    )
    return ranked.mutate(
        current_value=(
            ranked.rank_contribution * float(weights.current_contribution)
            + ranked.rank_balance * float(weights.current_balance)
        )
        .round(2)
        .cast(SCORE)
    )


def potential_value(
    table: ir.Table,
    *,
    balance: str,
    balance_before: str,
    held: str,
    offered: str,
    inflow: str,
    weights: Weights,
) -> ir.Table:
    """`table` with `rank_growth`, `holdings_gap`, `rank_inflow` (0 to 1) and `potential_value` (0 to 100)."""
    before = table[balance_before].cast("float64")
    growth = (table[balance].cast("float64") - before) / (
        before.clip(lower=0) + float(weights.growth_floor)
    )
    most = table[offered].cast("float64")
    gap = (most > 0).ifelse((1 - table[held].cast("float64") / most).clip(lower=0), 0.0)
    ranked = table.mutate(
        rank_growth=_rank(growth), holdings_gap=gap, rank_inflow=_rank(table[inflow])
    )
    return ranked.mutate(
        potential_value=(
            ranked.rank_growth * float(weights.potential_growth)
            + ranked.holdings_gap * float(weights.potential_gap)
            + ranked.rank_inflow * float(weights.potential_inflow)
        )
        .round(2)
        .cast(SCORE)
    )


def value_class(
    current: ir.Column, potential: ir.Column, current_cut: ir.Column, potential_cut: ir.Column
) -> ir.Column:
    """high: both at or above their cut; second: only current; potential: only potential; low: neither."""
    worth, could = current >= current_cut, potential >= potential_cut
    return ibis.cases((worth & could, "high"), (worth, "second"), (could, "potential"), else_="low")


def _rank(value: ir.Column) -> ir.Column:
    return ibis.percent_rank().over(ibis.window(order_by=value))
