"""What happens on the accounts: pay days, harvests, spring festivals, loans, deposits, leaving, windfalls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from zhike.packs.bank.sample.accounts import (
    CLOSED,
    LOAN,
    RATES,
    TERM,
    Accounts,
    Records,
    add_months,
    instalments_paid,
    months_between,
)
from zhike.packs.bank.sample.columns import NO_DAY, Ints, Mask, exact_sums
from zhike.packs.bank.sample.ledger import (
    ATM,
    AUTO,
    CARD,
    CASH,
    COUNTER,
    DRAWDOWN,
    FEE,
    HARVEST,
    INTEREST,
    MOBILE,
    OTHER,
    POS,
    RENT,
    REPAYMENT,
    SALARIES,
    TAX,
    TRANSFER,
    UTILITY,
    WEALTH_BUY,
    WEALTH_REDEEM,
    WEB,
    Journal,
    Ledger,
    balance_books,
)
from zhike.packs.bank.sample.members import Members
from zhike.packs.bank.sample.people import (
    FARMER,
    RETIRED,
    SALARY,
    SHOP,
    STUDENT,
    Floats,
    People,
)
from zhike.packs.bank.sample.plan import Plan

# Farm sales of January to December: wheat in June, rice in October. The mean is 1.
_SEASON: Final = np.array([0.3, 0.2, 0.2, 0.2, 0.3, 3.2, 0.9, 0.3, 1.4, 3.6, 1.1, 0.3])
_SPENDINGS: Final = np.array([1.9, 1.2, 1.8, 1.4, 1.7])  # a month, by life
_WAYS: Final = np.array(
    [[CARD, POS], [TRANSFER, MOBILE], [CASH, ATM], [CASH, COUNTER], [FEE, AUTO]]
)
_WAY_ODDS: Final = np.cumsum(
    [
        [0.42, 0.38, 0.14, 0.05, 0.01],
        [0.10, 0.25, 0.30, 0.34, 0.01],
        [0.20, 0.58, 0.12, 0.09, 0.01],
        [0.12, 0.10, 0.38, 0.39, 0.01],
        [0.55, 0.40, 0.04, 0.00, 0.01],
    ],
    axis=1,
)
_DRAIN: Final = 0.6  # what is left of a leaving customer's flows from month to month


@dataclass(frozen=True)
class Means:
    """What comes and goes in an ordinary month, in cents, one row per core entity.

    costs: of loans; dividend: from owned firms; wages: paid to employees who bank here.
    """

    income: Floats
    costs: Floats
    dividend: Floats
    wages: Floats
    renter: Mask


def run(
    plan: Plan, people: People, records: Records, accounts: Accounts, members: Members, chunk: int
) -> Ledger:
    """All postings of a chunk's accounts in the window, with balances."""
    rng = plan.random(chunk, 6)
    journal = Journal(plan, accounts.opened)
    costs, leaving = _deposits_and_loans(plan, rng, people, records, accounts, journal)
    means = _means(rng, people, costs)
    for month in range(plan.months):
        gone = np.clip(month - people.drift_month[: people.core] + 1, 0, 60)
        fading = np.where(people.drifting[: people.core], _DRAIN**gone, 1.0)
        _persons(plan, rng, people, journal, month, means, fading)
        _firms(plan, rng, people, journal, month, means, fading)
        _interest(plan, rng, people, records, accounts, journal, month)
    _leave(plan, rng, people, accounts, journal, leaving)
    _wealth(rng, people, members, journal)
    spare = _windfalls(people, accounts, journal)
    return balance_books(plan, accounts, journal, spare)


def _means(rng: np.random.Generator, people: People, costs: Floats) -> Means:
    core = people.core
    firm = slice(people.persons, core)
    income = people.income[:core].astype(np.float64)
    employer = people.employer[:core]
    wages = np.bincount(employer.clip(0), np.where(employer >= 0, income, 0.0), core)
    income[firm] = np.maximum(income[firm], 1.6 * wages[firm])
    dividend = np.bincount(people.owner[firm], 0.03 * income[firm], core)
    renter = (people.life[:core] == SALARY) & (rng.random(core) < 0.1)
    return Means(income, costs, dividend.astype(np.float64), wages.astype(np.float64), renter)


