"""The catalogue and holdings over the API: the same scopes and masks as the screens."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest
from ninja import Router, Schema

from zhike.customers.models import Party
from zhike.customers.queries import root_of, sees_money
from zhike.kernel.actor import Actor
from zhike.products.models import Holding, Product

router = Router(tags=["products"])


class ProductLine(Schema):
    code: str
    name: str
    category: str
    side: str
    status: str
    owner: str | None
    """Code of the product manager."""
    term_months: int | None
    rate: str | None
    """Percent a year."""


class HoldingLine(Schema):
    agreement: UUID
    product: str
    role: str
    number: str
    """Masked."""
    status: str
    currency: str
    principal: str | None
    """Agreed amount or limit; null for those who see no money."""
    rate: str | None
    opened_on: date
    matures_on: date | None
    closed_on: date | None


def actor_of(request: HttpRequest) -> Actor:
    """The caller, who must be one who may see products."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    actor.must("products.view")
    return actor.within("products.view")


@router.get("/", response=list[ProductLine])
def list_products(request: HttpRequest, category: str = "") -> list[dict[str, Any]]:
    """The catalogue by code."""
    rows = Product.objects.visible_to(actor_of(request)).select_related("owner").order_by("code")
    if category:
        rows = rows.filter(category=category)
    names = ("code", "name", "category", "side", "status", "term_months")
    return [
        {name: getattr(product, name) for name in names}
        | {
            "owner": product.owner.code if product.owner else None,
            "rate": None if product.rate is None else str(product.rate),
        }
        for product in rows
    ]


@router.get("/holdings/{uuid:public_id}", response=list[HoldingLine])
def list_holdings(request: HttpRequest, public_id: UUID) -> list[dict[str, Any]]:
    """What the customer of this id holds, as owner or otherwise."""
    actor = actor_of(request)
    seen = Party.objects.visible_to(actor)
    party = seen.filter(public_id=public_id).first() or root_of(actor, public_id)
    if party is None:
        raise Http404
    rows = Holding.objects.visible_to(actor).filter(party=party).order_by("agreement__opened_on")
    money = sees_money(actor)
    return [
        {
            "agreement": row.agreement.public_id,
            "product": row.agreement.product.code,
            "role": row.role,
            "number": row.agreement.masked_number,
            **{
                name: getattr(row.agreement, name)
                for name in ("status", "currency", "opened_on", "matures_on", "closed_on")
            },
            "principal": f"{row.agreement.principal:.2f}"
            if money and row.agreement.principal is not None
            else None,
            "rate": str(row.agreement.rate) if money and row.agreement.rate is not None else None,
        }
        for row in rows.select_related("agreement__product", "agreement__unit")
    ]
