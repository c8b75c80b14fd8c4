"""Decisions about customers, without I/O: what is missing, what cannot be, what is due."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from zhike.customers import identifiers

EARLIEST_BIRTH = date(1880, 1, 1)
PERSON, ORGANISATION = "person", "organisation"
PERSONAL_TYPES = frozenset({"individual", "household_business", "farmer"})
ANY_CHANNEL = "any"
BY_HAND_OVER = "customers.assignment"
"""The source of the timeline entry that a hand-over writes; the assignment tells the same."""

MOBILE_GROUPS = {(11,), (3, 4, 4), (3, 8), (7, 4), (4, 7)}
ZERO_WIDTH = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
NUMBER_RUN = re.compile(r"[0-9]+(?:[ ./_\u2010-\u2015-]{1,2}[0-9]+)*[xX]?")
SHORTEST_CARD, LONGEST_CARD = 15, 19


def luhn(digits: str) -> bool:
    """Whether the check digit is right after ISO/IEC 7812-1."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def sealed_kinds_in(text: str) -> set[str]:
    """Which class C2 numbers stand in free text: any of "resident_id", "card", "mobile".

    Full-width digits and numbers broken by blanks, dashes or dots are read as well. An identity
    number counts when its date and check character are right, a card when Luhn's digit is.
    """
    kept = ZERO_WIDTH.sub("", unicodedata.normalize("NFKC", text))
    found: set[str] = set()
    for run in NUMBER_RUN.finditer(kept):
        groups = re.findall(r"[0-9]+[xX]?", run.group())
        for start in range(len(groups)):
            for end in range(start + 1, len(groups) + 1):
                if kind := _sealed_kind(tuple(groups[start:end])):
                    found.add(kind)
    return found


def _sealed_kind(groups: tuple[str, ...]) -> str:
    """The kind of number these groups make when read together, "" for none."""
    digits = "".join(groups)
    if len(digits) == 18 and _is_resident_id(digits):
        return "resident_id"
    digits = digits.rstrip("xX")
    sizes = tuple(len(group.rstrip("xX")) for group in groups)
    country = len(digits) == 13 and digits.startswith("86")
    if country and (sizes[0] == 2 or len(sizes) == 1 or sizes[0] == 5):
        digits = digits[2:]
        sizes = sizes[1:] if sizes[0] == 2 else (sizes[0] - 2, *sizes[1:])
    if sizes in MOBILE_GROUPS and re.fullmatch(r"1[3-9][0-9]{9}", digits):
        return "mobile"
    one_number = len(sizes) == 1 or sizes[0] == 6 or set(sizes[:-1]) == {4}
    if SHORTEST_CARD <= len(digits) <= LONGEST_CARD and one_number and luhn(digits):
        return "card"
    return ""


def _is_resident_id(value: str) -> bool:
    try:
        identifiers.resident_id(value)
    except identifiers.Implausible:
        return False
    return True


@dataclass(frozen=True)
class Particulars:
    """What a party says of itself, to be held against what can be."""

    kind: str
    type: str
    name: str
    sex: str = ""
    birth_on: date | None = None
    since_on: date | None = None
    until_on: date | None = None
    employees_count: int | None = None


def implausible(party: Particulars, today: date) -> dict[str, str | Promise]:
    """Field → why its value cannot be; empty when all of it can (R-012)."""
    problems: dict[str, str | Promise] = {}
    person = party.kind == PERSON
    if len(party.name.strip()) < 2:
        problems["name"] = _("A name has at least two characters.")
    if (party.type in PERSONAL_TYPES) != person and party.type not in {"dealer", "partner"}:
        problems["type"] = _("This type is not one of this kind of customer.")
    if party.sex and not person:
        problems["sex"] = _("Only a person has a sex.")
    if party.employees_count is not None and person and party.type == "individual":
        problems["employees_count"] = _("An individual has no employees.")
    if party.birth_on is not None and party.birth_on > today:
        problems["birth_on"] = _("The birth or founding date lies in the future.")
    elif person and party.birth_on is not None and party.birth_on < EARLIEST_BIRTH:
        problems["birth_on"] = _("Nobody alive was born before 1880.")
    if party.since_on is not None and party.since_on > today:
        problems["since_on"] = _("“With us since” lies in the future.")
    elif party.since_on and party.birth_on and party.since_on < party.birth_on:
        problems["since_on"] = _("“With us since” lies before the birth or founding.")
    if party.until_on and party.since_on and party.until_on < party.since_on:
        problems["until_on"] = _("The customer would have left before coming.")
    return problems


