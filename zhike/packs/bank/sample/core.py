"""The core banking system: customers, relations, accounts, transactions, balances."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from zhike.packs.bank.sample import dirt as soil
from zhike.packs.bank.sample.accounts import STATUSES, Accounts, Parties, Records
from zhike.packs.bank.sample.columns import (
    Column,
    Ints,
    Mask,
    dates,
    join,
    labels,
    money,
    number_text,
    pick,
    scatter,
)
from zhike.packs.bank.sample.dirt import Dirt, hit, hit_apart
from zhike.packs.bank.sample.institution import PRODUCTS, Institution
from zhike.packs.bank.sample.ledger import CHANNELS, KINDS, Ledger
from zhike.packs.bank.sample.people import CHILD, HEAD, PARENT, SPOUSE, People
from zhike.packs.bank.sample.plan import CHUNK, Plan
from zhike.packs.bank.sample.profiles import Profiles
from zhike.packs.bank.sample.sheets import CsvSheet, FileFacts, ParquetSheet

CUSTOMER_HEADER: Final = (
    "customer_no", "kind", "name", "id_type", "id_no", "sex", "birth_on", "mobile", "phone", "email",
    "address", "occupation", "industry", "education", "marital", "opened_on", "outlet_code",
    "manager_code", "legal_representative_no", "updated_on",
)  # fmt: skip
RELATION_HEADER: Final = ("customer_no", "related_customer_no", "relation", "since")
ACCOUNT_HEADER: Final = (
    "account_key", "account_no", "customer_no", "product_code", "outlet_code", "opened_on", "closed_on",
    "currency", "principal", "rate", "matures_on", "status",
)  # fmt: skip
PARTY_HEADER: Final = ("account_key", "customer_no", "role", "since")
_WORD = pa.dictionary(pa.int8(), pa.string())
TRANSACTION_SCHEMA: Final = pa.schema(
    [
        ("transaction_key", pa.int64()),
        ("account_key", pa.int64()),
        ("booked_on", pa.date32()),
        ("direction", _WORD),
        ("amount", pa.decimal128(18, 2)),
        ("balance", pa.decimal128(18, 2)),
        ("kind", _WORD),
        ("channel", _WORD),
    ]
)
BALANCE_SCHEMA: Final = pa.schema(
    [
        ("account_key", pa.int64()),
        ("month_end", pa.date32()),
        ("balance", pa.decimal128(18, 2)),
        ("average_balance", pa.decimal128(18, 2)),
    ]
)
RELATIONS: Final = (
    "owner", "authorised_user", "guarantor", "family", "employer", "group", "decision_maker",
)  # fmt: skip
PART: Final = 500_000  # customers in one part of customers.csv from a million on
# A second record was mostly opened on older papers: this share of them on an old mobile or ID number.
_SECOND_STALE_MOBILE: Final = 0.4
_SECOND_OLD_ID: Final = 0.3
ROLES: Final = ("owner", "authorised_user", "guarantor")


def customer_numbers(plan: Plan, number: Ints) -> Column:
    """Customer numbers: ten digits that say nothing of order or kin."""
    return join("1", number_text(scatter(number, 10**9, 387_420_489, plan.offsets["customer"]), 9))


@dataclass(frozen=True)
class Refused:
    """Which records and accounts of a chunk a strict reader will not have, by their own fault or by what
    they refer to."""

    record: Mask
    account: Mask


class CoreFiles:
    """The core system's files, written chunk by chunk."""

    def __init__(self, plan: Plan, bank: Institution, out: Path, dirt: Dirt) -> None:
        self.plan, self.bank, self.out, self.dirt = plan, bank, out, dirt
        self.outlet_codes = pa.array(bank.outlet_codes)
        self.manager_codes = pa.array(bank.manager_codes)
        self.relations = CsvSheet(out, "core/relations.csv", RELATION_HEADER)
        self.accounts = CsvSheet(out, "core/accounts.csv", ACCOUNT_HEADER)
        self.parties = CsvSheet(out, "core/account_parties.csv", PARTY_HEADER)
        names = [plan.month_name(month) for month in range(plan.months)]
        self.transactions = [
            ParquetSheet(out, f"core/transactions/{name}.parquet", TRANSACTION_SCHEMA)
            for name in names
        ]
        self.balances = [
            ParquetSheet(out, f"core/balances/{name}.parquet", BALANCE_SCHEMA) for name in names
        ]
        self.customer_parts: list[CsvSheet] = []
        self.next_account = 100_001
        self.next_transaction = 1

    def close(self) -> list[FileFacts]:
        """Close all files; their facts in reading order."""
        texts = [*self.customer_parts, self.relations, self.accounts, self.parties]
        tables = [*self.transactions, *self.balances]
        return [sheet.close() for sheet in texts] + [sheet.close() for sheet in tables]

    def write(
        self,
        people: People,
        records: Records,
        profiles: Profiles,
        accounts: Accounts,
        parties: Parties,
        ledger: Ledger,
        chunk: int,
    ) -> tuple[Column, Refused]:
        """Write one chunk; returns the customer numbers of its records and what will be refused."""
        numbers = customer_numbers(self.plan, records.number)
        bad_record = self._customers(people, records, profiles, numbers, chunk)
        self._relations(people, records, numbers, accounts, parties, bad_record, chunk)
        faulty = self._accounts(records, accounts, numbers, bad_record, chunk)
        bad_account = faulty | bad_record[accounts.record]
        keys = self.next_account + np.arange(len(accounts.record))
        self._parties(records, accounts, parties, numbers, keys, bad_record, bad_account)
        self._transactions(ledger, keys, bad_account)
        self._balances(ledger, keys, bad_account)
        self.next_account += len(accounts.record)
        return numbers, Refused(bad_record, bad_account)

    def _customer_sheet(self, chunk: int) -> CsvSheet:
        parted = self.plan.customers >= 1_000_000
        part = chunk * CHUNK // PART if parted else 0
        if part == len(self.customer_parts):
            name = f"core/customers-{part + 1:04d}.csv" if parted else "core/customers.csv"
            self.customer_parts.append(CsvSheet(self.out, name, CUSTOMER_HEADER))
        return self.customer_parts[part]

    def _customers(
        self, people: People, records: Records, profiles: Profiles, numbers: Column, chunk: int
    ) -> Mask:
        plan, dirt = self.plan, self.dirt
        rng = plan.random(chunk, 8)
        holder = records.holder
        count = len(holder)
        firm = people.is_firm[holder]
        everyone = np.ones(count, dtype=bool)

        def of(column: Column) -> Column:
            return column.take(holder)

        name, id_no, mobile, phone = (
            of(column)
            for column in (profiles.name, profiles.id_no, profiles.mobile, profiles.phone)
        )
        second = np.arange(count) >= people.core
        stale = np.union1d(
            hit(rng, dirt.stale_mobile, ~firm), hit(rng, _SECOND_STALE_MOBILE, second)
        )
        mobile = pc.if_else(
            pa.array(np.isin(np.arange(count), stale)),
            of(profiles.old_mobile),
            mobile,
        )
        name = soil.traditional(name, hit(rng, dirt.traditional, everyone))
        name = soil.spaced(name, hit(rng, dirt.spaced_name, ~firm))
        born_early = ~firm & (people.birth[holder] < 5_000)
        old, wrong, none = hit_apart(
            rng, (dirt.old_id, dirt.wrong_check_digit, dirt.missing_id), born_early
        )
        old = np.union1d(old, hit(rng, _SECOND_OLD_ID, second & born_early))
        id_no = soil.missing(soil.old_ids(soil.wrong_checks(id_no, wrong), old), none)
        wide = hit(rng, dirt.full_width, everyone)
        id_no = soil.full_width(id_no, wide[::2])
        mobile = soil.full_width(mobile, wide[1::2])
        mobile, phone = soil.exchanged(mobile, phone, hit(rng, dirt.swapped_columns, everyone))

        birth = of(profiles.birth)
        opened = dates(records.opened).cast(pa.string())
        odd, long, short = hit_apart(
            rng, (dirt.impossible_date, dirt.long_line, dirt.short_line), everyone
        )
        birth = soil.replaced(birth, odd[::2], soil.IMPOSSIBLE_DATES)
        opened = soil.replaced(opened, odd[1::2], soil.IMPOSSIBLE_DATES)
        updated = records.opened + (
            rng.random(count) ** 0.5 * (plan.today - records.opened)
        ).astype(np.int64)
        owner = np.where(firm, people.owner[holder], -1)
        columns = [
            numbers,
            pick(("P", "C"), firm.astype(np.int64)),
            name,
            pick(("id_card", "uscc"), firm.astype(np.int64)),
            id_no,
            of(profiles.sex),
            birth,
            mobile,
            phone,
            *(of(c) for c in (profiles.email, profiles.address, profiles.occupation)),
            *(of(c) for c in (profiles.industry, profiles.education, profiles.marital)),
            opened,
            pick(self.outlet_codes, records.outlet),
            pick(self.manager_codes, records.manager),
            pick(numbers, owner),
            dates(updated),
        ]
        # In order of number, so that neither kin nor second records stand side by side.
        order = np.argsort(scatter(records.number, 10**9, 387_420_489, plan.offsets["customer"]))
        place = np.empty(count, dtype=np.int64)
        place[order] = np.arange(count)
        sheet = self._customer_sheet(chunk)
        sheet.write(
            [column.take(order) for column in columns], long=place[long], short=place[short]
        )
        sheet.tally.reject("impossible_date", len(odd))
        return np.isin(np.arange(count), np.concatenate([odd, long, short]))

    def _relations(
        self,
        people: People,
        records: Records,
        numbers: Column,
        accounts: Accounts,
        parties: Parties,
        bad_record: Mask,
        chunk: int,
    ) -> None:
        rng = self.plan.random(chunk, 9)
        rows = np.arange(people.core)
        head = np.flatnonzero(people.role[: people.persons] == HEAD)
        heads = head[np.searchsorted(head, rows[: people.persons], side="right") - 1]
        kin = np.flatnonzero(
            np.isin(people.role[: people.persons], (SPOUSE, CHILD, PARENT))
            & (rng.random(people.persons) < 0.7)
        )
        workers = np.flatnonzero(people.employer[: people.core] >= 0)
        workers = workers[rng.random(len(workers)) < 0.6]
        firms = rows[people.persons :]
        boss = people.owner[firms]
        main = people.owned_firm[boss]
        second = main != firms
        deciding = workers[np.unique(people.employer[workers], return_index=True)[1]]
        deciding = deciding[rng.random(len(deciding)) < 0.5]
        signer = ~parties.guarantor
        holder = accounts.record[parties.account]
        groups = (
            (firms, boss, 0),
            (holder[signer], parties.record[signer], 1),
            (holder[~signer], parties.record[~signer], 2),
            (heads[kin], kin, 3),
            (workers, people.employer[workers], 4),
            (firms[second], main[second], 5),
            (people.employer[deciding], deciding, 6),
        )
        who = np.concatenate([group[0] for group in groups])
        whom = np.concatenate([group[1] for group in groups])
        kind = np.repeat([group[2] for group in groups], [len(group[0]) for group in groups])
        # A person may back two loans of one customer: that is one relation.
        _, first = np.unique((who * len(bad_record) + whom) * 8 + kind, return_index=True)
        who, whom, kind = who[first], whom[first], kind[first]
        since = np.maximum(records.opened[who], records.opened[whom])
        self.relations.write(
            [pick(numbers, who), pick(numbers, whom), pick(RELATIONS, kind), dates(since)]
        )
        self.relations.tally.orphans += int((bad_record[who] | bad_record[whom]).sum())

    def _accounts(
        self, records: Records, accounts: Accounts, numbers: Column, bad_record: Mask, chunk: int
    ) -> Mask:
        dirt = self.dirt
        rng = self.plan.random(chunk, 10)
        count = len(accounts.record)
        key = self.next_account + np.arange(count)
        unknown, amiss, odd = hit_apart(
            rng,
            (dirt.unknown_product, dirt.bad_amount, dirt.impossible_date),
            accounts.amount > 0,
        )
        principal = money(accounts.amount, accounts.amount < 0).cast(pa.string())
        product = pick([product.code for product in PRODUCTS], accounts.product)
        matures = dates(accounts.matures).cast(pa.string())
        has_rate = np.array([bool(product.rate) for product in PRODUCTS])[accounts.product]
        self.accounts.write(
            [
                key,
                join(
                    "80",
                    number_text(
                        scatter(key, 10**15, 387_420_489, self.plan.offsets["account"]), 15
                    ),
                ),
                pick(numbers, accounts.record),
                soil.replaced(product, unknown, soil.UNKNOWN_PRODUCTS),
                pick(self.outlet_codes, records.outlet[accounts.record]),
                dates(accounts.opened),
                dates(accounts.closed),
                pick(("CNY",), np.zeros(count, dtype=np.int64)),
                soil.replaced(principal, amiss, soil.BAD_AMOUNTS),
                money(accounts.rate, ~has_rate),
                soil.replaced(matures, odd, soil.IMPOSSIBLE_DATES),
                pick(STATUSES, accounts.status),
            ]
        )
        faulty = np.isin(np.arange(count), np.concatenate([unknown, amiss, odd]))
        tally = self.accounts.tally
        tally.reject("unknown_product", len(unknown))
        tally.reject("bad_amount", len(amiss))
        tally.reject("impossible_date", len(odd))
        tally.orphans += int((bad_record[accounts.record] & ~faulty).sum())
        tally.add("principal", int(accounts.amount[(accounts.amount > 0) & ~faulty].sum()))
        return faulty

    def _parties(
        self,
        records: Records,
        accounts: Accounts,
        parties: Parties,
        numbers: Column,
        keys: Ints,
        bad_record: Mask,
        bad_account: Mask,
    ) -> None:
        account = np.concatenate([np.arange(len(keys)), parties.account])
        record = np.concatenate([accounts.record, parties.record])
        role = np.concatenate([np.zeros(len(keys), dtype=np.int64), 1 + parties.guarantor])
        since = np.concatenate([accounts.opened, parties.since])
        self.parties.write([keys[account], pick(numbers, record), pick(ROLES, role), dates(since)])
        self.parties.tally.orphans += int((bad_account[account] | bad_record[record]).sum())

    def _transactions(self, ledger: Ledger, keys: Ints, bad_account: Mask) -> None:
        month = self.plan.month_of_day[ledger.day].astype(np.int8)
        order = np.argsort(month, kind="stable")
        edges = np.searchsorted(month[order], np.arange(self.plan.months + 1))
        for number, sheet in enumerate(self.transactions):
            rows = order[edges[number] : edges[number + 1]]
            cents = ledger.cents[rows]
            account = ledger.account[rows]
            sheet.write(
                [
                    pa.array(self.next_transaction + rows),
                    pa.array(keys[account]),
                    dates(ledger.day[rows] + self.plan.first_day),
                    labels(("in", "out"), cents < 0),
                    money(np.abs(cents)),
                    money(ledger.balance[rows]),
                    labels(KINDS, ledger.kind[rows]),
                    labels(CHANNELS, ledger.channel[rows]),
                ]
            )
            sheet.tally.orphans += int(bad_account[account].sum())
            sheet.tally.add("amount_in", int(cents[cents > 0].sum()))
            sheet.tally.add("amount_out", -int(cents[cents < 0].sum()))
        self.next_transaction += len(order)

    def _balances(self, ledger: Ledger, keys: Ints, bad_account: Mask) -> None:
        for month, sheet in enumerate(self.balances):
            rows = np.flatnonzero(ledger.open_at[:, month])
            balance = ledger.month_end[rows, month]
            average = ledger.average[rows, month]
            end = np.full(len(rows), self.plan.month_ends[month])
            sheet.write([pa.array(keys[rows]), dates(end), money(balance), money(average)])
            sheet.tally.orphans += int(bad_account[rows].sum())
            sheet.tally.add("balance", int(balance.sum()))
            sheet.tally.add("average_balance", int(average.sum()))
