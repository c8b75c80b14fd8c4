"""The log of earlier contacts: sparse, thinner still with customers who drift away."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from zhike.packs.bank.sample import dirt as soil
from zhike.packs.bank.sample import words
from zhike.packs.bank.sample.accounts import Records
from zhike.packs.bank.sample.columns import Column, Mask, dates, join, number_text, pick
from zhike.packs.bank.sample.dirt import Dirt, hit_apart
from zhike.packs.bank.sample.institution import Institution
from zhike.packs.bank.sample.people import People
from zhike.packs.bank.sample.plan import Plan
from zhike.packs.bank.sample.sheets import CsvSheet, FileFacts

HEADER: Final = (
    "contact_key", "customer_no", "employee_code", "at", "channel", "direction", "content", "result",
)  # fmt: skip
CHANNELS: Final = tuple(words.CONTACTS)
_ODDS: Final = (0.18, 0.36, 0.24, 0.1, 0.12)
_NEGLECTED: Final = 0.3  # share of managed customers nobody has cared for


class ContactFile:
    """contacts.csv, written chunk by chunk."""

    def __init__(self, plan: Plan, bank: Institution, out: Path, dirt: Dirt) -> None:
        self.plan, self.dirt = plan, dirt
        self.managers = pa.array(bank.manager_codes)
        self.sheet = CsvSheet(out, "contacts/contacts.csv", HEADER)
        self.next_key = 1

    def close(self) -> list[FileFacts]:
        """Close the file."""
        return [self.sheet.close()]

    def write(
        self, people: People, records: Records, numbers: Column, bad_record: Mask, chunk: int
    ) -> None:
        """Write one chunk's contacts, by customer and time."""
        plan = self.plan
        rng = plan.random(chunk, 12)
        rows = np.flatnonzero(records.manager[: people.core] >= 0)
        rate = 0.11 * np.exp(0.7 * rng.standard_normal(len(rows)))
        rate *= np.where(rng.random(len(rows)) < _NEGLECTED, 0.12, 1.0)
        of = np.repeat(rows, rng.poisson(np.clip(rate, 0, 1.5) * plan.months))
        day = rng.integers(plan.first_day, plan.today + 1, len(of))
        leaving = plan.month_starts[people.drift_month[of].clip(0)]
        gone = (people.drift_month[of] >= 0) & (day >= leaving) & (rng.random(len(of)) < 0.85)
        kept = (day >= records.opened[of]) & ~gone
        of, day = of[kept], day[kept]
        order = np.lexsort((day, of))
        of, day = of[order], day[order]
        count = len(of)
        channel = rng.choice(len(CHANNELS), count, p=_ODDS)
        minute = rng.integers(8 * 60 + 30, 18 * 60, count)
        at = join(
            dates(day).cast(pa.string()), "T", number_text(minute // 60, 2), ":",
            number_text(minute % 60, 2), ":00+08:00",
        )  # fmt: skip
        (odd,) = hit_apart(rng, (self.dirt.impossible_date,), np.ones(count, dtype=bool))
        at = soil.replaced(at, odd, tuple(f"{d}T09:30:00+08:00" for d in soil.IMPOSSIBLE_DATES))
        lengths = np.array([len(texts) for texts in words.CONTACTS.values()])
        starts = np.cumsum(lengths) - lengths
        said = starts[channel] + (rng.random(count) * lengths[channel]).astype(np.int64)
        inward = (channel == CHANNELS.index("counter")) | (rng.random(count) < 0.15)
        self.sheet.write(
            [
                self.next_key + np.arange(count),
                numbers.take(of),
                pick(self.managers, records.manager[of]),
                at,
                pick(CHANNELS, channel),
                pick(("out", "in"), inward.astype(np.int64)),
                pick([text for texts in words.CONTACTS.values() for text in texts], said),
                pick(words.CONTACT_RESULTS, rng.integers(0, len(words.CONTACT_RESULTS), count)),
            ]
        )
        self.next_key += count
        self.sheet.tally.reject("impossible_date", len(odd))
        self.sheet.tally.orphans += int(bad_record[of].sum()) - int(bad_record[of[odd]].sum())
