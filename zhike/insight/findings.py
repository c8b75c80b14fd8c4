"""Why a customer deserves attention today: the rules of the daily list, over the whole institution (R-059).

Only customers whom somebody looks after are found: a finding without a person is nobody's work. The names of the
rules are those of `activities.WorkItem.Rule`; the roof carries findings there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import chain
from typing import Any

import ibis
import ibis.expr.types as ir
from django.db.models import Q

from zhike.customers.models import Assignment, Party, Tier
from zhike.insight import queries, scoring, staging
from zhike.insight.marts import CUSTOMER_VALUE, Period
from zhike.insight.rules import Book, contact_every
from zhike.insight.sources import AGREEMENTS, PARTIES
from zhike.insight.staging import Staged
from zhike.kernel.errors import UserError
from zhike.kernel.warehouse import Warehouse
from zhike.products.models import Product

PRIORITIES = {
    "value_fell": 80,
    "idle_inflow": 75,
    "tier_down": 70,
    "maturing": 60,
    "tier_up": 55,
    "no_contact": 40,
    "birthday": 30,
}
RUNG_LIFT = 5
"""How much more pressing silence is with each tier up."""
LEAD_DAYS = 7
"""How long before a maturity the customer should have been spoken to."""


@dataclass(frozen=True)
class Finding:
    """One reason to turn to one customer. `figures`: money and shares of one as text, dates as ISO text."""

    party_id: int
    rule: str
    due_on: date
    figures: dict[str, str]
    lift: int = 0

    @property
    def priority(self) -> int:
        """0 to 100; the most pressing first."""
        return PRIORITIES[self.rule] + self.lift


def findings(as_of: date) -> Iterator[Finding]:
    """All findings of the last refresh on a day, at most one a customer and rule, streamed.

    PostgreSQL is read before this returns and not while the findings are taken, so that the taker may use the
    same connection. Raises UserError when that day is not the one refreshed last.
    """
    run = queries.last_run()
    if run is None or run.as_of != as_of:
        raise UserError(f"{as_of} is not the day refreshed last.", "Refresh it first.")
    book = queries.book(as_of)
    tiers = list(Tier.objects.order_by("rank"))
    products = dict(Product.objects.values_list("code", "name"))
    return chain(
        _birthdays(as_of, int(book.value("work.birthday.days"))),
        _from_warehouse(as_of, book, tiers, products),
    )


def birthdays_between(first: date, last: date) -> dict[tuple[int, int], date]:
    """(month, day) of birth → the day it is kept, from `first` to `last`.

    Born on 29 February, one keeps 28 February in a year without the day.
    """
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    kept = {(day.month, day.day): day for day in days}
    for day in days:
        if (day.month, day.day) == (2, 28) and (day + timedelta(days=1)).month == 3:
            kept[2, 29] = day
    return kept


def _birthdays(as_of: date, days: int) -> Iterator[Finding]:
    kept = birthdays_between(as_of, as_of + timedelta(days=days))
    born = Q()
    for month, day in kept:
        born |= Q(birth_on__month=month, birth_on__day=day)
    managed = Assignment.objects.filter(role=Assignment.Role.MAIN, during__contains=as_of).values(
        "party"
    )
    rows = list(
        Party.objects.filter(
            born,
            kind=Party.Kind.PERSON,
            stage=Party.Stage.CUSTOMER,
            lunar_birthday=False,
            pk__in=managed,
        ).values_list("pk", "birth_on")
    )
    return (
        Finding(pk, "birthday", on, {"on": on.isoformat(), "age": str(on.year - birth.year)})
        for pk, birth in rows
        if birth is not None and (on := kept[birth.month, birth.day])
    )


def _from_warehouse(
    as_of: date, book: Book, tiers: list[Tier], products: Mapping[str, str]
) -> Iterator[Finding]:
    with staging.reading(Warehouse(), CUSTOMER_VALUE) as staged:
        mart = staged[CUSTOMER_VALUE]
        mart = mart.filter(mart.manager_id.notnull())
        yield from _value_fell(staged, mart, as_of)
        yield from _idle_inflow(staged, mart, as_of)
        yield from _maturing(staged, as_of, int(book.value("work.maturing.days")), products)
        yield from _tiers_and_contacts(staged, mart, as_of, book, tiers)


def _value_fell(staged: Staged, mart: ir.Table, as_of: date) -> Iterator[Finding]:
    fell = mart.balance_before - mart.balance
    rows = mart.filter(
        (mart.balance_before > 0)
        & (fell >= mart.work_value_fell_amount)
        & (fell * 100 >= mart.balance_before * mart.work_value_fell_percent)
    ).select("party_id", "balance_before", "balance")
    since = Period(as_of).growth_since.isoformat()
    for row in staged.rows(rows):
        before, now = row["balance_before"], row["balance"]
        share = ((before - now) / before).quantize(Decimal("0.0001"))
        figures = {"before": str(before), "now": str(now), "share": str(share), "since": since}
        yield Finding(row["party_id"], "value_fell", as_of, figures)


def _idle_inflow(staged: Staged, mart: ir.Table, as_of: date) -> Iterator[Finding]:
    idle = ibis.least(mart.recent_largest, mart.recent_inflow - mart.recent_outflow, mart.balance)
    rows = mart.filter((idle > 0) & (idle >= mart.work_idle_inflow_amount)).select(
        "party_id", "recent_largest", "recent_largest_on", idle=idle.cast("decimal(18, 2)")
    )
    for row in staged.rows(rows):
        figures = {
            "amount": str(row["recent_largest"]),
            "on": row["recent_largest_on"].isoformat(),
            "idle": str(row["idle"]),
        }
        yield Finding(row["party_id"], "idle_inflow", as_of, figures)


def _maturing(
    staged: Staged, as_of: date, days: int, products: Mapping[str, str]
) -> Iterator[Finding]:
    """The next agreement of each customer to mature; of several on one day the first opened in our books."""
    managed = staged[PARTIES.table]
    managed = managed.filter(managed.manager_id.notnull() & (managed.stage == "customer"))
    a = staged[AGREEMENTS.table].semi_join(managed, "party_id")
    last = ibis.literal(as_of + timedelta(days=days))
    near = a.filter(
        (a.category != "card")
        & (a.closed_on.isnull() | (a.closed_on > ibis.literal(as_of)))
        & (a.matures_on >= ibis.literal(as_of))
        & (a.matures_on <= last)
    )
    place = ibis.row_number().over(group_by="party_id", order_by=["matures_on", "agreement_id"])
    rows = near.mutate(place=place).filter(ibis._.place == 0)
    for row in staged.rows(rows.select("party_id", "product", "principal", "matures_on")):
        on: date = row["matures_on"]
        figures = {
            "product": products.get(row["product"], row["product"]),
            "amount": str(row["principal"] or Decimal(0)),
            "on": on.isoformat(),
        }
        due = max(as_of, on - timedelta(days=LEAD_DAYS))
        yield Finding(row["party_id"], "maturing", due, figures)


def _tiers_and_contacts(
    staged: Staged, mart: ir.Table, as_of: date, book: Book, tiers: list[Tier]
) -> Iterator[Finding]:
    by_code = {tier.code: tier for tier in tiers}
    ratings = scoring.Ratings(book, tuple(by_code), as_of)
    rows = mart.select(*scoring.RATED, "since_on")
    for row in staged.rows(rows):
        party, rating = row["party_id"], ratings.of(row)
        tier = by_code[rating.code]
        if rating.keep_until:
            missing = ratings.balance_of(rating.code, row["unit_id"]) - row["balance"]
            figures = {"missing": str(missing), "tier": tier.name}
            yield Finding(party, "tier_down", rating.keep_until, figures)
        elif rating.near:
            figures = {"missing": str(rating.gap), "tier": by_code[rating.next_code].name}
            yield Finding(party, "tier_up", as_of, figures)
        every = contact_every(tier.contact_every_days, row["value_class"])
        if found := _no_contact(row, as_of, every, tiers.index(tier)):
            yield found


def _no_contact(row: Mapping[str, Any], as_of: date, every: int, rung: int) -> Finding | None:
    """Silence longer than asked for; the higher the tier, the more pressing.

    Without any contact on record nobody can say since when one is owed, so it is due today.
    """
    last: date | None = row["last_contact_on"]
    figures = {"every": str(every)}
    if last is None:
        since: date | None = row["since_on"]
        if since and since + timedelta(days=every) > as_of:
            return None
        return Finding(row["party_id"], "no_contact", as_of, figures, lift=rung * RUNG_LIFT)
    due = last + timedelta(days=every)
    if due > as_of:
        return None
    figures |= {"last_contact_on": last.isoformat(), "days": str((as_of - last).days)}
    return Finding(row["party_id"], "no_contact", due, figures, lift=rung * RUNG_LIFT)
