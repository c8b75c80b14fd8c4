"""Who looks after whom: dated, one main manager at a time, never without a reason."""

from __future__ import annotations

from datetime import date, timedelta

from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateRange
from django.utils.translation import gettext as _

from zhike.access.queries import permissions_on
from zhike.customers.events import AssignmentChanged
from zhike.customers.models import Assignment, Party, TimelineEntry
from zhike.customers.queries.history import handed_over_alone
from zhike.customers.rules import BY_HAND_OVER
from zhike.customers.services.text import must_hide_nothing
from zhike.customers.services.timeline import tell
from zhike.desk.rules import WITHIN
from zhike.desk.services import agreeing
from zhike.kernel import audit, clock, events
from zhike.kernel.actor import Actor
from zhike.kernel.errors import Refused, UserError
from zhike.kernel.services import must_be_another, must_see, service
from zhike.organisation.models import Employee, User
from zhike.ui.lists.bulk import bulk_actions

LONGEST_SHARE = timedelta(days=366)


@service("customers.assign")
def assign(
    *,
    actor: Actor,
    party: Party,
    employee: Employee,
    reason: str,
    role: str = Assignment.Role.MAIN,
    since: date | None = None,
    until: date | None = None,
) -> Assignment:
    """`employee` looks after `party` from `since` (today) on, or up to `until`, that day included.

    A main manager is a customer handed over, and counts as one. Whoever is only let see the customer (a share) is so
    for a year at most, and by somebody else. Raises UserError when there is a main manager already (then `hand_over`),
    when the employee is assigned at that time, or when the days do not fit.
    """
    must_see(actor, party)
    _must_say_why(reason)
    start = since or clock.today()
    if role == Assignment.Role.SHARED:
        must_be_another(actor, "customers.share", employee=employee.pk)
    _must_fit(role, start, until)
    if role == Assignment.Role.MAIN and _main_on(party, start):
        raise UserError(_("The customer has a main manager."), _("Hand the customer over instead."))
    if role == Assignment.Role.MAIN:
        _must_be_few(actor, party)
    made = seat(
        actor, party, employee, Assignment.Role(role), since=start, until=until, reason=reason
    )
    must_see(actor, party)
    return made


@service("customers.assign")
def hand_over(
    *, actor: Actor, party: Party, to: Employee, reason: str, since: date | None = None
) -> Assignment:
    """From `since` (today) on `to` is the main manager; the one before stays it until the day before.

    An assignment of the same day that never lasted until the evening is taken back. Puts a line on the timeline.
    Refused where the actor gave as many customers away within a day as one person does alone, in bulk or one by one.
    """
    _must_be_few(actor, party)
    return _hand_over(actor, party, to, reason, since)


@service("customers.assign")
def hand_over_of_many(
    *, actor: Actor, party: Party, to: Employee, reason: str, since: date | None = None
) -> Assignment:
    """As `hand_over`, for a row of a bulk job: how many they are was looked at when it began."""
    return _hand_over(actor, party, to, reason, since)


def _hand_over(
    actor: Actor, party: Party, to: Employee, reason: str, since: date | None
) -> Assignment:
    must_see(actor, party)
    _must_say_why(reason)
    start = since or clock.today()
    before = _main_on(party, start)
    if before is not None and before.employee_id == to.pk:
        raise UserError(
            _("%(name)s is the main manager already.") % {"name": to.name},
            _("Choose somebody else."),
        )
    if before is not None:
        _end(actor, before, start, reason)
    _end_other_role(actor, party, to, start, reason)
    made = seat(actor, party, to, Assignment.Role.MAIN, since=start, reason=reason)
    tell(
        actor,
        party,
        TimelineEntry.Kind.DECISION,
        TimelineEntry.Channel.SYSTEM,
        _("Handed over to %(name)s") % {"name": to.name},
        reason,
        source=BY_HAND_OVER,
    )
    must_see(actor, party)
    return made


@service("customers.assign")
def release(
    *, actor: Actor, party: Party, employee: Employee, reason: str, on: date | None = None
) -> None:
    """`employee` looks after `party` up to, and not including, `on` (today).

    Without a main manager the customer stands on the list of the unassigned.
    """
    must_see(actor, party)
    _must_say_why(reason)
    day = on or clock.today()
    current = Assignment.objects.filter(
        party=party, employee=employee, during__contains=day
    ).first()
    if current is None:
        raise UserError(
            _("%(name)s does not look after this customer at that time.") % {"name": employee.name},
            _("Reload the page."),
        )
    _end(actor, current, day, reason)
    must_see(actor, party)
    events.publish(AssignmentChanged(party.pk))


