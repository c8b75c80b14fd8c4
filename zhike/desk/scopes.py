"""What lies on a desk is its owner's; a view may be lent to a team or to everyone."""

from __future__ import annotations

from django.db.models import Model, Q

from zhike.access.roles import APPROVES_EVERYWHERE
from zhike.kernel import wall
from zhike.kernel.actor import Actor
from zhike.kernel.scope import NO_ROWS, Scope


class Own(Scope):
    """The rows of the signed-in user."""

    def rows(self, actor: Actor, model: type[Model]) -> Q:
        return Q(user=actor.user_id) if actor.user_id else NO_ROWS

    def wall(self, model: type[Model]) -> str:
        return f"user_id = {wall.USER}"


class Lent(Scope):
    """One's own, those lent to everyone, and those lent to a unit one works in or leads."""

    def rows(self, actor: Actor, model: type[Model]) -> Q:
        if not actor.user_id or not actor.roles:
            return NO_ROWS
        team = Q(unit__employees=actor.employee_id) | Q(unit__in=sorted(actor.units))
        return Q(user=actor.user_id) | Q(sharing="everyone") | Q(sharing="team") & team

    def wall(self, model: type[Model]) -> str:
        place = f"SELECT unit_id FROM organisation_employee WHERE id = {wall.EMPLOYEE}"  # noqa: S608
        own_unit = f"unit_id IN ({place})"
        team = wall.either(f"unit_id = ANY {wall.UNITS}", own_unit)
        return wall.both(
            wall.SIGNED_IN,
            wall.either(
                f"user_id = {wall.USER}",
                "sharing = 'everyone'",
                wall.both("sharing = 'team'", team),
            ),
        )


class TakenBy(Scope):
    """One's own; what somebody of the units one sees asks for, to whoever may agree to it.

    Where nobody stands above, a security administrator answers for the institution, and auditors for the trail:
    they see who asks for how much and why, never a row.
    """

    def rows(self, actor: Actor, model: type[Model]) -> Q:
        if not actor.user_id:
            return NO_ROWS
        mine = Q(user=actor.user_id)
        asked = Q(approval__in=sorted(actor.permissions))
        if actor.everywhere or actor.roles & APPROVES_EVERYWHERE:
            return mine | asked
        return mine | asked & Q(unit__in=sorted(actor.units)) if actor.units else mine

    def wall(self, model: type[Model]) -> str:
        everywhere = wall.either(wall.EVERYWHERE, wall.holds_one_of(APPROVES_EVERYWHERE))
        theirs = wall.either(everywhere, f"unit_id = ANY {wall.UNITS}")
        asked = wall.both(f"approval = ANY {wall.PERMISSIONS}", theirs)
        return wall.either(f"user_id = {wall.USER}", asked)