def _days(plan: Plan, rng: np.random.Generator, month: int, count: int) -> Ints:
    first, after = plan.month_starts[month], plan.month_starts[month + 1]
    return rng.integers(first, after, count)


def _split(rng: np.random.Generator, rows: Ints, number: Ints, total: Floats) -> tuple[Ints, Ints]:
    """`total` (cents) of each row cut into `number` uneven pieces: rows repeated, and the pieces."""
    which = np.repeat(np.arange(len(rows)), number)
    each = (total / np.maximum(number, 1))[which] * (0.4 + 1.2 * rng.random(len(which)))
    return rows[which], np.maximum(each, 100).astype(np.int64)


def _persons(
    plan: Plan,
    rng: np.random.Generator,
    people: People,
    journal: Journal,
    month: int,
    means: Means,
    fading: Floats,
) -> None:
    count = people.persons
    first = int(plan.month_starts[month])
    calendar = plan.calendar_month(month)
    festival = plan.spring_festival(month)
    life = np.where(month < people.change_month, people.life_before, people.life)[:count]
    awake = ~people.asleep[:count]
    fade, rest = fading[:count], means.income[:count]
    stays = awake & (rng.random(count) < fade)

    paid = np.flatnonzero(stays & (life == SALARY))
    noise = 1 + 0.02 * rng.standard_normal(len(paid))
    wage = (rest[paid] * noise * (1.8 if festival else 1.0)).astype(np.int64)
    journal.post(paid, first + people.payday[paid] - 1, wage, SALARIES, AUTO)
    employed = people.employer[paid] >= 0
    firm, payroll = np.unique(people.employer[paid[employed]], return_inverse=True)
    live = journal.opened[paid[employed]] <= first + people.payday[paid[employed]] - 1
    sums = exact_sums(payroll, wage[employed] * live, len(firm))
    journal.post(firm, first + people.payday[firm] - 1, -sums, SALARIES, WEB)

    pensioners = np.flatnonzero(stays & (life == RETIRED))
    journal.post(pensioners, first + 14, rest[pensioners].astype(np.int64), SALARIES, AUTO)

    season = _SEASON[calendar - 1]
    chance = min(1.0, 0.2 + 0.4 * season)
    sells = np.flatnonzero(stays & (life == FARMER) & (rng.random(count) < chance))
    sale = rest[sells] * season / chance * rng.uniform(0.6, 1.4, len(sells))
    way = np.where(rng.random(len(sells)) < 0.6, COUNTER, MOBILE)
    journal.post(sells, _days(plan, rng, month, len(sells)), sale.astype(np.int64), HARVEST, way)

    keepers = np.flatnonzero(awake & (life == SHOP))
    takings = (
        np.maximum(rest[keepers] - means.dividend[keepers], 0.1 * rest[keepers]) * fade[keepers]
    )
    takings *= 1.5 if festival else 0.95
    which, each = _split(rng, keepers, 2 + rng.poisson(1.2, len(keepers)), takings)
    kind = np.where(rng.random(len(which)) < 0.7, TRANSFER, CARD)
    journal.post(
        which, _days(plan, rng, month, len(which)), each, kind, np.where(kind == CARD, POS, MOBILE)
    )

    if calendar not in (7, 8):
        pupils = np.flatnonzero(awake & (life == STUDENT))
        allowance = (rest[pupils] * rng.uniform(0.8, 1.2, len(pupils))).astype(np.int64)
        journal.post(pupils, first + rng.integers(0, 8, len(pupils)), allowance, TRANSFER, MOBILE)

    tenants = np.flatnonzero(awake & means.renter[:count] & (people.role[:count] == 0))
    due = (rest[tenants] * 0.18 * fade[tenants]).astype(np.int64)
    journal.post(tenants, first + 4, -due, RENT, MOBILE)
    heads = np.flatnonzero(awake & (people.role[:count] == 0) & (life != STUDENT))
    bills = (rng.uniform(6_000, 30_000, len(heads)) * fade[heads]).astype(np.int64)
    journal.post(heads, first + 9 + rng.integers(0, 3, len(heads)), -bills, UTILITY, AUTO)

    fixed = means.costs[:count].copy()
    fixed[tenants] += due
    fixed[heads] += bills
    spenders = np.flatnonzero(awake)
    budget = np.maximum(rest - fixed, 0.2 * rest)[spenders] * fade[spenders]
    budget *= np.exp(0.2 * rng.standard_normal(len(spenders))) * (1.5 if festival else 0.98)
    if calendar in (7, 8):
        budget *= np.where(life[spenders] == STUDENT, 0.3, 1.0)
    which, each = _split(rng, spenders, 1 + rng.poisson(_SPENDINGS[life[spenders]] - 1), budget)
    way = (rng.random(len(which))[:, None] > _WAY_ODDS[life[which]]).sum(axis=1).clip(0, 4)
    each = np.where(way == 4, each // 50 + 100, each)
    journal.post(which, _days(plan, rng, month, len(which)), -each, _WAYS[way, 0], _WAYS[way, 1])

    sleepers = np.flatnonzero(~awake & (rng.random(count) < 0.04))
    little = rng.integers(5_000, 40_000, len(sleepers))
    journal.post(sleepers, _days(plan, rng, month, len(sleepers)), -little, CASH, ATM)
    if festival is not None:
        _spring_festival(rng, journal, festival, awake & (fade > 0.5), life, rest)


def _spring_festival(
    rng: np.random.Generator, journal: Journal, day: int, merry: Mask, life: Ints, income: Floats
) -> None:
    """Red packets before the feast, children's luck money after it, wages carried home to the village."""
    giving = np.flatnonzero(merry & (life != STUDENT) & (rng.random(len(life)) < 0.55))
    packet = rng.integers(5, 31, len(giving)) * 10_000
    way = np.where(rng.random(len(giving)) < 0.5, MOBILE, ATM)
    journal.post(
        giving,
        day - rng.integers(1, 11, len(giving)),
        -packet,
        np.where(way == ATM, CASH, TRANSFER),
        way,
    )
    lucky = np.flatnonzero(merry & (life == STUDENT) & (rng.random(len(life)) < 0.7))
    journal.post(
        lucky,
        day + rng.integers(0, 8, len(lucky)),
        rng.integers(2, 31, len(lucky)) * 10_000,
        TRANSFER,
        MOBILE,
    )
    home = np.flatnonzero(merry & (life == FARMER) & (rng.random(len(life)) < 0.35))
    brought = (income[home] * rng.uniform(1.0, 4.0, len(home)) // 10_000).astype(np.int64) * 10_000
    journal.post(home, day - rng.integers(1, 15, len(home)), brought, CASH, COUNTER)
    spent = day + rng.integers(5, 40, len(home))
    journal.post(home, spent, -brought, CASH, COUNTER)


def _firms(
    plan: Plan,
    rng: np.random.Generator,
    people: People,
    journal: Journal,
    month: int,
    means: Means,
    fading: Floats,
) -> None:
    firms = np.arange(people.persons, people.core)
    first = int(plan.month_starts[month])
    quarter = plan.calendar_month(month) % 3 == 1
    income, fade = means.income[firms], fading[firms]
    turnover = income * np.exp(0.15 * rng.standard_normal(len(firms))) * fade
    if plan.spring_festival(month) is not None:
        turnover *= 1.3
    which, each = _split(rng, firms, 2 + rng.poisson(3, len(firms)), turnover)
    way = np.where(rng.random(len(which)) < 0.85, WEB, COUNTER)
    journal.post(which, _days(plan, rng, month, len(which)), each, TRANSFER, way)

    share = (0.03 * income * fade).astype(np.int64)
    owner = people.owner[firms]
    both = np.maximum(journal.opened[firms], journal.opened[owner]) <= first + 26
    journal.post(firms[both], first + 26, -share[both], TRANSFER, WEB)
    journal.post(owner[both], first + 26, share[both], TRANSFER, MOBILE)
    power = (0.01 * income * fade).astype(np.int64)
    journal.post(firms, first + 19, -power, UTILITY, AUTO)
    spent = share + power + means.costs[firms]
    if quarter:
        tax = (0.06 * income * fade).astype(np.int64)
        journal.post(firms, first + 14, -tax, TAX, AUTO)
        tenants = firms % 3 == 0
        rent = (0.05 * income * fade).astype(np.int64)
        journal.post(firms[tenants], first + 7, -rent[tenants], RENT, WEB)
        spent = spent + tax + rent * tenants
    supplies = np.maximum(turnover - spent - means.wages[firms] * fade, 0.1 * turnover)
    which, each = _split(rng, firms, 1 + rng.poisson(2, len(firms)), supplies)
    journal.post(which, _days(plan, rng, month, len(which)), -each, TRANSFER, WEB)


def _interest(
    plan: Plan,
    rng: np.random.Generator,
    people: People,
    records: Records,
    accounts: Accounts,
    journal: Journal,
    month: int,
) -> None:
    """Quarterly interest on current accounts, and the little that happens on second accounts."""
    count = len(records.holder)
    if plan.calendar_month(month) % 3 == 0:
        rows = np.arange(count)
        quarterly = np.maximum(accounts.wanted[:count] // 8_000, 1)
        journal.post(rows, int(plan.month_starts[month]) + 20, quarterly, INTEREST, AUTO)
    second = np.arange(people.core, count)
    second = second[rng.random(len(second)) < 0.15]
    sign = np.where(rng.random(len(second)) < 0.5, 1, -1)
    change = sign * rng.integers(50, 500, len(second)) * 100
    journal.post(second, _days(plan, rng, month, len(second)), change, CASH, ATM)


def _deposits_and_loans(
    plan: Plan,
    rng: np.random.Generator,
    people: People,
    records: Records,
    accounts: Accounts,
    journal: Journal,
) -> tuple[Floats, Ints]:
    """Post both sides of every deposit and loan.

    Returns the monthly cost of each core entity's loans, and the deposits (cents) that came back to current
    accounts before their holders began to leave: those leave with them.
    """
    holder = records.holder[accounts.record]
    terms = np.flatnonzero(accounts.kind == TERM)
    sum_in = accounts.amount[terms]
    current = accounts.record[terms]
    way = np.where(rng.random(len(terms)) < 0.5, COUNTER, MOBILE)
    journal.post(terms, accounts.opened[terms], sum_in, TRANSFER, way)
    journal.post(current, accounts.opened[terms], -sum_in, TRANSFER, way)
    held = np.maximum(accounts.closed[terms] - accounts.opened[terms], 1)
    ended = accounts.status[terms] == CLOSED
    interest = np.where(ended, sum_in * accounts.rate[terms] // 10_000 * held // 365, 0)
    day = np.where(ended, accounts.closed[terms], NO_DAY)
    journal.post(terms, day, interest, INTEREST, AUTO)
    journal.post(terms, day, -(sum_in + interest), TRANSFER, AUTO)
    journal.post(current, day, sum_in + interest, TRANSFER, AUTO)
    leaver = people.drift_month[holder[terms]]
    gone = ended & (leaver >= 0) & (day >= plan.month_starts[leaver.clip(0)])
    taken = terms[gone]
    journal.post(
        current[gone],
        np.minimum(day[gone] + rng.integers(1, 4, len(taken)), plan.today),
        -(sum_in + interest)[gone],
        TRANSFER,
        np.where(rng.random(len(taken)) < 0.7, MOBILE, COUNTER),
    )
    back = ended & ~gone & (day >= plan.first_day)
    leaving = exact_sums(current[back], sum_in[back], len(holder))

    loans = np.flatnonzero(accounts.kind == LOAN)
    amount, opened, number = (
        accounts.amount[loans],
        accounts.opened[loans],
        accounts.instalments[loans],
    )
    current = accounts.record[loans]
    journal.post(loans, opened, amount, DRAWDOWN, COUNTER)
    journal.post(current, opened, amount, DRAWDOWN, COUNTER)
    used = np.minimum(opened + rng.integers(0, 8, len(loans)), plan.today)
    fresh = opened >= plan.first_day
    journal.post(current[fresh], used[fresh], -amount[fresh], TRANSFER, COUNTER)
    at_once = (number == 0) & (accounts.status[loans] == CLOSED)
    due = np.where(at_once, accounts.matures[loans], NO_DAY)
    raised = np.where(at_once, np.maximum(due - rng.integers(0, 4, len(loans)), opened), NO_DAY)
    inside = due >= plan.first_day
    journal.post(
        current[inside],
        np.maximum(raised, plan.first_day)[inside],
        amount[inside],
        TRANSFER,
        COUNTER,
    )
    journal.post(loans, due, -amount, REPAYMENT, AUTO)
    journal.post(current, due, -amount, REPAYMENT, AUTO)

    each = amount // np.maximum(number, 1)
    limit = instalments_paid(accounts)[loans]
    alive = np.where(accounts.status[loans] == CLOSED, accounts.matures[loans], plan.today)
    rate = accounts.rate[loans] / 120_000
    for month in range(plan.months):
        k = months_between(opened, int(plan.month_starts[month]))
        day = add_months(opened, np.maximum(k, 0))
        pays = (k >= 1) & (k <= limit) & (number > 0)
        piece = np.where(k == number, amount - each * (number - 1), each)[pays]
        journal.post(loans[pays], day[pays], -piece, REPAYMENT, AUTO)
        journal.post(current[pays], day[pays], -piece, REPAYMENT, AUTO)
        owed = np.where(number > 0, amount - each * (k - 1).clip(0), amount)
        charged = (k >= 1) & (day <= alive) & ((number == 0) | pays)
        journal.post(
            current[charged],
            day[charged],
            -np.maximum((owed * rate).astype(np.int64), 1)[charged],
            INTEREST,
            AUTO,
        )
    monthly = np.where(number > 0, each, 0) + amount * rate * 0.8
    living = accounts.status[loans] != CLOSED
    costs = np.bincount(holder[loans[living]], monthly[living], people.core)
    return costs.astype(np.float64), leaving


def _leave(
    plan: Plan,
    rng: np.random.Generator,
    people: People,
    accounts: Accounts,
    journal: Journal,
    returned: Ints,
) -> None:
    """Customers who drift away carry their balance out in shrinking transfers, month after month."""
    rows = np.flatnonzero(people.drifting[: people.core])
    store = accounts.wanted[rows] + returned[rows]
    months = plan.months - people.drift_month[rows]
    whole = 1 - _DRAIN ** months.astype(np.float64)
    for step in range(int(months.max(initial=0))):
        going = rows[months > step]
        part = (1 - _DRAIN) * _DRAIN**step / whole[months > step]
        cents = (0.96 * store[months > step] * part).astype(np.int64)
        month = people.drift_month[going] + step
        last = plan.month_ends[month]
        day = np.minimum(plan.month_starts[month] + rng.integers(2, 26, len(going)), last)
        way = np.where(rng.random(len(going)) < 0.8, MOBILE, COUNTER)
        journal.post(going, day, -cents, TRANSFER, way)
    # What is wanted at the end is the twenty-fifth part that stays.
    accounts.wanted[rows] //= 25


def _wealth(rng: np.random.Generator, people: People, members: Members, journal: Journal) -> None:
    """What is bought in the card system is paid from the current account and comes back to it."""
    rows = members.row[members.of]
    held = np.flatnonzero(rows < people.core)
    cents, current = members.principal[held], rows[held]
    way = np.where(rng.random(len(held)) < 0.7, MOBILE, COUNTER)
    journal.post(current, members.bought[held], -cents, WEALTH_BUY, way)
    back = members.redeemed[held]
    days = (members.matures - members.bought)[held][back]
    gain = cents[back] * RATES[members.product[held]][back] // 10_000 * days // 365
    journal.post(
        current[back], members.matures[held][back], cents[back] + gain, WEALTH_REDEEM, AUTO
    )


def _windfalls(people: People, accounts: Accounts, journal: Journal) -> Ints:
    """Post the windfalls; returns the cents that stay where they came in, by account."""
    rows = np.flatnonzero(people.windfall[: people.core] > 0)
    cents = people.windfall[rows]
    harvest = people.life[rows] == FARMER
    journal.post(rows, people.windfall_day[rows], cents, np.where(harvest, HARVEST, OTHER), AUTO)
    spare = np.zeros(len(accounts.record), dtype=np.int64)
    spare[rows] = cents
    return spare
