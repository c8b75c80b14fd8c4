"""People and firms of one chunk: households, lives, wealth, who owns and who works where.

A chunk is closed: family, owner, employer and guarantor of a customer are always in the customer's own chunk.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from zhike.packs.bank.sample import words
from zhike.packs.bank.sample.columns import Column, Ints, Mask, join, pick
from zhike.packs.bank.sample.identifiers import ID_SPACE
from zhike.packs.bank.sample.institution import Institution
from zhike.packs.bank.sample.plan import CARD_ONLY, CHUNK, Plan

Floats = npt.NDArray[np.float64]

LIVES: Final = ("salary", "farmer", "shop", "retired", "student", "firm")
SALARY, FARMER, SHOP, RETIRED, STUDENT, FIRM = range(6)
FIRM_SHARE: Final = 0.04
NOBODY: Final = -1

_YEAR = 365.2425
# Median and spread of deposits: with the terms drawn from them the richest fifth holds about four fifths.
_MEDIAN_YUAN = np.array([15_000, 8_000, 26_000, 20_000, 1_200, 120_000], dtype=np.float64)
_SPREAD = np.array([1.55, 1.55, 1.6, 1.5, 0.9, 1.6])
_INCOME_YUAN = np.array([5_200, 2_600, 9_000, 2_900, 1_300, 90_000], dtype=np.float64)


@dataclass(frozen=True)
class People:
    """One chunk's entities: persons of the core system, its firms, then the card system's own people.

    All arrays have one row per entity; rows refer to each other by position, NOBODY for none. Days are
    numbers since 1970-01-01, money is in whole cents.
    """

    persons: int
    core: int
    entity: Ints
    birth: Ints
    female: Ints
    surname: Ints
    given: Ints
    life: Ints
    life_before: Ints
    change_month: Ints
    household: Ints
    role: Ints
    owned_firm: Ints
    owner: Ints
    employer: Ints
    payday: Ints
    asleep: Mask
    drift_month: Ints
    windfall_day: Ints
    windfall: Ints
    wealth: Ints
    income: Ints
    opened: Ints
    outlet: Ints
    manager: Ints
    trade: Ints

    @property
    def is_firm(self) -> Mask:
        """Which entities are firms."""
        firms: Mask = self.life == FIRM
        return firms

    @property
    def drifting(self) -> Mask:
        """Which entities are on their way out."""
        return self.drift_month >= 0


def first_prospect(plan: Plan) -> int:
    """The entity number after the last customer of any system."""
    return (
        plan.customers
        + (plan.chunks - 1) * round(CHUNK * CARD_ONLY)
        + plan.card_only(plan.chunks - 1)
    )


def given_names(rng: np.random.Generator, birth: Ints, female: Ints) -> Ints:
    """Indexes into words.GIVEN_NAMES fitting the bearers' sex and age."""
    born = birth / _YEAR + 1970
    era = (born >= 1976).astype(np.int64) + (born >= 1996)
    starts = np.array([[words.GIVEN_SPANS[sex, e] for e in range(3)] for sex in (0, 1)])
    start, singles, pairs = np.moveaxis(starts[female, era], -1, 0)
    single = rng.random(len(birth)) < np.array([0.12, 0.3, 0.08])[era]
    span = np.where(single, singles, pairs)
    drawn = (rng.random(len(birth)) * span).astype(np.int64)
    chosen: Ints = start + np.where(single, 0, singles) + drawn
    return chosen


def surnames(rng: np.random.Generator, count: int) -> Ints:
    """Indexes into words.SURNAMES, the first ones the most frequent."""
    weight = 1 / (np.arange(len(words.SURNAMES)) + 6.0)
    return np.searchsorted(np.cumsum(weight / weight.sum())[:-1], rng.random(count))


