"""ABC (D-02): sort by value, cumulate, cut."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from zhike.insight.methods.shares import cents, running


def abc(table: ir.Table, *, id: str, value: str, a: int = 80, b: int = 95) -> ir.Table:
    """`table` with `abc_class`: A up to `a` per cent of the sum of `value`, B up to `b`, then C.

    A customer belongs to the class in which their share begins, so the one that crosses a cut stays above it.
    A value of zero or less is C and adds nothing to the sum. Exact: money is compared in whole cents.
    """
    worth = cents(table[value])
    before = running(worth, table[id]) - worth
    total = worth.sum().over(ibis.window())
    return table.mutate(
        abc_class=ibis.cases(
            (worth == 0, "C"),
            (before * 100 < total * a, "A"),
            (before * 100 < total * b, "B"),
            else_="C",
        )
    )
