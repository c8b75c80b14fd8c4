"""What a person does with a line of their list."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from zhike.activities import rules
from zhike.activities.models import WorkItem
from zhike.customers.models import ConsentEvent, Party, TimelineEntry
from zhike.customers.queries.consent import may_use
from zhike.customers.services import add_timeline_entry, use_channel, withdraw_timeline_entries
from zhike.customers.services.text import must_hide_nothing
from zhike.kernel import audit, clock
from zhike.kernel.actor import Actor
from zhike.kernel.errors import Refused, UserError
from zhike.kernel.services import change, must_see, service

State = WorkItem.State
Useless = WorkItem.Useless
SOURCE = "activities"
MARKETING = ConsentEvent.Purpose.MARKETING


@service("activities.work")
def complete(
    *,
    actor: Actor,
    item: WorkItem,
    result: str,
    channel: str = "",
    also: Iterable[WorkItem] = (),
) -> WorkItem:
    """The work is done and `result` says what came of it; it goes on the customer's timeline.

    With a `channel` (how the customer was reached) it counts as a contact, else as a note. `also` are
    other items of the same customer settled on the way: one entry stands for all, one undo takes all back.
    Raises UserError without a result, when somebody closed one before, or for another customer's item; Refused for
    marketing by a channel that the customer does not agree to (any more).
    """
    result = words(result, _("Say what came of it."))
    item = locked(actor, item, State.OPEN)
    others = [locked(actor, each, State.OPEN) for each in also if each.pk != item.pk]
    if any(each.party_id != item.party_id for each in others):
        raise UserError(
            _("One contact settles the lines of one customer."),
            _("Close the others by themselves."),
        )
    if "marketing_by" in item.figures and channel in ConsentEvent.Channel.values:
        use_channel(actor=actor, party=item.party, purpose=MARKETING, channel=channel)
    _close(actor, item, State.DONE, result, "activities.item.complete")
    for each in others:
        _close(actor, each, State.DONE, result, "activities.item.complete", closed_with=item)
    add_timeline_entry(
        actor=actor,
        party=item.party,
        kind=TimelineEntry.Kind.CONTACT if channel else TimelineEntry.Kind.NOTE,
        channel=channel or TimelineEntry.Channel.SYSTEM,
        direction=TimelineEntry.Direction.OUT if channel else "",
        title=" · ".join(str(each.get_rule_display()) for each in (item, *others)),
        result=result,
        source=SOURCE,
        source_key=str(item.public_id),
    )
    return item


@service("activities.work")
def answer_silence(*, actor: Actor, entry: TimelineEntry) -> WorkItem | None:
    """Close the customer's open "no contact" line with the contact that was made; answers it, None without one.

    A contact so long ago that the next one is due again leaves the line open. Where the contact was the
    result of another line, undoing that one opens this one too.
    """
    item: WorkItem | None = (
        WorkItem.objects.select_for_update()
        .filter(party=entry.party_id, rule=WorkItem.Rule.NO_CONTACT, state=State.OPEN)
        .first()
    )
    contact_on = timezone.localdate(entry.at)
    if item is None or not rules.breaks_silence(contact_on, item.figures, clock.today()):
        return None
    leader = None
    if entry.source == SOURCE:
        leader = WorkItem.objects.filter(party=entry.party_id, public_id=entry.source_key).first()
    result = entry.result or entry.title
    _close(actor, item, State.DONE, result, "activities.item.complete", closed_with=leader)
    return item


@service("activities.work")
def dismiss(
    *, actor: Actor, item: WorkItem, reason: str = "", because: str = Useless.OTHER
) -> WorkItem:
    """The item is of no use: `because` is what the rules learn from, `reason` says more in words.

    Words are needed only for another reason. What the customer does not want is not asked again for longer
    (`rules.quiet_days`).
    """
    because = Useless(because)
    if reason.strip() or because == Useless.OTHER:
        reason = words(reason, _("Say why this needs no work."))
    item = locked(actor, item, State.OPEN)
    _close(actor, item, State.DISMISSED, reason, "activities.item.dismiss", useless_because=because)
    return item


@service("activities.work")
def drop_marketing(*, actor: Actor, party: Party) -> int:
    """A withdrawal beats what is planned: marketing the customer no longer agrees to leaves the lists."""
    planned = WorkItem.objects.filter(
        party=party, state=State.OPEN, figures__has_key="marketing_by"
    ).select_for_update(of=("self",))
    refused = [
        (item, use)
        for item in planned
        if not (use := may_use(actor, party, MARKETING, item.figures["marketing_by"]))
    ]
    for item, use in refused:
        _close(
            actor,
            item,
            State.DISMISSED,
            use.reason[:200],
            "activities.item.dismiss",
            useless_because=Useless.NOT_WANTED,
        )
    return len(refused)


@service("activities.work")
def postpone(*, actor: Actor, item: WorkItem, until: date) -> WorkItem:
    """Off the list until that day, when it comes back by itself; the daily run leaves it waiting.

    Raises UserError for a day that has come or lies more than `rules.LONGEST_WAIT` days ahead.
    """
    _must_be_plannable(until)
    item = locked(actor, item, State.OPEN)
    change(actor, item, {"postponed_until": until}, action="activities.item.postpone")
    return item


@service("activities.work")
def resume(*, actor: Actor, item: WorkItem) -> WorkItem:
    """Back on the list now: undo of `postpone`, or a day that came sooner than planned."""
    item = locked(actor, item, State.OPEN)
    change(actor, item, {"postponed_until": None}, action="activities.item.resume")
    return item


@service("activities.work")
def plan_follow_up(
    *, actor: Actor, party: Party, on: date, text: str, marketing_by: str = ""
) -> WorkItem:
    """A promise on the actor's own list: on that day do what `text` says; it waits until then.

    `marketing_by` is the channel of a contact that is marketing: planned, and made, only while the customer agrees.
    Raises UserError without words, with an identity, card or mobile number in them, or for a day that is past
    or too far ahead; Refused for a customer out of sight or an actor who is no employee.
    """
    text = words(text, _("Say what is to be done."))
    if actor.employee_id is None:
        raise Refused(_("Only an employee has a list."), action="activities.item.plan")
    if on != clock.today():
        _must_be_plannable(on)
    must_see(actor, party)
    if marketing_by:
        use_channel(actor=actor, party=party, purpose=MARKETING, channel=marketing_by)
    item: WorkItem = WorkItem.objects.create(
        party=party,
        employee_id=actor.employee_id,
        rule=WorkItem.Rule.PROMISE,
        priority=rules.PROMISE_PRIORITY,
        due_on=on,
        postponed_until=on,
        found_on=clock.today(),
        figures={"text": text} | ({"marketing_by": marketing_by} if marketing_by else {}),
    )
    must_see(actor, item)
    audit.record(
        actor,
        "activities.item.plan",
        item,
        changes={"due_on": (None, on.isoformat())},
        party_id=party.pk,
    )
    return item


@service("activities.work")
def reopen(*, actor: Actor, item: WorkItem) -> WorkItem:
    """Undo `complete` or `dismiss` within the day, with what was closed along.

    What `complete` wrote on the timeline is taken back with it, and the date of the last contact.
    """
    item = locked(actor, item, State.DONE, State.DISMISSED)
    if item.closed_at is None or timezone.localdate(item.closed_at) != clock.today():
        raise UserError(
            _("Only what was closed today can be opened again."),
            _("The next run opens it when its reason still stands."),
        )
    was_done = item.state == State.DONE
    for each in (item, *WorkItem.objects.filter(closed_with=item, state=State.DONE)):
        change(actor, each, _OPEN_AGAIN, action="activities.item.reopen")
    if was_done:
        withdraw_timeline_entries(
            actor=actor, party=item.party, source=SOURCE, source_key=str(item.public_id)
        )
    return item


_OPEN_AGAIN: dict[str, Any] = {
    "state": State.OPEN,
    "closed_at": None,
    "result": "",
    "useless_because": "",
    "closed_with": None,
    "quiet_until": None,
}


def locked(actor: Actor, item: WorkItem, *states: str) -> WorkItem:
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


def _close(actor: Actor, item: WorkItem, state: str, result: str, action: str, **more: Any) -> None:
    quiet = timedelta(days=rules.quiet_days(more.get("useless_because", "")))
    changes = {
        "state": state,
        "closed_at": clock.now(),
        "result": result,
        "quiet_until": clock.today() + quiet,
        **more,
    }
    change(actor, item, changes, action=action)


def _must_be_plannable(on: date) -> None:
    if rules.may_wait_until(on, clock.today()):
        return
    raise UserError(
        _("%(on)s is no day to plan for.") % {"on": on.isoformat()},
        ngettext(
            "Choose a day from tomorrow on, at most %(days)d day ahead.",
            "Choose a day from tomorrow on, at most %(days)d days ahead.",
            rules.LONGEST_WAIT,
        )
        % {"days": rules.LONGEST_WAIT},
    )


def words(text: str, missing: str) -> str:
    text = text.strip()
    if len(text) < 2:
        raise UserError(missing, _("A few words are enough."))
    if len(text) > 200:
        raise UserError(_("This text is too long."), _("200 characters at most."))
    must_hide_nothing(text=text)
    return text
