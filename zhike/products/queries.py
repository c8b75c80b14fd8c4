"""Reads over what customers hold."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Count

from zhike.customers.models import Party, Standing
from zhike.customers.queries import sees_money, standing_of
from zhike.kernel.actor import Actor
from zhike.kernel.warehouse import Warehouse
from zhike.products.facts import BALANCES, TRANSACTIONS
from zhike.products.models import Agreement, Holding
from zhike.products.rules import Need, needs

MOST_PEERS = 2_000
"""Customers alike that are looked at; more would not change the share."""


@dataclass(frozen=True)
class NeedPoints:
    """What is missing against `peers` customers of the same type and value class."""

    peers: int
    needs: list[Need]


def need_points(actor: Actor, party: Party, held: Collection[str]) -> NeedPoints:
    """Gaps against the customers alike in the actor's sight; none while the party has no value class. Two queries."""
    standing = standing_of(party)
    if standing is None or not standing.value_class:
        return NeedPoints(0, [])
    alike = Standing.objects.visible_to(actor).filter(
        type=party.type, value_class=standing.value_class, stage=Party.Stage.CUSTOMER
    )
    peers = list(
        alike.exclude(party=party.pk).order_by("pk").values_list("party_id", flat=True)[:MOST_PEERS]
    )
    holders = dict(
        Holding.objects.visible_to(actor)
        .filter(party__in=peers, agreement__closed_on=None)
        .values_list("agreement__product__category")
        .annotate(Count("party", distinct=True))
        .order_by()
    )
    return NeedPoints(len(peers), needs(held, holders, len(peers)))


def balances_of(
    actor: Actor, agreements: Collection[int], parties: Collection[int]
) -> dict[int, tuple[date, Decimal]]:
    """Agreement → the last balance the facts know, in its currency, and of which day: as stated, or after a movement.

    `parties` are those the facts were loaded for. Nothing for whoever sees no money, of agreements out of sight or of
    none that was ever stated.
    """
    seen = Agreement.objects.visible_to(actor).filter(pk__in=agreements)
    ids = list(seen.values_list("pk", flat=True))
    store = Warehouse()
    there = [name for name in (BALANCES, TRANSACTIONS) if store.exists(name)]
    if not ids or not there or not sees_money(actor):
        return {}
    found: dict[int, tuple[date, Decimal]] = {}
    with store.reading(*there) as backend:
        for name in there:
            facts = backend.table(name.rsplit("/", 1)[-1])
            facts = facts.filter(
                facts.party_id.isin(list(parties)),
                facts.agreement_id.isin(ids),
                facts.balance.notnull(),
            )
            day, place = facts.month_end if name == BALANCES else facts.booked_on, None
            if name == TRANSACTIONS:  # of a day's movements the last by key counts
                key = facts.transaction_key
                length = key.length().cast("string").lpad(4, "0")
                place = day.cast("string").concat(length, key)
            last = facts.group_by("agreement_id").agg(
                on=day.max(), balance=facts.balance.argmax(day if place is None else place)
            )
            for id, on, balance in backend.con.sql(backend.compile(last)).fetchall():
                if id not in found or found[id][0] < on:
                    found[id] = on, balance
    return found
