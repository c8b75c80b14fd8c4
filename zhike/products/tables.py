"""The columns of the catalogue."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from zhike.products.models import Product
from zhike.ui.tables import Column

STATUS_TONES = {
    Product.Status.DEVELOPING: "azure",
    Product.Status.OFFERED: "green",
    Product.Status.WITHDRAWN: "secondary",
}

COLUMNS: tuple[Column, ...] = (
    Column("code", _("Code"), sortable=True),
    Column("name", _("Name"), sortable=True),
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
        value=lambda product: None if product.rate is None else f"{product.rate.normalize():f}",
    ),
)
