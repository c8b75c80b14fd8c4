"""The rules of data quality, and what they make of customers. Pure: no ORM, no clock.

A rule asks one thing of one fact: is it there (complete), can it be (plausible), do the sources agree (consistent), was
it said or confirmed lately (fresh), did somebody check it (verified). Which rules there are stands here; how much each
weighs, after how many days it speaks and for which types of customers is data (`Terms`).

Rules go over columns, one row a customer, so that a million customers take seconds. What can be and what is asked for
is what `customers.rules` says of one customer (`implausible`, `required`); a test holds the columns against it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from zhike.customers.rules import EARLIEST_BIRTH, PERSONAL_TYPES

OLDEST_YEARS = 120
MOST_EMPLOYEES = 3_000_000
FORMER, PROSPECT = "former", "prospect"
YEAR = 365

Flags = npt.NDArray[np.bool_]
Days = npt.NDArray[np.datetime64]
Counts = npt.NDArray[np.int64]
NEVER = np.datetime64("NaT", "D")
LAST_DAY = np.datetime64(date.max, "D")


class Dimension(StrEnum):
    COMPLETE = "complete"
    PLAUSIBLE = "plausible"
    CONSISTENT = "consistent"
    FRESH = "fresh"
    VERIFIED = "verified"


@dataclass(frozen=True)
class Facts:
    """What is known of customers, a row each in every column; days are NaT and counts NaN where there is none.

    `known` is whether there is a word or value for a fact, `enough` whether it is what is asked for where more is
    asked (a document of the right kind, people in a role). `latest` is the day a fact was last said or checked,
    `checked` whether it ever was; `disputed` are facts the records disagree on, `unsound` those whose sealed value
    cannot be what it is given as. `named` is whether a name is more than a title, a mask or a sign. `identity_born`
    and `identity_sex` stand inside a person's identity number. Sealed values themselves are not in here.
    """

    person: Flags
    type: npt.NDArray[np.str_]
    stage: npt.NDArray[np.str_]
    long_name: Flags
    named: Flags
    sex: npt.NDArray[np.str_]
    birth_on: Days
    since_on: Days
    until_on: Days
    employees: npt.NDArray[np.float64]
    known: Mapping[str, Flags]
    enough: Mapping[str, Flags]
    latest: Mapping[str, Days]
    checked: Mapping[str, Flags]
    disputed: Mapping[str, Flags]
    unsound: Mapping[str, Flags]
    identity_born: Days
    identity_sex: npt.NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.person)


@dataclass(frozen=True, slots=True)
class Terms:
    """How a rule is in force: its weight (0 is off), the days after which it speaks (fresh only), and for which types
    of customers (none named: all)."""

    weight: int
    days: int = 0
    types: frozenset[str] = frozenset()


# Of which customers a rule has something to ask, and of which it holds.
Check = Callable[[Facts, np.datetime64], tuple[Flags, Flags]]


@dataclass(frozen=True)
class Rule:
    """One rule by its `code` ("fresh.occupation", "plausible.sex.identity") and its usual terms.

    `check` answers all but freshness, which `judge` reckons from the day and the days. Rules with `all_stages` speak
    of former customers and prospects too.
    """

    code: str
    dimension: Dimension
    fact: str
    usual: Terms
    check: Check | None = None
    all_stages: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """0 to 100 on the whole and by dimension (100 where nothing was asked), the rules that are broken, and the day from
    which a rule that holds today is broken if nothing is done, None for never."""

    score: int
    by_dimension: Mapping[Dimension, int]
    broken: tuple[str, ...]
    next_on: date | None


@dataclass(frozen=True)
class Judgement:
    """The columns of `Judged`, a row a customer; `broken` by rule, `to_verify` counts what is not fresh."""

    score: Counts
    by_dimension: Mapping[Dimension, Counts]
    broken: Mapping[str, Flags]
    to_verify: Counts
    next_on: Days

    def __getitem__(self, row: int) -> Judged:
        return Judged(
            int(self.score[row]),
            {name: int(scores[row]) for name, scores in self.by_dimension.items()},
            tuple(code for code, flags in self.broken.items() if flags[row]),
            self.next_on[row].item(),
        )


def there(fact: str) -> Check:
    """Known, of the kind of customer it is asked of; what no kind requires is asked of all."""

    def check(facts: Facts, today: np.datetime64) -> tuple[Flags, Flags]:
        asked = np.ones(len(facts), bool)
        if fact in OF_PERSONS:
            asked = facts.person
        elif fact in OF_FIRMS:
            asked = ~facts.person
        return asked, facts.enough[fact] if fact in facts.enough else facts.known[fact]

    return check


def agreed(fact: str) -> Check:
    return lambda facts, today: (facts.known[fact], ~facts.disputed[fact])


def checked(fact: str) -> Check:
    return lambda facts, today: (facts.known[fact], facts.checked[fact])


def sound(fact: str) -> Check:
    """The sealed value has the form and check digits of what it is given as."""
    return lambda facts, today: (facts.known[fact], ~facts.unsound[fact])


def _of_all(holds: Callable[[Facts, np.datetime64], Flags]) -> Check:
    return lambda facts, today: (np.ones(len(facts), bool), holds(facts, today))


def _type(facts: Facts, today: np.datetime64) -> Flags:
    personal = np.isin(facts.type, [*PERSONAL_TYPES])
    fits: Flags = (personal == facts.person) | np.isin(facts.type, ["dealer", "partner"])
    return fits


def _employed(facts: Facts, today: np.datetime64) -> Flags:
    can: Flags = np.isnan(facts.employees) | ~facts.person | (facts.type != "individual")
    return can


def _born(facts: Facts, today: np.datetime64) -> Flags:
    too_early = facts.person & (facts.birth_on < np.datetime64(EARLIEST_BIRTH, "D"))
    return ~((facts.birth_on > today) | too_early)


def _came(facts: Facts, today: np.datetime64) -> Flags:
    return ~((facts.since_on > today) | (facts.since_on < facts.birth_on))


CAN_BE: Mapping[str, Callable[[Facts, np.datetime64], Flags]] = {
    "name": lambda facts, today: facts.long_name,
    "type": _type,
    "sex": lambda facts, today: (facts.sex == "") | facts.person,
    "birth_on": _born,
    "since_on": _came,
    "until_on": lambda facts, today: ~(facts.until_on < facts.since_on),
    "employees_count": _employed,
}


def _age(facts: Facts, today: np.datetime64) -> tuple[Flags, Flags]:
    return facts.person & ~np.isnat(facts.birth_on), _too_old_on(facts.birth_on) > today


def _too_old_on(born: Days) -> Days:
    """The birthday after that of the oldest; 1 March for a leap day in a year without one."""
    months = born.astype("M8[M]")
    day = born - months.astype("M8[D]")
    birthday: Days = (months + 12 * (OLDEST_YEARS + 1)).astype("M8[D]") + day
    return birthday


def _born_as_document(facts: Facts, today: np.datetime64) -> tuple[Flags, Flags]:
    asked = ~np.isnat(facts.identity_born) & ~np.isnat(facts.birth_on)
    return asked, facts.birth_on == facts.identity_born


def _sex_as_document(facts: Facts, today: np.datetime64) -> tuple[Flags, Flags]:
    asked = ~np.isnat(facts.identity_born) & (facts.sex != "")
    return asked, facts.sex == facts.identity_sex


def _named(facts: Facts, today: np.datetime64) -> tuple[Flags, Flags]:
    return facts.person, facts.named


def _employs(facts: Facts, today: np.datetime64) -> tuple[Flags, Flags]:
    held = (facts.employees >= 1) & (facts.employees <= MOST_EMPLOYEES)
    return ~np.isnan(facts.employees), held


OF_PERSONS = frozenset({"sex", "occupation", "education"})
OF_FIRMS = frozenset({"decision_maker", "industry", "employees_count"})

EXTRA = ("email", "marital_status", "since_on")
"""Facts that no kind of customer requires: their rule weighs nothing until somebody gives it a weight."""
WORDED = (
    *("name", "sex", "birth_on", "occupation", "industry", "education", "marital_status"),
    "employees_count",
)
SEALED = ("identifier", "contact_point", "address", "email")


def _rules() -> Iterator[Rule]:
    complete = {"identifier": 10, "contact_point": 10, "address": 5, "birth_on": 5, "manager": 5}
    complete |= {"sex": 3, "occupation": 3, "education": 2, "decision_maker": 5, "industry": 3}
    complete |= {"employees_count": 2} | dict.fromkeys(EXTRA, 0)
    for fact, weight in complete.items():
        yield Rule(f"complete.{fact}", Dimension.COMPLETE, fact, Terms(weight), there(fact))
    for fact, can_be in CAN_BE.items():
        yield Rule(
            f"plausible.{fact}",
            Dimension.PLAUSIBLE,
            fact,
            Terms(5),
            _of_all(can_be),
            all_stages=True,
        )
    for code, weight, check in (
        ("birth_on.age", 5, _age),
        ("birth_on.identity", 8, _born_as_document),
        ("sex.identity", 8, _sex_as_document),
        ("name.title", 8, _named),
        ("employees_count.range", 3, _employs),
        ("identifier.form", 8, sound("identifier")),
        ("contact_point.form", 5, sound("contact_point")),
    ):
        fact = code.partition(".")[0]
        yield Rule(
            f"plausible.{code}", Dimension.PLAUSIBLE, fact, Terms(weight), check, all_stages=True
        )
    for fact in (*WORDED, "identifier"):
        weight = 5 if fact in {"name", "sex", "birth_on", "identifier"} else 2
        yield Rule(
            f"consistent.{fact}", Dimension.CONSISTENT, fact, Terms(weight), agreed(fact),
            all_stages=True,
        )  # fmt: skip
    fresh = {"contact_point": (8, YEAR), "address": (4, 2 * YEAR), "occupation": (3, YEAR)}
    fresh |= {"industry": (2, 2 * YEAR), "education": (1, 5 * YEAR), "identifier": (5, 5 * YEAR)}
    fresh |= {"marital_status": (1, 2 * YEAR), "employees_count": (2, YEAR), "email": (1, 2 * YEAR)}
    for fact, (weight, days) in fresh.items():
        yield Rule(f"fresh.{fact}", Dimension.FRESH, fact, Terms(weight, days))
    verified = {"identifier": 6, "contact_point": 4, "address": 2, "name": 3, "birth_on": 2}
    for fact, weight in verified.items():
        yield Rule(f"verified.{fact}", Dimension.VERIFIED, fact, Terms(weight), checked(fact))


RULES: Mapping[str, Rule] = {rule.code: rule for rule in _rules()}
USUAL: Mapping[str, Terms] = {code: rule.usual for code, rule in RULES.items()}


def judge(facts: Facts, terms: Mapping[str, Terms], today: date) -> Judgement:
    """What the rules in force make of customers.

    A score is the weight of the rules that hold over the weight of all that asked something, in per cent, rounded
    down: 100 means that nothing is broken. The same for each dimension.
    """
    day = np.datetime64(today, "D")
    asked = {name: np.zeros(len(facts), np.int64) for name in Dimension}
    held = {name: np.zeros(len(facts), np.int64) for name in Dimension}
    broken = {}
    next_on = _turning(facts, day)
    for code, rule in RULES.items():
        term = terms[code]
        if not term.weight:
            continue
        if rule.check is None:
            until = np.minimum(facts.latest[rule.fact] + term.days, LAST_DAY - 1)
            asks, holds = facts.known[rule.fact], until >= day
        else:
            asks, holds = rule.check(facts, day)
        asks = asks & _speaks(rule, term, facts)
        if rule.check is None:
            next_on = np.fmin(next_on, np.where(asks & holds, until + 1, NEVER))
        asked[rule.dimension] += term.weight * asks
        held[rule.dimension] += term.weight * (asks & holds)
        broken[code] = asks & ~holds
    old = [flags for code, flags in broken.items() if RULES[code].dimension is Dimension.FRESH]
    return Judgement(
        _percent(np.sum([*held.values()], axis=0), np.sum([*asked.values()], axis=0)),
        {name: _percent(held[name], asked[name]) for name in Dimension},
        broken,
        np.sum(old, axis=0, dtype=np.int64) if old else np.zeros(len(facts), np.int64),
        next_on,
    )


def _speaks(rule: Rule, term: Terms, facts: Facts) -> Flags:
    speaks: Flags = np.ones(len(facts), bool)
    if term.types:
        speaks = np.isin(facts.type, [*term.types])
    if rule.all_stages:
        return speaks
    silent = facts.stage == FORMER
    if rule.code not in {"complete.contact_point", "complete.manager"}:
        silent |= facts.stage == PROSPECT
    asked: Flags = speaks & ~silent
    return asked


def _turning(facts: Facts, today: np.datetime64) -> Days:
    """The next day on which what is stated of a customer becomes possible, or impossible, by itself."""
    oldest = np.where(facts.person, _too_old_on(facts.birth_on), NEVER)
    turns = [
        np.where((days > today) & (days <= LAST_DAY), days, NEVER)
        for days in (facts.birth_on, facts.since_on, oldest)
    ]
    return np.fmin(np.fmin(turns[0], turns[1]), turns[2])


def _percent(held: Counts, asked: Counts) -> Counts:
    return np.where(asked > 0, 100 * held // np.maximum(asked, 1), 100)
