"""What this room hangs on the rooms below."""

from __future__ import annotations

from django.utils.translation import ngettext

from zhike.customers.models import Assignment
from zhike.kernel import clock
from zhike.organisation.models import Employee
from zhike.organisation.services import leave_guards


def still_looks_after_customers(employee: Employee) -> str | None:
    """The institution owns the customer: nobody leaves with customers in hand (R-019)."""
    count = Assignment.objects.filter(employee=employee, during__contains=clock.today()).count()
    if not count:
        return None
    return ngettext(
        "%(name)s still looks after %(count)d customer. Hand it over first.",
        "%(name)s still looks after %(count)d customers. Hand them over first.",
        count,
    ) % {"name": employee.name, "count": count}


if still_looks_after_customers not in leave_guards:
    leave_guards.append(still_looks_after_customers)
