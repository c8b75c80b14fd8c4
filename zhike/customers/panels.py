"""The panels of the customer page that this room knows; other rooms add theirs to "customers.party"."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.forms import Form
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from zhike.customers import forms, queries
from zhike.customers.models import ConsentEvent, Party, SealedValue, TimelineEntry
from zhike.kernel.actor import Actor
from zhike.ui.panels import Panel, panels

PAGE = "customers.party"
# What the browser is told when something of the customer changed; panels that show it reload.
FACTS, RELATIONS, ASSIGNMENTS, TIMELINE, CONSENT = (
    "customer-facts",
    "customer-relations",
    "customer-assignments",
    "customer-timeline",
    "customer-consent",
)


def facts(actor: Actor, party: Party) -> dict[str, Any]:
    """Sealed values masked, with where they came from."""
    return {
        "groups": [
            _group(
                "identifier",
                gettext("Identifiers"),
                party.identifiers.order_by("kind", "pk"),
                forms.IdentifierForm(),
            ),
            _group(
                "contact",
                gettext("Contact points"),
                party.contact_points.order_by("-is_preferred", "kind", "pk"),
                forms.ContactPointForm(),
            ),
            _group(
                "address",
                gettext("Addresses"),
                party.addresses.order_by("kind", "pk"),
                forms.AddressForm(),
            ),
        ],
        "may_edit": bool(actor.may("customers.edit")),
        "may_reveal": bool(actor.may("customers.reveal")),
    }


def _group(name: str, title: str, rows: Iterable[SealedValue], form: Form) -> dict[str, Any]:
    return {
        "title": title,
        "rows": [
            {
                "value": row,
                **{
                    step: reverse(f"customers:{step}-{name}", kwargs={"public_id": row.public_id})
                    for step in ("reveal", "verify", "remove")
                },
            }
            for row in rows
        ],
        "form": form,
        "add": f"customers:add-{name}",
    }


def relations(actor: Actor, party: Party) -> dict[str, Any]:
    return {
        "lines": queries.relations_of(actor, party),
        "form": forms.RelationForm(),
        "may_edit": bool(actor.may("customers.edit")),
    }


def assignments(actor: Actor, party: Party) -> dict[str, Any]:
    may_assign = bool(actor.may("customers.assign"))
    return {
        "rows": list(queries.assignments_of(party)),
        "form": forms.HandOverForm(actor=actor) if may_assign else None,
    }


def timeline(actor: Actor, party: Party) -> dict[str, Any]:
    return {
        "party": party,
        "timeline": queries.timeline_page(actor, party),
        "kinds": TimelineEntry.Kind.choices,
        "channels": TimelineEntry.Channel.choices,
        "form": forms.TimelineForm(),
        "may_add": bool(actor.may("activities.work")) or bool(actor.may("customers.edit")),
    }


def consent(actor: Actor, party: Party) -> dict[str, Any]:
    state = queries.consent_of(actor, party)
    return {
        "channels": [ConsentEvent.Channel(key).label for key in ConsentEvent.Channel.values],
        "lines": [
            (
                ConsentEvent.Purpose(purpose).label,
                [state[purpose, channel] for channel in ConsentEvent.Channel.values],
            )
            for purpose in ConsentEvent.Purpose.values
        ],
        "form": forms.ConsentForm() if actor.may("customers.consent") else None,
    }


def provenance(actor: Actor, party: Party) -> dict[str, Any]:
    """Where each field came from, and whether somebody checked it (R-012)."""
    lines = []
    for name in forms.FIELD_ORDER:
        if name not in party.provenance:
            continue
        field: Any = Party._meta.get_field(name)
        lines.append((name, field.verbose_name, party.provenance[name]))
    return {"lines": lines, "may_edit": bool(actor.may("customers.edit"))}


def register() -> None:
    """Called once when the room starts."""
    for id, order, load, title, events, lazy in (
        ("customers.facts", 35, facts, _("Documents and contact points"), (FACTS,), False),
        ("customers.timeline", 15, timeline, _("Timeline"), (TIMELINE,), False),
        ("customers.relations", 40, relations, _("Relations"), (RELATIONS,), False),
        ("customers.assignments", 50, assignments, _("Looked after by"), (ASSIGNMENTS,), False),
        ("customers.consent", 60, consent, _("Consent"), (CONSENT,), False),
        ("customers.provenance", 90, provenance, _("Where the facts come from"), (FACTS,), True),
    ):
        panels.register(
            Panel(
                id=id,
                page=PAGE,
                permission="customers.view",
                order=order,
                template=f"customers/panel_{id.removeprefix('customers.')}.html",
                load=load,
                title=title,
                reload_on=events,
                lazy=lazy,
            )
        )
