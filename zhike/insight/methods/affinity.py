"""Which products go together: lift with an interval (R-062, R-052), so that a few cases prove nothing."""

from __future__ import annotations

from statistics import NormalDist

import ibis
import ibis.expr.types as ir


def affinity(held: ir.Table, *, id: str, item: str, of: int, level: float = 0.95) -> ir.Table:
    """One row an ordered pair of items that somebody holds together, from rows of who holds what.

    `item`, `other`; `both`, `holders`, `other_holders` (customers); `support` = both ÷ `of`; `confidence` = both ÷
    holders; `lift` = confidence ÷ (other_holders ÷ `of`), how many times as often as by chance; `lift_low`,
    `lift_high`, its interval at `level`. `of` is how many customers there are, those without any item among them.

    The interval is that of the lift's logarithm by the delta method over the four counts of the pair; with fewer
    than five customers who hold both it says little.
    """
    z = NormalDist().inv_cdf((1 + level) / 2)
    has = held.select(id=held[id], item=held[item]).distinct()
    holders = has.group_by("item").agg(holders=has.count())
    others = holders.select(other="item", other_holders="holders")
    second = has.select(id="id", other="item")
    pairs = has.join(second, "id").filter(lambda t: t.item != t.other)
    counted = (
        pairs.group_by("item", "other")
        .agg(both=pairs.count())
        .join(holders, "item")
        .join(others, "other")
    )
    lift = counted.both * of / (counted.holders * counted.other_holders)
    spread = (
        1 / counted.both - 1 / counted.holders - 1 / counted.other_holders + (2 * lift - 1) / of
    )  # of the logarithm; the multinomial's covariances are in the last term
    told = counted.mutate(lift=lift, off=z * ibis.greatest(spread, 0.0).sqrt())
    return told.select(
        "item",
        "other",
        "both",
        "holders",
        "other_holders",
        support=told.both / of,
        confidence=told.both / told.holders,
        lift=told.lift,
        lift_low=told.lift / told.off.exp(),
        lift_high=told.lift * told.off.exp(),
    )
