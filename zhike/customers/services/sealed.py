"""Identifiers, contact points and addresses: class C2 values, sealed before the database sees them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, Protocol, TypeVar

from django.db import IntegrityError, connection, models, transaction
from django.utils.translation import gettext as _

from zhike.access.services import note_reveal
from zhike.customers import identifiers
from zhike.customers.models import Address, ContactPoint, Identifier, Party, SealedValue
from zhike.customers.services.parties import create_party, keep_words
from zhike.customers.services.text import must_hide_nothing
from zhike.kernel import audit, clock, crypto
from zhike.kernel.actor import Actor
from zhike.kernel.classes import FieldClass
from zhike.kernel.errors import Refused, UserError
from zhike.kernel.models import Base
from zhike.kernel.services import change, must_see, service

S = TypeVar("S", bound=SealedValue)


# A room above keeps what identifies as people entered it: by field, "" when they took it away.
SealedKeeper = Callable[[Actor, Party, str, str], None]
sealed_keepers: list[SealedKeeper] = []


# A room above has a person judge whether the party and these, who are out of the actor's sight, are one: they claim
# the same document. Whoever entered it must not be able to tell.
ClaimKeeper = Callable[[Party, Sequence[Party]], None]
claim_keepers: list[ClaimKeeper] = []


class Sealing(Protocol):
    """A row with a sealed field: it knows the place its ciphertext is bound to."""

    @property
    def place(self) -> str: ...


@service("customers.edit")
def open_party(
    *, actor: Actor, kind: str, document: str = "", mobile: str = "", **particulars: Any
) -> Party:
    """A new customer (`create_party`) with the document and the mobile known from the start, or nothing of it."""
    party = create_party(actor=actor, kind=kind, **particulars)
    if document:
        person = party.kind == Party.Kind.PERSON
        which = Identifier.Kind.RESIDENT_ID if person else Identifier.Kind.CREDIT_CODE
        add_identifier(actor=actor, party=party, kind=which, value=document)
    if mobile:
        add_contact_point(actor=actor, party=party, kind=ContactPoint.Kind.MOBILE, value=mobile)
    return party


@service("customers.edit")
def add_identifier(
    *,
    actor: Actor,
    party: Party,
    kind: str,
    value: str,
    source: str = "zhike",
    observed_on: date | None = None,
    verified_on: date | None = None,
) -> Identifier:
    """A document or registration of the party. A valid identity number fills an unknown birth date and sex.

    Raises UserError for an implausible value or one that contradicts the party's birth date or sex,
    Refused when another customer in the actor's sight has it. With one out of sight it is as if nobody had it; a
    person who sees both is asked whether they are one.
    """
    normal = _normalised(kind, value)
    must_see(actor, party)
    _must_fit(party, kind, normal)
    blind = crypto.blind_index(kind, normal)
    holders = _holders(kind, blind)
    _refuse_known_holder(actor, party, holders)
    row = _seal(
        Identifier(party=party, kind=Identifier.Kind(kind)),
        kind,
        normal,
        source=source,
        observed_on=observed_on,
        verified_on=verified_on,
    )
    _insert(actor, row, "customers.identifier.add")
    if holders:
        for keep in claim_keepers:
            keep(party, holders)
    if kind == Identifier.Kind.RESIDENT_ID:
        _take_birth_and_sex(actor, party, normal)
    return row


@service("customers.edit")
def add_contact_point(
    *,
    actor: Actor,
    party: Party,
    kind: str,
    value: str,
    label: str = "",
    is_preferred: bool = False,
    source: str = "zhike",
    observed_on: date | None = None,
    verified_on: date | None = None,
) -> ContactPoint:
    """A way to reach the party; a preferred one takes the place of the preferred one of its kind."""
    normal = _normalised(kind, value)
    must_see(actor, party)
    must_hide_nothing(label=label)
    row = _seal(
        ContactPoint(
            party=party,
            kind=ContactPoint.Kind(kind),
            label=label.strip(),
            is_preferred=is_preferred,
        ),
        kind,
        normal,
        source=source,
        observed_on=observed_on,
        verified_on=verified_on,
    )
    if is_preferred:
        ContactPoint.objects.filter(party=party, kind=kind, is_preferred=True).update(
            is_preferred=False
        )
    _insert(actor, row, "customers.contact_point.add")
    return row


@service("customers.edit")
def add_address(
    *,
    actor: Actor,
    party: Party,
    kind: str,
    value: str,
    region: str = "",
    source: str = "zhike",
    observed_on: date | None = None,
    verified_on: date | None = None,
) -> Address:
    """A place of the party; `region` (province and city) stays readable and must not name the street."""
    normal = _normalised("address", value)
    must_see(actor, party)
    must_hide_nothing(region=region)
    row = _seal(
        Address(party=party, kind=Address.Kind(kind), region=region.strip()),
        "address",
        normal,
        source=source,
        observed_on=observed_on,
        verified_on=verified_on,
    )
    _insert(actor, row, "customers.address.add")
    return row


@service("customers.edit")
def verify_value(*, actor: Actor, row: SealedValue, on: date | None = None) -> None:
    """Somebody saw the document, called the number or stood at the address."""
    day = on or clock.today()
    if day > clock.today():
        raise UserError(_("The date lies in the future."), _("Give the day it was checked."))
    change(actor, row, {"verified_on": day}, action=f"{_action(row)}.verify")


@service("customers.edit")
def remove_value(*, actor: Actor, row: SealedValue, reason: str) -> None:
    """The value is not the party's, or no longer; the trail keeps its digest and the reason."""
    must_see(actor, row)
    if len(reason.strip()) < 2:
        raise UserError(_("A reason is missing."), _("Say in a few words why."))
    must_hide_nothing(reason=reason)
    audit.record(
        actor,
        f"{_action(row)}.remove",
        row,
        changes={"sealed": (row.in_clear(), None)},
        reason=reason.strip(),
    )
    _keep(actor, row, "")
    row.delete()


