"""The sample institution, made from first to last."""

from __future__ import annotations

import dataclasses
import datetime
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from zhike.kernel.errors import UserError
from zhike.packs.bank.sample import institution, words
from zhike.packs.bank.sample.accounts import add_parties, enrol, open_accounts
from zhike.packs.bank.sample.card import CardFiles
from zhike.packs.bank.sample.columns import NO_DAY, Column, Ints, dates, labels
from zhike.packs.bank.sample.contacts import ContactFile
from zhike.packs.bank.sample.core import CoreFiles
from zhike.packs.bank.sample.dirt import Dirt
from zhike.packs.bank.sample.flows import run
from zhike.packs.bank.sample.members import enlist
from zhike.packs.bank.sample.notebooks import Notebooks
from zhike.packs.bank.sample.people import LIVES, NOBODY, People, first_prospect, settle
from zhike.packs.bank.sample.plan import CHUNK, NOTEBOOKS, Plan
from zhike.packs.bank.sample.profiles import describe
from zhike.packs.bank.sample.sheets import FileFacts, ParquetSheet, write_small

Progress = Callable[[str, float], None]
USUAL_DIRT: Final = Dirt()
SYSTEMS: Final = ("core", "card", "notebooks")
_WORD = pa.dictionary(pa.int8(), pa.string())
RECORD_SCHEMA: Final = pa.schema(
    [("system", _WORD), ("record_key", pa.string()), ("entity_id", pa.int64())]
)
LIFE_SCHEMA: Final = pa.schema(
    [
        ("entity_id", pa.int64()),
        ("kind", _WORD),
        ("life", _WORD),
        ("drifting", pa.bool_()),
        ("windfall_on", pa.date32()),
        ("household_id", pa.int64()),
        ("firm_owner_of", pa.int64()),
    ]
)


@dataclass(frozen=True)
class Manifest:
    """What was made: the question asked, and what a right reading of each file must find."""

    bank: str
    customers: int
    seed: int
    as_of: datetime.date
    months: int
    dirt: Dirt
    entities: int
    notebook_managers: int
    managers: int
    notebook_limit: int
    files: tuple[FileFacts, ...]

    def file(self, path: str) -> FileFacts:
        """The facts of one file; KeyError where there is none of that path."""
        for facts in self.files:
            if facts.path == path:
                return facts
        raise KeyError(path)

    def as_json(self) -> Mapping[str, Any]:
        """The manifest as JSON types."""
        return {**dataclasses.asdict(self), "as_of": self.as_of.isoformat()}


