"""One person's lines: on the list now, waiting for their day, closed today."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils.functional import Promise

from zhike.activities import rules
from zhike.activities.models import Handing, WorkItem
from zhike.activities.rules import DUE_LABELS, Due
from zhike.customers.models import Assignment, Party, Standing
from zhike.customers.queries import standing_of
from zhike.kernel import clock
from zhike.kernel.actor import Actor

AT_ONCE = 12
"""Customers of a group shown at first, so that no group hides the next."""
AT_MOST = 2_000
"""Lines of one list that are looked at; whoever has more needs help, not a longer page."""

UNREAD = ("party__search_tokens", "party__provenance", "party__note")
"""What is wide and no list shows."""


@dataclass(frozen=True)
class Card:
    """One customer with their open lines, the most pressing first, and where they stand."""

    party: Party
    standing: Standing | None
    lines: list[WorkItem]


@dataclass(frozen=True)
class Group:
    """The customers of one stretch of days; `cards` are the most pressing of `count`."""

    due: Due
    label: str | Promise
    count: int
    cards: list[Card]

    @property
    def more(self) -> int:
        return self.count - len(self.cards)


@dataclass(frozen=True)
class WorkList:
    """Somebody's list now. `lines` and `customers` count what the groups stand for, `by_rule` all of the list."""

    groups: list[Group]
    by_rule: Mapping[str, int]
    lines: int
    overdue: int

    @property
    def customers(self) -> int:
        return sum(group.count for group in self.groups)


def open_work(actor: Actor, employee_id: int) -> QuerySet[WorkItem]:
    """The open lines of one person, waiting ones too, of those the actor may see."""
    return WorkItem.objects.visible_to(actor).filter(
        employee=employee_id, state=WorkItem.State.OPEN
    )


def due_now(actor: Actor) -> QuerySet[WorkItem]:
    """The actor's own lines that are overdue or due today; their number stands in the navigation."""
    mine = WorkItem.objects.visible_to(actor).filter(employee=actor.employee_id)
    return mine.filter(state=WorkItem.State.OPEN, plan_on__lte=clock.today())


def on_the_list(today: date) -> Q:
    """Open lines that do not wait for a later day."""
    return Q(postponed_until=None) | Q(postponed_until__lte=today)


def work_list(
    actor: Actor,
    employee_id: int,
    today: date,
    *,
    rule: str = "",
    day: date | None = None,
    whole: str = "",
    keep: int | None = None,
) -> WorkList:
    """The list of one person in groups (overdue, today, this week, later), a card a customer. Two queries.

    `rule` narrows it to one reason, `day` to what is planned for one day, waiting lines included; `whole`
    names the group to show beyond its first customers, `keep` a line that is shown wherever it stands.
    """
    rows = open_work(actor, employee_id)
    rows = rows.filter(on_the_list(today)) if day is None else rows.filter(plan_on=day)
    keys = list(
        rows.order_by("plan_on", "pk").values_list(
            *("pk", "party_id", "rule", "priority", "plan_on"), named=True
        )[:AT_MOST]
    )
    chosen = [each for each in keys if not rule or each.rule == rule]
    groups = rules.cards(chosen, today)
    shown = {
        due: [
            card
            for at, card in enumerate(cards)
            if at < AT_ONCE or whole == due or any(line.pk == keep for line in card.lines)
        ]
        for due, cards in groups.items()
    }
    ids = [line.pk for cards in shown.values() for card in cards for line in card.lines]
    whole_rows = rows.select_related("party__standing__tier").defer(*UNREAD)
    full = _with_handing(whole_rows).in_bulk(ids)
    return WorkList(
        groups=[
            Group(
                due,
                DUE_LABELS[due],
                len(groups[due]),
                [
                    _card(lines)
                    for card in cards
                    if (lines := [full[line.pk] for line in card.lines if line.pk in full])
                ],
            )
            for due, cards in shown.items()
        ],
        by_rule=Counter(each.rule for each in keys),
        lines=len(chosen),
        overdue=sum(each.plan_on < today for each in chosen),
    )


def _with_handing(rows: QuerySet[WorkItem]) -> QuerySet[Any]:
    """Lines with `handed_by` and `handed_because`: who put them on this list and why, None for nobody."""
    handings = Handing.objects.filter(
        item=OuterRef("pk"), receiver=OuterRef("employee"), taken_back_at=None
    ).order_by("-pk")
    return rows.annotate(
        handed_by=Subquery(handings.values("by__name")[:1]),
        handed_because=Subquery(handings.values("reason")[:1]),
    )


def _card(lines: Sequence[WorkItem]) -> Card:
    party = lines[0].party
    return Card(party, standing_of(party), list(lines))


def waiting(actor: Actor, employee_id: int, today: date) -> QuerySet[WorkItem]:
    """What one person put off or planned for a later day, the next first."""
    return (
        open_work(actor, employee_id)
        .filter(postponed_until__gt=today)
        .select_related("party")
        .order_by("plan_on", "pk")[:AT_ONCE]
    )


def next_planned(actor: Actor, employee_id: int, today: date) -> WorkItem | None:
    """What comes next on a list that is empty now."""
    return waiting(actor, employee_id, today).first()


def closed_today(actor: Actor, employee_id: int) -> QuerySet[WorkItem]:
    """What was done or dismissed on one person's list today, the latest first."""
    since = (
        clock.now()
        .astimezone(clock.BUSINESS_ZONE)
        .replace(hour=0, minute=0, second=0, microsecond=0)
    )
    return (
        WorkItem.objects.visible_to(actor)
        .filter(
            employee=employee_id,
            state__in=(WorkItem.State.DONE, WorkItem.State.DISMISSED),
            closed_at__gte=since,
        )
        .select_related("party")
        .order_by("-closed_at", "-pk")
    )


def has_customers(actor: Actor) -> bool:
    """Whether the actor looks after anybody today."""
    return (
        Assignment.objects.visible_to(actor)
        .filter(employee=actor.employee_id, during__contains=clock.today())
        .exists()
    )


def customers_named(actor: Actor, text: str) -> list[Party]:
    """A handful of customers in sight whose name holds `text`, or reads like it in pinyin."""
    rows = Party.objects.visible_to(actor).exclude(stage=Party.Stage.FORMER)
    named = Q(name__icontains=text) | Q(name_key__startswith=text.lower())
    return list(rows.filter(named).select_related("unit").order_by("name_key", "pk")[:8])


def open_work_on(actor: Actor, party: Party) -> list[WorkItem]:
    """The open lines on one customer, whoever's list they stand on, waiting ones last."""
    return WorkItem.objects.visible_rows(actor, _open_ones, party=party)


def _open_ones(rows: QuerySet[WorkItem]) -> QuerySet[WorkItem]:
    rows = rows.filter(state=WorkItem.State.OPEN).select_related("employee")
    return rows.order_by("plan_on", "-priority", "pk")
