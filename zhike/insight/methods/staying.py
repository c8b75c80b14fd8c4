"""Who stays (R-048, D-11 to D-13): cohorts, comings and goings by month, and curves of survival.

Staying is not loyalty (F-01): all of these count what customers do, none what they think.
"""

from __future__ import annotations

from statistics import NormalDist

import ibis
import ibis.expr.types as ir


def cohorts(active: ir.Table, *, id: str, month: str) -> ir.Table:
    """Of those first active in one month, how many are active `age` months later: `cohort`, `age`, `size`, `active`.

    `active` has a row for each customer and month (a date, the first of it) with any activity; more rows do no harm.
    Ages at which nobody of a cohort was active have no row.
    """
    months = active.select(id=active[id], month=active[month].truncate("month")).distinct()
    months = months.mutate(cohort=months.month.min().over(group_by="id"))
    months = months.mutate(age=_index(months.month) - _index(months.cohort))
    counted = months.group_by("cohort", "age").agg(active=months.count())
    # Everybody is active in the month they begin with, and never more of them later.
    return counted.mutate(size=counted.active.max().over(group_by="cohort"))


def movements(
    active: ir.Table, *, id: str, month: str, silent: int, until: str | ir.DateValue
) -> ir.Table:
    """Comings and goings a month: `month`, `active`, `came`, `won_back`, `lost`.

    Whoever has been silent for `silent` months is lost, in the month in which that many are full; whoever is active
    again after that is won back. The share of D-12 is lost ÷ those there the month before, of D-13 won back ÷ lost.
    `until` is the last month the activity is known for: nobody is lost after it.
    """
    last = ibis.literal(until, type="date") if isinstance(until, str) else until
    months = active.select(id=active[id], month=active[month].truncate("month")).distinct()
    months = months.mutate(at=_index(months.month))
    line = ibis.window(group_by="id", order_by="at")
    months = months.mutate(before=months.at.lag().over(line), after=months.at.lead().over(line))
    here = months.group_by("at").agg(
        active=months.count(),
        came=months.before.isnull().sum(),
        won_back=(months.at - months.before > silent).fill_null(False).sum(),
    )
    gone = months.filter(
        (months.after.fill_null(_index(last.truncate("month")) + 1) - months.at) > silent
    )
    gone = gone.mutate(at=gone.at + silent).group_by("at").agg(lost=ibis._.count())
    told = here.join(gone, "at", how="outer")
    at = ibis.coalesce(told.at, told.at_right)
    return told.select(
        month=ibis.date(at // 12, at % 12 + 1, 1),
        **{name: told[name].fill_null(0) for name in ("active", "came", "won_back", "lost")},
    )


def survival(table: ir.Table, *, duration: str, left: str, level: float = 0.95) -> ir.Table:
    """Kaplan and Meier's curve: the share still there after each `duration` at which somebody left.

    A row a customer: how long they have been seen, and whether they `left` then (else they were still there).
    `duration`, `at_risk`, `left`, `still`, and `low`, `high`, its interval at `level` from Greenwood's variance on
    the scale log(-log), which stays within 0 and 1. Once nobody is left the interval is null.
    """
    z = NormalDist().inv_cdf((1 + level) / 2)
    seen = table.group_by(duration=table[duration]).agg(seen=table.count(), left=table[left].sum())
    onward = ibis.window(order_by=ibis.desc("duration"), preceding=None, following=0)
    seen = seen.mutate(at_risk=seen.seen.sum().over(onward)).filter(ibis._.left > 0)
    stayed = seen.at_risk - seen.left
    so_far = ibis.window(order_by="duration", preceding=None, following=0)
    curve = seen.mutate(
        still=ibis.ifelse(
            stayed == 0, 0.0, (stayed.nullif(0) / seen.at_risk).ln().sum().over(so_far).exp()
        ),
        spread=(seen.left / (seen.at_risk * stayed.nullif(0))).sum().over(so_far).sqrt(),
        over=stayed == 0,
    )
    off = (z * curve.spread / curve.still.nullif(0.0).ln()).exp()
    return curve.select(
        "duration",
        "at_risk",
        "left",
        "still",
        low=ibis.ifelse(curve.over, ibis.null("float64"), curve.still ** (1 / off)),
        high=ibis.ifelse(curve.over, ibis.null("float64"), curve.still**off),
    ).order_by("duration")


def _index(month: ir.DateValue) -> ir.IntegerValue:
    """Months since the year 0, so that two of them can be subtracted."""
    return month.year() * 12 + month.month() - 1
