"""The customers of somebody who goes: to a named person, all at once, on record each."""

from __future__ import annotations

from datetime import date

from django.db.backends.postgresql.psycopg_any import DateRange
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from zhike.customers.events import BookTakenOver
from zhike.customers.models import Assignment, TimelineEntry
from zhike.customers.rules import BY_HAND_OVER
from zhike.customers.services.assignments import must_work
from zhike.kernel import audit, clock, events
from zhike.kernel.actor import Actor
from zhike.kernel.services import service
from zhike.organisation.models import Employee


def held_from(employee: Employee, day: date) -> QuerySet[Assignment]:
    """What the employee looks after or is let see on that day or later."""
    return Assignment.objects.filter(employee=employee, during__overlap=DateRange(day, None))


@service("organisation.administer")
def take_over(
    *, actor: Actor, employee: Employee, to: Employee | None, on: date, reason: str
) -> int:
    """From `on` (today at the earliest) `to` is main manager where `employee` was; covers and shares end.

    Not through a scope: whoever lets people go sees no customer, and gets none to see; they name who takes over.
    Answers how many customers went. Raises UserError when `to` holds no position that looks after customers.
    """
    day = max(on, clock.today())
    held = list(held_from(employee, day).select_for_update(of=("self",)).select_related("party"))
    mains = [each for each in held if each.role == Assignment.Role.MAIN]
    if mains and to is not None:
        must_work(to, day)
        parties = [each.party_id for each in mains]
        held += list(held_from(to, day).filter(party__in=parties).select_for_update())
    onward = [DateRange(max(day, each.during.lower or day), each.during.upper) for each in mains]
    _end(actor, held, day, reason)
    if not mains or to is None:
        return 0
    made = Assignment.objects.bulk_create(
        Assignment(
            party=each.party,
            employee=to,
            role=Assignment.Role.MAIN,
            during=during,
            reason=reason.strip(),
        )
        for each, during in zip(mains, onward, strict=True)
    )
    audit.record_many(actor, "customers.assignment.begin", made, reason=reason.strip())
    TimelineEntry.objects.bulk_create(
        TimelineEntry(
            at=clock.now(),
            party=each.party,
            kind=TimelineEntry.Kind.DECISION,
            channel=TimelineEntry.Channel.SYSTEM,
            title=_("Handed over to %(name)s") % {"name": to.name},
            body=reason.strip(),
            employee_id=actor.employee_id,
            source=BY_HAND_OVER,
        )
        for each in mains
    )
    # One event for all of them: hundreds would be told one after the other.
    went = tuple(each.party_id for each in made)
    events.publish(BookTakenOver(went, to.pk, actor.user_id))
    return len(made)


def _end(actor: Actor, held: list[Assignment], day: date, reason: str) -> None:
    """What began before the day ends on it; what was still to begin is taken back."""
    begun = [each for each in held if each.during.lower is None or each.during.lower < day]
    coming = [each for each in held if each not in begun]
    for each in begun:
        each.during = DateRange(each.during.lower, day)
        each.version += 1
    Assignment.objects.bulk_update(begun, ["during", "version"], batch_size=500)
    audit.record_many(actor, "customers.assignment.end", begun, reason=reason.strip())
    audit.record_many(actor, "customers.assignment.take_back", coming, reason=reason.strip())
    Assignment.objects.filter(pk__in=[each.pk for each in coming]).delete()
