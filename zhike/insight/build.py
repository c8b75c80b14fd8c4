"""Bringing the kept marts up to date: only the months whose facts changed are built again.

What a mart was built from is a digest of the fact files of each month. The digests of the last finished run are
compared with those of today, so a load, a repair or a table made anew are all noticed the same way. Each mart is
replaced in one commit: killed between two, a refresh finds the rest still to do.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Set

import ibis.expr.types as ir

from zhike.insight import marts, staging
from zhike.insight.marts import (
    AGREEMENT_MONTH,
    CUSTOMER_DAY,
    CUSTOMER_MONTH,
    CUSTOMER_VALUE,
    Period,
    Terms,
)
from zhike.insight.snapshot import THRESHOLDS
from zhike.insight.sources import AGREEMENTS, PARTIES, PRODUCTS
from zhike.insight.staging import Staged
from zhike.kernel.warehouse import Warehouse
from zhike.products.facts import BALANCES, TRANSACTIONS

Digests = dict[str, str]
"""Month → digest of the names of its fact files."""

_MONTH = re.compile(r"/month=([^/]+)/")


def digests(warehouse: Warehouse, taken: str = "") -> Digests:
    """What the fact tables hold, month by month; `taken` names the last agreements that went to another party."""
    files: dict[str, list[str]] = defaultdict(list)
    for name in (TRANSACTIONS, BALANCES):
        for file in warehouse.files(name) if warehouse.exists(name) else ():
            if found := _MONTH.search(file):
                files[found.group(1)].append(file.rsplit("/", 1)[-1])
    return {
        month: hashlib.sha256(
            "\n".join([*sorted(names), *filter(None, [taken])]).encode()
        ).hexdigest()[:16]
        for month, names in sorted(files.items())
    }


def touched(before: Mapping[str, str], now: Mapping[str, str]) -> set[str]:
    """The months that came, went or changed."""
    return {month for month in {*before, *now} if before.get(month) != now.get(month)}


def keep_up(warehouse: Warehouse, mart: str, months: Set[str] | None) -> None:
    """Build the given months of a kept mart again; None builds all of it."""
    build, reads, order = KEPT[mart]
    if months is None or not warehouse.exists(mart):
        where = None
    elif months:
        where = "month IN ({})".format(", ".join(f"'{month}'" for month in sorted(months)))
    else:
        return
    with staging.reading(warehouse, *reads, as_loaded=True) as staged:
        expression = build(staged, months if where else None).order_by("month", *order)
        rows = staged.stream(expression)
        warehouse.overwrite(mart, rows, partition_by=["month"], where=where)


def _of(table: ir.Table, months: Set[str] | None) -> ir.Table:
    return table if months is None else table.filter(table.month.isin(sorted(months)))


def _customer_day(staged: Staged, months: Set[str] | None) -> ir.Table:
    return marts.customer_day(_of(staged[TRANSACTIONS], months))


def _customer_month(staged: Staged, months: Set[str] | None) -> ir.Table:
    return marts.customer_month(_of(staged[CUSTOMER_DAY], months))


def _agreement_month(staged: Staged, months: Set[str] | None) -> ir.Table:
    return marts.agreement_month(_of(staged[TRANSACTIONS], months), _of(staged[BALANCES], months))


Build = Callable[[Staged, Set[str] | None], ir.Table]
KEPT: dict[str, tuple[Build, tuple[str, ...], tuple[str, ...]]] = {
    CUSTOMER_DAY: (_customer_day, (), ("party_id", "day")),
    AGREEMENT_MONTH: (_agreement_month, (), ("agreement_id",)),
    CUSTOMER_MONTH: (_customer_month, (CUSTOMER_DAY,), ("party_id",)),
}


def value(warehouse: Warehouse, period: Period, terms: Terms) -> None:
    """Replace `marts/customer_value` by the figures of one day."""
    with staging.reading(warehouse, *KEPT) as staged:
        expression = value_expression(staged, period, terms).order_by("party_id")
        rows = staged.stream(expression)
        warehouse.overwrite(CUSTOMER_VALUE, rows)


def value_expression(staged: Staged, period: Period, terms: Terms) -> ir.Table:
    """`customer_value` on the kept marts. The month of the day is built from facts up to the day, since the kept
    one may already hold later ones."""
    past = (staged[name].filter(staged[name].month < period.month) for name in KEPT)
    day_past, agreement_past, month_past = past
    facts, stated = staged[TRANSACTIONS], staged[BALANCES]
    today = facts.filter((facts.month == period.month) & (facts.booked_on <= period.as_of))
    known = stated.filter((stated.month == period.month) & (stated.month_end <= period.as_of))
    days_now = marts.customer_day(today)
    days = day_past.union(days_now.select(day_past.columns), distinct=False)
    months_now = marts.customer_month(days_now)
    months = month_past.union(months_now.select(month_past.columns), distinct=False)
    balances_now = marts.agreement_month(today, known, until=period.after)
    balances = agreement_past.union(balances_now.select(agreement_past.columns), distinct=False)
    return marts.customer_value(
        staged[PARTIES.table],
        staged[PRODUCTS.table],
        staged[THRESHOLDS],
        marts.agreement_value(staged[AGREEMENTS.table], balances, period),
        months,
        days,
        period,
        terms,
    )
