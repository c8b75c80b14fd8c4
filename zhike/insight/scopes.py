"""Which counts and targets an actor sees: those of their units; of themselves, their own targets too."""

from __future__ import annotations

from django.db.models import Model, Q

from zhike.kernel.actor import Actor
from zhike.kernel.scope import NO_ROWS, Scope


class TallyScope(Scope):
    """Counts of whole units. Who sees only customers of their own counts those one by one (`queries.flows`)."""

    def rows(self, actor: Actor, model: type[Model]) -> Q:
        if not actor.may("insight.view"):
            return NO_ROWS
        if actor.everywhere:
            return Q()
        return Q(unit__in=actor.units) if actor.units else NO_ROWS


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
