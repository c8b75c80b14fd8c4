"""Every write to units, people and positions, a module a theme; import them from here."""

from __future__ import annotations

from zhike.organisation.services.loads import (
    Counts,
    EmployeeRow,
    UnitRow,
    upsert_employees,
    upsert_units,
)
from zhike.organisation.services.people import (
    LeaveGuard,
    appoint,
    change_employee,
    choose_language,
    end_appointment,
    give_login,
    hire,
    leave,
    leave_guards,
    reset_password,
)
from zhike.organisation.services.units import change_unit, move_unit, open_unit

__all__ = [
    "Counts",
    "EmployeeRow",
    "LeaveGuard",
    "UnitRow",
    "appoint",
    "change_employee",
    "change_unit",
    "choose_language",
    "end_appointment",
    "give_login",
    "hire",
    "leave",
    "leave_guards",
    "move_unit",
    "open_unit",
    "reset_password",
    "upsert_employees",
    "upsert_units",
]