def _must_fit(role: str, start: date, until: date | None) -> None:
    if until is None and role != Assignment.Role.SHARED:
        return
    if role == Assignment.Role.MAIN:
        raise UserError(
            _("A main manager has no last day: nobody would look after the customer then."),
            _("Hand the customer over on that day."),
        )
    if until is None or not timedelta(0) <= until - start <= LONGEST_SHARE:
        raise UserError(
            _("Say until which day, a year from the first at most."),
            _("It ends by itself after that day."),
        )


def seat(
    actor: Actor,
    party: Party,
    employee: Employee,
    role: str,
    *,
    since: date,
    reason: str,
    until: date | None = None,
) -> Assignment:
    """The row itself, for use cases of this room that have asked for the right to it."""
    needed = "customers.view" if role == Assignment.Role.SHARED else "activities.work"
    must_work(employee, max(since, clock.today()), needed)
    assignment = Assignment(
        party=party,
        employee=employee,
        role=role,
        during=DateRange(since, until and until + timedelta(days=1)),
        reason=reason.strip(),
    )
    try:
        with transaction.atomic():
            assignment.save(force_insert=True)
    except IntegrityError as error:
        raise UserError(
            _("The customer is assigned otherwise at that time already."),
            _("End the other assignment first."),
        ) from error
    audit.record(
        actor,
        "customers.assignment.begin",
        assignment,
        changes={
            "employee": (None, employee),
            "role": (None, str(role)),
            "during": (None, assignment.during),
        },
        reason=reason.strip(),
    )
    events.publish(AssignmentChanged(party.pk, employee.pk, actor.user_id))
    return assignment


def must_work(employee: Employee, day: date, needed: str = "activities.work") -> None:
    """Raise UserError unless the employee holds a position that looks after customers on that day."""
    if employee.left_on is not None or needed not in permissions_on(employee, day):
        raise UserError(
            _("%(name)s holds no position that looks after customers.") % {"name": employee.name},
            _("Choose a customer manager, a team lead or a head."),
        )


def _main_on(party: Party, day: date) -> Assignment | None:
    return (
        Assignment.objects.select_for_update()
        .filter(party=party, role=Assignment.Role.MAIN, during__contains=day)
        .first()
    )


def _end_other_role(actor: Actor, party: Party, employee: Employee, day: date, reason: str) -> None:
    """An assistant who becomes the main manager stops being the assistant."""
    other = Assignment.objects.filter(party=party, employee=employee, during__contains=day).first()
    if other is not None:
        _end(actor, other, day, reason)


def _end(actor: Actor, assignment: Assignment, day: date, reason: str) -> None:
    start = assignment.during.lower
    if start is not None and start >= day:
        audit.record(
            actor,
            "customers.assignment.take_back",
            assignment,
            changes={"employee": (assignment.employee, None)},
            reason=reason.strip(),
        )
        assignment.delete()
        return
    before = assignment.during
    after = DateRange(start, day)
    # Not through the scope: the one who hands over may end what kept the customer in their sight.
    Assignment.objects.filter(pk=assignment.pk).update(during=after, version=assignment.version + 1)
    audit.record(
        actor,
        "customers.assignment.end",
        assignment,
        changes={"during": (str(before), str(after))},
        reason=reason.strip(),
    )


def _must_be_few(actor: Actor, party: Party) -> None:
    """What is done one by one is no way round the second person whom a bulk job waits for."""
    if actor.user_id is None:
        return
    # The lock of the person: two at once are counted one after the other.
    User.objects.select_for_update(of=("self",)).get(pk=actor.user_id)
    action = bulk_actions.get("customers.hand_over")
    if agreeing.second_person_wanted(actor, action, 1) and party.pk not in handed_over_alone(
        actor.user_id, clock.now() - WITHIN
    ):
        raise Refused(
            _("With what you handed over within a day this is more than %(n)s customers.")
            % {"n": action.alone},
            action="customers.assignment.alone",
            way_out=_(
                "Tick the customer in the list and hand over there: it waits for a second person."
            ),
        )


def _must_say_why(reason: str) -> None:
    if len(reason.strip()) < 2:
        raise UserError(_("A reason is missing."), _("Say in a few words why."))
    must_hide_nothing(reason=reason)