def generate(
    out: Path,
    *,
    customers: int,
    seed: int,
    as_of: datetime.date,
    months: int = 24,
    dirt: Dirt = USUAL_DIRT,
    progress: Callable[[str, float], None] | None = None,
) -> Manifest:
    """Make the sample institution's files below `out`, which must be empty or absent.

    customers: core customers (1,000 to 10,000,000), second records not counted; the same arguments make the
    same bytes. `progress` hears a stage's name and how far it is, 0 to 1. manifest.json is written last: a
    folder without it is half-done. Raises UserError where a figure is out of range or the folder is in use.
    """
    plan = Plan(customers, seed, as_of, months)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out} is not an empty folder.", "Name a new folder for the sample.")
    tell: Progress = progress or (lambda stage, share: None)
    bank = institution.found(plan)
    files = _small_files(plan, bank, out)
    core = CoreFiles(plan, bank, out, dirt)
    card = CardFiles(plan, out, dirt)
    contacts = ContactFile(plan, bank, out, dirt)
    notebooks = Notebooks(plan, bank)
    truth = Truth(plan, out)
    for chunk in range(plan.chunks):
        people = settle(plan, bank, chunk)
        records = enrol(plan, people, chunk, dirt.duplicate, plan.outlets)
        accounts = open_accounts(plan, people, records, chunk)
        parties = add_parties(plan, people, records, accounts, chunk)
        members = enlist(plan, people, chunk)
        ledger = run(plan, people, records, accounts, members, chunk)
        profiles = describe(plan, bank, people, chunk)
        numbers, refused = core.write(people, records, profiles, accounts, parties, ledger, chunk)
        card_numbers = card.write(people, profiles, members, chunk)
        contacts.write(people, records, numbers, refused.record, chunk)
        notebooks.collect(people, records, profiles, chunk)
        truth.lives(people, chunk)
        truth.records(0, numbers, people.entity[records.holder])
        truth.records(1, card_numbers, people.entity[members.row])
        tell("customers", (chunk + 1) / plan.chunks)
    prospects = 0
    for number, (facts, keys, entities) in enumerate(notebooks.write(out)):
        files.append(facts)
        truth.records(2, pa.array(keys, pa.string()), np.array(entities, dtype=np.int64))
        prospects += truth.prospects([e for e in entities if e >= first_prospect(plan)])
        tell("notebooks", (number + 1) / len(notebooks.owners))
    files += core.close() + card.close() + contacts.close() + truth.close()
    manifest = Manifest(
        bank=words.BANK,
        customers=customers,
        seed=seed,
        as_of=as_of,
        months=months,
        dirt=dirt,
        entities=first_prospect(plan) + prospects,
        notebook_managers=len(notebooks.owners),
        managers=plan.managers,
        notebook_limit=NOTEBOOKS,
        files=tuple(sorted(files, key=lambda facts: facts.path)),
    )
    text = json.dumps(manifest.as_json(), ensure_ascii=False, indent=1)
    (out / "manifest.json").write_text(text + "\n", encoding="utf-8")
    return manifest


def _small_files(plan: Plan, bank: institution.Institution, out: Path) -> list[FileFacts]:
    products = [product.row() for product in institution.PRODUCTS]
    return [
        write_small(out, "core/units.csv", institution.UNIT_HEADER, bank.units),
        write_small(out, "core/employees.csv", institution.EMPLOYEE_HEADER, bank.employees),
        write_small(out, "core/products.csv", institution.PRODUCT_HEADER, products),
    ]


class Truth:
    """Who is who, and what became of them: for tests and demonstrations, never for the analyses."""

    def __init__(self, plan: Plan, out: Path) -> None:
        self.plan = plan
        self._records = ParquetSheet(out, "truth/records.parquet", RECORD_SCHEMA)
        self._lives = ParquetSheet(out, "truth/lives.parquet", LIFE_SCHEMA)

    def records(self, system: int, keys: Column, entities: Ints) -> None:
        """Say of one system's records whose they are."""
        codes = np.full(len(keys), system)
        self._records.write([labels(SYSTEMS, codes), keys, pa.array(entities)])

    def lives(self, people: People, chunk: int) -> None:
        """Write down one chunk's lives."""
        firm = people.owned_firm
        self._lives.write(
            [
                pa.array(people.entity),
                labels(("P", "C"), people.is_firm),
                labels(LIVES, people.life),
                pa.array(people.drifting),
                dates(np.where(people.windfall > 0, people.windfall_day, NO_DAY)),
                pa.array(people.household + chunk * 2 * CHUNK, mask=people.is_firm),
                pa.array(people.entity[firm.clip(0)], mask=firm == NOBODY),
            ]
        )

    def prospects(self, entities: list[int]) -> int:
        """Write down people of whom no more is known; returns how many."""
        count = len(entities)
        nothing = pa.nulls(count, pa.int64())
        self._lives.write(
            [
                pa.array(entities, pa.int64()),
                labels(("P", "C"), np.zeros(count, dtype=np.int8)),
                pa.nulls(count, _WORD),
                pa.array(np.zeros(count, dtype=bool)),
                pa.nulls(count, pa.date32()),
                nothing,
                nothing,
            ]
        )
        return count

    def close(self) -> list[FileFacts]:
        """Close both files."""
        return [self._records.close(), self._lives.close()]
