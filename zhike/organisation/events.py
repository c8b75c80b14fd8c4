"""What happened to units, people and positions."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class AppointmentsChanged:
    """An employee's positions changed; rights worked out before are stale."""

    employee_id: int


@dataclass(frozen=True)
class PasswordSet:
    """A user has another password; sessions under the one before are over."""

    user_id: int


@dataclass(frozen=True)
class EmployeeLeft:
    employee_id: int