@service("customers.reveal")
def reveal(*, actor: Actor, row: Base, field: str, purpose: str) -> str:
    """The value of a sealed `field` in clear; that it was seen, by whom and what for is on record first.

    `row` is any row whose `place` its ciphertext is bound to (an identifier, an agreement).
    """
    sealed: Any = row
    if row.field_classes.get(field) is not FieldClass.C2 or not isinstance(
        row._meta.get_field(field), models.BinaryField
    ):
        raise Refused(_("This field is not sealed."), action=f"reveal.{field}")
    must_hide_nothing(purpose=purpose)
    note_reveal(actor=actor, row=row, field=field, purpose=purpose)
    return crypto.decrypt(getattr(sealed, field), sealed.place)


def _normalised(kind: str, value: str) -> str:
    try:
        return identifiers.NORMAL_FORMS[kind](value)
    except identifiers.Implausible as error:
        raise UserError(
            _("The value cannot be right: %(why)s.") % {"why": _(str(error))}
        ) from error


def _must_fit(party: Party, kind: str, normal: str) -> None:
    person = party.kind == Party.Kind.PERSON
    persons_only = {Identifier.Kind.RESIDENT_ID, Identifier.Kind.PASSPORT}
    if (kind in persons_only and not person) or (kind == Identifier.Kind.CREDIT_CODE and person):
        raise UserError(
            _("This kind of document does not belong to this kind of customer."),
            _("Choose another kind."),
        )
    if kind != Identifier.Kind.RESIDENT_ID:
        return
    born, sex = identifiers.born_and_sex(normal)
    if born > clock.today():
        raise UserError(_("The identity number names a birth date in the future."))
    if party.birth_on not in (None, born) and not party.lunar_birthday:
        raise UserError(
            _("The identity number names another birth date than the customer's."),
            _("Correct whichever is wrong first."),
        )
    if party.sex not in ("", sex):
        raise UserError(
            _("The identity number names another sex than the customer's."),
            _("Correct whichever is wrong first."),
        )


def _holders(kind: str, blind: bytes) -> list[Party]:
    """The parties that have this document; until the end of the transaction nobody else is given it."""
    with connection.cursor() as cursor:
        lock = int.from_bytes(blind[:8], signed=True)
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [lock])
    held = Party.objects.filter(identifiers__kind=kind, identifiers__blind=blind)
    return list(held.order_by("pk"))


def _refuse_known_holder(actor: Actor, party: Party, holders: Sequence[Party]) -> None:
    if party in holders:
        raise UserError(_("The customer has this identifier already."))
    holding = [each.pk for each in holders]
    known = Party.objects.visible_to(actor).filter(pk__in=holding).order_by("pk").first()
    if known is not None:
        raise Refused(
            _("This identifier belongs to another customer: %(name)s.") % {"name": known.name},
            action="customers.identifier.add",
            way_out=_("Open that customer instead, or have the two records compared."),
        )


def _take_birth_and_sex(actor: Actor, party: Party, normal: str) -> None:
    born, sex = identifiers.born_and_sex(normal)
    unknown = {
        **({} if party.birth_on else {"birth_on": born}),
        **({} if party.sex else {"sex": sex}),
    }
    if not unknown:
        return
    change(actor, party, unknown, action="customers.party.change", party_id=party.pk)
    origin = {"source": "resident_id", "on": clock.today().isoformat(), "verified_on": None}
    party.provenance = {**party.provenance, **dict.fromkeys(unknown, origin)}
    Party.objects.filter(pk=party.pk).update(provenance=party.provenance)
    keep_words(actor, party, unknown)


def _seal(row: S, kind: str, normal: str, **facts: Any) -> S:
    row.sealed = crypto.encrypt(normal, row.place)
    row.blind = crypto.blind_index(kind, normal)
    row.tail = crypto.tail_index(kind, normal)
    for name, value in facts.items():
        setattr(row, name, value)
    row.observed_on = row.observed_on or clock.today()
    return row


def _insert(actor: Actor, row: SealedValue, action: str) -> None:
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        raise UserError(_("The customer has this value already.")) from error
    must_see(actor, row)
    audit.record(actor, action, row, changes={"sealed": (None, row.in_clear())})
    _keep(actor, row, row.in_clear())


def _keep(actor: Actor, row: SealedValue, value: str) -> None:
    """Hand what was entered (or taken away, then "") to those who keep every word."""
    party: Party = row.party  # type: ignore[attr-defined]
    kind: str = row.kind  # type: ignore[attr-defined]
    field = f"{kind}_address" if isinstance(row, Address) else kind
    for keep in sealed_keepers:
        keep(actor, party, field, value)


def _action(row: SealedValue) -> str:
    names = {Identifier: "identifier", ContactPoint: "contact_point", Address: "address"}
    return f"customers.{names[type(row)]}"
