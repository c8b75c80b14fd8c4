"""Why each classified field is kept and how long: purpose, legal basis and retention, declared beside its class.

A model says once what is usual for its fields and names those that differ; it also says whom its rows are about, so
that everything held about one customer can be found (the access request), left out of processing and erased.
Laws are named as the institution's officers know them; each institution signs its own profile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from django.db.models import Q, TextChoices
from django.utils.translation import gettext_lazy as _


class Purpose(TextChoices):
    """What a field is for."""

    IDENTITY = "identity", _("knowing who the customer is")
    CONTRACT = "contract", _("carrying out contracts")
    CARE = "care", _("looking after the customer")
    VALUE = "value", _("working out value and service level")
    QUALITY = "quality", _("keeping records right")
    PROOF = "proof", _("proving what was agreed and done")
    WORK = "work", _("employment and access of the staff")
    OPERATION = "operation", _("operating the system")


class Basis(TextChoices):
    """What allows it, after article 13 of the 个人信息保护法."""

    CONSENT = "consent", _("consent (个人信息保护法 art. 13 (1))")
    CONTRACT = "contract", _("contract, or staff management (个人信息保护法 art. 13 (2))")
    DUTY = "duty", _("legal duty (个人信息保护法 art. 13 (3))")


class Term(TextChoices):
    """How long, and by which law."""

    CUSTOMER = "customer", _("as long as somebody is a customer (个人信息保护法 art. 19, 47)")
    BOOKS = "books", _("ten years or more after the end of the relationship (反洗钱法 art. 34)")
    CLAIMS = "claims", _("three years after the end of the relationship (民法典 art. 188)")
    TRAIL = "trail", _("six months at the least (网络安全法, network logs)")
    STAFF = "staff", _("as long as the person works here")
    OWN = "own", _("until its owner deletes it, or it has grown old")


@dataclass(frozen=True)
class Rule:
    purpose: Purpose
    basis: Basis
    term: Term


IDENTITY = Rule(Purpose.IDENTITY, Basis.DUTY, Term.BOOKS)
CONTRACT = Rule(Purpose.CONTRACT, Basis.CONTRACT, Term.BOOKS)
CARE = Rule(Purpose.CARE, Basis.CONTRACT, Term.CUSTOMER)
VALUE = Rule(Purpose.VALUE, Basis.CONSENT, Term.CUSTOMER)
QUALITY = Rule(Purpose.QUALITY, Basis.DUTY, Term.CUSTOMER)
AGREED = Rule(Purpose.PROOF, Basis.DUTY, Term.CLAIMS)
TRAIL = Rule(Purpose.PROOF, Basis.DUTY, Term.TRAIL)
STAFF = Rule(Purpose.WORK, Basis.CONTRACT, Term.STAFF)
OWN = Rule(Purpose.OPERATION, Basis.CONTRACT, Term.OWN)


@dataclass(frozen=True)
class Subject:
    """A customer with all that was merged into it: the keys and public ids that rows may name it by."""

    keys: tuple[int, ...]
    public_ids: tuple[UUID, ...]


Finder = Callable[[Subject], Q]
NOBODY = ""
"""The rows are about no customer: the staff's own, or the institution's."""


@dataclass(frozen=True)
class Keeping:
    """`usual` holds for every classified field but those of `other`. `about` finds a subject's rows.

    `derived` fields say nothing that another field does not say (keyed digests, search tokens).
    """

    about: str | Finder
    usual: Rule
    other: Mapping[str, Rule] = field(default_factory=dict)
    derived: frozenset[str] = frozenset()

    def rule(self, name: str) -> Rule:
        return self.other.get(name, self.usual)

    def rows_of(self, subject: Subject) -> Q | None:
        """The condition of the rows about the subject; None for a model that is about no customer."""
        if callable(self.about):
            return self.about(subject)
        found = Q()
        for path in self.about.split():
            found |= Q(**{f"{path}__in": subject.keys})
        return found if self.about else None


def keep(about: str | Finder, usual: Rule, *other: tuple[Rule, str], derived: str = "") -> Keeping:
    """`about` is paths of keys to a party ("party", "left__party right__party"), a function, or NOBODY."""
    return Keeping(
        about,
        usual,
        {name: rule for rule, names in other for name in names.split()},
        frozenset(derived.split()),
    )


def ends_on(term: Term, ended_on: date, books_years: int) -> date | None:
    """Until when a term runs for a relationship that ended on that day; None where nothing asks for more."""
    years = {Term.BOOKS: books_years, Term.CLAIMS: 3}.get(term)
    if years is None:
        return None
    try:
        return ended_on.replace(year=ended_on.year + years)
    except ValueError:  # the 29th of February
        return ended_on.replace(year=ended_on.year + years, month=3, day=1)
