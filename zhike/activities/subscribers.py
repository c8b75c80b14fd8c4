"""What this room hangs on the rooms below."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from django.utils.translation import ngettext

from zhike.activities.models import WorkItem
from zhike.activities.services import answer_silence, drop_marketing, follow_managers
from zhike.activities.services.leaving import take_lines_over
from zhike.customers.events import AssignmentChanged, BookTakenOver, ConsentChanged, ContactMade
from zhike.customers.models import Party, TimelineEntry
from zhike.kernel.actor import Actor, system
from zhike.kernel.events import subscribe
from zhike.organisation.models import Employee, User
from zhike.organisation.services import Hanging, hangings


def open_work_of(employee: Employee) -> int:
    """Nobody leaves with work in hand; it goes with the customers, or to whoever takes over (R-019)."""
    return WorkItem.objects.filter(employee=employee, state=WorkItem.State.OPEN).count()


def _items(count: int) -> str:
    return ngettext("%(count)d open work item", "%(count)d open work items", count) % {
        "count": count
    }


def _pass_on(actor: Actor, employee: Employee, to: Employee | None, on: date, reason: str) -> None:
    if to is not None:
        take_lines_over(actor=actor, employee=employee, to=to, reason=reason)


@subscribe(BookTakenOver)
def items_follow_the_book(event: BookTakenOver) -> None:
    """As for one customer, for all at once."""
    follow_managers(actor=system("assignment"), party_ids=event.party_ids)


@subscribe(AssignmentChanged)
def items_follow_the_customer(event: AssignmentChanged) -> None:
    """What is open stands on the list of whoever looks after the customer from today on."""
    follow_managers(actor=system("assignment"), party_ids=[event.party_id])


@subscribe(ConsentChanged)
def marketing_ends_with_the_consent(event: ConsentChanged) -> None:
    """What was planned while the customer agreed leaves the lists at once."""
    if not event.given:
        party = Party.objects.get(pk=event.party_id)
        drop_marketing(actor=system("consent"), party=party)


@subscribe(ContactMade)
def a_contact_answers_the_silence(event: ContactMade) -> None:
    """Nobody is asked until the next daily run to make the contact that was just made."""
    entry = TimelineEntry.objects.select_related("employee").get(
        party=event.party_id, id=event.entry_id
    )
    answer_silence(actor=_acting_for(entry.employee), entry=entry)


def _acting_for(employee: Employee | None) -> Actor:
    """The system on behalf of whoever made the contact: the trail names the person, who need not see work."""
    itself = system("contact")
    if employee is None:
        return itself
    user_id = User.objects.filter(employee=employee).values_list("pk", flat=True).first()
    return replace(itself, name=employee.name, employee_id=employee.pk, user_id=user_id)


WORK = Hanging("activities", open_work_of, _items, _pass_on)
if WORK not in hangings:
    hangings.append(WORK)
