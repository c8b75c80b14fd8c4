"""What falls due for one person's customers within the next seven days."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet

from zhike.activities.models import WorkItem
from zhike.activities.queries.lists import open_work
from zhike.activities.rules import kept_on
from zhike.customers.models import Party
from zhike.customers.queries import looked_after_by
from zhike.kernel.actor import Actor
from zhike.products.models import Agreement, Product

DAYS = 7
KINDS = ("planned", "maturing", "birthday", "contact")


@dataclass(frozen=True)
class Coming:
    """One thing that falls on a day: a product that matures, a birthday, a contact that runs out, a planned line;
    `url` is the customer's page."""

    kind: str
    on: date
    name: str
    url: str
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
    """Seven days from today on, of the customers the person looks after. Three queries whatever their number."""
    last = today + timedelta(days=DAYS - 1)
    coming = [
        *_planned(actor, employee_id, today, last),
        *_maturing(actor, employee_id, today, last),
        *_of_customers(actor, employee_id, today, last),
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
        Coming(
            "planned", row.plan_on, row.party.name, row.get_absolute_url(), row.get_rule_display()
        )
        for row in rows.select_related("party")
        .only("plan_on", "rule", "party__name", "party__public_id")
        .order_by("-priority", "pk")
    ]


def _maturing(actor: Actor, employee_id: int, today: date, last: date) -> list[Coming]:
    rows = (
        Agreement.objects.visible_to(actor)
        .filter(
            party__in=_own(actor, employee_id).values("pk"),
            matures_on__range=(today, last),
            closed_on=None,
        )
        .exclude(product__category=Product.Category.CARD)
        .select_related("party", "product")
        .only("matures_on", "party__name", "party__public_id", "product__name")
        .order_by("-principal", "pk")
    )
    return [
        Coming(
            "maturing",
            row.matures_on,
            row.party.name,
            row.party.get_absolute_url(),
            row.product.name,
        )
        for row in rows
        if row.matures_on is not None
    ]


def _of_customers(actor: Actor, employee_id: int, today: date, last: date) -> list[Coming]:
    """Birthdays, then contacts: from one look at everybody, since hardly any day of birth is in an index."""
    keys = {
        key: on for n in range(DAYS) for on in [today + timedelta(days=n)] for key in kept_on(on)
    }
    birthdays, contacts = [], []
    for public_id, name, kind, born, lunar, contact, every in (
        _own(actor, employee_id)
        .order_by("pk")
        .values_list(
            *("public_id", "name", "kind", "birth_on", "lunar_birthday"),
            *("standing__last_contact_on", "standing__contact_every_days"),
        )
    ):
        solar = born and kind == Party.Kind.PERSON and not lunar
        if solar and (on := keys.get((born.month, born.day))):
            birthdays.append(Coming("birthday", on, name, _page(public_id)))
        if contact and every and today <= (due := contact + timedelta(days=every)) <= last:
            contacts.append(Coming("contact", due, name, _page(public_id)))
    return birthdays + contacts


def _page(public_id: UUID) -> str:
    return Party(public_id=public_id).get_absolute_url()


def _own(actor: Actor, employee_id: int) -> QuerySet[Party]:
    """Whom the person looks after, of those the actor may see."""
    own = looked_after_by(Party.objects.visible_to(actor), employee_id)
    return own.exclude(stage=Party.Stage.FORMER)
