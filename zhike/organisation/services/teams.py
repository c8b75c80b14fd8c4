"""Teams across units: who is of them, who leads them, since when."""

from __future__ import annotations

from datetime import date

from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateRange
from django.utils.translation import gettext as _

from zhike.kernel import audit, clock, events
from zhike.kernel.actor import Actor
from zhike.kernel.errors import Refused, UserError
from zhike.kernel.services import change, service
from zhike.organisation import rules
from zhike.organisation.events import AppointmentsChanged
from zhike.organisation.models import Employee, Role, Team, TeamMember
from zhike.organisation.queries import duties_of


@service("organisation.administer")
def open_team(*, actor: Actor, name: str, purpose: str = "") -> Team:
    """A team without anybody in it yet. Refused for a name in use."""
    if Team.objects.filter(name=name).exists():
        raise UserError(_("There is a team of this name."), _("Choose another one."))
    team = Team.objects.create(name=name, purpose=purpose)
    audit.record(actor, "organisation.team.open", team, changes={"name": (None, name)})
    return team


@service("organisation.administer", proof=True)
def join_team(
    *,
    actor: Actor,
    team: Team,
    employee: Employee,
    leads: bool = False,
    since: date | None = None,
    until: date | None = None,
    reason: str = "",
) -> TeamMember:
    """An employee is of a team, or leads it, from `since` (today) until `until` (not included; open).

    Who leads sees whom the members look after, with a team lead's rights over them. Refused for oneself, without a
    position, for administrators, for a second lead at a time, and for who is of the team already.
    """
    action = "organisation.team.join"
    if actor.employee_id == employee.pk:
        raise Refused(_("Nobody appoints themselves."), action=action)
    during = DateRange(since or clock.today(), until)
    if until is not None and until <= during.lower:
        raise UserError(_("A position is held for a day at least."), _("Choose a later end."))
    if Employee.objects.select_for_update().get(pk=employee.pk).left_on:
        raise Refused(_("%(name)s has left.") % {"name": employee.name}, action=action)
    duties = duties_of(employee, during)
    if not duties:
        raise Refused(
            _("%(name)s holds no position in that time.") % {"name": employee.name}, action=action
        )
    if not rules.may_hold_together({Role.TEAM_LEAD, *duties}):
        raise Refused(
            _("An administrator's role cannot be held together with another role."), action=action
        )
    member = TeamMember(team=team, employee=employee, leads=leads, during=during, reason=reason)
    try:
        with transaction.atomic():
            member.save(force_insert=True)
    except IntegrityError as error:
        raise UserError(
            _("The team has a lead in that time, or %(name)s is of it already.")
            % {"name": employee.name},
            _("End that first."),
        ) from error
    audit.record(
        actor,
        action,
        member,
        changes={"team": (None, team), "employee": (None, employee), "leads": (None, leads)},
        reason=reason,
    )
    _tell(team)
    return member


@service("organisation.administer", proof=True)
def leave_team(*, actor: Actor, member: TeamMember, on: date, reason: str) -> None:
    """The person is of the team up to, and not including, `on`; never longer than they were."""
    before = member.during
    if before.upper is not None and before.upper <= on:
        raise UserError(_("This ends earlier already."), _("Choose an earlier day."))
    after = DateRange(before.lower, on) if before.lower < on else DateRange(empty=True)
    change(actor, member, {"during": after}, action="organisation.team.leave", reason=reason)
    _tell(member.team)
    events.publish(AppointmentsChanged(member.employee_id))


def _tell(team: Team) -> None:
    """The sight of who leads the team is another one."""
    leads = TeamMember.objects.filter(team=team, leads=True, during__contains=clock.today())
    for employee_id in leads.values_list("employee", flat=True):
        events.publish(AppointmentsChanged(employee_id))
