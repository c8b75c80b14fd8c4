"""What was known of each customer on a past day, and who had left some months later: what chances of leaving are
learnt from (R-063, R-185).

Pure expressions over staging and the kept marts, as everything in `marts`. A cut is the last day of a month. No
movement, balance or agreement that came after it reaches a feature; the label compares what was there later. The cut
that a model is validated on is the day on which the labels of the newest it was trained on were settled, so that it
stands in front of the same question as on the day it is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import ibis
import ibis.expr.types as ir

from zhike.insight.marts import (
    AGREEMENT_MONTH,
    CUSTOMER_MONTH,
    Period,
    agreement_value,
    month_back,
    month_end,
)
from zhike.insight.sources import AGREEMENTS, PARTIES

AHEAD = 3
"""Months from a cut to the day on which a customer has stayed or left."""
LEFT_SHARE = 0.3
"""Who keeps no more of what they had with us has left: few customers of a bank ever close their last account. What
they had is the lowest of the balance on the cut, the mean of the year to it, and, of whoever was with us then, the
balance a year before the day that is looked at: what comes with every harvest or festival and goes again is nobody's
leaving."""
TRAINED_CUTS = 3
RECENT = 3
BALANCES_BEFORE = (3, 6, 9, 12)
"""Months back from a cut to balances that the one of the cut is compared with."""

Tables = Mapping[str, ir.Table]


@dataclass(frozen=True)
class Cuts:
    """The cuts that a model is trained and validated on when facts are whole until `known`, an end of a month."""

    known: date

    @property
    def validated(self) -> date:
        return month_end(self.known, AHEAD)

    @property
    def trained(self) -> tuple[date, ...]:
        """The newest first."""
        return tuple(month_end(self.validated, AHEAD + n) for n in range(TRAINED_CUTS))


def whole_until(day: date) -> date:
    """The last end of a month by a day until which facts are known."""
    ended = (day + timedelta(days=1)).day == 1
    return month_end(day, 0 if ended else 1)


def present(tables: Tables, cut: date, least: Decimal) -> ir.Table:
    """One row a customer whose deposits and wealth on the cut reached `least`: `party_id`, `balance` and what else
    they held."""
    parties = tables[PARTIES.table]
    # The stage is today's: who is a former customer by now was one on the cut. Some sources do not say since when.
    since = parties.since_on.fill_null(ibis.literal(cut))
    here = (parties.stage != "prospect") & (since <= ibis.literal(cut))
    held = _held(tables, cut)
    held = held.filter(held.balance >= ibis.literal(least).cast("decimal(18, 2)"))
    return held.join(parties.filter(here).select("party_id", "since_on"), "party_id")


def left(tables: Tables, cut: date, *, least: Decimal) -> ir.Table:
    """One row a customer present on the cut: `party_id`, and whether they have `left` by `AHEAD` months later."""
    day = month_end(cut, -AHEAD)
    a_year_before = month_end(day, 12)
    both = present(tables, cut, least)
    both = _beside(both, _held(tables, day).select("party_id", later="balance"))
    both = _beside(both, _held(tables, a_year_before).select("party_id", then="balance"))
    known_then = (both.since_on <= ibis.literal(a_year_before)).fill_null(True)
    had = ibis.least(
        both.balance.cast("float64"),
        both.mean_balance_12m,
        known_then.ifelse(both.then.fill_null(0), both.balance).cast("float64"),
    )
    later = both.later.fill_null(0).cast("float64")
    return both.select("party_id", left=(later <= LEFT_SHARE * had) & (had > 0))


def features(tables: Tables, cut: date, *, least: Decimal) -> ir.Table:
    """One row a customer present on the cut: `party_id`, and what was known of them that day as numbers.

    `kept_Nm` is the balance as a share of the one N months before (at most 10, missing where there was none), `…_trend`
    the mean month of the last three as a share of that of the year (at most 4), `net_3m` what came in less what went
    out as a share of the balance. Days count back, months from the first day with us.
    """
    period = Period(cut)
    base = present(tables, cut, least)
    for months in BALANCES_BEFORE:
        then = _held(tables, month_end(cut, months))
        base = _beside(base, then.select("party_id", **{f"before_{months}m": "balance"}))
    base = _beside(base, _flows(tables[CUSTOMER_MONTH], period))
    base = _beside(base, _dealings(tables[AGREEMENTS.table], period))
    known = base.mutate(
        **{
            name: base[name].fill_null(0).cast("float64")
            for name in base.columns
            if name not in ("party_id", "since_on", "last_on")
        }
    )
    day = ibis.literal(cut)
    return known.select(
        "party_id",
        *HOLDINGS,
        *DEALINGS,
        "inflow_12m",
        "outflow_12m",
        "movements_12m",
        "fee_income_12m",
        "active_months_12m",
        months_with_us=day.delta(known.since_on, unit="day") / 30.4375,
        days_still=day.delta(known.last_on, unit="day").cast("float64"),
        assisted_share=known.assisted_12m / ibis.greatest(known.movements_12m, 1.0),
        net_3m=(known.inflow_3m - known.outflow_3m) / ibis.greatest(known.balance, 1.0),
        **{
            f"kept_{months}m": _ratio(known.balance, known[f"before_{months}m"], 10)
            for months in BALANCES_BEFORE
        },
        **{
            f"{name}_trend": _ratio(known[f"{name}_3m"] * 12 / RECENT, known[f"{name}_12m"], 4)
            for name in FLOWS
        },
    )


HOLDINGS = ("balance", "mean_balance_12m", "loan_balance", "agreements_held", "categories_held")
DEALINGS = ("opened_12m", "closed_12m", "maturing_3m")
FLOWS = ("inflow", "outflow", "movements")


def _held(tables: Tables, day: date) -> ir.Table:
    """One row a party: what it held on the last day of a month, by what was stated or moved until then."""
    period = Period(day)
    months = tables[AGREEMENT_MONTH]
    a = agreement_value(
        tables[AGREEMENTS.table], months.filter(months.month <= period.month), period
    )
    ours, days = a.side != "asset", (period.after - period.first).days
    return a.group_by("party_id").agg(
        balance=a.balance.sum(where=ours).fill_null(0),
        mean_balance_12m=a.balance_days.sum(where=ours).fill_null(0).cast("float64") / days,
        loan_balance=a.balance.sum(where=~ours).fill_null(0),
        agreements_held=a.count(where=a.is_open),
        categories_held=a.category.nunique(where=a.is_open),
    )


def _flows(months: ir.Table, period: Period) -> ir.Table:
    """One row a party with any movement by the end of the period's month; `last_on` is the day of the last."""
    past = months.filter(months.month <= period.month)
    year = past.month >= period.first_month
    recent = past.month >= f"{month_back(period.as_of, RECENT - 1):%Y-%m}"
    return past.group_by("party_id").agg(
        last_on=past.last_on.max(),
        active_months_12m=past.count(where=year),
        fee_income_12m=past.fee_income.sum(where=year),
        assisted_12m=past.assisted.sum(where=year),
        **{f"{name}_12m": past[name].sum(where=year) for name in FLOWS},
        **{f"{name}_3m": past[name].sum(where=recent) for name in FLOWS},
    )


def _dealings(agreements: ir.Table, period: Period) -> ir.Table:
    """One row a party: agreements opened and ended in the twelve months, and what falls due in the next three."""
    a = agreements
    first, after = ibis.literal(period.first), ibis.literal(period.after)
    soon = ibis.literal(month_end(period.as_of, -AHEAD))
    is_open = (a.opened_on < after) & (a.closed_on.isnull() | (a.closed_on >= after))
    due = is_open & (a.side != "asset") & (a.matures_on >= after) & (a.matures_on <= soon)
    return a.group_by("party_id").agg(
        opened_12m=a.count(where=(a.opened_on >= first) & (a.opened_on < after)),
        closed_12m=a.count(where=(a.closed_on >= first) & (a.closed_on < after)),
        maturing_3m=a.principal.sum(where=due),
    )


def _beside(base: ir.Table, other: ir.Table) -> ir.Table:
    return base.left_join(other, "party_id").drop("party_id_right")


def _ratio(value: ir.Column, of: ir.Column, most: int) -> ir.Column:
    return (of > 0).ifelse(ibis.least(value / of, float(most)), ibis.null("float64"))
