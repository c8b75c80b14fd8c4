"""Reads over units, people and positions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import reduce
from operator import or_

from django.db.models import Q, QuerySet

from zhike.organisation.models import Appointment, Employee, Unit


def units_at_or_below(units: Iterable[Unit]) -> QuerySet[Unit]:
    """The units themselves and everything under them."""
    paths = [Q(path__startswith=unit.path) for unit in units]
    return Unit.objects.filter(reduce(or_, paths)) if paths else Unit.objects.none()


def appointments_on(employee: Employee, day: date) -> QuerySet[Appointment]:
    """The positions the employee holds on that day."""
    return (
        Appointment.objects.filter(employee=employee, during__contains=day)
        .select_related("position__unit")
        .order_by("pk")
    )
