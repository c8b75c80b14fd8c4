"""What somebody holds on a day: positions, and beside them the teams they lead and what they were granted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import connection
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from zhike.access.roles import PERMISSIONS, RIGHTS, Reach
from zhike.kernel.actor import Seat
from zhike.kernel.prepared import execute
from zhike.organisation.models import Employee, Role, Unit
from zhike.organisation.queries import units_at_or_below

BELOW = Reach.UNIT_AND_BELOW
# One statement, because every request asks it. The members of a team are those of that day.
_HELD = """
WITH team AS (
  SELECT team.id, team.name, ARRAY(
    SELECT employee_id FROM organisation_teammember WHERE team_id = team.id AND during @> %(day)s::date
  ) AS people FROM organisation_team team
)
SELECT 'position', role, '', unit.id, unit.path, unit.name, title, '{}'::bigint[], upper(during), reason,
       held.id
FROM organisation_appointment held
JOIN organisation_position position ON position.id = position_id JOIN organisation_unit unit ON unit.id = unit_id
WHERE employee_id = %(employee)s AND during @> %(day)s::date
UNION ALL
SELECT 'team', %(lead)s::text, '', NULL, '', team.name, '', team.people, upper(during), reason, held.id
FROM organisation_teammember held JOIN team ON team.id = team_id
WHERE employee_id = %(employee)s AND leads AND during @> %(day)s::date
UNION ALL
SELECT 'grant', role, permission, unit.id, coalesce(unit.path, ''), coalesce(unit.name, team.name), '',
       coalesce(team.people, '{}'), upper(during), reason, held.id
FROM access_grant held LEFT JOIN organisation_unit unit ON unit.id = unit_id LEFT JOIN team ON team.id = team_id
WHERE employee_id = %(employee)s AND during @> %(day)s::date
ORDER BY 11
"""


@dataclass(frozen=True)
class Held:
    """A position, a team led (`what`) or a grant, at `place`; `people` are those of its team, if it is of one."""

    what: str
    role: str
    permission: str
    unit_id: int | None
    path: str
    place: str
    title: str
    people: Sequence[int]
    until: date | None
    reason: str

    @property
    def reach(self) -> Reach:
        return BELOW if self.permission else RIGHTS[self.role].reach

    @property
    def permissions(self) -> frozenset[str]:
        return frozenset({self.permission}) if self.permission else RIGHTS[self.role].permissions

    @property
    def name(self) -> str | Promise:
        """In the reader's words; a position by its own title."""
        if self.what == "position":
            return f"{self.place} {self.title}"
        if self.what == "team":
            return format_lazy(_("lead of the team {team}"), team=self.place)
        granted = PERMISSIONS[self.permission] if self.permission else Role(self.role).label
        return format_lazy(_("granted: {what} ({where})"), what=granted, where=self.place)


def held_on(employee: Employee, day: date) -> list[Held]:
    """Everything that gives the employee rights on that day; nothing without a position. One query."""
    asked = {"employee": employee.pk, "day": day, "lead": Role.TEAM_LEAD.value}
    rows: list[Any] = execute(connection, _HELD, asked)
    held = [Held(*row[:-1]) for row in rows]
    return held if any(each.what == "position" for each in held) else []


def seats_of(held: Iterable[Held]) -> tuple[Seat, ...]:
    """What is held with the units it reaches, down the tree. A query where anything reaches below its unit."""
    held = list(held)
    tops = [Unit(path=each.path) for each in held if each.path and each.reach is BELOW]
    below = list(units_at_or_below(tops).values_list("pk", "path")) if tops else []
    return tuple(_seat(each, below) for each in held)


def _seat(held: Held, below: list[tuple[int, str]]) -> Seat:
    return Seat(
        title=held.name,
        permissions=held.permissions,
        units=frozenset(_units(held, below)),
        people=frozenset(held.people if held.reach in (Reach.UNIT, BELOW) else ()),
        everywhere=held.reach is Reach.EVERYWHERE,
        until=held.until and held.until - timedelta(days=1),
        reason=held.reason,
        given=held.what != "position",
    )


def _units(held: Held, below: list[tuple[int, str]]) -> Iterator[int]:
    if held.unit_id is None:
        return
    if held.reach is Reach.UNIT:
        yield held.unit_id
    elif held.reach is BELOW:
        yield from (pk for pk, path in below if path.startswith(held.path))
