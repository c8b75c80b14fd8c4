"""The catalogue, and an agreement's number in clear."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext_lazy as _

from zhike.customers.services import reveal
from zhike.products import tables
from zhike.products.models import Agreement, Product
from zhike.ui.filters import Filter
from zhike.ui.views import ListView, PageView, visible


class Catalogue(ListView):
    """Every product with the person who answers for it (R-118)."""

    model = Product
    permission = "products.view"
    title = _("Products")
    columns = tables.COLUMNS
    order = "code"
    searchable = True
    filters = (
        Filter(
            "category",
            _("Category"),
            Product.Category.choices,
            lambda value: Q(category=value),
        ),
        Filter(
            "status",
            _("Status"),
            Product.Status.choices,
            lambda value: Q(status=value),
        ),
    )

    def narrowed(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.select_related("owner")

    def search(self, rows: QuerySet[Any], text: str) -> QuerySet[Any]:
        return rows.filter(Q(name__icontains=text) | Q(code__istartswith=text))


class Reveal(PageView):
    """An account's number in clear, in answer to a POST that says what for."""

    permission = "customers.reveal"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        rows = visible(Agreement, self.actor).exclude(sealed_number=None)
        text = reveal(
            actor=self.actor,
            row=get_object_or_404(rows, public_id=self.kwargs["public_id"]),
            field="sealed_number",
            purpose=request.POST.get("purpose", ""),
        )
        return render(request, "customers/sealed.html#clear", {"text": text})
