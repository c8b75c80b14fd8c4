"""Reads over what customers hold."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Count

from zhike.customers.models import Party, Standing
from zhike.customers.queries import standing_of
from zhike.kernel.actor import Actor
from zhike.products.models import Holding
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
