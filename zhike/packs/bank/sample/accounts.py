"""Accounts of one chunk: current accounts, term deposits, loans and payment agreements, and their parties."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from zhike.packs.bank.sample.columns import NO_DAY, Ints, Mask
from zhike.packs.bank.sample.institution import PRODUCT_INDEX, PRODUCTS
from zhike.packs.bank.sample.people import (
    FARMER,
    FIRM,
    NOBODY,
    RETIRED,
    SALARY,
    SHOP,
    SPOUSE,
    STUDENT,
    People,
)
from zhike.packs.bank.sample.plan import Plan

STATUSES: Final = ("open", "closed", "dormant", "overdue")
OPEN, CLOSED, DORMANT, OVERDUE = range(4)
CURRENT, TERM, LOAN, AGREEMENT = range(4)

_TERMS = tuple(PRODUCT_INDEX[code] for code in ("DP101", "DP102", "DP103", "DP104", "DP105"))
_TERM_ODDS = (0.12, 0.18, 0.38, 0.12, 0.2)
TERM_MONTHS: Final = np.array([product.term_months or 0 for product in PRODUCTS])
RATES: Final = np.array([round(float(product.rate or 0) * 100) for product in PRODUCTS])


@dataclass(frozen=True)
class Records:
    """Customer records of the core system: one per core entity, then duplicates opened at another outlet.

    holder: row of the entity; number: what customer_no is scrambled from.
    """

    holder: Ints
    number: Ints
    outlet: Ints
    manager: Ints
    opened: Ints


@dataclass(frozen=True)
class Accounts:
    """One row per account; the first rows are the current accounts, in the order of the records, so that
    `record` is also the row of the current account that a deposit or loan is paid from and to.

    record: row of the customer record; amount: principal in cents (-1 for none); wanted: balance a current
    account should stand around, in cents; instalments: of an amortised loan, else 0; rate: percent a year times 100.
    """

    record: Ints
    kind: Ints
    product: Ints
    opened: Ints
    closed: Ints
    matures: Ints
    amount: Ints
    wanted: Ints
    instalments: Ints
    rate: Ints
    status: Ints


@dataclass(frozen=True)
class Parties:
    """Further persons on an account: row of the account, row of the record, since when."""

    account: Ints
    record: Ints
    since: Ints
    guarantor: Mask


def enrol(plan: Plan, people: People, chunk: int, duplicate_rate: float, outlets: int) -> Records:
    """The chunk's customer records; every duplicate stands for a person who came to a second outlet."""
    rng = plan.random(chunk, 3)
    again = max(1, round(people.core * duplicate_rate)) if duplicate_rate else 0
    twice = np.sort(rng.choice(people.persons, again, replace=False))
    first = np.arange(people.core)
    away = 1 + (rng.random(again) * (outlets - 1)).astype(np.int64)
    later = people.opened[twice] + (
        rng.random(again) * (plan.today - people.opened[twice] + 1)
    ).astype(np.int64)
    return Records(
        holder=np.concatenate([first, twice]),
        number=np.concatenate([people.entity[first], 20_000_000 + people.entity[twice]]),
        outlet=np.concatenate([people.outlet[first], (people.outlet[twice] + away) % outlets]),
        manager=np.concatenate([people.manager[first], np.full(again, NOBODY)]),
        opened=np.concatenate([people.opened[first], later]),
    )


def add_months(days: Ints, months: Ints) -> Ints:
    """The same day of the month so many months later, the last day where there is no such day."""
    date = days.astype("datetime64[D]")
    month = date.astype("datetime64[M]")
    day = (date - month.astype("datetime64[D]")).astype(np.int64)
    target = month + months
    last = ((target + 1).astype("datetime64[D]") - target.astype("datetime64[D]")).astype(np.int64)
    same_day: Ints = target.astype("datetime64[D]").astype(np.int64) + np.minimum(day, last - 1)
    return same_day


