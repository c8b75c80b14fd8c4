"""What a person does with a line of their list."""

from __future__ import annotations

from django.utils import timezone
from django.utils.translation import gettext as _

from zhike.activities import rules
from zhike.activities.models import WorkItem
from zhike.customers.models import TimelineEntry
from zhike.customers.services import add_timeline_entry, withdraw_timeline_entries
from zhike.customers.services.text import must_hide_nothing
from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.kernel.errors import UserError
from zhike.kernel.services import change, must_see, service

State = WorkItem.State
SOURCE = "activities"


@service("activities.work")
def complete(*, actor: Actor, item: WorkItem, result: str, channel: str = "") -> WorkItem:
    """The work is done and `result` says what came of it; it goes on the customer's timeline.

    With a `channel` (how the customer was reached) it counts as a contact, else as a note.
    Raises UserError without a result, or when somebody closed the item before.
    """
    result = _words(result, _("Say what came of it."))
    item = _locked(actor, item, State.OPEN)
    _close(actor, item, State.DONE, result, "activities.item.complete")
    add_timeline_entry(
        actor=actor,
        party=item.party,
        kind=TimelineEntry.Kind.CONTACT if channel else TimelineEntry.Kind.NOTE,
        channel=channel or TimelineEntry.Channel.SYSTEM,
        direction=TimelineEntry.Direction.OUT if channel else "",
        title=item.get_rule_display(),
        result=result,
        source=SOURCE,
        source_key=str(item.public_id),
    )
    return item


@service("activities.work")
def answer_silence(*, actor: Actor, entry: TimelineEntry) -> WorkItem | None:
    """Close the customer's open "no contact" line with the contact that was made; answers it, None without one.

    A contact so long ago that the next one is due again leaves the line open.
    """
    item: WorkItem | None = (
        WorkItem.objects.select_for_update()
        .filter(party=entry.party_id, rule=WorkItem.Rule.NO_CONTACT, state=State.OPEN)
        .first()
    )
    contact_on = timezone.localdate(entry.at)
    if item is None or not rules.breaks_silence(contact_on, item.figures, clock.today()):
        return None
    _close(actor, item, State.DONE, entry.result or entry.title, "activities.item.complete")
    return item


@service("activities.work")
def dismiss(*, actor: Actor, item: WorkItem, reason: str) -> WorkItem:
    """The item needs no work, and `reason` says why not."""
    reason = _words(reason, _("Say why this needs no work."))
    item = _locked(actor, item, State.OPEN)
    _close(actor, item, State.DISMISSED, reason, "activities.item.dismiss")
    return item


@service("activities.work")
def reopen(*, actor: Actor, item: WorkItem) -> WorkItem:
    """Undo `complete` or `dismiss` within the day.

    What `complete` wrote on the timeline is taken back with it, and the date of the last contact.
    """
    item = _locked(actor, item, State.DONE, State.DISMISSED)
    if item.closed_at is None or timezone.localdate(item.closed_at) != clock.today():
        raise UserError(
            _("Only what was closed today can be opened again."),
            _("The next run opens it when its reason still stands."),
        )
    was_done = item.state == State.DONE
    change(
        actor,
        item,
        {"state": State.OPEN, "closed_at": None, "result": ""},
        action="activities.item.reopen",
    )
    if was_done:
        withdraw_timeline_entries(
            actor=actor, party=item.party, source=SOURCE, source_key=str(item.public_id)
        )
    return item


def _locked(actor: Actor, item: WorkItem, *states: str) -> WorkItem:
    """The row as it is now, held against others, when the actor may see it and it is in one of `states`."""
    must_see(actor, item)
    now: WorkItem = (
        WorkItem.objects.select_related("party").select_for_update(of=("self",)).get(pk=item.pk)
    )
    if now.state not in states:
        raise UserError(
            _("This line is “%(state)s” by now.") % {"state": now.get_state_display()},
            _("Reload the list."),
        )
    return now


def _close(actor: Actor, item: WorkItem, state: str, result: str, action: str) -> None:
    change(actor, item, {"state": state, "closed_at": clock.now(), "result": result}, action=action)


def _words(text: str, missing: str) -> str:
    text = text.strip()
    if len(text) < 2:
        raise UserError(missing, _("A few words are enough."))
    if len(text) > 200:
        raise UserError(_("This text is too long."), _("200 characters at most."))
    must_hide_nothing(text=text)
    return text
