"""The rules of data quality, and what they make of one customer. Pure: no ORM, no clock.

A rule asks one thing of one fact: is it there (complete), can it be (plausible), do the sources agree (consistent), was
it said or confirmed lately (fresh), did somebody check it (verified). Which rules there are stands here; how much each
weighs, after how many days it speaks and for which types of customers is data (`Terms`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from zhike.customers import identifiers
from zhike.customers.rules import PERSON, Known, Particulars, implausible, required
from zhike.masterdata.matching.normalise import documents, reach
from zhike.masterdata.matching.normalise.characters import Implausible
from zhike.masterdata.matching.normalise.names import person_name
from zhike.masterdata.matching.normalise.ranges import ASSIGNED, Ranges

OLDEST_YEARS = 120
MOST_EMPLOYEES = 3_000_000
FORMER, PROSPECT = "former", "prospect"
YEAR = 365


class Dimension(StrEnum):
    COMPLETE = "complete"
    PLAUSIBLE = "plausible"
    CONSISTENT = "consistent"
    FRESH = "fresh"
    VERIFIED = "verified"


@dataclass(frozen=True, slots=True)
class Stamp:
    """When a fact was last said and last checked; None where nobody wrote it down."""

    seen_on: date | None = None
    verified_on: date | None = None

    @property
    def latest(self) -> date | None:
        return max(filter(None, (self.seen_on, self.verified_on)), default=None)


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is known of one customer. `stamps` holds every fact there is, `disputed` those its records disagree on.

    `identity` are the birth date and sex inside a person's identity number; `unsound` the facts whose sealed value
    cannot be what it is given as. Sealed values themselves are not in here.
    """

    particulars: Particulars
    stage: str
    known: Known
    stamps: Mapping[str, Stamp] = field(default_factory=dict)
    disputed: Collection[str] = frozenset()
    identity: tuple[date, str] | None = None
    unsound: Collection[str] = frozenset()

    @property
    def is_person(self) -> bool:
        return self.particulars.kind == PERSON


@dataclass(frozen=True, slots=True)
class Terms:
    """How a rule is in force: its weight (0 is off), the days after which it speaks (fresh only), and for which types
    of customers (none named: all)."""

    weight: int
    days: int = 0
    types: frozenset[str] = frozenset()


# What a rule finds of a customer: True it holds, False it is broken, None it has nothing to ask.
Check = Callable[[Facts, date], bool | None]


@dataclass(frozen=True)
class Rule:
    """One rule by its `code` ("fresh.occupation", "plausible.sex.identity") and its usual terms.

    `check` answers all but freshness, which `judge` reckons from the stamp and the days. Rules with `all_stages` speak
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

    @property
    def to_verify(self) -> tuple[str, ...]:
        """The facts that were not confirmed or said anew for too long."""
        start = f"{Dimension.FRESH}."
        return tuple(code.removeprefix(start) for code in self.broken if code.startswith(start))


def there(fact: str) -> Check:
    """Required of this kind of customer, and known; what no kind requires is asked of all."""

    def check(facts: Facts, today: date) -> bool | None:
        asked = required(facts.known)
        return asked.get(fact) if fact not in EXTRA else fact in facts.stamps

    return check


def can_be(fact: str) -> Check:
    """Nothing in what the customers' own rules call implausible."""

    def check(facts: Facts, today: date) -> bool | None:
        return fact not in implausible(facts.particulars, today)

    return check


def agreed(fact: str) -> Check:
    def check(facts: Facts, today: date) -> bool | None:
        return fact not in facts.disputed if fact in facts.stamps else None

    return check


def checked(fact: str) -> Check:
    def check(facts: Facts, today: date) -> bool | None:
        stamp = facts.stamps.get(fact)
        return None if stamp is None else stamp.verified_on is not None

    return check


def sound(fact: str) -> Check:
    """The sealed value has the form and check digits of what it is given as."""

    def check(facts: Facts, today: date) -> bool | None:
        return fact not in facts.unsound if fact in facts.stamps else None

    return check


def _age(facts: Facts, today: date) -> bool | None:
    born = facts.particulars.birth_on
    if born is None or not facts.is_person:
        return None
    return _years(born, today) <= OLDEST_YEARS


