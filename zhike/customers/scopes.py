"""Which customers an actor sees: those of their units and teams, and those they look after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import DateField, Model, Q, QuerySet, Value

from zhike.kernel import clock, wall
from zhike.kernel.actor import Actor
from zhike.kernel.scope import NO_ROWS, Scope, Via

if TYPE_CHECKING:
    from zhike.customers.models import Assignment

MAY = wall.may("customers.view")
LOOKED_AFTER = wall.look_up(
    "looked_after",
    "SELECT party_id FROM customers_assignment "  # noqa: S608  words of our own
    f"WHERE (employee_id = {wall.EMPLOYEE} OR role <> 'shared' AND employee_id = ANY {wall.PEOPLE}) "
    f"AND during @> {wall.TODAY}",
)


class Written(Value):
    """A day in the words of a query instead of a parameter, of which PostgreSQL supposes that one period in 200
    holds it: a plan kept for any day would read the index of all periods rather than the few of one employee.
    """

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[()]]:
        return f"DATE '{self.value:%Y-%m-%d}'", ()


def looked_after(actor: Actor) -> QuerySet[Assignment]:
    """The assignments of today that show the actor customers: one's own, and those of the people of one's team.

    Whom somebody of the team was only let see, the team does not look after.
    """
    from zhike.customers.models import Assignment

    whose = Q(employee=actor.employee_id)
    if actor.people:
        theirs = Q(employee__in=sorted(actor.people))
        whose |= theirs & ~Q(role=Assignment.Role.SHARED)
    today = Written(clock.today(), output_field=DateField())
    return Assignment.objects.filter(whose, during__contains=today)


class PartyScope(Scope):
    """Units come expanded in the actor, so the condition is an `IN` over a handful of ids, not a tree walk."""

    def rows(self, actor: Actor, model: type[Model]) -> Q:
        if not actor.may("customers.view"):
            return NO_ROWS
        if actor.everywhere:
            return Q()
        condition = Q(unit__in=actor.units) if actor.units else Q()
        if actor.employee_id is not None:
            own = Q(pk__in=looked_after(actor).values("party"))
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


class AssignmentScope(Via):
    """That of the party. Whom one looks after is asked first: every list reads the hundreds of one's own."""

    def wall(self, model: type[Model]) -> str:
        return wall.either(wall.both(MAY, f"party_id = ANY {LOOKED_AFTER}"), super().wall(model))


def _seen(party: str) -> str:
    """The condition on a table whose rows repeat the unit of the customer in the column `party`."""
    own = f"{party} = ANY {LOOKED_AFTER}"
    return wall.both(MAY, wall.either(wall.EVERYWHERE, f"unit_id = ANY {wall.UNITS}", own))
