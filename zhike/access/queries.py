"""Turning a user into an actor."""

from __future__ import annotations

from zhike.access.roles import RIGHTS, Reach
from zhike.kernel import clock
from zhike.kernel.actor import NOBODY, Actor
from zhike.organisation.models import User
from zhike.organisation.queries import appointments_on, units_at_or_below


def actor_for(user: User, origin: str = "") -> Actor:
    """Everything the user's positions of today allow; NOBODY for an account that may not sign in."""
    employee = user.employee
    if not user.is_active or employee is None or employee.left_on:
        return NOBODY
    appointments = list(appointments_on(employee, clock.today()))
    permissions: set[str] = set()
    units: set[int] = set()
    heads = []
    everywhere = False
    for appointment in appointments:
        position = appointment.position
        rights = RIGHTS[position.role]
        permissions |= rights.permissions
        if rights.reach is Reach.UNIT:
            units.add(position.unit_id)
        elif rights.reach is Reach.UNIT_AND_BELOW:
            heads.append(position.unit)
        elif rights.reach is Reach.EVERYWHERE:
            everywhere = True
    if heads:
        units |= set(units_at_or_below(heads).values_list("pk", flat=True))
    return Actor(
        user_id=user.pk,
        employee_id=employee.pk,
        name=employee.name,
        roles=frozenset(each.position.role for each in appointments),
        permissions=frozenset(permissions),
        units=frozenset(units),
        everywhere=everywhere,
        origin=origin,
        titles=tuple(f"{each.position.unit.name} {each.position.title}" for each in appointments),
    )
