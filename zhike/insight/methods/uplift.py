"""What an action brought: the response of those it reached against a control group left alone (R-053)."""

from __future__ import annotations

from statistics import NormalDist

import ibis
import ibis.expr.types as ir


def uplift(
    table: ir.Table, *, treated: str, responded: str, by: tuple[str, ...] = (), level: float = 0.95
) -> ir.Table:
    """One row a group `by` (or one in all) from a row a customer with two booleans.

    `treated`, `control` (customers); `response`, `control_response` (shares); `uplift`, their difference; `low`,
    `high`, its interval at `level` by Newcombe's method from two Wilson intervals (Statistics in Medicine 1998,
    method 10), which holds for small groups and shares near 0 or 1. Null where either group is empty. It tells
    what the action caused only where chance alone decided who was reached.
    """
    z = NormalDist().inv_cdf((1 + level) / 2)
    reached, answered = table[treated], table[responded]
    counted = table.aggregate(
        by=by,
        treated=reached.sum(),
        control=(~reached).sum(),
        yes=(reached & answered).sum(),
        control_yes=(~reached & answered).sum(),
    )
    share, low, high = _wilson(counted.yes, counted.treated, z)
    other, other_low, other_high = _wilson(counted.control_yes, counted.control, z)
    below = ((share - low) ** 2 + (other_high - other) ** 2).sqrt()
    above = ((high - share) ** 2 + (other - other_low) ** 2).sqrt()
    return counted.select(
        *by,
        "treated",
        "control",
        response=share,
        control_response=other,
        uplift=share - other,
        low=share - other - below,
        high=share - other + above,
    )


def _wilson(
    yes: ir.IntegerColumn, of: ir.IntegerColumn, z: float
) -> tuple[ir.NumericValue, ir.NumericValue, ir.NumericValue]:
    """The share and its Wilson interval; null without anybody."""
    n = of.nullif(0).cast("float64")
    share = yes / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * (share * (1 - share) / n + z * z / (4 * n * n)).sqrt() / (1 + z * z / n)
    return share, ibis.greatest(middle - half, 0.0), ibis.least(middle + half, 1.0)
