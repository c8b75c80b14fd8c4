"""Somebody leaves, or loses the last position or the login: what they hold ends, what hangs on them is taken over.

The rooms above say what hangs on people (`hangings`) and what somebody's access is made of (`endings`). All of it is
one transaction: nobody is gone while their customers are nobody's, and nothing they held outlives them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from django.db.backends.postgresql.psycopg_any import DateRange
from django.utils.translation import gettext as _

from zhike.kernel import audit, clock, events
from zhike.kernel.actor import Actor
from zhike.kernel.errors import Refused, UserError
from zhike.kernel.services import change, service
from zhike.kernel.wording import listed
from zhike.organisation.events import AppointmentsChanged, EmployeeLeft
from zhike.organisation.models import Appointment, Employee, User

# A room above may name a reason why somebody cannot leave that no successor takes away.
LeaveGuard = Callable[[Employee], str | None]
leave_guards: list[LeaveGuard] = []


@dataclass(frozen=True)
class Hanging:
    """Something that somebody answers for; `count` tells how much of it hangs on an employee, `words` says so.

    `pass_on(actor, employee, to, on, reason)` lets `to` answer for it from the day on; with `to` None there was
    nothing to answer for, and only what the employee was let see ends.
    """

    id: str
    count: Callable[[Employee], int]
    words: Callable[[int], str]
    pass_on: Callable[[Actor, Employee, Employee | None, date, str], None]


hangings: list[Hanging] = []

Ending = Callable[[Actor, User, str], None]
endings: list[Ending] = []
"""What ends at once with somebody's access: sessions, tokens, streams, files."""


@service("organisation.administer")
def what_hangs_on(*, actor: Actor, employee: Employee) -> list[str]:
    """In words, what somebody else must answer for before this person is gone: how much, never whom."""
    return _hanging(employee)


def _hanging(employee: Employee) -> list[str]:
    return [each.words(count) for each in hangings if (count := each.count(employee))]


@service("organisation.administer", proof=True)
def leave(
    *, actor: Actor, employee: Employee, on: date, reason: str, successor: Employee | None = None
) -> Employee:
    """An employee leaves: sign-in and all access end at once, positions on the day, and `successor` takes over.

    Refused without a successor while anything hangs on the person, with what it is; and where a guard names a reason.
    """
    _pass_on(actor, employee, successor, on, reason, "organisation.leave")
    for guard in leave_guards:
        if obstacle := guard(employee):
            raise Refused(obstacle, action="organisation.leave")
    change(actor, employee, {"left_on": on}, action="organisation.employee.leave", reason=reason)
    for user in User.objects.filter(employee=employee):
        _end_access(actor, user, reason)
        _open_or_close(actor, user, reason, active=False)
    for appointment in Appointment.objects.filter(
        employee=employee, during__overlap=DateRange(on, None)
    ):
        _end(actor, appointment, on, reason)
    events.publish(EmployeeLeft(employee.pk))
    return employee


@service("organisation.administer", proof=True)
def end_appointment(
    *,
    actor: Actor,
    appointment: Appointment,
    on: date,
    reason: str,
    successor: Employee | None = None,
) -> None:
    """The position is held up to, and not including, `on`; never longer than it was.

    One that had not begun by then leaves an empty range: it is kept, and was never held. With the last position
    `successor` takes over what hangs on the person, and all access ends at once when the day has come.
    """
    before = appointment.during
    if before.upper is not None and before.upper <= on:
        raise UserError(_("This position ends earlier already."), _("Choose an earlier day."))
    _end(actor, appointment, on, reason)
    employee = appointment.employee
    if Appointment.objects.filter(employee=employee, during__overlap=DateRange(on, None)).exists():
        return
    _pass_on(actor, employee, successor, on, reason, "organisation.appointment.end")
    if on <= clock.today():
        for user in User.objects.filter(employee=employee):
            _end_access(actor, user, reason)


@service("organisation.administer", proof=True)
def close_login(
    *, actor: Actor, user: User, reason: str, successor: Employee | None = None
) -> User:
    """Nobody signs in with it any more, and everything it held ends at once; positions stay.

    `successor` takes over what hangs on the person, as when they leave. Nobody closes their own.
    """
    if user.pk == actor.user_id:
        raise Refused(_("Nobody closes their own login."), action="organisation.user.close")
    if user.employee is not None:
        today = clock.today()
        _pass_on(actor, user.employee, successor, today, reason, "organisation.user.close")
    _end_access(actor, user, reason)
    _open_or_close(actor, user, reason, active=False)
    return user


@service("organisation.administer", proof=True)
def open_login(*, actor: Actor, user: User, reason: str) -> User:
    """Somebody who is back may sign in again; what went to others stays with them."""
    if user.employee is not None and user.employee.left_on:
        raise Refused(
            _("%(name)s has left.") % {"name": user.employee.name}, action="organisation.user.open"
        )
    _open_or_close(actor, user, reason, active=True)
    return user


def _pass_on(
    actor: Actor, employee: Employee, to: Employee | None, on: date, reason: str, action: str
) -> None:
    # Locked, so that nothing is laid on somebody's desk while they go.
    Employee.objects.select_for_update().get(pk=employee.pk)
    if left := _hanging(employee):
        if to is None:
            raise Refused(
                _("%(name)s still answers for %(what)s.")
                % {"name": employee.name, "what": listed(left)},
                action=action,
                way_out=_("Name somebody who takes it over."),
            )
        if to.pk == employee.pk or to.left_on:
            raise UserError(
                _("%(name)s cannot take it over.") % {"name": to.name}, _("Choose somebody else.")
            )
    for each in hangings:
        each.pass_on(actor, employee, to if left else None, on, reason)


def _end_access(actor: Actor, user: User, reason: str) -> None:
    for end in endings:
        end(actor, user, reason)


def _end(actor: Actor, appointment: Appointment, on: date, reason: str) -> None:
    before = appointment.during
    after = DateRange(before.lower, on) if before.lower < on else DateRange(empty=True)
    change(
        actor, appointment, {"during": after}, action="organisation.appointment.end", reason=reason
    )
    events.publish(AppointmentsChanged(appointment.employee_id))


def _open_or_close(actor: Actor, user: User, reason: str, *, active: bool) -> None:
    # Not through `change`: whoever ends a login need not be one who may read logins.
    if not User.objects.filter(pk=user.pk, is_active=not active).update(is_active=active):
        return
    user.is_active = active
    audit.record(
        actor,
        "organisation.user.open" if active else "organisation.user.close",
        user,
        changes={"is_active": (not active, active)},
        reason=reason,
    )
