"""Contribution (D-05 to D-08): what a customer's agreements and movements bring, less what serving them costs.

    contribution = net interest + fees - service cost
    net interest of an agreement = balance days / 365 x margin / 100
    margin, per cent a year = transfer price - rate        on the liability side (deposits)
                              rate - transfer price        on the asset side (loans)
                              a set margin                 as intermediary (wealth, funds)

The transfer price is what the treasury pays for or charges for money (funds transfer pricing): with it the
contribution of a deposit and of a loan can be added up. Balance days are the sum of the balance over days.
Service cost counts movements by how they were made, and a yearly cost for each open agreement.
All prices are thresholds, that is data.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import ibis
import ibis.expr.types as ir


@dataclass(frozen=True)
class Prices:
    """Rates in per cent a year, costs in money."""

    transfer_liability: Decimal
    transfer_asset: Decimal
    rate_liability: Decimal
    """Where neither agreement nor product states one; the same for `rate_asset`."""
    rate_asset: Decimal
    margin_intermediary: Decimal
    cost_assisted: Decimal
    cost_device: Decimal
    cost_remote: Decimal
    cost_agreement: Decimal


def net_interest(
    balance_days: ir.Column, side: ir.Column, rate: ir.Column, prices: Prices
) -> ir.Column:
    """Net interest of one agreement over the days that `balance_days` covers, to the cent."""
    margin = ibis.cases(
        (side == "liability", _float(prices.transfer_liability) - _or(rate, prices.rate_liability)),
        (side == "asset", _or(rate, prices.rate_asset) - _float(prices.transfer_asset)),
        else_=_float(prices.margin_intermediary),
    )
    return (balance_days.cast("float64") * margin / 36500).round(2).cast("decimal(18, 2)")


def service_cost(
    assisted: ir.Column, device: ir.Column, remote: ir.Column, agreements: ir.Column, prices: Prices
) -> ir.Column:
    """Counts of movements at a counter, at a machine and by themselves, and of open agreements, as a cost."""
    return (
        assisted * _money(prices.cost_assisted)
        + device * _money(prices.cost_device)
        + remote * _money(prices.cost_remote)
        + agreements * _money(prices.cost_agreement)
    ).cast("decimal(18, 2)")


def _float(value: Decimal) -> ir.FloatingScalar:
    return ibis.literal(float(value), "float64")


def _money(value: Decimal) -> ir.DecimalScalar:
    return ibis.literal(value.quantize(Decimal("0.01")), "decimal(9, 2)")


def _or(rate: ir.Column, otherwise: Decimal) -> ir.Column:
    return rate.cast("float64").fill_null(_float(otherwise))
