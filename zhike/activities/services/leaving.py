"""The open lines of somebody who goes."""

from __future__ import annotations

from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import Coalesce

from zhike.activities.models import WorkItem
from zhike.customers.models import Assignment
from zhike.kernel import audit, clock
from zhike.kernel.actor import Actor
from zhike.kernel.services import service
from zhike.organisation.models import Employee


@service("organisation.administer")
def take_lines_over(*, actor: Actor, employee: Employee, to: Employee, reason: str) -> int:
    """Each open line goes to whoever looks after its customer by now, else to `to`; answers how many went.

    Asked after the customers were handed over. Not through a scope: whoever lets people go sees no line.
    """
    lines = WorkItem.objects.filter(employee=employee, state=WorkItem.State.OPEN)
    managers = Assignment.objects.filter(
        party=OuterRef("party"), role=Assignment.Role.MAIN, during__contains=clock.today()
    ).exclude(employee=employee)
    moved = lines.update(
        employee=Coalesce(Subquery(managers.values("employee")[:1]), to.pk),
        version=F("version") + 1,
        changed_at=clock.now(),
    )
    audit.record(actor, "activities.items.take_over", to, reason=f"{moved}: {reason}")
    return moved
