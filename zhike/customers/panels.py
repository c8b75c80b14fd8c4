"""The panels of the customer page that this room knows; other rooms add theirs to "customers.party"."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from django.forms import Form
from django.urls import reverse
from django.utils.functional import Promise, SimpleLazyObject
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from zhike.customers import forms, queries, web
from zhike.customers.models import ConsentEvent, Party, SealedValue, TimelineEntry
from zhike.customers.queries.heads import notes_of
from zhike.customers.queries.reads import (
    addresses_of,
    called,
    contact_points_of,
    identifiers_of,
)
from zhike.customers.queries.timeline import story
from zhike.kernel.actor import Actor
from zhike.organisation.models import Role
from zhike.ui.addresses import address_of
from zhike.ui.heads import HeadSource, notes
from zhike.ui.panels import Panel, panels

PAGE = "customers.party"
MISSING: Mapping[str, str | Promise] = {
    "birth_on": _("birth or founding date"),
    "contact_point": _("telephone or WeChat"),
    "address": _("address"),
    "manager": _("main manager"),
    "identifier": _("document"),
    "sex": _("sex"),
    "occupation": _("occupation"),
    "education": _("education"),
    "decision_maker": _("decision maker"),
    "industry": _("industry"),
    "employees_count": _("number of employees"),
}
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
    kinds: list[tuple[str, str, Sequence[SealedValue], type[Form]]] = [
        (
            "identifier",
            gettext("Identifiers"),
            identifiers_of(actor, party),
            forms.IdentifierForm,
        ),
        (
            "contact",
            gettext("Contact points"),
            contact_points_of(actor, party),
            forms.ContactPointForm,
        ),
        ("address", gettext("Addresses"), addresses_of(actor, party), forms.AddressForm),
    ]
    sources = called(row.source for _name, _title, rows, _form in kinds for row in rows)
    return {
        "groups": [_group(*kind, sources) for kind in kinds],
        "may_edit": bool(actor.may("customers.edit")),
        "may_reveal": bool(actor.may("customers.reveal")),
    }


def _group(
    name: str,
    title: str,
    rows: Iterable[SealedValue],
    form: type[Form],
    sources: Mapping[str, str],
) -> dict[str, Any]:
    return {
        "name": name,
        "title": title,
        "rows": [
            {
                "value": row,
                "source": sources.get(row.source, ""),
                **{
                    step: address_of(f"customers:{step}-{name}", row.public_id)
                    for step in ("reveal", "verify", "remove")
                },
            }
            for row in rows
        ],
        "form": SimpleLazyObject(form),  # made where it was not drawn before
        "add": f"customers:add-{name}",
    }


def particulars(actor: Actor, party: Party) -> dict[str, Any]:
    """The party's own fields, each changed at its place."""
    completeness = queries.completeness_of(party)
    hidden = forms.PERSONS_ONLY if party.kind == Party.Kind.ORGANISATION else forms.FIRMS_ONLY
    return {
        "lines": [_particular(party, name) for name in forms.FIELD_ORDER if name not in hidden],
        "completeness": completeness,
        "share": completeness.percent / 100,
        "missing": [MISSING[name] for name in completeness.missing],
        "may_edit": bool(actor.may("customers.edit")),
    }


def particulars_on(actor: Actor, party: Party, day: date) -> dict[str, Any]:
    return {**particulars(actor, party), "completeness": None, "may_edit": False}


def _particular(party: Party, name: str) -> dict[str, Any]:
    field: Any = Party._meta.get_field(name)
    show = getattr(party, f"get_{name}_display", None)
    origin = party.provenance.get(name, {})
    return {
        "name": name,
        "label": field.verbose_name,
        "value": show() if show else getattr(party, name),
        "is_flag": field.get_internal_type() == "BooleanField",
        "verified_on": origin.get("verified_on"),
        "source": origin.get("source", ""),
        "unknown": name in getattr(party, "unknown_then", ()),
        "edit": reverse("customers:field", kwargs={"public_id": party.public_id, "field": name}),
    }


def relations(actor: Actor, party: Party) -> dict[str, Any]:
    return {
        **_relations(actor, party, None),
        "form": forms.RelationForm(),
        "may_edit": bool(actor.may("customers.edit")),
    }


