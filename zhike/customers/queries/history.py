"""A customer as it was: fields replayed backwards along the trail, and the trail in words."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhike.customers import rules
from zhike.customers.models import (
    Address,
    Assignment,
    ContactPoint,
    Identifier,
    Party,
    Relation,
)
from zhike.desk.rules import BULK_JOB
from zhike.kernel import clock, wall
from zhike.kernel.models import AuditEntry
from zhike.kernel.prepared import prepared
from zhike.organisation.models import Unit

FIELDS = (
    *("stage", "type", "name", "unit", "sex", "birth_on", "lunar_birthday", "occupation"),
    *("industry", "education", "marital_status", "employees_count", "since_on", "until_on", "note"),
)
DIGEST = "digest:"
PARTY_TYPE = "customers.party"


@wall.lowered()
def latest_changes(party: Party, before: tuple[datetime, int], limit: int) -> list[AuditEntry]:
    """Changes of the party's own facts that went through, whoever made them; reads are not among them."""

    def build(party: int, at: datetime, key: int) -> QuerySet[AuditEntry]:
        rows = AuditEntry.objects.filter(
            party_id=party, outcome=AuditEntry.Outcome.DONE, action__in=list(TOLD)
        )
        return rows.filter(pk__lt=(at, key)).order_by("-at", "-id")[:limit]

    at, key = before
    return prepared(("customers.changes", limit), build, {"party": party.pk, "at": at, "key": key})


@wall.lowered()
def party_on(party: Party, day: date) -> Party:
    """A copy with the fields as they stood at the end of `day`; it is not for saving.

    `unknown_then` names the fields that changed since and whose earlier value the trail keeps as a
    digest only (class C2): they show what is known now. Before the first entry on the trail the
    fields are as they were first recorded.
    """
    later = AuditEntry.objects.filter(
        party_id=party.pk,
        outcome=AuditEntry.Outcome.DONE,
        object_type=PARTY_TYPE,
        action__in=PARTY_CHANGES,
        at__gte=clock.day_ends(day),
    ).order_by("-at", "-id")
    then = rules.replayed(dict.fromkeys(FIELDS, _NOW), [entry.changes for entry in later])
    past = copy.copy(party)
    past.unknown_then = frozenset()  # type: ignore[attr-defined]
    for name, value in then.items():
        if value is _NOW:
            continue
        if isinstance(value, str) and value.startswith(DIGEST):
            past.unknown_then |= {name}  # type: ignore[attr-defined]
        elif name == "unit":
            past.unit = Unit.objects.filter(public_id=value).first() or party.unit
        else:
            setattr(past, name, _as_field(name, value))
    return past


_NOW = object()


def _as_field(name: str, value: Any) -> Any:
    field: models.Field[Any, Any] = Party._meta.get_field(name)  # type: ignore[assignment]
    if value is None:
        return None if field.null else field.get_default()
    return field.to_python(value)


# The trail in words


@dataclass(frozen=True)
class FieldChange:
    """One field, from what to what; `hidden` where the trail keeps no readable value (class C2)."""

    label: str
    before: str
    after: str
    hidden: bool = False


PARTY_CHANGES = (
    "customers.party.create",
    "customers.party.change",
    "customers.party.convert",
    "customers.party.close",
    "customers.party.reopen",
)


TOLD: Mapping[str, str | Promise] = {
    "customers.party.create": gettext_lazy("Entered"),
    "customers.party.change": gettext_lazy("Facts changed"),
    "customers.party.confirm": gettext_lazy("Facts checked with the customer"),
    "customers.party.convert": gettext_lazy("Prospect became a customer"),
    "customers.party.close": gettext_lazy("Relationship ended"),
    "customers.party.reopen": gettext_lazy("Relationship opened again"),
    "customers.identifier.add": gettext_lazy("Document added"),
    "customers.identifier.verify": gettext_lazy("Document checked"),
    "customers.identifier.remove": gettext_lazy("Document removed"),
    "customers.contact_point.add": gettext_lazy("Contact point added"),
    "customers.contact_point.verify": gettext_lazy("Contact point checked"),
    "customers.contact_point.remove": gettext_lazy("Contact point removed"),
    "customers.address.add": gettext_lazy("Address added"),
    "customers.address.verify": gettext_lazy("Address checked"),
    "customers.address.remove": gettext_lazy("Address removed"),
    "customers.relation.add": gettext_lazy("Relation added"),
    "customers.relation.end": gettext_lazy("Relation ended"),
}
"""What each action of the trail is called on a timeline."""
# What a reader may not see of the other side of a relation, and what the title says already.
UNTOLD = frozenset({"other", "role", "note", "during", "sealed", "verified_on"})
_MODELS: Mapping[str, type[models.Model]] = {
    model._meta.label_lower: model for model in (Party, Identifier, ContactPoint, Address, Relation)
}


def field_changes(entry: AuditEntry, units: Mapping[str, str]) -> list[FieldChange]:
    """The fields of one entry in words; `units` maps public ids to names."""
    return list(_field_changes(entry, units))


def _field_changes(entry: AuditEntry, units: Mapping[str, str]) -> Iterator[FieldChange]:
    model = _MODELS.get(entry.object_type)
    if model is None or entry.action == "customers.party.confirm":
        names = [Party._meta.get_field(name) for name in entry.changes if name in FIELDS]
        yield from (FieldChange(_label(field), "", _("checked")) for field in names)
        return
    for name, (before, after) in entry.changes.items():
        if model is not Party and name in UNTOLD:
            continue
        try:
            field = model._meta.get_field(name)
        except FieldDoesNotExist:
            continue
        hidden = any(isinstance(each, str) and each.startswith(DIGEST) for each in (before, after))
        if hidden:
            yield FieldChange(_label(field), "", "", hidden=True)
        else:
            yield FieldChange(
                _label(field), _words(field, before, units), _words(field, after, units)
            )


def _label(field: Any) -> str:
    return str(field.verbose_name)


def _words(field: Any, value: Any, units: Mapping[str, str]) -> str:
    if value is None:
        return ""
    if field.name == "unit":
        return units.get(str(value), _("a unit"))
    if field.choices:
        return str(dict(field.flatchoices).get(value, value))
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return str(value)


def unit_names(entries: list[AuditEntry]) -> dict[str, str]:
    """The units that the entries name, by public id."""
    ids = {
        str(value)
        for entry in entries
        for value in entry.changes.get("unit", ())
        if value is not None
    }
    if not ids:
        return {}
    found = Unit.objects.filter(public_id__in=ids).values_list("public_id", "name")
    return {str(public_id): name for public_id, name in found}


@wall.lowered()  # of one's own deeds no more than the keys
def handed_over_alone(giver: int | None, since: datetime) -> set[int]:
    """The customers to whom the user `giver` gave a main manager since then, one by one and not in a bulk job.

    Told by the trail: an assignment of a day that lasts no evening leaves no row.
    """
    begun = AuditEntry.objects.filter(
        actor_user_id=giver,
        at__gt=since,
        action="customers.assignment.begin",
        changes__role__1=Assignment.Role.MAIN,
    )
    alone = begun.exclude(origin__startswith=BULK_JOB)
    return {key for key in alone.values_list("party_id", flat=True) if key is not None}
