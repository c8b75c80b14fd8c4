"""Typed, dated relations between customers."""

from __future__ import annotations

from datetime import date

from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateRange
from django.utils.translation import gettext as _

from zhike.customers.models import Party, Relation
from zhike.customers.services.text import must_hide_nothing
from zhike.kernel import audit, clock
from zhike.kernel.actor import Actor
from zhike.kernel.errors import UserError
from zhike.kernel.services import change, must_see, service


@service("customers.edit")
def relate(
    *,
    actor: Actor,
    party: Party,
    other: Party,
    kind: str,
    since: date | None = None,
    until: date | None = None,
    role: str = "",
    note: str = "",
    source: str = "zhike",
) -> Relation:
    """`party` is the `kind` of `other` from `since` (today) up to, not including, `until`.

    `role` says more (position, decision power), `note` what the person likes. Both parties must be in scope.
    Raises UserError when the two are so related already in these days.
    """
    must_see(actor, party)
    must_see(actor, other)
    must_hide_nothing(role=role, note=note)
    if party.pk == other.pk:
        raise UserError(_("A customer has no relation to itself."), _("Choose another customer."))
    start = since or clock.today()
    if until is not None and until <= start:
        raise UserError(_("The relation would end before it begins."), _("Correct the dates."))
    relation = Relation(
        party=party,
        other=other,
        kind=Relation.Kind(kind),
        during=DateRange(start, until),
        role=role.strip(),
        note=note.strip(),
        source=source,
    )
    try:
        with transaction.atomic():
            relation.save(force_insert=True)
    except IntegrityError as error:
        raise UserError(
            _("The two are related in this way already at that time."),
            _("End the earlier relation first."),
        ) from error
    must_see(actor, relation)
    audit.record(
        actor,
        "customers.relation.add",
        relation,
        changes={"kind": (None, kind), "other": (None, other), "role": (None, role)},
    )
    return relation


@service("customers.edit")
def end_relation(
    *, actor: Actor, relation: Relation, on: date | None = None, reason: str = ""
) -> Relation:
    """The relation holds up to, and not including, `on` (today)."""
    must_hide_nothing(reason=reason)
    day = on or clock.today()
    start = relation.during.lower
    if start is not None and day <= start:
        raise UserError(
            _("The relation would end before it begins."), _("Give a day after it began.")
        )
    change(
        actor,
        relation,
        {"during": DateRange(start, day)},
        action="customers.relation.end",
        reason=reason.strip(),
        party_id=relation.party_id,
    )
    return relation