def relations_on(actor: Actor, party: Party, day: date) -> dict[str, Any]:
    return _relations(actor, party, day)


def _relations(actor: Actor, party: Party, day: date | None) -> dict[str, Any]:
    ties = queries.Relations(actor, party, day)
    return {
        "page": ties.page(),
        "web": web.drawn(actor, party, ties, day),
        "as_of": day,
    }


def assignments(actor: Actor, party: Party) -> dict[str, Any]:
    return {
        "rows": list(queries.assignments_of(party)),
        "sight": queries.sight(actor, party),
        "may_assign": bool(actor.may("customers.assign")),
    }


def assignments_on(actor: Actor, party: Party, day: date) -> dict[str, Any]:
    return {"rows": list(queries.assignments_of(party, day)), "may_assign": False}


def timeline(actor: Actor, party: Party) -> dict[str, Any]:
    return {
        "party": party,
        "story": story(actor, party),
        "channels": TimelineEntry.Channel.choices,
        "may_add": bool(actor.may("activities.work")) or bool(actor.may("customers.edit")),
    }


def timeline_on(actor: Actor, party: Party, day: date) -> dict[str, Any]:
    return {**timeline(actor, party), "story": story(actor, party, day=day), "may_add": False}


def consent(actor: Actor, party: Party) -> dict[str, Any]:
    form = forms.ConsentForm() if actor.may("customers.consent") else None
    return {**consent_on(actor, party, None), "form": form}


def consent_on(actor: Actor, party: Party, day: date | None) -> dict[str, Any]:
    state = queries.consent_of(actor, party, day)
    return {
        "lines": [
            (
                ConsentEvent.Purpose(purpose).label,
                [
                    (ConsentEvent.Channel(channel).label, state[purpose, channel])
                    for channel in ConsentEvent.Channel.values
                ],
            )
            for purpose in ConsentEvent.Purpose.values
        ],
    }


def register() -> None:
    """Called once when the room starts."""
    for panel in (
        Panel(
            id="customers.timeline",
            order=15,
            template="customers/panel_timeline.html",
            load=timeline,
            load_on=timeline_on,
            title=_("Timeline"),
            reload_on=(TIMELINE, ASSIGNMENTS, FACTS, CONSENT, RELATIONS),
            peek=True,
            page=PAGE,
            permission="customers.view",
        ),
        Panel(
            id="customers.facts",
            order=20,
            template="customers/panel_facts.html",
            load=facts,
            title=_("Documents and contact points"),
            reload_on=(FACTS,),
            side=True,
            order_for={Role.TELLER: 5},
            page=PAGE,
            permission="customers.view",
        ),
        Panel(
            id="customers.particulars",
            order=25,
            template="customers/panel_particulars.html",
            load=particulars,
            load_on=particulars_on,
            title=_("Particulars"),
            reload_on=(FACTS,),
            side=True,
            lazy=True,
            order_for={Role.TELLER: 6},
            page=PAGE,
            permission="customers.view",
        ),
        Panel(
            id="customers.relations",
            order=40,
            template="customers/panel_relations.html",
            load=relations,
            load_on=relations_on,
            title=_("Relations"),
            reload_on=(RELATIONS,),
            lazy=True,
            page=PAGE,
            permission="customers.view",
        ),
        Panel(
            id="customers.assignments",
            order=50,
            template="customers/panel_assignments.html",
            load=assignments,
            load_on=assignments_on,
            title=_("Looked after by"),
            reload_on=(ASSIGNMENTS,),
            side=True,
            lazy=True,
            order_for={Role.TEAM_LEAD: 22, Role.BRANCH_HEAD: 22},
            page=PAGE,
            permission="customers.view",
        ),
        Panel(
            id="customers.consent",
            order=60,
            template="customers/panel_consent.html",
            load=consent,
            load_on=consent_on,
            title=_("Consent"),
            reload_on=(CONSENT,),
            side=True,
            lazy=True,
            page=PAGE,
            permission="customers.view",
        ),
    ):
        panels.register(panel)
    notes.register(
        HeadSource(id="customers.notes", page=PAGE, permission="", order=10, load=notes_of)
    )