def open_accounts(plan: Plan, people: People, records: Records, chunk: int) -> Accounts:
    """Draw the chunk's accounts; none was opened before its customer came or after `as_of`."""
    rng = plan.random(chunk, 4)
    holder = records.holder
    count = len(holder)
    firm = people.is_firm[holder]
    wealth = people.wealth[holder].copy()
    wealth[people.core :] //= 20  # a second record holds small change

    terms, term_of, principal, wanted = _terms(rng, people, records, wealth)
    loans, loan_of, loan_amount, repaid_by_month = _loans(rng, people, records)
    shops = np.flatnonzero(
        (people.life[holder[: people.core]] == SHOP) & (rng.random(people.core) < 0.4)
    )
    payers = np.flatnonzero(firm & (rng.random(count) < 0.6))
    agreements = np.concatenate([shops, payers])

    record = np.concatenate([np.arange(count), term_of, loan_of, agreements])
    kind = np.repeat(
        [CURRENT, TERM, LOAN, AGREEMENT], [count, len(term_of), len(loan_of), len(agreements)]
    )
    product = np.concatenate(
        [
            np.where(firm, PRODUCT_INDEX["DC001"], PRODUCT_INDEX["DP001"]),
            terms,
            loans,
            np.repeat([PRODUCT_INDEX["PY001"], PRODUCT_INDEX["PY002"]], [len(shops), len(payers)]),
        ]
    )
    amount = np.full(len(record), -1)
    amount[kind == TERM] = principal
    amount[kind == LOAN] = loan_amount

    months = TERM_MONTHS[product]
    earliest = records.opened[record]
    opened = earliest.copy()
    dated = np.flatnonzero((kind == TERM) | (kind == LOAN))
    # Opened up to 1.3 terms ago: about a quarter has run out already, and as many will within a quarter-term.
    age = rng.random(len(dated)) * months[dated] * np.where(months[dated] > 100, 0.5, 1.3) * 30.4
    opened[dated] = np.maximum(earliest[dated], plan.today - age.astype(np.int64))
    matures = np.full(len(record), NO_DAY)
    matures[dated] = add_months(opened[dated], months[dated])
    status = np.full(len(record), OPEN)
    status[:count][people.asleep[holder]] = DORMANT
    run_out = (matures != NO_DAY) & (matures <= plan.today)
    unpaid = run_out & (kind == LOAN) & (rng.random(len(record)) < 0.06)
    status[run_out] = CLOSED
    status[unpaid] = OVERDUE
    # Who drifts away lets no deposit run past today's date: it is broken when the drift begins.
    started = people.drift_month[holder[record]]
    broken = (kind == TERM) & (started >= 0) & ~run_out
    leave = np.maximum(
        plan.month_starts[np.maximum(started, 0)] + rng.integers(3, 60, len(record)), opened + 1
    )
    broken &= leave <= plan.today
    status[broken] = CLOSED
    closed = np.where(status == CLOSED, np.where(broken, leave, matures), NO_DAY)
    instalments = np.zeros(len(record), dtype=np.int64)
    instalments[kind == LOAN] = np.where(repaid_by_month, months[kind == LOAN], 0)
    return Accounts(
        record=record,
        kind=kind,
        product=product,
        opened=opened,
        closed=closed,
        matures=matures,
        amount=amount,
        wanted=np.concatenate([wanted, np.zeros(len(record) - count, dtype=np.int64)]),
        instalments=instalments,
        rate=RATES[product],
        status=status,
    )


def _terms(
    rng: np.random.Generator, people: People, records: Records, wealth: Ints
) -> tuple[Ints, Ints, Ints, Ints]:
    """Products, records and principals of the term deposits, and what stays on the current accounts."""
    holder = records.holder
    firm = people.is_firm[holder]
    odds = np.array([0.45, 0.5, 0.4, 0.75, 0.0, 0.12])[people.life[holder]]
    saves = (wealth > 1_000_000) & (rng.random(len(holder)) < odds) & ~people.asleep[holder]
    share = np.where(saves, rng.uniform(0.35, 0.9, len(holder)), 0)
    number = np.where(saves, 1 + rng.binomial(3, np.clip(wealth / 4e7, 0.05, 0.6)), 0)
    number[firm] = np.minimum(number[firm], 1)
    of = np.repeat(np.arange(len(holder)), number)
    each = (wealth * share)[of] / np.maximum(number[of], 1)
    principal = np.maximum(np.round(each / 100_000), 1).astype(np.int64) * 100_000
    product = rng.choice(np.array(_TERMS), len(of), p=_TERM_ODDS)
    product[firm[of]] = PRODUCT_INDEX["DC101"]
    left = np.maximum(wealth - np.bincount(of, principal, len(holder)).astype(np.int64), 1_000)
    return product, of, principal, left


