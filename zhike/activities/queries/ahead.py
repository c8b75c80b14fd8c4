"""What falls due for one person's customers within the next seven days."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import DateField, ExpressionWrapper, F, Q

from zhike.activities.models import WorkItem
from zhike.activities.queries.lists import open_work
from zhike.activities.rules import kept_on
from zhike.customers.models import Party, Standing
from zhike.customers.queries import looked_after_by
from zhike.kernel.actor import Actor
from zhike.products.models import Agreement, Product

DAYS = 7
KINDS = ("planned", "maturing", "birthday", "contact")


@dataclass(frozen=True)
class Coming:
    """One thing that falls on a day: a product that matures, a birthday, a contact that runs out, a planned line."""

    kind: str
    on: date
    party: Party
    text: str = ""


@dataclass(frozen=True)
class Day:
    on: date
    coming: list[Coming]

    @property
    def counts(self) -> list[tuple[str, int]]:
        """How many of each kind, those there are."""
        found = [(kind, sum(each.kind == kind for each in self.coming)) for kind in KINDS]
        return [(kind, count) for kind, count in found if count]


def week_ahead(actor: Actor, employee_id: int, today: date) -> list[Day]:
    """Seven days from today on, of the customers the person looks after. Five queries whatever their number."""
    last = today + timedelta(days=DAYS - 1)
    own = list(
        looked_after_by(Party.objects.visible_to(actor), employee_id)
        .filter(~Q(stage=Party.Stage.FORMER))
        .values_list("pk", flat=True)
    )
    coming = [
        *_planned(actor, employee_id, today, last),
        *_maturing(actor, own, today, last),
        *_birthdays(actor, own, today, last),
        *_contacts(actor, own, today, last),
    ]
    of_day: dict[date, list[Coming]] = defaultdict(list)
    for each in coming:
        of_day[each.on].append(each)
    return [Day(on, of_day[on]) for n in range(DAYS) for on in [today + timedelta(days=n)]]


def _planned(actor: Actor, employee_id: int, today: date, last: date) -> list[Coming]:
    rows = open_work(actor, employee_id).filter(
        Q(postponed_until__isnull=False) | Q(rule=WorkItem.Rule.PROMISE),
        plan_on__range=(today, last),
    )
    return [
        Coming("planned", row.plan_on, row.party, str(row.get_rule_display()))
        for row in rows.select_related("party").order_by("-priority", "pk")
    ]


def _maturing(actor: Actor, own: list[int], today: date, last: date) -> list[Coming]:
    rows = (
        Agreement.objects.visible_to(actor)
        .filter(party__in=own, matures_on__range=(today, last), closed_on=None)
        .exclude(product__category=Product.Category.CARD)
        .select_related("party", "product")
        .order_by("-principal", "pk")
    )
    return [
        Coming("maturing", row.matures_on, row.party, row.product.name)
        for row in rows
        if row.matures_on is not None
    ]


def _birthdays(actor: Actor, own: list[int], today: date, last: date) -> list[Coming]:
    born = Q()
    for n in range(DAYS):
        on = today + timedelta(days=n)
        for month, day in kept_on(on):
            born |= Q(birth_on__month=month, birth_on__day=day)
    rows = Party.objects.visible_to(actor).filter(
        born, pk__in=own, kind=Party.Kind.PERSON, lunar_birthday=False
    )
    days = {
        key: on for n in range(DAYS) for on in [today + timedelta(days=n)] for key in kept_on(on)
    }
    return [
        Coming("birthday", days[row.birth_on.month, row.birth_on.day], row)
        for row in rows.order_by("pk")
        if row.birth_on is not None
    ]


def _contacts(actor: Actor, own: list[int], today: date, last: date) -> list[Coming]:
    due = ExpressionWrapper(F("last_contact_on") + F("contact_every_days"), DateField())
    rows = (
        Standing.objects.visible_to(actor)
        .filter(party__in=own)
        .annotate(due=due)
        .filter(due__range=(today, last))
        .select_related("party")
        .order_by("party")
    )
    return [Coming("contact", row.due, row.party) for row in rows]
