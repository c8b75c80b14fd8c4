"""What this room hangs on the rooms below."""

from __future__ import annotations

from django.utils.translation import ngettext

from zhike.activities.models import WorkItem
from zhike.activities.services import follow_managers
from zhike.customers.events import AssignmentChanged
from zhike.kernel.actor import system
from zhike.kernel.events import subscribe
from zhike.organisation.models import Employee
from zhike.organisation.services import leave_guards


def has_open_work(employee: Employee) -> str | None:
    """Nobody leaves with work in hand; it goes with the customers when they are handed over (R-019)."""
    count = WorkItem.objects.filter(employee=employee, state=WorkItem.State.OPEN).count()
    if not count:
        return None
    return ngettext(
        "%(name)s still has %(count)d open work item. Hand its customer over first.",
        "%(name)s still has %(count)d open work items. Hand their customers over first.",
        count,
    ) % {"name": employee.name, "count": count}


@subscribe(AssignmentChanged)
def items_follow_the_customer(event: AssignmentChanged) -> None:
    """What is open stands on the list of whoever looks after the customer from today on."""
    follow_managers(actor=system("assignment"), party_ids=[event.party_id])


if has_open_work not in leave_guards:
    leave_guards.append(has_open_work)
