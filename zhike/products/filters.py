"""What the customer list may ask about what customers hold."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from zhike.kernel.actor import Actor
from zhike.products.models import Agreement, Product
from zhike.ui.lists import criteria
from zhike.ui.lists.criteria import Criterion

PAGE = "customers.party"
SEES, MONEY = "products.view", "insight.view"


def _open(actor: Actor, q: Q) -> Q:
    """Customers with an agreement that runs today and that `q` finds."""
    running = Agreement.objects.visible_to(actor).filter(q, closed_on=None)
    return Q(pk__in=running.order_by().values("party"))


def _any(actor: Actor, q: Q) -> Q:
    return Q(pk__in=Agreement.objects.visible_to(actor).filter(q).order_by().values("party"))


def products(actor: Actor) -> list[tuple[str, str]]:
    """The catalogue as (code, name)."""
    offered = Product.objects.visible_to(actor).order_by("category", "code")
    return [(product.code, product.name) for product in offered]


def register() -> None:
    """Called once when the room starts."""
    group = _("Products held")
    criteria.register(
        PAGE,
        Criterion(
            "products:holds",
            PAGE,
            _("Holds a kind of product"),
            "choice",
            "product__category",
            lambda actor: Product.Category.choices,
            within=_open,
            permission=SEES,
            group=group,
        ),
        Criterion(
            "products:product",
            PAGE,
            _("Holds the product"),
            "choice",
            "product__code",
            products,
            within=_open,
            permission=SEES,
            group=group,
        ),
        Criterion(
            "products:matures",
            PAGE,
            _("An agreement matures"),
            "date",
            "matures_on",
            within=_open,
            permission=SEES,
            group=group,
        ),
        Criterion(
            "products:opened",
            PAGE,
            _("An agreement was opened"),
            "date",
            "opened_on",
            within=_any,
            permission=SEES,
            group=group,
        ),
        Criterion(
            "products:principal",
            PAGE,
            _("Amount of an agreement"),
            "money",
            "principal",
            within=_open,
            permission=MONEY,
            group=group,
        ),
        Criterion(
            "products:agreement_status",
            PAGE,
            _("Status of an agreement"),
            "choice",
            "status",
            lambda actor: Agreement.Status.choices,
            within=_any,
            permission=SEES,
            group=group,
        ),
    )
