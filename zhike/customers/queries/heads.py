"""What the head of the customer page says: things to know, and where the customer stood on a past day."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from zhike.customers import queries
from zhike.customers.models import (
    Assignment,
    ConsentEvent,
    Identifier,
    Party,
    Tier,
    TierRating,
)
from zhike.customers.queries.reads import identifiers_of
from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.organisation.models import Employee
from zhike.ui.heads import HeadNote

STALE_DOCUMENT = timedelta(days=365 * 5)
"""After so long a document that nobody checked again is asked for; most identity cards run longer."""


def notes_of(actor: Actor, party: Any, day: date | None) -> list[HeadNote]:
    """Overdue contact, nobody in charge, consent withdrawn, documents long unchecked."""
    notes = []
    today = day or clock.today()
    if party.stage == Party.Stage.FORMER:
        notes.append(HeadNote(_("A former customer"), tone="secondary", icon="user-off"))
    elif (manager_on(party, today) if day else queries.manager_of(party)) is None:
        notes.append(
            HeadNote(
                _("Nobody looks after them"),
                tone="red",
                icon="user-question",
                panel="customers.assignments",
            )
        )
    due = None if day else queries.next_contact_on(party)
    if due and due < today and party.stage != Party.Stage.FORMER:
        days = (today - due).days
        notes.append(
            HeadNote(
                _("Contact overdue by %(days)d days") % {"days": days},
                tone="red",
                icon="phone-off",
                panel="customers.timeline",
            )
        )
    return [*notes, *_consent_notes(actor, party, day), *_document_notes(actor, party, today)]


def _consent_notes(actor: Actor, party: Party, day: date | None) -> list[HeadNote]:
    withdrawn: dict[str, list[str]] = {}
    for (purpose, channel), step in queries.consent_of(actor, party, day).items():
        if step is not None and not step.given:
            withdrawn.setdefault(purpose, []).append(channel)
    return [
        HeadNote(
            _("Consent withdrawn: %(what)s") % {"what": _consent_words(purpose, channels)},
            icon="hand-stop",
            panel="customers.consent",
        )
        for purpose, channels in withdrawn.items()
    ]


def _consent_words(purpose: str, channels: list[str]) -> str:
    what = str(ConsentEvent.Purpose(purpose).label)
    if ConsentEvent.Channel.ANY in channels:
        return what
    return f"{what} ({', '.join(str(ConsentEvent.Channel(each).label) for each in channels)})"


def _document_notes(actor: Actor, party: Party, today: date) -> list[HeadNote]:
    stale = [
        paper.get_kind_display()
        for paper in identifiers_of(actor, party)
        if paper.kind != Identifier.Kind.SOURCE_NUMBER
        and (seen := paper.verified_on or paper.observed_on)
        and today - seen > STALE_DOCUMENT
    ]
    return [
        HeadNote(
            _("Ask for the document again: %(kind)s") % {"kind": kind},
            icon="id",
            panel="customers.facts",
        )
        for kind in stale
    ]


def manager_on(party: Party, day: date) -> Employee | None:
    """The main manager of a day."""
    main = (
        Assignment.objects.filter(party=party, role=Assignment.Role.MAIN, during__contains=day)
        .select_related("employee")
        .first()
    )
    return main.employee if main else None


def tier_on(party: Party, day: date) -> Tier | None:
    """The tier of a day."""
    rating = (
        TierRating.objects.filter(Q(during__contains=day), party=party)
        .select_related("tier")
        .first()
    )
    return rating.tier if rating else None
