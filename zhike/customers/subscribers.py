"""What this room hangs on the rooms below."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext_noop, ngettext

from zhike.access.queries import customer_keys
from zhike.customers.events import AssignmentChanged
from zhike.customers.models import Assignment, Party
from zhike.desk.kinds import NoticeKind, kinds
from zhike.desk.services.notices import notify
from zhike.kernel import clock
from zhike.kernel.actor import system
from zhike.kernel.events import subscribe
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


HANDED_OVER = NoticeKind("customers.assigned", icon="user-plus")
kinds.register(HANDED_OVER)


@subscribe(AssignmentChanged)
def tell_who_looks_after_it_now(event: AssignmentChanged) -> None:
    """Whoever got a customer learns of it, unless they arranged it themselves."""
    if event.employee_id is None:
        return
    party = Party.objects.get(pk=event.party_id)
    notify(
        actor=replace(system("assignment"), user_id=event.user_id),
        kind=HANDED_OVER.id,
        text=gettext_noop("%(row)s was handed over to you."),
        employees=[event.employee_id],
        row=party,
        url=party.get_absolute_url(),
        many=(
            gettext_noop("%(count)s customers were handed over to you."),
            f"{reverse('customers:list')}?who=mine",
        ),
    )


if still_looks_after_customers not in leave_guards:
    leave_guards.append(still_looks_after_customers)

if key_of_customer not in customer_keys:
    customer_keys.append(key_of_customer)