@dataclass(frozen=True)
class Known:
    """What is known of a party: its filled fields, and the kinds of what hangs on it."""

    kind: str
    fields: frozenset[str]
    identifiers: frozenset[str]
    contact_points: frozenset[str]
    has_address: bool
    has_manager: bool
    has_decision_maker: bool = False


@dataclass(frozen=True)
class Completeness:
    """`percent` of the required facts that are there, rounded down; `missing` names the others."""

    percent: int
    missing: tuple[str, ...]


def required(known: Known) -> dict[str, bool]:
    """What is to be known of this kind of customer → whether it is: a document, a way to reach, a place, an owner, …"""
    facts = {
        "birth_on": "birth_on" in known.fields,
        "contact_point": bool(known.contact_points & {"mobile", "phone", "wechat"}),
        "address": known.has_address,
        "manager": known.has_manager,
    }
    if known.kind == PERSON:
        return facts | {
            "identifier": bool(known.identifiers & {"resident_id", "passport"}),
            **{name: name in known.fields for name in ("sex", "occupation", "education")},
        }
    return facts | {
        "identifier": "credit_code" in known.identifiers,
        "decision_maker": known.has_decision_maker,
        **{name: name in known.fields for name in ("industry", "employees_count")},
    }


def completeness(known: Known) -> Completeness:
    """The share of required facts filled (R-011)."""
    facts = required(known)
    missing = tuple(name for name, filled in facts.items() if not filled)
    return Completeness(100 * (len(facts) - len(missing)) // len(facts), missing)


@dataclass(frozen=True)
class ConsentStep:
    """One event of a consent; of two at one instant the later recorded (higher `id`) wins."""

    purpose: str
    channel: str
    given: bool
    at: datetime
    id: int


def consent_state(
    steps: Iterable[ConsentStep], purposes: Collection[str], channels: Collection[str]
) -> Mapping[tuple[str, str], ConsentStep | None]:
    """The step in force for each purpose and channel; None where nothing was ever said.

    The last step wins, whether it named the channel or said "any".
    """
    last: dict[tuple[str, str], ConsentStep] = {}
    for step in steps:
        key = (step.purpose, step.channel)
        if key not in last or (step.at, step.id) > (last[key].at, last[key].id):
            last[key] = step
    state: dict[tuple[str, str], ConsentStep | None] = {}
    for purpose in purposes:
        for channel in channels:
            told = [
                last[key] for key in {(purpose, channel), (purpose, ANY_CHANNEL)} if key in last
            ]
            state[purpose, channel] = max(told, key=lambda step: (step.at, step.id), default=None)
    return state


def may_contact(steps: Iterable[ConsentStep], purpose: str, channel: str) -> bool:
    """Whether the customer agreed to be contacted so; silence is no consent."""
    step = consent_state(steps, {purpose}, {channel})[purpose, channel]
    return step is not None and step.given


def next_contact_due(
    last_contact_on: date | None, since_on: date | None, every_days: int | None
) -> date | None:
    """The day by which the tier wants the next contact; None where no tier says so.

    Somebody never contacted is due since they came, counted from the same period.
    """
    start = last_contact_on or since_on
    if every_days is None or start is None:
        return None
    return start + timedelta(days=every_days)


def replayed(
    now: Mapping[str, Any], later_changes: Iterable[Mapping[str, Sequence[Any]]]
) -> dict[str, Any]:
    """The fields as they were before `later_changes`, given newest first as field → (before, after)."""
    then = dict(now)
    for changes in later_changes:
        for name, (before, _after) in changes.items():
            if name in then:
                then[name] = before
    return then


STAGES = ("customer", "former", "prospect")


def precedence(stage: str, since_on: date | None, id: int) -> tuple[int, date, int]:
    """Sorts what turned out to be one customer; the first takes in the others: who is with us, longest, known first."""
    return STAGES.index(stage), since_on or date.max, id
