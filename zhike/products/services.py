"""Every write to the catalogue, agreements and holdings: many rows at once, as source systems give them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.backends.postgresql.psycopg_any import DateRange
from django.utils.translation import gettext_noop

from zhike.customers import identifiers
from zhike.kernel import audit, crypto
from zhike.kernel.actor import Actor
from zhike.kernel.copying import copy_rows, update_rows
from zhike.kernel.services import change, service
from zhike.products.models import Agreement, Holding, Product

CREATED, CHANGED, UNCHANGED = "created", "changed", "unchanged"


@dataclass(frozen=True, slots=True)
class ProductRow:
    """One line of the catalogue, by its code."""

    code: str
    name: str
    category: str
    side: str
    status: str = Product.Status.OFFERED
    term_months: int | None = None
    rate: Decimal | None = None


@dataclass(frozen=True, slots=True)
class AgreementRow:
    """An agreement by the key it has in its source; `number` in clear, sealed on the way in."""

    source_key: str
    party_id: int
    product_id: int
    unit_id: int
    opened_on: date
    number: str = ""
    currency: str = "CNY"
    principal: Decimal | None = None
    rate: Decimal | None = None
    matures_on: date | None = None
    closed_on: date | None = None
    status: str = Agreement.Status.ACTIVE
    terms: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HoldingRow:
    """How a party stands in an agreement, from `since_on` until (not including) `until_on`."""

    source_key: str
    party_id: int
    agreement_id: int
    role: str
    since_on: date
    until_on: date | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """`what` is created, changed, unchanged or refused; `left_out` the fields not taken, or why it was refused."""

    what: str
    left_out: tuple[tuple[str, str], ...] = ()


@service("masterdata.load")
def upsert_products(*, actor: Actor, rows: Sequence[ProductRow]) -> list[Outcome]:
    """Create and correct the catalogue by code; one outcome a row."""
    known = {product.code: product for product in Product.objects.select_for_update()}
    outcomes = []
    for row in rows:
        fields = {name: getattr(row, name) for name in row.__slots__ if name != "code"}
        product = known.get(row.code)
        if product is None:
            known[row.code] = product = Product.objects.create(code=row.code, **fields)
            audit.record(actor, "products.product.add", product, changes={"name": (None, row.name)})
            outcomes.append(Outcome(CREATED))
        else:
            done = change(actor, product, fields, action="products.product.change")
            outcomes.append(Outcome(CHANGED if done else UNCHANGED))
    return outcomes


PLAIN = [
    "party_id",
    "product_id",
    "unit_id",
    "opened_on",
    "currency",
    "principal",
    "rate",
    "matures_on",
    "closed_on",
    "status",
    "terms",
]


@service("masterdata.load")
def upsert_agreements(*, actor: Actor, source: str, rows: Sequence[AgreementRow]) -> list[Outcome]:
    """Create and correct agreements by (source, key); one outcome a row. Keys are distinct within `rows`.

    An implausible number is left out and told; what is written of the rest stands.
    """
    known = {
        agreement.source_key: agreement
        for agreement in Agreement.objects.select_for_update().filter(
            source=source, source_key__in=[row.source_key for row in rows]
        )
    }
    outcomes, new, changed = [], [], []
    for row in rows:
        number, left_out = _number(row.number)
        agreement = known.get(row.source_key)
        plain = [getattr(row, name) for name in PLAIN[:-1]]
        if agreement is None:
            public_id = uuid.uuid4()
            new.append(
                (
                    public_id,
                    source,
                    row.source_key,
                    *plain,
                    json.dumps(row.terms),
                    *_sealed(public_id, number),
                )
            )
            outcomes.append(Outcome(CREATED, left_out))
            continue
        blind = crypto.blind_index("account", number) if number else None
        same_number = not number or blind == bytes(agreement.blind or b"")
        same = [getattr(agreement, name) for name in PLAIN[:-1]] == plain
        if same and agreement.terms == dict(row.terms) and same_number:
            outcomes.append(Outcome(UNCHANGED, left_out))
            continue
        sealed: tuple[Any, ...] = (agreement.sealed_number, agreement.blind, agreement.tail)
        if not same_number:
            sealed = _sealed(agreement.public_id, number)
        changed.append((agreement.pk, *plain, json.dumps(row.terms), *sealed))
        outcomes.append(Outcome(CHANGED, left_out))
    columns = (*PLAIN, "sealed_number", "blind", "tail")
    copy_rows(Agreement, ("public_id", "source", "source_key", *columns), new)
    if changed:
        update_rows(Agreement, columns, changed)
    return outcomes


def _number(raw: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The number's normal form, or "" and why."""
    if not raw:
        return "", ()
    try:
        return identifiers.account_number(raw), ()
    except identifiers.Implausible as error:
        return "", (("number", str(error)),)


def _sealed(public_id: uuid.UUID, number: str) -> tuple[Any, ...]:
    if not number:
        return None, None, None
    return (
        crypto.encrypt(number, f"products_agreement.sealed_number:{public_id}"),
        crypto.blind_index("account", number),
        crypto.tail_index("account", number),
    )


@service("masterdata.load")
def upsert_holdings(*, actor: Actor, source: str, rows: Sequence[HoldingRow]) -> list[Outcome]:
    """Create and correct holdings by (source, key); one outcome a row. Keys are distinct within `rows`.

    A row that would give a party the same role in the same agreement twice at one time is refused.
    """
    agreements = {row.agreement_id for row in rows}
    taken: dict[tuple[int, int, str], list[Holding]] = {}
    known: dict[tuple[int, str], Holding] = {}
    for holding in Holding.objects.select_for_update().filter(agreement_id__in=agreements):
        place = (holding.party_id, holding.agreement_id, holding.role)
        taken.setdefault(place, []).append(holding)
        if holding.source == source:
            known[holding.agreement_id, holding.source_key] = holding
    outcomes, new, changed = [], [], []
    given: set[tuple[int, int, str]] = set()
    for row in rows:
        place = (row.party_id, row.agreement_id, row.role)
        before = known.get((row.agreement_id, row.source_key))
        others = [each for each in taken.get(place, ()) if each is not before]
        if place in given or any(_meet(each.during, row) for each in others):
            reason = gettext_noop("the party has this role in this agreement already")
            outcomes.append(Outcome("refused", (("role", reason),)))
            continue
        given.add(place)
        during = DateRange(row.since_on, row.until_on)
        if before is None:
            new.append((*place, during, source, row.source_key))
            outcomes.append(Outcome(CREATED))
        elif (before.party_id, before.role, before.during) != (row.party_id, row.role, during):
            changed.append((before.pk, *place, during))
            outcomes.append(Outcome(CHANGED))
        else:
            outcomes.append(Outcome(UNCHANGED))
    places = ("party_id", "agreement_id", "role", "during")
    copy_rows(Holding, (*places, "source", "source_key"), new)
    if changed:
        update_rows(Holding, places, changed)
    return outcomes


def _meet(during: Any, row: HoldingRow) -> bool:
    return (during.upper is None or row.since_on < during.upper) and (
        row.until_on is None or during.lower is None or during.lower < row.until_on
    )
