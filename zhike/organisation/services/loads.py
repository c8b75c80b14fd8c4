"""Units and employees as a source system knows them: brought in twice is as good as once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from django.db.backends.postgresql.psycopg_any import DateRange
from django.utils.translation import gettext as _

from zhike.kernel import audit, clock, events
from zhike.kernel.actor import Actor
from zhike.kernel.errors import UserError
from zhike.kernel.services import change, service
from zhike.organisation import rules
from zhike.organisation.events import AppointmentsChanged
from zhike.organisation.models import Appointment, Employee, Position, Role, Unit
from zhike.organisation.queries import duties_of
from zhike.organisation.services.units import change_unit

BATCH = 2000
Row = TypeVar("Row", "UnitRow", "EmployeeRow")


@dataclass(frozen=True)
class UnitRow:
    """A unit by its code; `parent` is the code of the unit above, "" for a root."""

    code: str
    name: str
    kind: str
    parent: str = ""
    region: str = ""
    opened_on: date | None = None
    closed_on: date | None = None


@dataclass(frozen=True)
class EmployeeRow:
    """An employee by code in the unit coded `unit`, with a position there when `role` is given."""

    code: str
    name: str
    unit: str
    role: str = ""
    title: str = ""
    hired_on: date | None = None


@dataclass(frozen=True)
class Counts:
    """What became of the rows; they add up to the rows given."""

    created: int
    changed: int
    unchanged: int


@service("organisation.administer")
def upsert_units(*, actor: Actor, rows: Iterable[UnitRow]) -> Counts:
    """Create and correct units by code, in any order of parents and children. Units not named stay.

    Raises UserError, and changes nothing, for a code given twice, a kind that is none, a parent
    that is neither given nor known, or parents in a circle.
    """
    given = _by_code(rows)
    for row in given.values():
        if row.kind not in Unit.Kind.values:
            raise UserError(
                _("Unit %(code)s: there is no kind “%(kind)s”.")
                % {"code": row.code, "kind": row.kind},
                ", ".join(Unit.Kind.values),
            )
    known = {
        unit.code: unit
        for unit in Unit.objects.select_related("parent").select_for_update(of=("self",))
    }
    created = changed = 0
    for level in _levels(given, known):
        new = [row for row in level if row.code not in known]
        made = Unit.objects.bulk_create(
            [Unit(code=row.code, **_unit_fields(row, known)) for row in new], BATCH
        )
        for unit in made:
            unit.path = rules.new_path(unit.parent.path if unit.parent else None, unit.pk)
            known[unit.code] = unit
        Unit.objects.bulk_update(made, ["path"], BATCH)
        audit.record_many(actor, "organisation.unit.open", made, reason=_("loaded"))
        created += len(made)
        for row in level:
            unit = known[row.code]
            fields = _unit_fields(row, known)
            if any(getattr(unit, name) != value for name, value in fields.items()):
                moved = unit.parent_id != getattr(fields["parent"], "pk", None)
                known[row.code] = change_unit(actor=actor, unit=unit, changes=fields)
                changed += 1
                if moved:
                    paths = dict(Unit.objects.values_list("code", "path"))
                    for each in known.values():
                        each.path = paths[each.code]
    return Counts(created, changed, len(given) - created - changed)


@service("organisation.administer")
def upsert_employees(*, actor: Actor, rows: Iterable[EmployeeRow]) -> Counts:
    """Create and correct employees by code, and seat them where a role is given and not held today.

    A position is held from `hired_on`, or today. Positions held already are never ended here, and
    those who left stay away. Raises UserError, and changes nothing, for a code given twice, an
    unknown unit, a role that is none, or an administrator's role that would meet another one.
    """
    given = _by_code(rows)
    units = {unit.code: unit for unit in Unit.objects.all()}
    for row in given.values():
        if row.unit not in units:
            raise UserError(
                _("Employee %(code)s: there is no unit “%(unit)s”.")
                % {"code": row.code, "unit": row.unit},
                _("Load the units first."),
            )
        if row.role and row.role not in Role.values:
            raise UserError(
                _("Employee %(code)s: there is no role “%(role)s”.")
                % {"code": row.code, "role": row.role},
                ", ".join(Role.values),
            )
    known = {
        each.code: each
        for each in Employee.objects.select_related("unit").select_for_update(of=("self",))
    }
    made = Employee.objects.bulk_create(
        [
            Employee(code=row.code, **_employee_fields(row, units))
            for row in given.values()
            if row.code not in known
        ],
        BATCH,
    )
    audit.record_many(actor, "organisation.employee.hire", made, reason=_("loaded"))
    touched = set()
    for row in given.values():
        if (employee := known.get(row.code)) is not None:
            fields = _employee_fields(row, units)
            if any(getattr(employee, name) != value for name, value in fields.items()):
                change(actor, employee, fields, action="organisation.employee.change")
                touched.add(row.code)
    known |= {each.code: each for each in made}
    touched |= _seat(actor, given, known, units)
    changed = len(touched - {each.code for each in made})
    return Counts(len(made), changed, len(given) - len(made) - changed)


def _seat(
    actor: Actor,
    given: Mapping[str, EmployeeRow],
    employees: Mapping[str, Employee],
    units: Mapping[str, Unit],
) -> set[str]:
    """Appointments for the rows that name a role; answers the codes of those who got one."""
    today = clock.today()
    held: dict[int, list[Appointment]] = {}
    for each in Appointment.objects.select_related("position").filter(
        employee__in=[employees[code].pk for code in given], during__isempty=False
    ):
        held.setdefault(each.employee_id, []).append(each)
    positions = {(each.unit_id, each.role, each.title): each for each in Position.objects.all()}
    appointments = []
    for row in given.values():
        employee, unit = employees[row.code], units[row.unit]
        if not row.role or employee.left_on:
            continue
        key = (unit.pk, row.role, row.title or str(Role(row.role).label))
        mine = held.get(employee.pk, [])
        if any(_key(each) == key and _still(each, today) for each in mine):
            continue
        begins = row.hired_on or today
        # One that ended is taken up again from today: what it was held for before stays as it was.
        since = max([begins, *(today for each in mine if _key(each) == key)])
        others = {each.position.role for each in mine if _still(each, since)}
        if mine and row.role in rules.ADMINISTRATORS:
            others |= duties_of(employee, DateRange(since, None))
        if not rules.may_hold_together({row.role, *others}):
            raise UserError(
                _("Employee %(code)s: an administrator's role goes with no other.")
                % {"code": row.code},
                _("End the other position first."),
            )
        if key not in positions:
            positions[key] = Position.objects.create(unit=unit, role=row.role, title=key[2])
        appointments.append(
            Appointment(employee=employee, position=positions[key], during=DateRange(since, None))
        )
    made = Appointment.objects.bulk_create(appointments, BATCH)
    audit.record_many(actor, "organisation.appoint", made, reason=_("loaded"))
    events.publish(*(AppointmentsChanged(each.employee_id) for each in made))
    return {each.employee.code for each in made}


def _key(appointment: Appointment) -> tuple[int, str, str]:
    position = appointment.position
    return position.unit_id, position.role, position.title


def _still(appointment: Appointment, day: date) -> bool:
    """Whether the position is held on that day or later."""
    return appointment.during.upper is None or appointment.during.upper > day


def _by_code(rows: Iterable[Row]) -> dict[str, Row]:
    given: dict[str, Row] = {}
    for row in rows:
        if row.code in given:
            raise UserError(
                _("The code %(code)s is given twice.") % {"code": row.code},
                _("Give each code once."),
            )
        given[row.code] = row
    return given


def _levels(given: Mapping[str, UnitRow], known: Mapping[str, Unit]) -> Iterable[Sequence[UnitRow]]:
    """The rows from the top of the tree down, a level at a time."""
    waiting = dict(given)
    placed = {"", *known} - set(given)
    while waiting:
        level = [row for row in waiting.values() if row.parent in placed]
        if not level:
            raise _unplaced(waiting.values(), given)
        yield level
        for row in level:
            placed.add(row.code)
            del waiting[row.code]


def _unplaced(waiting: Iterable[UnitRow], given: Mapping[str, UnitRow]) -> UserError:
    for row in waiting:
        if row.parent not in given:
            return UserError(
                _("Unit %(code)s: there is no unit “%(parent)s” above it.")
                % {"code": row.code, "parent": row.parent},
                _("Give that unit too."),
            )
    return UserError(
        _("Unit %(code)s stands below itself.") % {"code": row.code},
        _("Correct the codes of the units above it."),
    )


def _unit_fields(row: UnitRow, known: Mapping[str, Unit]) -> dict[str, Any]:
    return {
        "name": row.name,
        "kind": row.kind,
        "parent": known[row.parent] if row.parent else None,
        "region": row.region,
        "opened_on": row.opened_on,
        "closed_on": row.closed_on,
    }


def _employee_fields(row: EmployeeRow, units: Mapping[str, Unit]) -> dict[str, Any]:
    return {"name": row.name, "unit": units[row.unit], "hired_on": row.hired_on}
