"""RFM (D-01): quintiles of the last date, the count and the amount; 5 is best."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir


def rfm(
    table: ir.Table, *, id: str, last_on: str, count: str, amount: str, parts: int = 5
) -> ir.Table:
    """`table` with `rfm_recency`, `rfm_frequency`, `rfm_monetary` (1 to `parts`) and `rfm_cell` ("543").

    Rows with no movement (`count` 0 or null) have none of them and do not shift the others' quintiles.
    Equal figures are told apart by `id`, so that the same input always gives the same cells.
    """
    moved = (table[count] > 0).fill_null(False)

    def score(by: ir.Column) -> ir.Column:
        part = ibis.ntile(parts).over(group_by=moved, order_by=[by, table[id]])
        return moved.ifelse(part.cast("int8") + 1, ibis.null("int8"))

    scored = table.mutate(
        rfm_recency=score(table[last_on]),
        rfm_frequency=score(table[count]),
        rfm_monetary=score(table[amount]),
    )
    return scored.mutate(
        rfm_cell=scored.rfm_recency.cast("string")
        + scored.rfm_frequency.cast("string")
        + scored.rfm_monetary.cast("string")
    )
