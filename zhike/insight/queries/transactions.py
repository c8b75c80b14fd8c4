"""What moved on one customer's agreements, month by month and kind by kind, read from the facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import ibis
import ibis.expr.types as ir

from zhike.customers.models import Party
from zhike.customers.queries.merges import homes_of, parts_of, taken_of
from zhike.kernel.actor import Actor
from zhike.kernel.warehouse import Warehouse
from zhike.products.facts import TRANSACTIONS
from zhike.products.models import Agreement

MONTHS = 12
AT_ONCE = 50


@dataclass(frozen=True)
class Flow:
    """The sum and number of the movements of one month, direction, kind and channel."""

    month: str
    direction: str
    kind: str
    channel: str
    amount: Decimal
    count: int


@dataclass(frozen=True)
class Movement:
    """One transaction; the agreement is named by its product and masked number."""

    booked_on: date
    direction: str
    kind: str
    channel: str
    amount: Decimal
    balance: Decimal | None
    agreement: Agreement | None


def months_up_to(day: date, count: int = MONTHS) -> list[str]:
    """The months up to that of `day`, the oldest first, as "2026-11"."""
    last = day.year * 12 + day.month - 1
    return [f"{at // 12}-{at % 12 + 1:02d}" for at in range(last - count + 1, last + 1)]


def _own(facts: ir.Table, party: Party) -> ir.Table:
    """What was loaded for the customer and all that is part of it, and what came to it with a record since."""
    parts = parts_of(party)
    taken = taken_of(parts)
    own = facts.party_id.isin(parts)
    if taken.left:
        own &= ~facts.agreement_id.isin(sorted(taken.left))
    if taken.came:
        own |= facts.party_id.isin(homes_of(party)) & facts.agreement_id.isin(sorted(taken.came))
    return facts.filter(own)


def flows(actor: Actor, party: Party, day: date) -> list[Flow]:
    """What moved in the months up to `day`; nothing for whoever does not see the party.

    Files are cut by month and sorted by party, so that a few row groups are read and no more.
    """
    store = Warehouse()
    if not Party.objects.visible_to(actor).filter(pk=party.pk).exists() or not store.exists(
        TRANSACTIONS
    ):
        return []
    first = months_up_to(day)[0]
    with store.reading(TRANSACTIONS) as backend:
        t = _own(backend.table("transactions"), party)
        own = t.filter(t.month >= first, t.booked_on <= ibis.literal(day))
        sums = own.group_by("month", "direction", "kind", "channel").agg(
            amount=own.amount.sum(), count=own.count()
        )
        rows = backend.con.sql(backend.compile(sums)).fetchall()
    return [Flow(*row) for row in sorted(rows, key=lambda row: row[:4])]


def movements(
    actor: Actor, party: Party, first: str, last: str, *, direction: str = "", offset: int = 0
) -> list[Movement]:
    """Transactions from month to month, the largest first: a page and one more when there are more."""
    store = Warehouse()
    if not Party.objects.visible_to(actor).filter(pk=party.pk).exists() or not store.exists(
        TRANSACTIONS
    ):
        return []
    with store.reading(TRANSACTIONS) as backend:
        t = _own(backend.table("transactions"), party)
        own = t.filter(t.month >= first, t.month <= last)
        if direction:
            own = own.filter(own.direction == direction)
        page = (
            own.order_by(ibis.desc("amount"), "booked_on", "transaction_key")
            .limit(AT_ONCE + 1, offset=offset)
            .select(
                "booked_on", "direction", "kind", "channel", "amount", "balance", "agreement_id"
            )
        )
        rows = backend.con.sql(backend.compile(page)).fetchall()
    agreements: Mapping[int, Agreement] = (
        Agreement.objects.visible_to(actor)
        .select_related("product")
        .in_bulk({row[-1] for row in rows})
    )
    return [
        Movement(on, way, what, channel, amount, balance, agreements.get(key))
        for on, way, what, channel, amount, balance, key in rows
    ]
