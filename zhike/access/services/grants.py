"""Rights beside somebody's positions: given for a time, with a reason, by somebody else."""

from __future__ import annotations

from datetime import date, timedelta

from django.db.backends.postgresql.psycopg_any import DateRange
from django.utils.translation import gettext as _

from zhike.access import rules
from zhike.access.models import Grant
from zhike.access.roles import PERMISSIONS, RIGHTS
from zhike.kernel import audit, clock, events
from zhike.kernel.actor import Actor
from zhike.kernel.errors import Refused, UserError
from zhike.kernel.services import change, must_be_another, service
from zhike.organisation.events import AppointmentsChanged
from zhike.organisation.models import Employee, Role, Team, Unit
from zhike.organisation.queries import duties_of

LONGEST = timedelta(days=366)


@service("access.administer", proof=True)
def give_right(
    *,
    actor: Actor,
    employee: Employee,
    what: str,
    where: Unit | Team,
    until: date,
    reason: str,
    since: date | None = None,
) -> Grant:
    """Let an employee act in a role, or do one action (`what`), for the customers of a unit or a team.

    From `since` (today) until `until`, that day included, a year at most. Refused for oneself, for who has no
    position then, and where an administrator's duty would meet another one.
    """
    must_be_another(actor, "access.grant", employee=employee.pk)
    start = since or clock.today()
    if what not in Role.values and what not in PERMISSIONS:
        raise UserError(_("There is no such right."), _("Choose among what is offered."))
    if not timedelta(0) <= until - start <= LONGEST:
        raise UserError(
            _("Say until which day, a year from the first at most."),
            _("It ends by itself after that day."),
        )
    if len(reason.strip()) < 2:
        raise UserError(_("A reason is missing."), _("Say in a few words why."))
    # Locked, so that an appointment and a grant at once cannot join duties that may not be held together.
    if Employee.objects.select_for_update().get(pk=employee.pk).left_on:
        raise Refused(_("%(name)s has left.") % {"name": employee.name}, action="access.grant")
    during = DateRange(start, until + timedelta(days=1))
    held = duties_of(employee, during)
    if not held:
        raise Refused(
            _("%(name)s holds no position in that time.") % {"name": employee.name},
            action="access.grant",
            way_out=_("A right comes on top of a position."),
        )
    if not rules.may_be_granted(
        what, held, {role: each.permissions for role, each in RIGHTS.items()}
    ):
        raise Refused(
            _("The duties of the three administrators are held by nobody else."),
            action="access.grant",
        )
    role = what if what in Role.values else ""
    grant = Grant.objects.create(
        employee=employee,
        role=role,
        permission="" if role else what,
        unit=where if isinstance(where, Unit) else None,
        team=where if isinstance(where, Team) else None,
        during=during,
        reason=reason.strip(),
        given_by=actor.name,
    )
    audit.record(
        actor,
        "access.grant",
        grant,
        changes={
            "employee": (None, employee.name),
            "role" if role else "permission": (None, what),
            "unit" if isinstance(where, Unit) else "team": (None, str(where)),
        },
        reason=reason.strip(),
    )
    events.publish(AppointmentsChanged(employee.pk))
    return grant


@service("access.administer", proof=True)
def take_right_back(*, actor: Actor, grant: Grant, reason: str) -> None:
    """The grant is over from this moment on; once more does nothing."""
    if len(reason.strip()) < 2:
        raise UserError(_("A reason is missing."), _("Say in a few words why."))
    _end(actor, grant, reason.strip())


def end_grants(actor: Actor, employee: Employee, reason: str) -> None:
    """Nothing that was given beside positions outlives them."""
    for grant in Grant.objects.filter(employee=employee, during__endswith__gt=clock.today()):
        _end(actor, grant, reason)


def _end(actor: Actor, grant: Grant, reason: str) -> None:
    today, during = clock.today(), grant.during
    if during.isempty or during.upper <= today:
        return
    after = DateRange(during.lower, today) if during.lower < today else DateRange(empty=True)
    change(actor, grant, {"during": after}, action="access.grant.end", reason=reason)
    events.publish(AppointmentsChanged(grant.employee_id))


def granted_duties(employee: Employee, during: DateRange) -> set[str]:
    """What somebody was granted on a day of the range: roles and single actions."""
    grants = Grant.objects.filter(employee=employee, during__overlap=during)
    return {role or action for role, action in grants.values_list("role", "permission")}
