"""From the mart to scores: which columns become values and reasons, and the tier each customer has earned."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import ibis
import ibis.expr.types as ir

from zhike.insight import rules
from zhike.insight.marts import CUSTOMER_VALUE
from zhike.insight.metrics import metrics
from zhike.insight.rules import Book, Held, Rating, Step
from zhike.insight.snapshot import THRESHOLDS
from zhike.insight.sources import EXTRACTS
from zhike.insight.staging import Staged
from zhike.products.facts import BALANCES, TRANSACTIONS

INPUTS = (TRANSACTIONS, BALANCES, *(extract.table for extract in EXTRACTS), THRESHOLDS)

VALUES = (
    "balance",
    "loan_balance",
    "average_balance",
    "balance_change_3m",
    "inflow_12m",
    "outflow_12m",
    "movements_12m",
    "last_movement_on",
    "contribution_12m",
    "profit_contribution_rate",
    "input_output_ratio",
    "rfm_cell",
    "abc_class",
    "in_top20",
    "current_value",
    "potential_value",
    "value_class",
    "agreements_held",
    "categories_held",
)
# What stands among the values already is not repeated among the reasons.
REASONS = {
    name: parts
    for name in VALUES
    if (parts := tuple(part for part in metrics.get(name).parts if part not in VALUES))
}
CUTS = {"current_cut": "grid_current_cut", "potential_cut": "grid_potential_cut"}


@dataclass(frozen=True)
class Rated:
    """One customer of the mart with the tier of the day."""

    party_id: int
    value_class: str
    balance: Decimal
    contribution: Decimal
    current_value: Decimal
    potential_value: Decimal
    rating: Rating
    figures: Mapping[str, Any]
    to_write: bool
    """Whether the rating in PostgreSQL may differ from this one."""


class Ratings:
    """The tier rule over rows of the mart, with the terms of each customer's unit; `codes` from the lowest up."""

    def __init__(self, book: Book, codes: Sequence[str], on: date) -> None:
        self.book, self.codes, self.on = book, codes, on
        self._terms: dict[int, tuple[list[Step], int, Decimal]] = {}

    def balance_of(self, code: str, unit_id: int) -> Decimal:
        """The balance that a tier asks for in a unit."""
        steps = rules.ladder(self.book, self.codes, unit_id)
        return next(step.balance for step in steps if step.code == code)

    def of(self, row: Mapping[str, Any]) -> Rating:
        unit = row["unit_id"]
        if unit not in self._terms:
            self._terms[unit] = (
                rules.ladder(self.book, self.codes, unit),
                int(self.book.value("tier.hold_days", unit)),
                self.book.value("tier.near_share", unit),
            )
        steps, hold_days, near_share = self._terms[unit]
        before = row["tier_before"]
        return rules.rating(
            row["balance"],
            row["contribution_12m"],
            Held(before, row["below_since"]) if before else None,
            steps,
            on=self.on,
            hold_days=hold_days,
            near_share=near_share,
        )


RATED = (
    "party_id",
    "unit_id",
    "value_class",
    "balance",
    "contribution_12m",
    "current_value",
    "potential_value",
    "last_contact_on",
    "tier_before",
    "below_since",
    "rated_on_day",
)


def rated(staged: Staged, ratings: Ratings) -> Iterator[Rated]:
    """Every customer of the mart with its rating, streamed."""
    for row in staged.rows(staged[CUSTOMER_VALUE].select(*RATED)):
        rating = ratings.of(row)
        yield Rated(
            party_id=row["party_id"],
            value_class=row["value_class"],
            balance=row["balance"],
            contribution=row["contribution_12m"],
            current_value=row["current_value"],
            potential_value=row["potential_value"],
            rating=rating,
            figures=_figures(row, rating),
            to_write=rating.change != "kept"
            or row["rated_on_day"]
            or row["below_since"] != rating.below_since,
        )


@dataclass(frozen=True)
class ScoreRow:
    """One customer's score; `values` and `reasons` are JSON text, `outlook` is "up", "down" or ""."""

    party_id: int
    unit_id: int
    manager_id: int | None
    tier: str
    value_class: str
    outlook: str
    balance: Decimal
    contribution: Decimal
    values: str
    reasons: str


PLACED = ("party_id", "unit_id", "manager_id", "value_class", "balance", "contribution_12m")


def scores(staged: Staged, ratings: Ratings) -> Iterator[ScoreRow]:
    """The score of every customer, streamed.

    The text is put together in the warehouse: every value is a number, a date or a code, so nothing needs
    escaping, and a million rows cost seconds instead of minutes.
    """
    mart = staged[CUSTOMER_VALUE]
    reasons = {name: {part: mart[part] for part in parts} for name, parts in REASONS.items()}
    reasons["value_class"] = {name: mart[column] for name, column in CUTS.items()}
    lines = mart.select(
        *(*PLACED, "tier_before", "below_since"),
        values=_members({name: mart[name] for name in VALUES}),
        reasons=_joined(
            [
                ibis.literal(f',"{name}":{{').concat(_members(parts)).concat("}")
                for name, parts in reasons.items()
            ]
        ),
    )
    for row in staged.rows(lines):
        rating = ratings.of(row)
        tier: dict[str, str] = {"tier": rating.code}
        if rating.next_code:
            tier["tier_gap"] = str(max(rating.gap, Decimal(0)))
        why = json.dumps({"tier": _tier_reasons(rating)})
        yield ScoreRow(
            party_id=row["party_id"],
            unit_id=row["unit_id"],
            manager_id=row["manager_id"],
            tier=rating.code,
            value_class=row["value_class"],
            outlook="down" if rating.below_since else "up" if rating.near else "",
            balance=row["balance"],
            contribution=row["contribution_12m"],
            values="{" + row["values"] + "," + json.dumps(tier)[1:],
            reasons="{" + row["reasons"] + "," + why[1:],
        )


def _members(columns: Mapping[str, ir.Column]) -> ir.StringColumn:
    """`"name":"value"` for each column that is not null, parted by commas; no braces."""
    return _joined(
        [
            column.isnull().ifelse(
                "", ibis.literal(f',"{name}":"').concat(column.cast("string")).concat('"')
            )
            for name, column in columns.items()
        ]
    )


def _joined(parts: list[ir.StringColumn]) -> ir.StringColumn:
    """The parts after one another, without the comma that the first begins with."""
    return ibis.literal("").concat(*parts).substr(1)


def _figures(row: Mapping[str, Any], rating: Rating) -> dict[str, str | None]:
    """What a dated rating keeps: the figures of the day it began, and since when its terms are not met."""
    since = rating.below_since.isoformat() if rating.below_since else None
    if rating.change == "kept":
        return {"below_since": since}
    return {"balance": str(row["balance"]), "contribution_12m": str(row["contribution_12m"])}


def _tier_reasons(rating: Rating) -> dict[str, str]:
    told = {
        "change": rating.change,
        "next": rating.next_code,
        "near": "yes" if rating.near else "",
        "below_since": rating.below_since.isoformat() if rating.below_since else "",
        "keep_until": rating.keep_until.isoformat() if rating.keep_until else "",
    }
    return {name: value for name, value in told.items() if value}
