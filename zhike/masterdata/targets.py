"""What a mapping can fill: each target, its fields, what kind of value each takes and which of them identify a person.

Pure. The words here are the vocabulary of docs/sources.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from zhike.customers.models import Assignment, Party, Relation, TimelineEntry
from zhike.organisation.models import Role, Unit
from zhike.products import facts
from zhike.products.models import Agreement, Holding, Product


@dataclass(frozen=True)
class Takes:
    """A field of a target. `kind` is text, integer, decimal, date, datetime, flag, sealed or ref.

    `choices` are the only values allowed; `mask` names how a refused value is shown in a reject file (class C2);
    `longest` is in characters, `scale` in decimal places.
    """

    kind: str = "text"
    required: bool = False
    choices: frozenset[str] = frozenset()
    mask: str = ""
    longest: int = 200
    scale: int = 2


@dataclass(frozen=True)
class Target:
    """Where rows go. `rank` orders the loading; `open` is a prefix under which any further field is kept as text."""

    name: str
    rank: int
    fields: Mapping[str, Takes]
    open: str = ""
    fact: bool = field(default=False)

    def takes(self, name: str) -> Takes | None:
        if self.open and name.startswith(self.open) and len(name) > len(self.open):
            return Takes()
        return self.fields.get(name)


def _one_of(choices: Any, *, required: bool = False) -> Takes:
    values = getattr(choices, "values", choices)
    return Takes(choices=frozenset(values), required=required)


TEXT, NEEDED, DATE, DAY = Takes(), Takes(required=True), Takes("date"), Takes("date", required=True)
REF = Takes("ref", required=True)
CODE = Takes(required=True, longest=40)
MONEY, NEEDED_MONEY = Takes("decimal"), Takes("decimal", required=True)
CURRENCY = Takes(longest=3)

IDENTIFIERS = ("resident_id", "passport", "credit_code")
CONTACT_POINTS = ("mobile", "phone", "email", "wechat")
ADDRESSES = ("home_address", "work_address", "registered_address", "mailing_address")

_TARGETS = (
    Target(
        "unit",
        10,
        {
            "code": CODE,
            "name": Takes(required=True, longest=120),
            "kind": _one_of(Unit.Kind, required=True),
            "parent": Takes(longest=40),
            "region": Takes(longest=80),
            "opened_on": DATE,
            "closed_on": DATE,
        },
    ),
    Target(
        "employee",
        20,
        {
            "code": CODE,
            "name": Takes(required=True, longest=80),
            "unit": CODE,
            "role": _one_of(Role),
            "title": Takes(longest=80),
            "hired_on": DATE,
        },
    ),
    Target(
        "product",
        30,
        {
            "code": CODE,
            "name": Takes(required=True, longest=120),
            "category": _one_of(Product.Category, required=True),
            "side": _one_of(Product.Side, required=True),
            "status": _one_of(Product.Status),
            "term_months": Takes("integer"),
            "rate": Takes("decimal", scale=4),
        },
    ),
    Target(
        "party",
        40,
        {
            "name": Takes(required=True, mask="name"),
            "kind": _one_of(Party.Kind),
            "type": _one_of(Party.Type),
            "stage": _one_of(Party.Stage),
            "unit": Takes(longest=40),
            "sex": Takes(choices=frozenset(Party.Sex.values), mask="wechat"),
            "birth_on": Takes("date", mask="wechat"),
            "lunar_birthday": Takes("flag"),
            "occupation": Takes(longest=80),
            "industry": Takes(longest=80),
            "education": Takes(longest=40),
            "marital_status": Takes(longest=20),
            "employees_count": Takes("integer"),
            "since_on": DATE,
            "until_on": DATE,
            "note": Takes(longest=2000, mask="wechat"),
            **{name: Takes("sealed", mask="identity") for name in IDENTIFIERS},
            **{name: Takes("sealed", mask=name) for name in CONTACT_POINTS},
            **{name: Takes("sealed", mask="address") for name in ADDRESSES},
            "manager": Takes(longest=40),
            "observed_on": DATE,
        },
    ),
    Target(
        "agreement",
        50,
        {
            "party": REF,
            "product": CODE,
            "unit": CODE,
            "number": Takes("sealed", mask="account"),
            "currency": CURRENCY,
            "principal": Takes("decimal", mask="wechat"),
            "rate": Takes("decimal", scale=4),
            "opened_on": DAY,
            "matures_on": DATE,
            "closed_on": DATE,
            "status": _one_of(Agreement.Status),
        },
        open="terms.",
    ),
    Target(
        "holding",
        60,
        {
            "party": REF,
            "agreement": REF,
            "role": _one_of(Holding.Role, required=True),
            "since_on": DAY,
            "until_on": DATE,
        },
    ),
    Target(
        "relation",
        60,
        {
            "party": REF,
            "other": REF,
            "kind": _one_of(Relation.Kind, required=True),
            "since_on": DAY,
            "until_on": DATE,
            "role": Takes(longest=80),
            "note": TEXT,
        },
    ),
    Target(
        "assignment",
        60,
        {
            "party": REF,
            "employee": CODE,
            "role": _one_of(Assignment.Role),
            "since_on": DAY,
            "until_on": DATE,
            "reason": TEXT,
        },
    ),
    Target(
        "contact",
        70,
        {
            "party": REF,
            "at": Takes("datetime", required=True),
            "channel": _one_of(TimelineEntry.Channel, required=True),
            "direction": _one_of(("in", "out")),
            "title": Takes(required=True, mask="wechat"),
            "body": Takes(longest=4000, mask="wechat"),
            "result": Takes(mask="wechat"),
            "employee": Takes(longest=40),
        },
    ),
    Target(
        "transaction",
        80,
        {
            "agreement": REF,
            "booked_on": DAY,
            "direction": _one_of(facts.DIRECTIONS, required=True),
            "amount": NEEDED_MONEY,
            "balance": MONEY,
            "kind": _one_of(facts.KINDS, required=True),
            "channel": _one_of(facts.CHANNELS),
        },
        fact=True,
    ),
    Target(
        "balance",
        80,
        {
            "agreement": REF,
            "month_end": DAY,
            "balance": NEEDED_MONEY,
            "average_balance": MONEY,
        },
        fact=True,
    ),
)
TARGETS = {target.name: target for target in _TARGETS}
# What a reference may lead to, by the field that holds it.
REF_TARGETS = {"party": "party", "other": "party", "agreement": "agreement"}
TAKES = ("party", "unit", "opened_on")
