"""Whose work an actor sees: their own, and that on customers in their units and teams."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Model, Q

from zhike.customers.models import Party
from zhike.kernel import wall
from zhike.kernel.actor import Actor
from zhike.kernel.scope import NO_ROWS, Scope, Via, found_for


class WorkScope(Scope):
    """The customer's own condition, asked of the customer of each line.

    Joined and not `IN` all customers in sight: a few people's lines must not cost a walk through everybody.
    """

    def rows_of(self, actor: Actor, of: Mapping[str, Model]) -> Q | None:
        if "party" not in of or not found_for(actor, of["party"]):
            return None
        if not actor.may("activities.view"):
            return NO_ROWS
        return Q() if _sees_others(actor) else Q(employee=actor.employee_id)

    def rows(self, actor: Actor, model: type[Model]) -> Q:
        if not actor.may("activities.view"):
            return NO_ROWS
        customers = Party.scope.rows(actor, Party)
        if customers == NO_ROWS:
            return NO_ROWS
        seen = _of_party(customers)
        if not _sees_others(actor):
            return Q(employee=actor.employee_id) & seen
        return seen

    def wall(self, model: type[Model]) -> str:
        own = f"employee_id = {wall.EMPLOYEE}"
        return wall.both(
            wall.may("activities.view"),
            wall.either(
                wall.EVERYWHERE, f"{wall.UNITS} <> '{{}}'", f"{wall.PEOPLE} <> '{{}}'", own
            ),
            Via("party").wall(model),
        )


def _sees_others(actor: Actor) -> bool:
    """Whether the work of others is seen too: a unit's, a team's or everybody's."""
    return bool(actor.units or actor.people or actor.everywhere)


def _of_party(condition: Q) -> Q:
    """A condition on customers as one on rows that name their customer `party`."""
    held: list[Any] = list(condition.children)
    children = [
        _of_party(each) if isinstance(each, Q) else (f"party__{each[0]}", each[1]) for each in held
    ]
    return Q(*children, _connector=condition.connector, _negated=condition.negated)
