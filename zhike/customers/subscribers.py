"""What this room hangs on the rooms below."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext_noop, ngettext

from zhike.access.models import SeenKind
from zhike.access.queries import customer_keys
from zhike.access.services.pace import note_seen
from zhike.customers.events import AssignmentChanged, BookTakenOver
from zhike.customers.models import Assignment, Party
from zhike.customers.services.leaving import held_from, take_over
from zhike.desk.kinds import NoticeKind, kinds
from zhike.desk.queries import holders_over
from zhike.desk.services.notices import notify
from zhike.kernel import clock
from zhike.kernel.actor import Actor, system
from zhike.kernel.events import subscribe
from zhike.organisation.models import Employee
from zhike.organisation.services import Hanging, hangings
from zhike.ui.views.pages import shown


def customers_of(employee: Employee) -> int:
    """The institution owns the customer: nobody leaves with customers in hand (R-019)."""
    return held_from(employee, clock.today()).filter(role=Assignment.Role.MAIN).count()


def _customers(count: int) -> str:
    return ngettext("%(count)d customer", "%(count)d customers", count) % {"count": count}


def _pass_on(actor: Actor, employee: Employee, to: Employee | None, on: date, reason: str) -> None:
    take_over(actor=actor, employee=employee, to=to, on=on, reason=reason)


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


@subscribe(BookTakenOver)
def tell_who_took_over(event: BookTakenOver) -> None:
    """One notice for a whole book."""
    notify(
        actor=replace(system("assignment"), user_id=event.user_id),
        kind=HANDED_OVER.id,
        text=gettext_noop("%(count)s customers were handed over to you."),
        params={"count": len(event.party_ids)},
        employees=[event.employee_id],
        url=f"{reverse('customers:list')}?who=mine",
    )


@subscribe(BookTakenOver)
def tell_who_leads_them(event: BookTakenOver) -> None:
    """One administrator let them go without a second person: who could have handed over sees to whom."""
    to = Employee.objects.select_related("unit").get(pk=event.employee_id)
    notify(
        actor=replace(system("assignment"), user_id=event.user_id),
        kind=HANDED_OVER.id,
        text=gettext_noop("%(count)s customers of somebody who leaves went to %(name)s."),
        params={"count": len(event.party_ids), "name": to.name},
        employees=holders_over("customers.assign", to.unit, besides=to.pk),
        url=reverse("customers:list"),
    )


CUSTOMERS = Hanging("customers", customers_of, _customers, _pass_on)
if CUSTOMERS not in hangings:
    # First of all: what hangs on a customer goes with the customer.
    hangings.insert(0, CUSTOMERS)

if key_of_customer not in customer_keys:
    customer_keys.append(key_of_customer)


def count_view(actor: Actor, row: Any) -> None:
    """Whoever opens more customers than their role does is told of, and stopped."""
    if isinstance(row, Party):
        note_seen(actor, SeenKind.VIEW, keys=[row.pk])


if count_view not in shown:
    shown.append(count_view)
