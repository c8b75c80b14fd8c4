"""Who the card and wealth system knows, and what they bought there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from zhike.packs.bank.sample.accounts import TERM_MONTHS, add_months
from zhike.packs.bank.sample.columns import NO_DAY, Ints, Mask, scatter
from zhike.packs.bank.sample.institution import PRODUCT_INDEX
from zhike.packs.bank.sample.people import RETIRED, People
from zhike.packs.bank.sample.plan import Plan

_BOUGHT: Final = tuple(PRODUCT_INDEX[c] for c in ("WM001", "WM002", "WM003", "FD001", "IN001"))


@dataclass(frozen=True)
class Members:
    """The card system's customers of one chunk, in order of their numbers, and their holdings.

    row: row of the entity; serial: the number's digits; since: day of joining. The other arrays have one row
    per holding: `of` is the row of its member, principal in cents, matures NO_DAY for none.
    """

    row: Ints
    serial: Ints
    since: Ints
    of: Ints
    product: Ints
    bought: Ints
    matures: Ints
    principal: Ints
    redeemed: Mask


def enlist(plan: Plan, people: People, chunk: int) -> Members:
    """Draw the members: about a third of the core system's persons, and all who are here alone."""
    rng = plan.random(chunk, 11)
    total = len(people.entity)
    chance = np.where(people.asleep, 0.15, np.where(people.life == RETIRED, 0.28, 0.43))
    chance = np.where(people.is_firm, 0.0, chance)
    chance[people.core :] = 1.0
    row = np.flatnonzero(rng.random(total) < chance)
    serial = scatter(people.entity[row], 10**9, 387_420_489, plan.offsets["card_customer"])
    row, serial = row[np.argsort(serial)], np.sort(serial)
    grown = people.birth[row] + 5_844
    since = np.maximum(grown, plan.today - (rng.random(len(row)) * 4_000).astype(np.int64))
    since = np.minimum(since, plan.today)

    rich = np.clip(people.wealth[row] / 2e7, 0.0, 0.7)
    number = rng.binomial(3, rich * np.where(people.asleep[row], 0.1, 0.6))
    of = np.repeat(np.arange(len(row)), number)
    product = rng.choice(np.array(_BOUGHT), len(of), p=[0.25, 0.3, 0.25, 0.12, 0.08])
    months = TERM_MONTHS[product]
    age = rng.random(len(of)) * np.where(months == 0, 18, np.minimum(months, 30)) * 1.5 * 30.4
    bought = np.maximum(plan.today - age.astype(np.int64), since[of])
    matures = np.where(months == 0, NO_DAY, add_months(bought, months))
    size = people.wealth[row[of]] * rng.uniform(0.15, 0.6, len(of)) / 1_000_000
    return Members(
        row=row,
        serial=serial,
        since=since,
        of=of,
        product=product,
        bought=bought,
        matures=matures,
        principal=np.maximum(np.round(size), 1).astype(np.int64) * 1_000_000,
        redeemed=(matures != NO_DAY) & (matures <= plan.today),
    )
