"""Postings put in order: running balances, month-end balances, nothing below zero."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from zhike.packs.bank.sample.accounts import CLOSED, CURRENT, Accounts, repaid
from zhike.packs.bank.sample.columns import NO_DAY, Ints, exact_sums
from zhike.packs.bank.sample.plan import Plan

KINDS: Final = (
    "salary", "interest", "fee", "transfer", "cash", "card", "loan_drawdown", "loan_repayment",
    "wealth_buy", "wealth_redeem", "agriculture_sale", "rent", "tax", "utility", "other",
)  # fmt: skip
(
    SALARIES, INTEREST, FEE, TRANSFER, CASH, CARD, DRAWDOWN, REPAYMENT,
    WEALTH_BUY, WEALTH_REDEEM, HARVEST, RENT, TAX, UTILITY, OTHER,
) = range(15)  # fmt: skip
CHANNELS: Final = ("counter", "mobile", "web", "atm", "pos", "auto")
COUNTER, MOBILE, WEB, ATM, POS, AUTO = range(6)

_DAYS = 4_096  # more than the days of the longest window
_LEAST = 1_000  # an account is opened with ten yuan at least


@dataclass
class Journal:
    """Postings of one chunk as they are made: parallel arrays, one group at a time.

    `account` is a row of Accounts, `day` relative to the window, `cents` positive where the account's
    balance grows.
    """

    plan: Plan
    opened: Ints
    groups: list[tuple[npt.NDArray[np.int32], ...]] = field(default_factory=list)

    def post(
        self,
        account: Ints,
        day: Ints | int,
        cents: Ints,
        kind: int | Ints,
        channel: int | Ints,
    ) -> None:
        """Add postings on absolute days; those outside the window or before the account was opened fall out."""
        when = np.broadcast_to(day, account.shape)
        live = (
            (when >= np.maximum(self.plan.first_day, self.opened[account]))
            & (when <= self.plan.today)
            & (cents != 0)
        )
        self.groups.append(
            (
                account[live].astype(np.int32),
                (when[live] - self.plan.first_day).astype(np.int32),
                cents[live],
                np.broadcast_to(kind, account.shape)[live].astype(np.int8),
                np.broadcast_to(channel, account.shape)[live].astype(np.int8),
            )
        )


@dataclass(frozen=True)
class Ledger:
    """Postings sorted by account and day, with the balance after each; and balances by account and month.

    month_end, average: cents, shape (accounts, months); open_at: which accounts were open on those days.
    """

    account: npt.NDArray[np.int32]
    day: npt.NDArray[np.int32]
    cents: Ints
    kind: npt.NDArray[np.int8]
    channel: npt.NDArray[np.int8]
    balance: Ints
    month_end: Ints
    average: Ints
    open_at: npt.NDArray[np.bool_]


def balance_books(plan: Plan, accounts: Accounts, journal: Journal, spare: Ints) -> Ledger:
    """Sort the postings and find the opening balances that keep every account at zero or above.

    A current account ends near its `wanted` balance plus `spare` (cents that came in and stay), unless its
    lowest point asks for more; one opened inside the window starts with a deposit. A loan ends at what is
    still owed, a term deposit at nothing or its principal.
    """
    count = len(accounts.record)
    young = np.flatnonzero((accounts.kind == CURRENT) & (accounts.opened >= plan.first_day))
    first = (
        young.astype(np.int32),
        (accounts.opened[young] - plan.first_day).astype(np.int32),
        np.zeros(len(young), dtype=np.int64),
        np.full(len(young), CASH, dtype=np.int8),
        np.full(len(young), COUNTER, dtype=np.int8),
    )
    account, day, cents, kind, channel = (
        np.concatenate(parts) for parts in zip(first, *journal.groups, strict=True)
    )
    order = np.argsort(account.astype(np.int64) * _DAYS + day, kind="stable")
    account, day, cents, kind, channel = (
        part[order] for part in (account, day, cents, kind, channel)
    )

    running = np.cumsum(cents)
    starts = np.flatnonzero(np.diff(account, prepend=-1))
    used = account[starts]
    before = np.zeros(count, dtype=np.int64)
    before[used] = running[starts] - cents[starts]
    running -= before[account]
    lowest = np.zeros(count, dtype=np.int64)
    total = np.zeros(count, dtype=np.int64)
    lowest[used] = np.minimum(np.minimum.reduceat(running, starts), 0)
    total[used] = running[np.append(starts[1:], len(running)) - 1]

    current = accounts.kind == CURRENT
    opening = np.where(current, np.maximum(accounts.wanted + spare - total, -lowest), 0)
    still = ~current & (accounts.status != CLOSED) & (accounts.amount > 0)
    outstanding = np.where(still, accounts.amount - repaid(accounts, plan.today), 0)
    opening = np.where(current, opening, np.where(accounts.amount > 0, outstanding - total, 0))
    opening[young] = np.maximum(opening[young], _LEAST)
    running += opening[account]
    placeholder = starts[np.isin(used, young)]
    cents[placeholder] = opening[account[placeholder]]
    opening[young] = 0

    month = plan.month_of_day[day]
    cell = account.astype(np.int64) * plan.months + month
    size = count * plan.months
    moved = exact_sums(cell, cents, size).reshape(count, plan.months)
    month_end = np.cumsum(moved, axis=1) + opening[:, None]
    days_left = plan.month_ends[month] - plan.first_day - day + 1
    weighted = exact_sums(cell, cents * days_left, size).reshape(count, plan.months)
    lengths = plan.month_ends - plan.month_starts[:-1] + 1
    average = ((month_end - moved) * lengths + weighted + lengths // 2) // lengths
    ends = plan.month_ends[None, :]
    shut = np.where(accounts.closed == NO_DAY, plan.today + 1, accounts.closed)[:, None]
    return Ledger(
        account=account,
        day=day,
        cents=cents,
        kind=kind,
        channel=channel,
        balance=running,
        month_end=month_end,
        average=average,
        open_at=(accounts.opened[:, None] <= ends) & (shut > ends),
    )
