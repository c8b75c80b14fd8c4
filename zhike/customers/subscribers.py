"""What this room hangs on the rooms below."""

from __future__ import annotations

from uuid import UUID

from django.utils.translation import ngettext

from zhike.access.queries import customer_keys
from zhike.customers.models import Assignment, Party
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


def key_of_customer(public_id: UUID) -> int | None:
    """So that the auditor finds the trail of a customer by the id in its address."""
    return Party.objects.filter(public_id=public_id).values_list("pk", flat=True).first()


if still_looks_after_customers not in leave_guards:
    leave_guards.append(still_looks_after_customers)

if key_of_customer not in customer_keys:
    customer_keys.append(key_of_customer)
