"""Whose work an actor sees: their own, and that on customers in their units."""

from __future__ import annotations

from django.db.models import Model, Q

from zhike.customers.models import Party
from zhike.kernel.actor import Actor
from zhike.kernel.scope import NO_ROWS, Scope


class WorkScope(Scope):
    def rows(self, actor: Actor, model: type[Model]) -> Q:
        if not actor.may("activities.view"):
            return NO_ROWS
        own = Q(employee=actor.employee_id)
        if not actor.units and not actor.everywhere:
            return own & Q(party__in=Party.objects.visible_to(actor).order_by())
        return Q(party__in=Party.objects.visible_to(actor).order_by())
