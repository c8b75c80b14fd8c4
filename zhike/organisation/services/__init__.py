"""Every write to units, people and positions, a module a theme; import them from here."""

from __future__ import annotations

from zhike.organisation.services.leaving import (
    Hanging,
    LeaveGuard,
    close_login,
    end_appointment,
    endings,
    hangings,
    leave,
    leave_guards,
    open_login,
    what_hangs_on,
)
from zhike.organisation.services.loads import (
    Counts,
    EmployeeRow,
    UnitRow,
    upsert_employees,
    upsert_units,
)
from zhike.organisation.services.people import (
    appoint,
    change_employee,
    choose_language,
    give_login,
    hire,
    reset_password,
    set_own_password,
)
from zhike.organisation.services.teams import join_team, leave_team, open_team
from zhike.organisation.services.units import change_unit, move_unit, open_unit

__all__ = [
    "Counts",
    "EmployeeRow",
    "Hanging",
    "LeaveGuard",
    "UnitRow",
    "appoint",
    "change_employee",
    "change_unit",
    "choose_language",
    "close_login",
    "end_appointment",
    "endings",
    "give_login",
    "hangings",
    "hire",
    "join_team",
    "leave",
    "leave_guards",
    "leave_team",
    "move_unit",
    "open_login",
    "open_team",
    "open_unit",
    "reset_password",
    "set_own_password",
    "upsert_employees",
    "upsert_units",
    "what_hangs_on",
]