def _years(born: date, today: date) -> int:
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def _born_as_document(facts: Facts, today: date) -> bool | None:
    born = facts.particulars.birth_on
    return born == facts.identity[0] if facts.identity and born else None


def _sex_as_document(facts: Facts, today: date) -> bool | None:
    sex = facts.particulars.sex
    return sex == facts.identity[1] if facts.identity and sex else None


def _named(facts: Facts, today: date) -> bool | None:
    return person_name(facts.particulars.name).text is not None if facts.is_person else None


def _employs(facts: Facts, today: date) -> bool | None:
    count = facts.particulars.employees_count
    return None if count is None else 1 <= count <= MOST_EMPLOYEES


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
    for fact in ("name", "type", "sex", "birth_on", "since_on", "until_on", "employees_count"):
        yield Rule(
            f"plausible.{fact}", Dimension.PLAUSIBLE, fact, Terms(5), can_be(fact), all_stages=True
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


def judge(facts: Facts, terms: Mapping[str, Terms], today: date) -> Judged:
    """What the rules in force make of a customer.

    The score is the weight of the rules that hold over the weight of all that asked something, in per cent, rounded
    down: 100 means that nothing is broken. The same for each dimension.
    """
    asked = dict.fromkeys(Dimension, 0)
    held = dict.fromkeys(Dimension, 0)
    broken, due = [], []
    for code, rule in RULES.items():
        term = terms[code]
        if not _speaks(rule, term, facts):
            continue
        if rule.check is None:
            until = _fresh_until(facts.stamps.get(rule.fact), term.days)
            holds = None if rule.fact not in facts.stamps else until >= today
            if holds:
                due.append(until + timedelta(days=1))
        else:
            holds = rule.check(facts, today)
        if holds is None:
            continue
        asked[rule.dimension] += term.weight
        if holds:
            held[rule.dimension] += term.weight
        else:
            broken.append(code)
    due += _turning(facts.particulars, today)
    return Judged(
        _percent(held.values(), asked.values()),
        {each: _percent((held[each],), (asked[each],)) for each in Dimension},
        tuple(broken),
        min(due, default=None),
    )


def _speaks(rule: Rule, term: Terms, facts: Facts) -> bool:
    if not term.weight or (term.types and facts.particulars.type not in term.types):
        return False
    if rule.all_stages or facts.stage not in {FORMER, PROSPECT}:
        return True
    return facts.stage == PROSPECT and rule.code in {"complete.contact_point", "complete.manager"}


def _fresh_until(stamp: Stamp | None, days: int) -> date:
    latest = stamp.latest if stamp else None
    if latest is None:
        return date.min
    return latest + min(timedelta(days=days), date.max - timedelta(days=1) - latest)


def _turning(particulars: Particulars, today: date) -> Iterator[date]:
    """The days on which what is stated of a customer becomes possible, or impossible, by itself."""
    born, since = particulars.birth_on, particulars.since_on
    turns = [day for day in (born, since) if day is not None]
    if born is not None and particulars.kind == PERSON and born.year + OLDEST_YEARS < date.max.year:
        turns.append(_birthday(born, born.year + OLDEST_YEARS + 1))
    return (day for day in turns if day > today)


def _birthday(born: date, year: int) -> date:
    try:
        return born.replace(year=year)
    except ValueError:
        return date(year, 3, 1)


def _percent(held: Iterable[int], asked: Iterable[int]) -> int:
    whole = sum(asked)
    return 100 * sum(held) // whole if whole else 100


def identity_of(number: str) -> tuple[date, str] | None:
    """Birth date and sex inside an identity number; None where it is none."""
    try:
        return identifiers.born_and_sex(identifiers.resident_id(number))
    except identifiers.Implausible:
        return None


def is_sound(kind: str, value: str, also: Ranges = ASSIGNED) -> bool:
    """Whether a document or mobile has the check digits, area and range it must have; `also` count as assigned."""
    try:
        match kind:
            case "resident_id":
                documents.resident_id(value, also)
            case "credit_code":
                documents.credit_code(value)
            case "mobile":
                reach.mobile(value, also)
    except Implausible:
        return False
    return True
