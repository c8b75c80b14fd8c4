"""The list of agreements: its columns, quick filters, conditions, groups and days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from zhike.customers.models import Standing, Tier
from zhike.customers.queries import conditions as of_customers
from zhike.customers.queries import sees_money
from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.organisation.models import Unit
from zhike.organisation.queries import units_at_or_below
from zhike.products.filters import products
from zhike.products.models import Agreement, Product
from zhike.ui import format
from zhike.ui.filters import Filter
from zhike.ui.lists import criteria
from zhike.ui.lists.criteria import Criterion
from zhike.ui.lists.groups import Dated, Grouping
from zhike.ui.tables import Column

PAGE = "products.agreement"
MONEY = "insight.view"
ENDED = (Agreement.Status.CLOSED, Agreement.Status.LOSS)
TONES = {
    Agreement.Status.ACTIVE: "green",
    Agreement.Status.DORMANT: "secondary",
    Agreement.Status.OVERDUE: "red",
    Agreement.Status.CLOSED: "secondary",
    Agreement.Status.LOSS: "orange",
}

COLUMNS: tuple[Column, ...] = (
    Column("product.name", _("Product"), url=lambda row: row.get_absolute_url()),
    Column("party", _("Customer"), url=lambda row: row.party.get_absolute_url()),
    Column("masked_number", _("Number"), minor=True),
    Column(
        "status",
        _("Status"),
        "badge",
        value=lambda row: row.get_status_display(),
        tone=lambda row: TONES[Agreement.Status(row.status)],
    ),
)
MONEY_COLUMNS: tuple[Column, ...] = (
    Column("principal", _("Amount or limit"), "money", sortable=True, total="principal"),
    Column("currency", _("Currency"), optional=True),
    Column(
        "rate",
        _("Rate, percent a year"),
        align="end",
        value=lambda row: None if row.rate is None else format.rate(row.rate),
        optional=True,
    ),
)
DATE_COLUMNS: tuple[Column, ...] = (
    Column("opened_on", _("Opened"), "date", sortable=True),
    Column("matures_on", _("Matures"), "date", sortable=True),
    Column("closed_on", _("Closed"), "date", optional=True),
    Column(
        "category",
        _("Category"),
        value=lambda row: row.product.get_category_display(),
        optional=True,
    ),
    Column("unit.name", _("Unit"), minor=True),
)


def columns_for(actor: Actor) -> tuple[Column, ...]:
    """Without any money for those who do not see it."""
    return (*COLUMNS, *(MONEY_COLUMNS if sees_money(actor) else ()), *DATE_COLUMNS)


def quick(actor: Actor) -> list[Filter]:
    """The quick filters this actor has use for."""
    today = clock.today()
    return [
        Filter(
            "who",
            _("Looked after"),
            [("mine", _("by me"))],
            lambda value: of_customers.in_care_of(actor.employee_id, "party"),
        ),
        Filter(
            "category",
            _("Category"),
            Product.Category.choices,
            lambda value: Q(product__category=value),
        ),
        Filter("status", _("Status"), Agreement.Status.choices, lambda value: Q(status=value)),
        Filter(
            "soon",
            _("Matures within"),
            [(days, _("%(n)s days") % {"n": days}) for days in ("30", "90", "180")],
            lambda days: Q(
                matures_on__gte=today, matures_on__lte=today + timedelta(days=int(days))
            ),
            many=False,
        ),
    ]


def _categories(actor: Actor) -> Mapping[Any, Any]:
    return dict(Product.Category.choices)


def _products(actor: Actor) -> Mapping[Any, Any]:
    return dict(products(actor))


def _statuses(actor: Actor) -> Mapping[Any, Any]:
    return dict(Agreement.Status.choices)


def _units(actor: Actor) -> Sequence[tuple[str, str]]:
    return [(unit.code, unit.name) for unit in Unit.objects.visible_to(actor).order_by("path")]


def _below(actor: Actor, q: Q) -> Q:
    return Q(unit__in=units_at_or_below(Unit.objects.visible_to(actor).filter(q)))


def _tiers(actor: Actor) -> Sequence[tuple[str, str]]:
    return [(tier.code, tier.name) for tier in Tier.objects.visible_to(actor).order_by("rank")]


GROUPINGS: tuple[Grouping, ...] = (
    Grouping("status", _("Status"), "status", _statuses),
    Grouping("category", _("Category"), "product__category", _categories),
    Grouping("product", _("Product"), "product__code", _products, board=False),
)
DATES: tuple[Dated, ...] = (
    Dated("matures", _("Matures"), "matures_on"),
    Dated("opened", _("Opened"), "opened_on"),
)


def register() -> None:
    """Called once when the room starts."""
    own, customer = _("About the agreement"), _("About the customer")
    criteria.register(
        PAGE,
        Criterion(
            f"{PAGE}:product", PAGE, _("Product"), "choice", "product__code", products,
            group=own, nullable=False,
        ),
        Criterion(
            f"{PAGE}:category", PAGE, _("Category"), "choice", "product__category",
            lambda actor: Product.Category.choices, group=own, nullable=False,
        ),
        Criterion(
            f"{PAGE}:status", PAGE, _("Status"), "choice", "status",
            lambda actor: Agreement.Status.choices, group=own, nullable=False,
        ),
        Criterion(
            f"{PAGE}:principal", PAGE, _("Amount or limit"), "money", "principal",
            permission=MONEY, group=own,
        ),
        Criterion(
            f"{PAGE}:rate", PAGE, _("Rate, percent a year"), "number", "rate",
            permission=MONEY, group=own, unit="%",
        ),
        Criterion(f"{PAGE}:opened", PAGE, _("Opened"), "date", "opened_on", group=own),
        Criterion(f"{PAGE}:matures", PAGE, _("Matures"), "date", "matures_on", group=own),
        Criterion(f"{PAGE}:closed", PAGE, _("Closed"), "date", "closed_on", group=own),
        Criterion(
            f"{PAGE}:unit", PAGE, _("Unit, with all below it"), "choice", "code", _units,
            within=_below, group=own,
        ),
        Criterion(
            f"{PAGE}:tier", PAGE, _("Tier"), "choice", "party__standing__tier__code", _tiers,
            group=customer,
        ),
        Criterion(
            f"{PAGE}:value_class", PAGE, _("Value class"), "choice", "party__standing__value_class",
            lambda actor: Standing.ValueClass.choices, group=customer,
        ),
        Criterion(
            f"{PAGE}:last_contact", PAGE, _("Last contact"), "date",
            "party__standing__last_contact_on", group=customer, counts_as_old=True,
        ),
    )  # fmt: skip