def _loans(
    rng: np.random.Generator, people: People, records: Records
) -> tuple[Ints, Ints, Ints, Mask]:
    """Products, records and amounts of the loans, and whether they are repaid month by month."""
    life = people.life[: people.core]
    odds = np.zeros((6, 2))
    odds[SALARY] = 0.09, 0.10  # consumer credit, mortgage
    odds[FARMER] = 0.14, 0.02  # farm credit, mortgage
    odds[SHOP] = 0.16, 0.08  # business credit, mortgage
    odds[FIRM] = 0.3, 0.0
    main = np.full(6, PRODUCT_INDEX["LP002"])
    main[FARMER], main[SHOP], main[FIRM] = (PRODUCT_INDEX[c] for c in ("LP001", "LP004", "LC001"))
    awake = ~people.asleep[: people.core] & (life != RETIRED) & (life != STUDENT)
    first = np.flatnonzero(awake & (rng.random(people.core) < odds[life, 0]))
    homes = np.flatnonzero(awake & (rng.random(people.core) < odds[life, 1]))
    of = np.concatenate([first, homes])
    product = np.concatenate([main[life[first]], np.full(len(homes), PRODUCT_INDEX["LP003"])])
    typical = np.zeros(len(PRODUCTS))
    for code, yuan in (
        ("LP001", 50_000),
        ("LP002", 60_000),
        ("LP003", 350_000),
        ("LP004", 150_000),
        ("LC001", 800_000),
    ):
        typical[PRODUCT_INDEX[code]] = yuan
    yuan = typical[product] * np.exp(0.45 * rng.standard_normal(len(of)))
    amount = np.maximum(np.round(yuan / 1_000), 5).astype(np.int64) * 100_000
    monthly = (product == PRODUCT_INDEX["LP002"]) | (product == PRODUCT_INDEX["LP003"])
    return product, of, amount, monthly


def add_parties(
    plan: Plan, people: People, records: Records, accounts: Accounts, chunk: int
) -> Parties:
    """Spouses who may sign, and guarantors of loans: a firm's owner, else the spouse, else a neighbour."""
    rng = plan.random(chunk, 5)
    holder = records.holder[accounts.record]
    rows = np.arange(len(holder))
    following = np.minimum(holder + 1, people.persons - 1)
    married = (
        (people.role[holder] == 0)
        & (people.role[following] == SPOUSE)
        & (people.household[following] == people.household[holder])
        & (accounts.record < people.core)
    )
    signs = np.flatnonzero((accounts.kind == CURRENT) & married & (rng.random(len(rows)) < 0.12))
    backed = np.flatnonzero((accounts.kind == LOAN) & (rng.random(len(rows)) < 0.55))
    neighbour = rng.integers(0, people.persons, len(backed))
    backer = np.where(
        people.is_firm[holder[backed]],
        people.owner[holder[backed]],
        np.where(married[backed], following[backed], neighbour),
    )
    real = (backer != holder[backed]) & (backer >= 0)
    account = np.concatenate([signs, backed[real]])
    party = np.concatenate([following[signs], backer[real]])
    return Parties(
        account=account,
        record=party,
        since=np.maximum(accounts.opened[account], records.opened[party]),
        guarantor=np.arange(len(account)) >= len(signs),
    )


def months_between(earlier: Ints, later: Ints | int) -> Ints:
    """Calendar months from one day number to another, the days of the month left out of account."""
    first = earlier.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    last = np.asarray(later).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return last - first


def instalments_paid(accounts: Accounts) -> Ints:
    """Instalments of each loan that are ever paid: the last three of an overdue one are not."""
    return np.where(accounts.status == OVERDUE, accounts.instalments - 3, accounts.instalments)


def repaid(accounts: Accounts, today: int) -> Ints:
    """Principal repaid by instalments up to a day, in cents; 0 for a loan repaid at once."""
    past = months_between(accounts.opened, today)
    past -= add_months(accounts.opened, past) > today
    number = np.minimum(past, instalments_paid(accounts))
    each = accounts.amount // np.maximum(accounts.instalments, 1)
    whole = number == accounts.instalments
    return np.where(accounts.instalments == 0, 0, np.where(whole, accounts.amount, number * each))
