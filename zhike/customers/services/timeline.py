"""Contacts and other things worth telling, on the one timeline of a customer."""

from __future__ import annotations

from datetime import datetime

from django.db.models import F, Q
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
) -> TimelineEntry:
    """Put a contact, note, change or decision on the timeline; a contact moves the last contact.

    `at` is when it happened (now); it cannot lie in the future. Whoever works activities or edits
    customers may.
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
    )
    must_see(actor, entry)
    if entry.kind == TimelineEntry.Kind.CONTACT:
        _note_contact(party, entry.at)
        events.publish(ContactMade(party.pk, entry.channel))
    audit.record(
        actor,
        "customers.timeline.add",
        party,
        changes={"kind": (None, str(entry.kind)), "timeline": (None, f"{entry.at} {entry.id}")},
        party_id=party.pk,
    )
    return entry


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
    )


def _note_contact(party: Party, at: datetime) -> None:
    day = at.astimezone(clock.BUSINESS_ZONE).date()
    standing, created = Standing.objects.get_or_create(
        party=party, defaults={"last_contact_on": day}
    )
    if not created:
        Standing.objects.filter(
            Q(last_contact_on__isnull=True) | Q(last_contact_on__lt=day), pk=standing.pk
        ).update(last_contact_on=day, version=F("version") + 1)
