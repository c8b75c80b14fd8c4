"""80/20 (D-04): the share that the top customers bring, and who they are (R-027)."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from zhike.insight.methods.shares import cents


def concentration(table: ir.Table, *, id: str, value: str, top: int = 20) -> ir.Table:
    """`table` with `in_top20` (among the best `top` per cent by `value`, rounded up to whole customers) and
    `top20_share` (their part of the sum, 0 to 1, the same on every row; null when nobody brings anything).

    Losses count as zero.
    """
    worth = cents(table[value])
    place = ibis.row_number().over(order_by=[worth.desc(), table[id]])
    size = table[id].count().over(ibis.window())
    among = place * 100 < size * top
    ranked = table.mutate(in_top20=among, worth=worth)
    best = ranked.in_top20.ifelse(ranked.worth, 0).sum().over(ibis.window())
    total = ranked.worth.sum().over(ibis.window())
    return ranked.mutate(
        top20_share=(total > 0).ifelse(
            (best.cast("float64") / total.cast("float64")).cast("decimal(9, 6)"),
            ibis.null("decimal(9, 6)"),
        )
    ).drop("worth")
