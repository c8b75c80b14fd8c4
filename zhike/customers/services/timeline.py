"""Contacts and other things worth telling, on the one timeline of a customer."""

from __future__ import annotations

from datetime import datetime

from django.db.models import F, Max, Q
from django.utils.translation import gettext as _

from zhike.customers.events import ContactMade
from zhike.customers.models import Party, Standing, TimelineEntry
from zhike.customers.services.text import must_hide_nothing
from zhike.kernel import audit, clock, events
from zhike.kernel.actor import Actor
from zhike.kernel.errors import UserError
from zhike.kernel.services import must_see, service


@service("customers.view")
def add_timeline_entry(
    *,
    actor: Actor,
    party: Party,
    kind: str,
    channel: str,
    title: str,
    body: str = "",
    result: str = "",
    direction: str = "",
    at: datetime | None = None,
    source: str = "",
    source_key: str = "",
) -> TimelineEntry:
    """Put a contact, note, change or decision on the timeline; a contact moves the last contact.

    `at` is when it happened (now); it cannot lie in the future. Whoever works activities or edits
    customers may. `source` names the room that may take it back, `source_key` the thing it stands for there.
    Raises UserError when the text holds an identity, card or mobile number.
    """
    if not actor.may("activities.work"):
        actor.must("customers.edit")
    must_see(actor, party)
    must_hide_nothing(title=title, body=body, result=result)
    if not title.strip():
        raise UserError(_("The entry has no title."), _("Say in a few words what it is about."))
    if at is not None and at > clock.now():
        raise UserError(
            _("What is still to come does not belong on the timeline."),
            _("Give a time that has passed, or plan a task."),
        )
    entry = tell(
        actor,
        party,
        TimelineEntry.Kind(kind),
        TimelineEntry.Channel(channel),
        title,
        body,
        result=result,
        direction=TimelineEntry.Direction(direction),
        at=at,
        source=source,
        source_key=source_key,
    )
    must_see(actor, entry)
    if entry.kind == TimelineEntry.Kind.CONTACT:
        _note_contact(party, entry.at)
        events.publish(ContactMade(party.pk, entry.channel, entry.id))
    audit.record(
        actor,
        "customers.timeline.add",
        party,
        changes={"kind": (None, str(entry.kind)), "timeline": (None, f"{entry.at} {entry.id}")},
        party_id=party.pk,
    )
    return entry


@service("customers.view")
def withdraw_timeline_entries(
    *, actor: Actor, party: Party, source: str, source_key: str
) -> list[TimelineEntry]:
    """Take back what `source` wrote for `source_key`; answers the entries, none when there is nothing left.

    They stay on the timeline as taken back, and the last contact is again the latest that stands there.
    """
    if not actor.may("activities.work"):
        actor.must("customers.edit")
    must_see(actor, party)
    written = (
        TimelineEntry.objects.filter(party=party, source=source, source_key=source_key)
        .exclude(kind=TimelineEntry.Kind.WITHDRAWN)
        .select_for_update()
    )
    entries = list(written)
    for entry in entries:
        before, entry.kind = entry.kind, TimelineEntry.Kind.WITHDRAWN
        TimelineEntry.objects.filter(pk=entry.pk).update(kind=entry.kind)
        audit.record(
            actor,
            "customers.timeline.withdraw",
            party,
            changes={
                "kind": (before, str(entry.kind)),
                "timeline": (f"{entry.at} {entry.id}", None),
            },
            party_id=party.pk,
        )
        if before == TimelineEntry.Kind.CONTACT:
            _recall_contact(party)
    return entries


def tell(
    actor: Actor,
    party: Party,
    kind: TimelineEntry.Kind,
    channel: TimelineEntry.Channel,
    title: str,
    body: str = "",
    *,
    result: str = "",
    direction: str = "",
    at: datetime | None = None,
    source: str = "",
    source_key: str = "",
) -> TimelineEntry:
    """The row itself, for use cases of this room that write their own entry on the trail."""
    return TimelineEntry.objects.create(
        at=at or clock.now(),
        party=party,
        kind=kind,
        channel=channel,
        direction=direction,
        title=title.strip(),
        body=body.strip(),
        result=result.strip(),
        employee_id=actor.employee_id,
        source=source,
        source_key=source_key,
    )


def _recall_contact(party: Party) -> None:
    """The last contact is what the timeline says."""
    contacts = TimelineEntry.objects.filter(party=party, kind=TimelineEntry.Kind.CONTACT)
    at = contacts.aggregate(at=Max("at"))["at"]
    day = at and at.astimezone(clock.BUSINESS_ZONE).date()
    Standing.objects.filter(party=party).exclude(last_contact_on=day).update(
        last_contact_on=day, version=F("version") + 1
    )


def _note_contact(party: Party, at: datetime) -> None:
    day = at.astimezone(clock.BUSINESS_ZONE).date()
    Standing.objects.filter(
        Q(last_contact_on__isnull=True) | Q(last_contact_on__lt=day), party=party
    ).update(last_contact_on=day, version=F("version") + 1)
