"""The marts: one grain each, pure expressions over staging, the same on DuckDB and Spark.

Money is the institution's currency. Flows are the customer's: in is received, out is spent.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import ibis
import ibis.expr.types as ir

from zhike.insight.methods.abc import abc
from zhike.insight.methods.concentration import concentration
from zhike.insight.methods.contribution import Prices, net_interest, service_cost
from zhike.insight.methods.rfm import rfm
from zhike.insight.methods.value_grid import (
    Weights,
    current_value,
    potential_value,
    value_class,
)

MONEY = "decimal(18, 2)"
BALANCE_DAYS = "decimal(28, 2)"
FEE_KINDS = ("fee", "penalty_interest")
ASSISTED_CHANNELS = ("counter",)
DEVICE_CHANNELS = ("atm", "pos")
WINDOW_MONTHS = 12
GROWTH_MONTHS = 3
COUNTS = ("movements", "assisted", "device")
SUMS = ("inflow", "outflow", "borrowed", "fee_income")

CUSTOMER_DAY = "marts/customer_day"
AGREEMENT_MONTH = "marts/agreement_month"
CUSTOMER_MONTH = "marts/customer_month"
CUSTOMER_VALUE = "marts/customer_value"


@dataclass(frozen=True)
class Period:
    """The day of the figures and the months that belong to it: that of the day and the eleven before."""

    as_of: date

    @property
    def month(self) -> str:
        return f"{self.as_of:%Y-%m}"

    @property
    def first(self) -> date:
        return month_back(self.as_of, WINDOW_MONTHS - 1)

    @property
    def first_month(self) -> str:
        return f"{self.first:%Y-%m}"

    @property
    def after(self) -> date:
        return self.as_of + timedelta(days=1)

    @property
    def growth_since(self) -> date:
        """The end of the third month back, which growth is measured from."""
        return month_end(self.as_of, GROWTH_MONTHS)


@dataclass(frozen=True)
class Terms:
    """Everything that is data in `customer_value`. Cuts are per cent; `recent_days` is the look-back for money
    that has just come in."""

    prices: Prices
    weights: Weights
    abc_a: int
    abc_b: int
    top: int
    recent_days: int


def customer_day(transactions: ir.Table) -> ir.Table:
    """One row a party and day on which anything moved."""
    t = transactions
    out = t.direction == "out"
    return t.group_by("party_id", "month", day=t.booked_on).agg(
        inflow=_money(t.amount.sum(where=~out)),
        outflow=_money(t.amount.sum(where=out)),
        borrowed=_money(t.amount.sum(where=t.kind == "loan_drawdown")),
        fee_income=_money(t.amount.sum(where=out & t.kind.isin(FEE_KINDS))),
        movements=t.count().cast("int32"),
        assisted=t.count(where=t.channel.isin(ASSISTED_CHANNELS)).cast("int32"),
        device=t.count(where=t.channel.isin(DEVICE_CHANNELS)).cast("int32"),
    )


def customer_month(days: ir.Table) -> ir.Table:
    """One row a party and month in which anything moved."""
    return days.group_by("party_id", "month").agg(
        **{name: _money(days[name].sum()) for name in SUMS},
        **{name: days[name].sum().cast("int32") for name in COUNTS},
        last_on=days.day.max(),
    )


def agreement_month(
    transactions: ir.Table, balances: ir.Table, until: date | None = None
) -> ir.Table:
    """One row an agreement and month in which its balance is stated or moved.

    `closing` is the last balance; `balance_days` sums the balance over the days from `first_on` to the end of
    the month (up to, not including, `until` when given). A balance that the source states for the month wins
    over one derived from the balances after each movement. Of a day's movements the last by key counts.
    """
    t = transactions.filter(transactions.balance.notnull())
    place = t.key.length().cast("string").lpad(4, "0").concat(t.key)
    days = t.group_by("agreement_id", "month", "booked_on").agg(balance=t.balance.argmax(place))
    following = days.booked_on.lead().over(
        ibis.window(group_by=["agreement_id", "month"], order_by="booked_on")
    )
    days = days.mutate(held_to=following.fill_null(_end(days.month, until)))
    moved = days.group_by("agreement_id", "month").agg(
        first_on=days.booked_on.min(),
        closing=days.balance.argmax(days.booked_on),
        balance_days=_days(days.balance, days.held_to, days.booked_on).sum().cast(BALANCE_DAYS),
    )
    start = _start(balances.month)
    stated = balances.select(
        "agreement_id",
        "month",
        first_on=start,
        closing=balances.balance,
        balance_days=_days(balances.average_balance, _end(balances.month, until), start).cast(
            BALANCE_DAYS
        ),
    )
    return stated.union(moved.anti_join(stated, ["agreement_id", "month"]), distinct=False)


def agreement_value(agreements: ir.Table, months: ir.Table, period: Period) -> ir.Table:
    """One row an agreement: its balance on the day, three months back, and its balance days over the window.

    Between two rows of `months` the closing balance stands; before the first there is none, nor after the month in
    which the agreement was closed. An agreement with no
    row at all stands at its principal, a loan paid down in a straight line to its maturity, a card at nothing.
    """
    end = ibis.literal(period.after)
    first = ibis.literal(period.first)
    inside = months.filter(months.month >= period.first_month).mutate(
        ended=_end(ibis._.month, None)
    )
    inside = inside.mutate(ended=ibis.least(inside.ended, end))
    earlier = months.filter(months.month < period.first_month)
    carried = (
        earlier.group_by("agreement_id")
        .agg(closing=earlier.closing.argmax(earlier.month))
        .mutate(
            month=ibis.literal(""),
            first_on=first,
            balance_days=ibis.literal(0).cast(BALANCE_DAYS),
            ended=first,
        )
    )
    rows = inside.union(carried.select(inside.columns), distinct=False)
    rows = rows.mutate(
        held_to=rows.first_on.lead()
        .over(ibis.window(group_by="agreement_id", order_by="month"))
        .fill_null(end)
    )
    rows = rows.join(agreements.select("agreement_id", "closed_on"), "agreement_id")
    held_to = ibis.least(rows.held_to, rows.closed_on.fill_null(end))
    known = rows.group_by("agreement_id").agg(
        closing=rows.closing.argmax(rows.month),
        closing_before=rows.closing.argmax(
            rows.month, where=rows.month <= f"{period.growth_since:%Y-%m}"
        ),
        balance_days=(
            rows.balance_days
            + (held_to > rows.ended).ifelse(
                _days(rows.closing, held_to, rows.ended), ibis.literal(0).cast(BALANCE_DAYS)
            )
        )
        .sum()
        .cast(BALANCE_DAYS),
    )
    a = agreements.filter(agreements.opened_on < end)
    a = a.left_join(known, "agreement_id")
    is_open = a.closed_on.isnull() | (a.closed_on >= end)
    unknown = a.closing.isnull()
    back = ibis.literal(period.growth_since + timedelta(days=1))
    from_day = ibis.greatest(a.opened_on, first)
    to_day = ibis.least(a.closed_on.fill_null(end), end)
    span = (to_day > from_day).ifelse(to_day.delta(from_day, unit="day"), 0)
    straight = (
        (_outstanding(a, from_day) + _outstanding(a, to_day)) / 2 * span.cast("float64")
    ).round(2)
    return a.select(
        "agreement_id",
        "party_id",
        "category",
        "side",
        "rate",
        is_open=is_open,
        balance=_money(is_open.ifelse(unknown.ifelse(_cents(_outstanding(a, end)), a.closing), 0)),
        balance_before=_money(
            unknown.ifelse(
                (a.opened_on < back).ifelse(_cents(_outstanding(a, back)), 0), a.closing_before
            )
        ),
        balance_days=unknown.ifelse(straight.cast(BALANCE_DAYS), a.balance_days),
    )


def customer_value(
    parties: ir.Table,
    products: ir.Table,
    thresholds: ir.Table,
    agreements: ir.Table,
    months: ir.Table,
    days: ir.Table,
    period: Period,
    terms: Terms,
) -> ir.Table:
    """One row a customer at the day: every figure by the name it has in the catalogue of metrics.

    `agreements` is `agreement_value`; `months` and `days` hold nothing later than the day.
    """
    flows = _flows(months, period).left_join(_recent(days, period, terms.recent_days), "party_id")
    flows = flows.drop("party_id_right") if "party_id_right" in flows.columns else flows
    owned = _owned(agreements, period, terms.prices)
    offered = products.filter(products.status == "offered").agg(
        categories_offered=products.category.nunique()
    )
    base = parties.filter(parties.stage == "customer").drop("stage")
    base = base.left_join(flows, "party_id").drop("party_id_right")
    base = base.left_join(owned, "party_id").drop("party_id_right")
    base = base.join(thresholds, "unit_id").cross_join(offered)
    zero = {name: _money(base[name]) for name in MONEY_COLUMNS}
    counts = {name: base[name].fill_null(0).cast("int32") for name in COUNT_COLUMNS}
    base = base.mutate(**zero, **counts)
    base = base.mutate(
        average_balance=_cents(base.balance_days.fill_null(0).cast("float64") / _window(period)),
        turnover_12m=base.inflow_12m + base.outflow_12m,
        service_cost_12m=service_cost(
            base.assisted,
            base.device,
            base.movements_12m - base.assisted - base.device,
            base.agreements_held,
            terms.prices,
        ),
    )
    revenue = (
        base.net_interest_liability
        + base.net_interest_asset
        + base.net_interest_intermediary
        + base.fee_income_12m
    )
    base = base.mutate(contribution_12m=_money(revenue - base.service_cost_12m))
    total = base.contribution_12m.sum().over(ibis.window()).cast("float64")
    cost = base.service_cost_12m.cast("float64")
    base = base.mutate(
        profit_contribution_rate=(total > 0)
        .ifelse(base.contribution_12m.cast("float64") / total, ibis.null("float64"))
        .cast("decimal(12, 8)"),
        input_output_ratio=(cost > 0)
        .ifelse(revenue.cast("float64") / cost, ibis.null("float64"))
        .cast("decimal(16, 4)"),
        balance_change_3m=base.balance - base.balance_before,
    )
    base = rfm(
        base,
        id="party_id",
        last_on="last_movement_on",
        count="movements_12m",
        amount="turnover_12m",
    )
    base = abc(base, id="party_id", value="contribution_12m", a=terms.abc_a, b=terms.abc_b)
    base = concentration(base, id="party_id", value="contribution_12m", top=terms.top)
    base = current_value(
        base, contribution="contribution_12m", balance="balance", weights=terms.weights
    )
    base = potential_value(
        base,
        balance="balance",
        balance_before="balance_before",
        held="categories_held",
        offered="categories_offered",
        inflow="inflow_12m",
        weights=terms.weights,
    )
    return base.mutate(
        value_class=value_class(
            base.current_value, base.potential_value, base.grid_current_cut, base.grid_potential_cut
        ),
        as_of=ibis.literal(period.as_of),
    ).drop("balance_days")


MONEY_COLUMNS = (
    "inflow_12m",
    "outflow_12m",
    "fee_income_12m",
    "recent_inflow",
    "recent_outflow",
    "recent_largest",
    "balance",
    "loan_balance",
    "balance_before",
    "net_interest_liability",
    "net_interest_asset",
    "net_interest_intermediary",
)
COUNT_COLUMNS = ("movements_12m", "assisted", "device", "agreements_held", "categories_held")


def _flows(months: ir.Table, period: Period) -> ir.Table:
    inside = months.month >= period.first_month
    return months.group_by("party_id").agg(
        inflow_12m=months.inflow.sum(where=inside),
        outflow_12m=months.outflow.sum(where=inside),
        fee_income_12m=months.fee_income.sum(where=inside),
        movements_12m=months.movements.sum(where=inside),
        assisted=months.assisted.sum(where=inside),
        device=months.device.sum(where=inside),
        last_movement_on=months.last_on.max(),
    )


def _recent(days: ir.Table, period: Period, recent_days: int) -> ir.Table:
    since = ibis.literal(period.after - timedelta(days=recent_days))
    late = days.filter(days.day >= since).mutate(own=ibis._.inflow - ibis._.borrowed)
    return late.group_by("party_id").agg(
        recent_inflow=late.own.sum(),
        recent_outflow=late.outflow.sum(),
        recent_largest=late.own.max(),
        recent_largest_on=late.day.argmax(late.own),
    )


def _owned(agreements: ir.Table, period: Period, prices: Prices) -> ir.Table:
    a = agreements.mutate(
        interest=net_interest(agreements.balance_days, agreements.side, agreements.rate, prices)
    )
    ours = a.side != "asset"
    return a.group_by("party_id").agg(
        balance=a.balance.sum(where=ours),
        loan_balance=a.balance.sum(where=~ours),
        balance_before=a.balance_before.sum(where=ours),
        balance_days=a.balance_days.sum(where=ours),
        net_interest_liability=a.interest.sum(where=a.side == "liability"),
        net_interest_asset=a.interest.sum(where=a.side == "asset"),
        net_interest_intermediary=a.interest.sum(where=a.side == "intermediary"),
        agreements_held=a.count(where=a.is_open),
        categories_held=a.category.nunique(where=a.is_open),
    )


def _outstanding(a: ir.Table, day: ir.Column) -> ir.Column:
    """Principal on a day, for an agreement whose balance nobody reports; a card's principal is its limit."""
    principal = a.principal.cast("float64").fill_null(0.0)
    left = a.matures_on.delta(day, unit="day").cast("float64")
    term = a.matures_on.delta(a.opened_on, unit="day").cast("float64")
    paid_down = principal * (left.clip(lower=0.0) / term).clip(upper=1.0)
    return ibis.cases(
        (a.category == "card", 0.0),
        ((a.side == "asset") & (term > 0), paid_down),
        else_=principal,
    )


def _window(period: Period) -> int:
    return (period.after - period.first).days


def _money(value: ir.Column) -> ir.Column:
    return value.fill_null(0).cast(MONEY)


def _cents(value: ir.Column) -> ir.Column:
    return value.round(2).cast(MONEY)


def _days(balance: ir.Column, to: ir.Column, since: ir.Column) -> ir.Column:
    return balance * to.delta(since, unit="day").cast("int16")


def _start(month: ir.Column) -> ir.Column:
    return month.concat("-01").cast("date")


def _end(month: ir.Column, until: date | None) -> ir.Column:
    """The first day after the month, or `until` when that comes sooner."""
    following = (_start(month) + ibis.interval(months=1)).cast("date")
    return following if until is None else ibis.least(following, ibis.literal(until))


def month_back(day: date, months: int) -> date:
    """The first day of the month so many months before that of `day`."""
    at = day.year * 12 + day.month - 1 - months
    return date(at // 12, at % 12 + 1, 1)


def month_end(day: date, months: int = 0) -> date:
    """The last day of the month so many months before that of `day`."""
    return month_back(day, months - 1) - timedelta(days=1)
