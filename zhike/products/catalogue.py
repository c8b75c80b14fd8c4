"""The list of products: its columns, conditions and groups; products by name in the search box."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from zhike.kernel.actor import Actor
from zhike.products.models import Product
from zhike.ui import format
from zhike.ui.lists import conditions, criteria
from zhike.ui.lists.conditions import Group, Test
from zhike.ui.lists.criteria import Criterion
from zhike.ui.lists.groups import Grouping
from zhike.ui.suggestions import Hit, Suggester, suggesters
from zhike.ui.tables import Column

PAGE = "products.product"

STATUS_TONES = {
    Product.Status.DEVELOPING: "azure",
    Product.Status.OFFERED: "green",
    Product.Status.WITHDRAWN: "secondary",
}


def holders_url(product: Product) -> str:
    """The agreements over a product: who holds it."""
    where = conditions.write(Group("all", (Test("product", "is", (product.code,)),)))
    return f"{reverse('products:agreements')}?{urlencode({'where': where})}"


COLUMNS: tuple[Column, ...] = (
    Column("code", _("Code"), sortable=True),
    Column("name", _("Name"), sortable=True, url=holders_url),
    Column("category", _("Category"), value=lambda product: product.get_category_display()),
    Column("side", _("Side"), value=lambda product: product.get_side_display(), minor=True),
    Column(
        "status",
        _("Status"),
        "badge",
        value=lambda product: product.get_status_display(),
        tone=lambda product: STATUS_TONES[Product.Status(product.status)],
    ),
    Column("owner", _("Product manager")),
    Column("term_months", _("Term, months"), "number", minor=True),
    Column(
        "rate",
        _("Rate, percent a year"),
        align="end",
        value=lambda product: None if product.rate is None else format.rate(product.rate),
    ),
)


def _named(choices: type[Product.Category | Product.Side | Product.Status]) -> Any:
    def names(actor: Actor) -> Mapping[Any, Any]:
        return dict(choices.choices)

    return names


GROUPINGS: tuple[Grouping, ...] = (
    Grouping("category", _("Category"), "category", _named(Product.Category)),
    Grouping("status", _("Status"), "status", _named(Product.Status)),
    Grouping("side", _("Side"), "side", _named(Product.Side), board=False),
)


def _choice(
    name: str, label: Promise | str, choices: type[Product.Category | Product.Side | Product.Status]
) -> Criterion:
    return Criterion(
        f"{PAGE}:{name}",
        PAGE,
        label,
        "choice",
        name,
        lambda actor: choices.choices,
        nullable=False,
    )


def found(actor: Actor, text: str, limit: int) -> list[Hit]:
    """Products by a part of the name, or by the beginning of the code; each leads to who holds it."""
    rows = Product.objects.visible_to(actor).filter(
        Q(name__icontains=text) | Q(code__istartswith=text)
    )
    return [
        Hit(
            each.name,
            holders_url(each),
            each.get_category_display(),
            icon="package",
            badge="" if each.status == Product.Status.OFFERED else each.get_status_display(),
        )
        for each in rows.order_by("status", "name", "pk")[:limit]
    ]


def register() -> None:
    """Called once when the room starts."""
    suggesters.register(Suggester("products", _("Products"), "products.view", 40, found))
    criteria.register(
        PAGE,
        _choice("category", _("Category"), Product.Category),
        _choice("side", _("Side"), Product.Side),
        _choice("status", _("Status"), Product.Status),
        Criterion(f"{PAGE}:name", PAGE, _("Name"), "text", "name", nullable=False),
        Criterion(f"{PAGE}:owner", PAGE, _("Product manager"), "text", "owner__name"),
        Criterion(f"{PAGE}:term", PAGE, _("Term, months"), "number", "term_months"),
        Criterion(f"{PAGE}:rate", PAGE, _("Rate, percent a year"), "number", "rate", unit="%"),
    )  # fmt: skip
