"""Real-life dirt: how much of it, and how a clean column gets it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from zhike.packs.bank.sample.columns import Column, Ints, Mask, patch
from zhike.packs.bank.sample.words import TRADITIONAL

IMPOSSIBLE_DATES: Final = ("2023-02-30", "1985-13-07", "1990-00-15", "2021-04-31", "2019-06-00")
BAD_AMOUNTS: Final = ("10万", "伍万元整", "50000元", "1.2.3", "--")
UNKNOWN_PRODUCTS: Final = ("DP999", "ZZ001", "LP00", "WM-1")
_FULL_WIDTH: Final = str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")
_ENOUGH: Final = 1_000  # rows from which on even the rarest dirt occurs once


@dataclass(frozen=True)
class Dirt:
    """Shares of the rows that carry each kind of dirt, 0 to 1.

    The first group can be read and has to be cleaned; the second makes a row that a strict reader refuses.
    """

    traditional: float = 0.012
    full_width: float = 0.010
    spaced_name: float = 0.010
    swapped_columns: float = 0.002
    old_id: float = 0.015
    wrong_check_digit: float = 0.004
    missing_id: float = 0.020
    stale_mobile: float = 0.060
    duplicate: float = 0.015

    impossible_date: float = 0.0004
    unknown_product: float = 0.0004
    bad_amount: float = 0.0004
    long_line: float = 0.0003
    short_line: float = 0.0003


def hit(rng: np.random.Generator, rate: float, among: Mask) -> Ints:
    """Rows of `among` that a kind of dirt falls on, ascending: exactly its share, rounded, and at least one
    where there are a thousand rows to choose from."""
    rows = np.flatnonzero(among)
    number = round(rate * len(rows))
    if rate and len(rows) >= _ENOUGH:
        number = max(1, number)
    return np.sort(rng.choice(rows, number, replace=False))


def hit_apart(rng: np.random.Generator, rates: tuple[float, ...], among: Mask) -> tuple[Ints, ...]:
    """The same for several kinds of dirt, no row twice."""
    free = among.copy()
    chosen = []
    for rate in rates:
        rows = hit(rng, rate, free)
        free[rows] = False
        chosen.append(rows)
    return tuple(chosen)


def _texts(column: Column, rows: Ints) -> list[str | None]:
    return list(column.take(rows).to_pylist())


def traditional(column: Column, rows: Ints) -> Column:
    """Names written with traditional characters where there are any."""
    return patch(
        column, rows, [text and text.translate(TRADITIONAL) for text in _texts(column, rows)]
    )


def spaced(column: Column, rows: Ints) -> Column:
    """Names with a blank after the first character."""
    return patch(column, rows, [text and f"{text[0]} {text[1:]}" for text in _texts(column, rows)])


def full_width(column: Column, rows: Ints) -> Column:
    """Digits typed with a Chinese keyboard."""
    return patch(
        column, rows, [text and text.translate(_FULL_WIDTH) for text in _texts(column, rows)]
    )


def old_ids(column: Column, rows: Ints) -> Column:
    """ID numbers as given out before 1999: 15 digits, no century, no check digit."""
    return patch(column, rows, [text and text[:6] + text[8:17] for text in _texts(column, rows)])


def wrong_checks(column: Column, rows: Ints) -> Column:
    """ID numbers with a last digit that cannot be."""
    return patch(
        column,
        rows,
        [text and text[:-1] + ("1" if text[-1] != "1" else "2") for text in _texts(column, rows)],
    )


def missing(column: Column, rows: Ints) -> Column:
    """Fields left empty."""
    return patch(column, rows, [None] * len(rows))


def replaced(column: Column, rows: Ints, values: tuple[str, ...]) -> Column:
    """Fields overwritten with `values` in turn."""
    return patch(column, rows, [values[n % len(values)] for n in range(len(rows))])


def exchanged(left: Column, right: Column, rows: Ints) -> tuple[Column, Column]:
    """Two columns with their fields swapped at `rows`."""
    return patch(left, rows, _texts(right, rows)), patch(right, rows, _texts(left, rows))
