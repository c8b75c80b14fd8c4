"""Which targets an actor sees: those of their units and their own."""

from __future__ import annotations

from django.db.models import Model, Q

from zhike.kernel import wall
from zhike.kernel.actor import Actor
from zhike.kernel.scope import NO_ROWS, Scope


class TargetScope(Scope):
    """One's own targets, and those of the units one sees and of their people."""

    def rows(self, actor: Actor, model: type[Model]) -> Q:
        if not actor.may("insight.view"):
            return NO_ROWS
        if actor.everywhere:
            return Q()
        own = Q(employee=actor.employee_id) if actor.employee_id is not None else NO_ROWS
        if not actor.units:
            return own
        return own | Q(unit__in=actor.units) | Q(employee__unit__in=actor.units)

    def wall(self, model: type[Model]) -> str:
        people = f"SELECT id FROM organisation_employee WHERE unit_id = ANY {wall.UNITS}"  # noqa: S608
        return wall.both(
            wall.may("insight.view"),
            wall.either(
                wall.EVERYWHERE,
                f"employee_id = {wall.EMPLOYEE}",
                f"unit_id = ANY {wall.UNITS}",
                f"employee_id IN ({people})",
            ),
        )
