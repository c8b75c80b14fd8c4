"""Which customers an actor sees: those of their units, and those they look after."""

from __future__ import annotations

from django.db.models import Model, Q

from zhike.kernel import clock, wall
from zhike.kernel.actor import Actor
from zhike.kernel.scope import NO_ROWS, Scope, Via

MAY = wall.may("customers.view")
LOOKED_AFTER = wall.look_up(
    "looked_after",
    f"SELECT party_id FROM customers_assignment WHERE employee_id = {wall.EMPLOYEE} AND during @> {wall.TODAY}",  # noqa: S608  words of our own
)


class PartyScope(Scope):
    """Units come expanded in the actor, so the condition is an `IN` over a handful of ids, not a tree walk."""

    def rows(self, actor: Actor, model: type[Model]) -> Q:
        from zhike.customers.models import Assignment

        if not actor.may("customers.view"):
            return NO_ROWS
        if actor.everywhere:
            return Q()
        condition = Q(unit__in=actor.units) if actor.units else Q()
        if actor.employee_id is not None:
            looked_after = Assignment.objects.filter(
                employee=actor.employee_id, during__contains=clock.today()
            ).values("party")
            own = Q(pk__in=looked_after)
            condition = condition | own if actor.units else own
        return condition or NO_ROWS

    def wall(self, model: type[Model]) -> str:
        return _seen("id")

    def whole(self) -> str:
        return wall.both(MAY, wall.EVERYWHERE)


class MirrorScope(Via):
    """That of the party, whose unit the row repeats: whole lists are counted here."""

    def wall(self, model: type[Model]) -> str:
        return _seen("party_id")


def _seen(party: str) -> str:
    """The condition on a table whose rows repeat the unit of the customer in the column `party`."""
    own = f"{party} = ANY {LOOKED_AFTER}"
    return wall.both(MAY, wall.either(wall.EVERYWHERE, f"unit_id = ANY {wall.UNITS}", own))
