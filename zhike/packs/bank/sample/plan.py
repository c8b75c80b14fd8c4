"""What is made: the size, the seed, the window of months, and the sizes that follow from them."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from zhike.kernel.errors import UserError
from zhike.packs.bank.sample.columns import Ints

CHUNK: Final = 20_000  # customers made at a time: what bounds the memory
LEAST: Final = 1_000  # customers of the smallest sample
MOST: Final = 10_000_000
CARD_ONLY: Final = 0.06  # people of the card system alone, per customer of the core system
CUSTOMERS_PER_OUTLET: Final = 1_700
MANAGED_SHARE: Final = 0.55
PORTFOLIO: Final = 350  # managed customers per manager
NOTEBOOKS: Final = 200  # managers who have one, at most

_SPRING_FESTIVALS: Final = (
    (2010, 2, 14), (2011, 2, 3), (2012, 1, 23), (2013, 2, 10), (2014, 1, 31), (2015, 2, 19),
    (2016, 2, 8), (2017, 1, 28), (2018, 2, 16), (2019, 2, 5), (2020, 1, 25), (2021, 2, 12),
    (2022, 2, 1), (2023, 1, 22), (2024, 2, 10), (2025, 1, 29), (2026, 2, 17), (2027, 2, 6),
    (2028, 1, 26), (2029, 2, 13), (2030, 2, 3), (2031, 1, 23), (2032, 2, 11), (2033, 1, 31),
    (2034, 2, 19), (2035, 2, 8),
)  # fmt: skip


def day_number(date: datetime.date) -> int:
    """Days since 1970-01-01."""
    return date.toordinal() - datetime.date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class Plan:
    """One sample institution: equal plans make equal bytes.

    The window is the `months` calendar months that end with the month of `as_of`; its last month is cut at
    `as_of`. Days are numbers since 1970-01-01 unless said to be relative to the window's first day.
    """

    customers: int
    seed: int
    as_of: datetime.date
    months: int

    def __post_init__(self) -> None:
        if not LEAST <= self.customers <= MOST:
            raise UserError(
                f"{self.customers} customers cannot be made.",
                f"Ask for {LEAST:,} to {MOST:,} customers.",
            )
        if not 1 <= self.months <= 60:
            raise UserError(f"{self.months} months cannot be made.", "Ask for 1 to 60 months.")
        if self.seed < 0:
            raise UserError(f"The seed {self.seed} is negative.", "Give a seed of 0 or more.")
        if not 2016 <= self.as_of.year <= 2034:
            raise UserError(
                f"The calendar of spring festivals does not reach {self.as_of}.",
                "Give a date from 2016 to 2034.",
            )

    @cached_property
    def today(self) -> int:
        """`as_of` as a day number."""
        return day_number(self.as_of)

    @cached_property
    def month_starts(self) -> Ints:
        """First days of the window's months and of the month after, shape (months + 1,)."""
        last = np.datetime64(self.as_of, "M")
        months = last - np.arange(self.months - 1, -2, -1)
        return months.astype("datetime64[D]").astype(np.int64)

    @cached_property
    def month_ends(self) -> Ints:
        """Last days of the window's months, the last not after `as_of`; shape (months,)."""
        return np.minimum(self.month_starts[1:] - 1, self.today)

    @property
    def first_day(self) -> int:
        """The window's first day."""
        return int(self.month_starts[0])

    @cached_property
    def month_of_day(self) -> Ints:
        """Month index of each day of the window, by relative day."""
        lengths = self.month_ends - self.month_starts[:-1] + 1
        return np.repeat(np.arange(self.months), lengths)

    def month_name(self, month: int) -> str:
        """YYYY-MM of a month index."""
        return str(self.month_starts[month].astype("datetime64[D]").astype("datetime64[M]"))

    def calendar_month(self, month: int) -> int:
        """1-12 of a month index."""
        return int(self.month_name(month)[5:])

    def spring_festival(self, month: int) -> int | None:
        """The day number of the spring festival that falls into a month of the window, or None."""
        for festival in _SPRING_FESTIVALS:
            day = day_number(datetime.date(*festival))
            if self.month_starts[month] <= day < self.month_starts[month + 1]:
                return day
        return None

    @property
    def chunks(self) -> int:
        """How many chunks the customers come in; the last takes up a remainder too small to live alone."""
        return -(-(self.customers - LEAST + 1) // CHUNK)

    def chunk_size(self, chunk: int) -> int:
        """Core customers of one chunk, duplicates not counted."""
        return CHUNK if chunk < self.chunks - 1 else self.customers - chunk * CHUNK

    def card_only(self, chunk: int) -> int:
        """People of one chunk known to the card system alone."""
        return round(self.chunk_size(chunk) * CARD_ONLY)

    @property
    def outlets(self) -> int:
        """Sub-branches and outlets together."""
        return max(3, round(self.customers / CUSTOMERS_PER_OUTLET))

    @property
    def managers(self) -> int:
        """Customer managers; at least one for each sub-branch and outlet."""
        return max(self.outlets, round(self.customers * MANAGED_SHARE / PORTFOLIO))

    def random(self, chunk: int, purpose: int) -> np.random.Generator:
        """A stream of its own for each chunk and purpose, so that parts can change independently."""
        entropy = (self.seed, self.customers, self.today, self.months, chunk + 1, purpose)
        return np.random.Generator(np.random.SFC64(np.random.SeedSequence(entropy)))

    @cached_property
    def offsets(self) -> dict[str, int]:
        """Starting points of the scrambled number series."""
        rng = self.random(-1, 0)
        names = ("id", "firm", "mobile", "card", "customer", "account", "card_customer")
        return {name: int(rng.integers(1_000_000, 100_000_000)) for name in names}
