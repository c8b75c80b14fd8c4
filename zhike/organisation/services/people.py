"""Writes to employees, their positions and their logins."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.contrib.auth.password_validation import (
    password_validators_help_texts,
    validate_password,
)
from django.core.exceptions import ValidationError
from django.db.backends.postgresql.psycopg_any import DateRange
from django.utils.translation import gettext as _

from zhike.kernel import audit, clock, events
from zhike.kernel.actor import Actor
from zhike.kernel.errors import Refused, UserError
from zhike.kernel.services import change, service
from zhike.kernel.wording import sentences
from zhike.organisation import rules
from zhike.organisation.events import AppointmentsChanged, PasswordSet
from zhike.organisation.models import (
    Appointment,
    Employee,
    Position,
    Unit,
    User,
)
from zhike.organisation.queries import duties_of
from zhike.organisation.services.codes import must_be_free


@service("organisation.administer")
def hire(
    *, actor: Actor, code: str, name: str, unit: Unit, hired_on: date | None = None
) -> Employee:
    """A new employee of a unit, without a position yet. Refused for a code in use."""
    must_be_free(Employee, code)
    employee = Employee.objects.create(code=code, name=name, unit=unit, hired_on=hired_on)
    audit.record(actor, "organisation.employee.hire", employee, changes={"unit": (None, unit)})
    return employee


@service("organisation.administer")
def change_employee(
    *,
    actor: Actor,
    employee: Employee,
    changes: Mapping[str, Any],
    version: int | None = None,
    originals: Mapping[str, Any] | None = None,
) -> Employee:
    """Correct an employee's name, unit or dates. Raises Conflict. Leaving is `leave`."""
    change(
        actor,
        employee,
        changes,
        action="organisation.employee.change",
        version=version,
        originals=originals,
    )
    return employee


@service("organisation.administer", proof=True)
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
    """Seat an employee in a position from `since` (today) until `until` (not included; open).

    Refused when one of the three administrators' roles would meet any other role in one person,
    when someone would appoint themselves, when the employee left or holds the position already.
    """
    action = "organisation.appoint"
    if actor.employee_id == employee.pk:
        raise Refused(_("Nobody appoints themselves."), action=action)
    since = since or clock.today()
    if until is not None and until <= since:
        raise UserError(_("A position is held for a day at least."), _("Choose a later end."))
    # Locked, so that two appointments at once cannot join roles that may not be held together.
    if Employee.objects.select_for_update().get(pk=employee.pk).left_on:
        raise Refused(_("%(name)s has left.") % {"name": employee.name}, action=action)
    during = DateRange(since, until)
    held = Appointment.objects.filter(employee=employee, during__overlap=during)
    if not rules.may_hold_together({role, *duties_of(employee, during)}):
        raise Refused(
            _("An administrator's role cannot be held together with another role."), action=action
        )
    position, _created = Position.objects.get_or_create(unit=unit, role=role, title=title)
    if held.filter(position=position).exists():
        raise Refused(
            _("%(name)s holds this position in that time already.") % {"name": employee.name},
            action=action,
        )
    appointment = Appointment.objects.create(
        employee=employee, position=position, during=during, reason=reason
    )
    audit.record(actor, action, appointment, changes={"position": (None, position)}, reason=reason)
    events.publish(AppointmentsChanged(employee.pk))
    return appointment


@service("organisation.administer", proof=True)
def give_login(
    *, actor: Actor, employee: Employee | None, login: str, password: str | None, language: str = ""
) -> User:
    """A user for an employee. Refused for a login in use, a second login, or a weak password.

    Without a password for who signs in at the institution's directory or provider.
    """
    user = User(login=login, employee=employee, language=language)
    if password is not None:
        _must_be_strong(password, user)
    if User.objects.filter(login=login).exists():
        raise UserError(_("This login is in use."), _("Choose another one."))
    if employee is not None and User.objects.filter(employee=employee).exists():
        raise UserError(_("%(name)s has a login already.") % {"name": employee.name})
    user.set_password(password)
    user.save()
    audit.record(actor, "organisation.user.give_login", user, changes={"login": (None, login)})
    if password is not None:
        events.publish(PasswordSet(user.pk))
    return user


@service("organisation.administer", proof=True)
def reset_password(*, actor: Actor, user: User, password: str) -> User:
    """A new password; whoever is signed in under the old one is signed out. Refused when weak."""
    _must_be_strong(password, user)
    user.set_password(password)
    User.objects.filter(pk=user.pk).update(password=user.password)
    audit.record(actor, "organisation.user.reset_password", user)
    events.publish(PasswordSet(user.pk))
    return user


@service("account.use")
def set_own_password(*, actor: Actor, user: User, password: str) -> User:
    """Somebody's own new password; whoever asks has seen that they know the present one. Refused when weak."""
    if user.pk != actor.user_id:
        raise Refused(_("Only your own password can be changed."), action="account.password")
    _must_be_strong(password, user)
    user.set_password(password)
    User.objects.filter(pk=user.pk).update(password=user.password)
    audit.record(actor, "account.password", user)
    events.publish(PasswordSet(user.pk))
    return user


@service("account.use")
def choose_language(*, actor: Actor, user: User, language: str) -> None:
    """Somebody chooses the language of their own screens."""
    if user.pk != actor.user_id:
        raise Refused(_("Only your own language can be chosen."), action="account.language")
    if language not in {"zh-hans", "zh-hant", "en"}:
        raise UserError(_("There is no such language."), "zh-hans, zh-hant, en")
    before = user.language
    if before == language:
        return
    User.objects.filter(pk=user.pk).update(language=language)
    audit.record(actor, "account.language", user, changes={"language": (before, language)})


def _must_be_strong(password: str, user: User) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        asked = sentences(password_validators_help_texts())
        raise UserError(_("This password is too weak."), asked) from error
