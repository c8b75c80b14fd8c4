"""The card and wealth system: its own customers, their cards and what they bought."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from zhike.packs.bank.sample import dirt as soil
from zhike.packs.bank.sample import words
from zhike.packs.bank.sample.accounts import RATES, add_months
from zhike.packs.bank.sample.columns import (
    Column,
    Ints,
    Mask,
    dates,
    join,
    money,
    number_text,
    pick,
)
from zhike.packs.bank.sample.dirt import Dirt, hit, hit_apart
from zhike.packs.bank.sample.identifiers import card_numbers
from zhike.packs.bank.sample.institution import PRODUCT_INDEX, PRODUCTS
from zhike.packs.bank.sample.members import Members
from zhike.packs.bank.sample.people import STUDENT, People
from zhike.packs.bank.sample.plan import Plan
from zhike.packs.bank.sample.profiles import Profiles
from zhike.packs.bank.sample.sheets import CsvSheet, FileFacts

CUSTOMER_HEADER: Final = (
    "card_customer_no", "name", "id_no", "mobile", "email", "address", "city", "opened_on",
)  # fmt: skip
CARD_HEADER: Final = (
    "card_key", "card_no", "card_customer_no", "product_code", "issued_on", "expires_on", "credit_limit",
    "status",
)  # fmt: skip
WEALTH_HEADER: Final = (
    "holding_key", "card_customer_no", "product_code", "bought_on", "matures_on", "principal",
    "expected_rate", "status",
)  # fmt: skip
_STATUSES: Final = ("active", "blocked", "closed")
_HELD: Final = ("held", "redeemed")


class CardFiles:
    """The card system's files, written chunk by chunk."""

    def __init__(self, plan: Plan, out: Path, dirt: Dirt) -> None:
        self.plan, self.dirt = plan, dirt
        self.customers = CsvSheet(out, "card/customers.csv", CUSTOMER_HEADER)
        self.cards = CsvSheet(out, "card/cards.csv", CARD_HEADER)
        self.wealth = CsvSheet(out, "card/wealth.csv", WEALTH_HEADER)
        self.next_card = 1
        self.next_holding = 1

    def close(self) -> list[FileFacts]:
        """Close all files; their facts in reading order."""
        return [sheet.close() for sheet in (self.customers, self.cards, self.wealth)]

    def write(self, people: People, profiles: Profiles, members: Members, chunk: int) -> Column:
        """Write one chunk; returns the card customer numbers, in the order of the members."""
        rng = self.plan.random(chunk, 15)
        numbers = join("K", number_text(members.serial, 9))
        bad = self._customers(rng, members.row, numbers, profiles, members.since)
        self._cards(rng, people, members.row, numbers, members.since, bad)
        self._wealth(rng, members, numbers, bad)
        return numbers

    def _customers(
        self, rng: np.random.Generator, rows: Ints, numbers: Column, profiles: Profiles, since: Ints
    ) -> Mask:
        dirt = self.dirt
        everyone = np.ones(len(rows), dtype=bool)
        name, id_no = profiles.name.take(rows), profiles.id_no.take(rows)
        name = soil.traditional(name, hit(rng, dirt.traditional, everyone))
        name = soil.spaced(name, hit(rng, dirt.spaced_name, everyone))
        wrong, none = hit_apart(rng, (dirt.wrong_check_digit, dirt.missing_id), everyone)
        id_no = soil.missing(soil.wrong_checks(id_no, wrong), none)
        stale = np.isin(np.arange(len(rows)), hit(rng, dirt.stale_mobile, everyone))
        mobile = pc.if_else(
            pa.array(stale), profiles.old_mobile.take(rows), profiles.mobile.take(rows)
        )
        mobile = soil.full_width(mobile, hit(rng, dirt.full_width, everyone))
        email = profiles.email.take(rows)
        mobile, email = soil.exchanged(mobile, email, hit(rng, dirt.swapped_columns, everyone))
        odd, long, short = hit_apart(
            rng, (dirt.impossible_date, dirt.long_line, dirt.short_line), everyone
        )
        opened = soil.replaced(dates(since).cast(pa.string()), odd, soil.IMPOSSIBLE_DATES)
        address = profiles.city_address.take(rows)
        city = pick((words.CITY,), np.where(rng.random(len(rows)) < 0.1, -1, 0))
        self.customers.write(
            [numbers, name, id_no, mobile, email, address, city, opened], long=long, short=short
        )
        self.customers.tally.reject("impossible_date", len(odd))
        return np.isin(np.arange(len(rows)), np.concatenate([odd, long, short]))

    def _cards(
        self,
        rng: np.random.Generator,
        people: People,
        rows: Ints,
        numbers: Column,
        since: Ints,
        bad: Mask,
    ) -> None:
        plan = self.plan
        adult = people.life[rows] != STUDENT
        credit = np.flatnonzero(adult & (rng.random(len(rows)) < 0.3))
        of = np.concatenate([np.arange(len(rows)), credit])
        debit = np.where(
            rng.random(len(rows)) < 0.7, PRODUCT_INDEX["CD001"], PRODUCT_INDEX["CD002"]
        )
        product = np.concatenate([debit, np.full(len(credit), PRODUCT_INDEX["CC001"])])
        key = self.next_card + np.arange(len(of))
        self.next_card += len(of)
        issued = since[of] + (rng.random(len(of)) * (plan.today - since[of]) * 0.6).astype(np.int64)
        years = np.where(product == PRODUCT_INDEX["CC001"], 5, 10)
        limit = np.maximum(people.income[rows[of]] * 3 // 500_000, 1) * 500_000
        (unknown,) = hit_apart(rng, (self.dirt.unknown_product,), np.ones(len(of), dtype=bool))
        code = soil.replaced(
            pick([p.code for p in PRODUCTS], product), unknown, soil.UNKNOWN_PRODUCTS
        )
        status = rng.choice(3, len(of), p=[0.95, 0.02, 0.03])
        self.cards.write(
            [
                key,
                card_numbers(key, plan.offsets["card"]),
                numbers.take(of),
                code,
                dates(issued),
                dates(add_months(issued, years * 12)),
                money(limit, product != PRODUCT_INDEX["CC001"]),
                pick(_STATUSES, status),
            ]
        )
        faulty = np.isin(np.arange(len(of)), unknown)
        tally = self.cards.tally
        tally.reject("unknown_product", len(unknown))
        tally.orphans += int((bad[of] & ~faulty).sum())
        limited = (product == PRODUCT_INDEX["CC001"]) & ~faulty
        tally.add("credit_limit", int(limit[limited].sum()))

    def _wealth(
        self, rng: np.random.Generator, members: Members, numbers: Column, bad: Mask
    ) -> None:
        count = len(members.of)
        key = self.next_holding + np.arange(count)
        self.next_holding += count
        (amiss,) = hit_apart(rng, (self.dirt.bad_amount,), np.ones(count, dtype=bool))
        principal = money(members.principal).cast(pa.string())
        self.wealth.write(
            [
                key,
                numbers.take(members.of),
                pick([product.code for product in PRODUCTS], members.product),
                dates(members.bought),
                dates(members.matures),
                soil.replaced(principal, amiss, soil.BAD_AMOUNTS),
                money(RATES[members.product]),
                pick(_HELD, members.redeemed.astype(np.int64)),
            ]
        )
        faulty = np.isin(np.arange(count), amiss)
        tally = self.wealth.tally
        tally.reject("bad_amount", len(amiss))
        tally.orphans += int((bad[members.of] & ~faulty).sum())
        tally.add("principal", int(members.principal[~faulty].sum()))
