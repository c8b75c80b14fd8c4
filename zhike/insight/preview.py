"""Whom new thresholds would move, before they are set: the last refresh reckoned again with them, in the warehouse.

Nothing is written. The figures are those of the last refresh; the tier rule is `rules.rating` as an expression, so a
million customers take seconds. Prices, costs and weights are reckoned anew from the kept marts.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from zhike.insight import build, queries, rules, staging
from zhike.insight.marts import CUSTOMER_VALUE, Period
from zhike.insight.methods.abc import abc
from zhike.insight.methods.value_grid import value_class
from zhike.insight.rules import Book
from zhike.insight.staging import Staged
from zhike.kernel.warehouse import Warehouse

ANEW = ("weight.", "price.", "cost.")
"""Thresholds of these kinds change the figures themselves, not only what they are compared with."""
LISTED = 50
KINDS = ("tier", "value_class", "abc_class")


@dataclass(frozen=True)
class Moved:
    """One customer who would move; codes before and after by kind."""

    party_id: int
    unit_id: int
    was: Mapping[str, str]
    becomes: Mapping[str, str]


@dataclass(frozen=True)
class Preview:
    """`moves` has, by kind, (before, after) → customers, those that stay included; `units` how many of each unit
    move; `pending` how many keep their tier for now, though its terms would no longer be met."""

    as_of: date
    customers: int
    moved: int
    pending: int
    moves: Mapping[str, Mapping[tuple[str, str], int]]
    units: Mapping[int, int]
    first: Sequence[Moved]


def preview(
    before: Book,
    after: Book,
    codes: Sequence[str],
    *,
    as_of: date,
    units: Collection[int] | None = None,
    warehouse: Warehouse | None = None,
) -> Preview:
    """What `after` would change against `before` on the day last refreshed, for customers of `units` (None: all).

    `codes` are the tiers from the lowest up. Raises UserError when nothing was refreshed yet.
    """
    with staging.reading(warehouse or Warehouse(), *build.KEPT, CUSTOMER_VALUE) as staged:
        terms = [
            staged.backend.create_table(f"terms_{name}", _terms(book, codes), temp=True)
            for name, book in (("before", before), ("after", after))
        ]
        old = _placed(staged[CUSTOMER_VALUE], terms[0], codes, as_of)
        new = _placed(_figures(staged, before, after, as_of), terms[1], codes, as_of)
        renamed = new.select(
            "party_id", **{f"{name}_new": new[name] for name in (*KINDS, "pending")}
        )
        both = old.join(renamed, "party_id")
        if units is not None:
            both = both.filter(both.unit_id.isin(sorted(units)))
        moves = [both[name] != both[f"{name}_new"] for name in KINDS]
        both = both.mutate(
            moves=moves[0] | moves[1] | moves[2], held=both.pending_new & ~both.pending
        )
        keys = ["unit_id", *(each for name in KINDS for each in (name, f"{name}_new"))]
        counted = both.group_by([*keys, "moves", "held"]).agg(customers=both.count())
        rows = list(staged.rows(counted))
        first = both.filter(both.moves).order_by(both.balance.desc(), both.party_id).limit(LISTED)
        listed = list(staged.rows(first.select("party_id", *keys)))
    return _told(as_of, rows, listed)


def _figures(staged: Staged, before: Book, after: Book, as_of: date) -> ir.Table:
    """The figures that `after` judges: those of the last refresh unless it changes how they are reckoned."""
    changed = {
        name for name in {*before.values, *after.values}
        if before.values.get(name) != after.values.get(name)
    }  # fmt: skip
    if any(name.startswith(ANEW) for name, _unit in changed):
        return build.value_expression(staged, Period(as_of), queries.terms(after))
    mart = staged[CUSTOMER_VALUE]
    terms = queries.terms(after)
    if any(name.startswith("abc.") for name, _unit in changed):
        mart = abc(
            mart.drop("abc_class"), id="party_id", value="contribution_12m",
            a=terms.abc_a, b=terms.abc_b,
        )  # fmt: skip
    return mart


def _placed(mart: ir.Table, terms: ir.Table, codes: Sequence[str], on: date) -> ir.Table:
    """Each customer with class and tier by `terms` (`_terms` of a book); `pending` where a tier is held though its
    terms are not met. The tier is `rules.rating`."""
    t = mart.drop("grid_current_cut", "grid_potential_cut", "value_class").join(terms, "unit_id")
    earned = ibis.literal(0)
    for rank in range(1, len(codes)):
        reached = (t.balance >= t[f"balance_{rank}"]) | (
            t.contribution_12m >= t[f"contribution_{rank}"]
        )
        earned = reached.ifelse(rank, earned)
    held = ibis.cases(*((t.tier_before == code, rank) for rank, code in enumerate(codes)), else_=-1)
    since = t.below_since.fill_null(ibis.literal(on))
    lost = ibis.literal(on).delta(since, unit="day").cast("int32") >= t.hold_days
    t = t.mutate(earned=earned, held=held, lost=lost)
    kept = (t.earned < t.held) & ~t.lost
    t = t.mutate(
        tier=ibis.cases(
            *((kept.ifelse(t.held, t.earned) == rank, code) for rank, code in enumerate(codes)),
            else_="",
        ),
        pending=kept,
        value_class=value_class(
            t.current_value, t.potential_value, t.grid_current_cut, t.grid_potential_cut
        ),
    )
    return t.select("party_id", "unit_id", "balance", "tier", "pending", "value_class", "abc_class")


def _terms(book: Book, codes: Sequence[str]) -> pa.Table:
    """What each unit asks for, a row a unit."""
    rows: list[dict[str, Any]] = []
    for unit in sorted(book.paths):
        row: dict[str, Any] = {
            "unit_id": unit,
            "hold_days": int(book.value("tier.hold_days", unit)),
            "grid_current_cut": book.value("grid.current.cut", unit),
            "grid_potential_cut": book.value("grid.potential.cut", unit),
        }
        for rank, step in enumerate(rules.ladder(book, codes, unit)):
            row |= {f"balance_{rank}": step.balance, f"contribution_{rank}": step.contribution}
        rows.append(row)
    money, cut = pa.decimal128(18, 2), pa.decimal128(20, 4)
    ranks = range(len(codes))
    return pa.Table.from_pylist(
        rows,
        schema=pa.schema(
            [
                ("unit_id", pa.int64()),
                ("hold_days", pa.int32()),
                ("grid_current_cut", cut),
                ("grid_potential_cut", cut),
                *((f"balance_{rank}", money) for rank in ranks),
                *((f"contribution_{rank}", money) for rank in ranks),
            ]
        ),
    )


def _told(as_of: date, rows: list[dict[str, Any]], listed: list[dict[str, Any]]) -> Preview:
    moves: dict[str, dict[tuple[str, str], int]] = {name: {} for name in KINDS}
    units: dict[int, int] = {}
    for row in rows:
        for name in KINDS:
            pair = (row[name], row[f"{name}_new"])
            moves[name][pair] = moves[name].get(pair, 0) + row["customers"]
        if row["moves"]:
            units[row["unit_id"]] = units.get(row["unit_id"], 0) + row["customers"]
    return Preview(
        as_of=as_of,
        customers=sum(row["customers"] for row in rows),
        moved=sum(units.values()),
        pending=sum(row["customers"] for row in rows if row["held"]),
        moves=moves,
        units=units,
        first=[
            Moved(
                row["party_id"],
                row["unit_id"],
                {name: row[name] for name in KINDS},
                {name: row[f"{name}_new"] for name in KINDS},
            )
            for row in listed
        ],
    )


def changed(book: Book, values: Mapping[str, Decimal | None], unit: int | None) -> Book:
    """`book` with these values of the institution (None) or of one unit; a value of None follows the unit above."""
    mixed = {
        key: value for key, value in book.values.items() if key[1] != unit or key[0] not in values
    }
    mixed |= {(name, unit): value for name, value in values.items() if value is not None}
    return Book(mixed, book.paths)