def names(people: People) -> Column:
    """Full names: of persons by surname and given name, of firms by county, brand, trade and form."""
    person = join(pick(words.SURNAMES, people.surname), pick(words.GIVEN_NAMES, people.given))
    firm = slice(people.persons, people.core)
    number = people.entity[firm] * 7919
    trades = [trade for trade, _ in words.TRADES]
    firms = join(
        pick(words.COUNTIES, number // 132 % len(words.COUNTIES)),
        pick(words.BRANDS, number % len(words.BRANDS)),
        pick(trades, people.trade[firm]),
        pick(words.FIRM_FORMS, np.where(people.trade[firm] < 3, 3, number // 7 % 3)),
    )
    return pa.concat_arrays([person[: people.persons], firms, person[people.core :]])


def settle(plan: Plan, bank: Institution, chunk: int) -> People:
    """Draw one chunk's population."""
    rng = plan.random(chunk, 2)
    core = plan.chunk_size(chunk)
    firms = round(core * FIRM_SHARE)
    persons = core - firms
    extra = plan.card_only(chunk)
    total = core + extra
    firm = slice(persons, core)
    entity = np.concatenate(
        [
            chunk * CHUNK + np.arange(core),
            plan.customers + chunk * round(CHUNK * CARD_ONLY) + np.arange(extra),
        ]
    )

    household, role, head = _households(rng, persons, total)
    age, female = _ages(rng, role, head)
    life = _lives(rng, age, female)
    life[firm] = FIRM
    age[firm] = rng.uniform(0.5, 18, firms)
    birth = plan.today - (age * _YEAR).astype(np.int64)
    # Where ID numbers run out of areas and sequence numbers, twins in both are kept apart by their birthday.
    if first_prospect(plan) + 50_000 > ID_SPACE:
        birth -= (birth - entity // ID_SPACE) % 3

    owner, owned_firm = _owners(rng, role, age, persons, core, total)
    owners = np.flatnonzero(owned_firm >= 0)
    life[owners] = SHOP
    life_before, change_month = _changes(plan, rng, life, age, female, owned_firm)

    employer = np.full(total, NOBODY)
    payday = rng.choice(np.array([5, 8, 10, 15, 20, 25]), total)
    workers = np.flatnonzero((life[:persons] == SALARY) & (rng.random(persons) < 0.5))
    size = rng.pareto(1.1, firms) + 0.3
    employer[workers] = persons + np.searchsorted(
        np.cumsum(size / size.sum())[:-1], rng.random(len(workers))
    )
    payday[workers] = payday[employer[workers]]
    payday[life == RETIRED] = 15

    asleep = (rng.random(total) < 0.14) & (life != FIRM) & (owned_firm < 0) & (employer < 0)
    rank = rng.standard_normal(total)
    wealth_yuan = _MEDIAN_YUAN[life] * np.exp(_SPREAD[life] * rank)
    wealth_yuan *= np.where(asleep, 0.15, 1.0)
    income_yuan = _INCOME_YUAN[life] * np.exp(0.25 * rank + 0.25 * rng.standard_normal(total))
    income_yuan[firm] *= np.exp(0.5 * rank[firm])

    here = np.arange(total) < core
    drift_month = np.full(total, NOBODY)
    may_drift = ~asleep & (life != STUDENT) & (rank > -0.3) & (owned_firm < 0) & (change_month == 0)
    leaving = np.flatnonzero(may_drift & here & (rng.random(total) < 0.06))
    back = rng.integers(4, 11, len(leaving))
    drift_month[leaving] = np.maximum(plan.months - back, min(2, plan.months - 1))

    windfall_day = np.full(total, NOBODY)
    lucky = np.flatnonzero(
        here
        & (rng.random(total) < 0.008)
        & ~asleep
        & (drift_month < 0)
        & (life != FIRM)
        & (life != STUDENT)
    )
    windfall_day[lucky] = np.maximum(plan.today - rng.integers(10, 200, len(lucky)), plan.first_day)
    harvest = life[lucky] == FARMER
    windfall = np.zeros(total, dtype=np.int64)
    windfall[lucky] = (
        np.where(harvest, rng.integers(60, 200, len(lucky)), rng.integers(180, 1_200, len(lucky)))
        * 100_000
    )

    outlet_of_home = np.searchsorted(np.cumsum(bank.outlet_weight)[:-1], rng.random(total))
    outlet = outlet_of_home[household]
    managed = (life == FIRM) | (~asleep & (life != STUDENT) & (rank > -0.42)) | (owned_firm >= 0)
    seat = (rng.random(total) * bank.manager_count[outlet]).astype(np.int64)
    manager = np.where(managed, bank.manager_first[outlet] + seat, NOBODY)

    grown = np.where(life == FIRM, birth, birth + int(16 * _YEAR))
    since = plan.today - (rng.random(total) ** 0.7 * 20 * _YEAR).astype(np.int64)
    opened = np.minimum(np.maximum(grown, since), plan.today - rng.integers(0, 30, total))
    windfall_day = np.where(windfall_day >= 0, np.maximum(windfall_day, opened), NOBODY)

    surname = surnames(rng, total)
    born_to = np.where(female[head] == 0, head, np.minimum(head + 1, total - 1))
    surname = np.where(
        role == CHILD, surname[born_to], np.where(role == PARENT, surname[head], surname)
    )
    return People(
        persons=persons,
        core=core,
        entity=entity,
        birth=birth,
        female=female,
        surname=surname,
        given=given_names(rng, birth, female),
        life=life,
        life_before=life_before,
        change_month=change_month,
        household=household,
        role=role,
        owned_firm=owned_firm,
        owner=owner,
        employer=employer,
        payday=payday,
        asleep=asleep,
        drift_month=drift_month,
        windfall_day=windfall_day,
        windfall=windfall,
        wealth=(wealth_yuan * 100).astype(np.int64),
        income=(income_yuan * 100).astype(np.int64),
        opened=opened,
        outlet=outlet,
        manager=manager,
        trade=rng.integers(0, len(words.TRADES), total),
    )


HEAD, SPOUSE, CHILD, PARENT = range(4)


def _households(rng: np.random.Generator, persons: int, total: int) -> tuple[Ints, Ints, Ints]:
    """Household number, place in it (0 head, 1 spouse, 2 and 3 child or parent) and row of its head.

    Firms and the card system's own people stand alone.
    """
    sizes = rng.choice(4, persons, p=[0.42, 0.28, 0.2, 0.1]) + 1
    ends = np.cumsum(sizes)
    sizes = sizes[: int(np.searchsorted(ends, persons)) + 1]
    sizes[-1] -= int(sizes.sum()) - persons
    sizes = np.concatenate([sizes, np.ones(total - persons, dtype=sizes.dtype)])
    household = np.repeat(np.arange(len(sizes)), sizes)
    head = np.repeat(np.cumsum(sizes) - sizes, sizes)
    place = np.arange(total) - head
    return household, place, head


def _ages(rng: np.random.Generator, place: Ints, head: Ints) -> tuple[Floats, Ints]:
    """Ages in years and sexes; turns `place` into roles in place: the third is a child where the head is
    old enough, else a parent, and the fourth the other way round."""
    total = len(place)
    alone = np.append(head[1:], total) == np.arange(1, total + 1)
    alone &= place == 0
    age = np.clip(rng.normal(46, 14, total), 23, 88)
    age = np.where(alone, rng.uniform(17, 80, total), age)
    female = rng.integers(0, 2, total)
    of_head, sex_of_head = age[head], female[head]
    gap = rng.uniform(23, 30, total)
    has_child = (of_head >= 41) & (of_head < 75)
    child = ((place == 2) & has_child) | ((place == 3) & (of_head > 66))
    age = np.where(place == 1, np.clip(of_head + rng.normal(-1, 3, total), 22, 90), age)
    female = np.where(place == 1, 1 - sex_of_head, female)
    age = np.where(place >= 2, np.where(child, of_head - gap, of_head + gap), age)
    place[place >= 2] = np.where(child[place >= 2], CHILD, PARENT)
    return np.clip(age, 16.2, 96), female


def _lives(rng: np.random.Generator, age: Floats, female: Ints) -> Ints:
    life = rng.choice(3, len(age), p=[0.5, 0.3, 0.2])
    chance = rng.random(len(age))
    life[(age > np.where(female == 1, 55, 60)) & (chance < 0.85)] = RETIRED
    life[(age < 23) & (chance < np.where(age < 19, 0.97, 0.75))] = STUDENT
    return life


def _owners(
    rng: np.random.Generator, role: Ints, age: Floats, persons: int, core: int, total: int
) -> tuple[Ints, Ints]:
    """Owner of each firm, and the (first) firm each person owns."""
    firms = core - persons
    fit = np.flatnonzero((role[:persons] == HEAD) & (age[:persons] > 28) & (age[:persons] < 66))
    chosen = rng.choice(fit, min(len(fit), max(1, round(firms * 0.88))), replace=False)
    of_firm = chosen[np.arange(firms) % len(chosen)]
    owner = np.full(total, NOBODY)
    owner[persons:core] = of_firm
    owned = np.full(total, NOBODY)
    owned[of_firm[::-1]] = np.arange(core - 1, persons - 1, -1)
    return owner, owned


def _changes(
    plan: Plan, rng: np.random.Generator, life: Ints, age: Floats, female: Ints, owned: Ints
) -> tuple[Ints, Ints]:
    """The life before and the month it changed: graduates in July, pensioners at any month; 0 for never."""
    before = life.copy()
    month = np.zeros(len(life), dtype=np.int64)
    julys = [m for m in range(1, plan.months) if plan.calendar_month(m) == 7]
    if julys:
        graduates = np.flatnonzero((life == SALARY) & (age > 21) & (age < 25) & (owned < 0))
        before[graduates] = STUDENT
        month[graduates] = rng.choice(np.array(julys), len(graduates))
    if plan.months > 2:
        limit = np.where(female == 1, 55, 60)
        fresh = np.flatnonzero((life == RETIRED) & (age < limit + plan.months / 12))
        before[fresh] = SALARY
        month[fresh] = rng.integers(1, plan.months, len(fresh))
    return before, month
