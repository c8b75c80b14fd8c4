"""What the customer holds, as a panel of the customer page."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from zhike.customers.models import Party
from zhike.customers.queries import sees_money
from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.products.models import Holding, Product
from zhike.ui.panels import Panel, panels

STATUS_TONES = {
    "active": "green",
    "dormant": "yellow",
    "overdue": "red",
    "closed": "secondary",
    "loss": "red",
}


def holdings(actor: Actor, party: Party) -> dict[str, Any]:
    """Agreements by category, open ones first; amounts only for those who see money."""
    rows = (
        Holding.objects.visible_to(actor)
        .filter(party=party)
        .select_related("agreement__product", "agreement__unit")
    )
    order = list(Product.Category.values)
    today = clock.today()

    def place(row: Holding) -> tuple[Any, ...]:
        agreement = row.agreement
        category = order.index(agreement.product.category)
        return category, agreement.closed_on is not None, agreement.opened_on, agreement.pk

    may_reveal = bool(actor.may("customers.reveal"))
    lines: list[dict[str, Any]] = [
        {
            "holding": row,
            "agreement": row.agreement,
            "tone": STATUS_TONES[row.agreement.status],
            "ended": row.during.upper is not None and row.during.upper <= today,
            "reveal": reverse("products:reveal", kwargs={"public_id": row.agreement.public_id})
            if may_reveal and row.agreement.party_id == party.pk
            else "",
        }
        for row in sorted(rows, key=place)
    ]
    groups = [
        (Product.Category(category).label, list(group))
        for category, group in groupby(lines, key=lambda line: line["agreement"].product.category)
    ]
    return {"groups": groups, "sees_money": sees_money(actor)}


def register() -> None:
    """Called once when the room starts."""
    panels.register(
        Panel(
            id="products.holdings",
            page="customers.party",
            permission="products.view",
            order=30,
            template="products/panel_holdings.html",
            load=holdings,
            title=_("Holdings"),
        )
    )
