"""Every write to units, people and positions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.db.backends.postgresql.psycopg_any import DateRange
from django.utils.translation import gettext as _

from zhike.kernel import audit, clock, events
from zhike.kernel.actor import Actor
from zhike.kernel.errors import Refused, UserError
from zhike.kernel.services import change, service
from zhike.organisation import rules
from zhike.organisation.events import AppointmentsChanged, EmployeeLeft
from zhike.organisation.models import Appointment, Employee, Position, Unit, User

# A room above may name a reason why somebody cannot leave yet (they still look after customers).
LeaveGuard = Callable[[Employee], str | None]
leave_guards: list[LeaveGuard] = []


@service("organisation.administer")
def open_unit(
    *,
    actor: Actor,
    code: str,
    name: str,
    kind: str,
    parent: Unit | None = None,
    region: str = "",
    opened_on: date | None = None,
) -> Unit:
    """A new unit under `parent`; without one it is a root of the tree."""
    unit = Unit.objects.create(
        code=code, name=name, kind=kind, parent=parent, region=region, opened_on=opened_on
    )
    unit.path = rules.new_path(parent.path if parent else None, unit.pk)
    unit.save(update_fields=["path"])
    audit.record(actor, "organisation.unit.open", unit, changes={"name": (None, name)})
    return unit


@service("organisation.administer")
def change_unit(
    *, actor: Actor, unit: Unit, changes: Mapping[str, Any], version: int | None = None
) -> Unit:
    """Rename a unit or correct its region and dates."""
    change(actor, unit, changes, action="organisation.unit.change", version=version)
    return unit


@service("organisation.administer")
def move_unit(*, actor: Actor, unit: Unit, parent: Unit) -> Unit:
    """Put a unit, and all below it, under another parent. Refused when that would close a circle."""
    if parent.path.startswith(unit.path):
        raise Refused(_("A unit cannot stand below itself."), action="organisation.unit.move")
    old_path, new_path = unit.path, rules.new_path(parent.path, unit.pk)
    moved = list(Unit.objects.select_for_update().filter(path__startswith=old_path))
    for each in moved:
        each.path = new_path + each.path[len(old_path) :]
    Unit.objects.bulk_update(moved, ["path"])
    change(actor, unit, {"parent": parent}, action="organisation.unit.move")
    unit.refresh_from_db()
    return unit


@service("organisation.administer")
def hire(
    *, actor: Actor, code: str, name: str, unit: Unit, hired_on: date | None = None
) -> Employee:
    employee = Employee.objects.create(code=code, name=name, unit=unit, hired_on=hired_on)
    audit.record(actor, "organisation.employee.hire", employee, changes={"unit": (None, unit)})
    return employee


@service("organisation.administer")
def appoint(
    *,
    actor: Actor,
    employee: Employee,
    unit: Unit,
    role: str,
    title: str,
    since: date | None = None,
    until: date | None = None,
    reason: str = "",
) -> Appointment:
    """Seat an employee in a position from `since` (today) until `until` (open).

    Refused when one of the three administrators' roles would meet any other role in one person, or when
    someone would appoint themselves.
    """
    if actor.employee_id == employee.pk:
        raise Refused(_("Nobody appoints themselves."), action="organisation.appoint")
    during = DateRange(since or clock.today(), until)
    overlapping = Appointment.objects.filter(employee=employee, during__overlap=during)
    roles = {role, *overlapping.values_list("position__role", flat=True)}
    if not rules.may_hold_together(roles):
        raise Refused(
            _("An administrator's role cannot be held together with another role."),
            action="organisation.appoint",
        )
    position, _created = Position.objects.get_or_create(unit=unit, role=role, title=title)
    appointment = Appointment.objects.create(
        employee=employee, position=position, during=during, reason=reason
    )
    audit.record(
        actor,
        "organisation.appoint",
        appointment,
        changes={"position": (None, position)},
        reason=reason,
    )
    events.publish(AppointmentsChanged(employee.pk))
    return appointment


@service("organisation.administer")
def end_appointment(*, actor: Actor, appointment: Appointment, on: date, reason: str) -> None:
    """The position is held up to, and not including, `on`."""
    before = appointment.during
    after = DateRange(before.lower, max(on, before.lower))
    change(
        actor,
        appointment,
        {"during": after},
        action="organisation.appointment.end",
        reason=reason,
    )
    events.publish(AppointmentsChanged(appointment.employee_id))


@service("organisation.administer")
def give_login(
    *, actor: Actor, employee: Employee | None, login: str, password: str, language: str = ""
) -> User:
    """A user for an employee. Raises django's ValidationError for a weak password."""
    user = User(login=login, employee=employee, language=language)
    validate_password(password, user)
    user.set_password(password)
    user.save()
    audit.record(actor, "organisation.user.give_login", user, changes={"login": (None, login)})
    return user


@service("organisation.administer")
def leave(*, actor: Actor, employee: Employee, on: date, reason: str) -> Employee:
    """An employee leaves: sign-in ends at once, positions end on the day.

    Refused while a room above still needs the person (customers not handed over).
    """
    for guard in leave_guards:
        if obstacle := guard(employee):
            raise Refused(obstacle, action="organisation.leave")
    change(actor, employee, {"left_on": on}, action="organisation.employee.leave", reason=reason)
    for user in User.objects.filter(employee=employee, is_active=True):
        change(actor, user, {"is_active": False}, action="organisation.user.close", reason=reason)
    for appointment in Appointment.objects.filter(employee=employee, during__contains=on):
        end_appointment(actor=actor, appointment=appointment, on=on, reason=reason)
    events.publish(EmployeeLeft(employee.pk))
    return employee


@service("account.use")
def choose_language(*, actor: Actor, user: User, language: str) -> None:
    """Somebody chooses the language of their own screens."""
    if user.pk != actor.user_id:
        raise Refused(_("Only your own language can be chosen."), action="account.language")
    if language not in {"zh-hans", "zh-hant", "en"}:
        raise UserError(_("There is no such language."), "zh-hans, zh-hant, en")
    User.objects.filter(pk=user.pk).update(language=language)
