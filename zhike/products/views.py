"""The catalogue, the agreements, and an agreement's number in clear."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from zhike.access.masks import band_words
from zhike.customers.services import reveal
from zhike.products import agreements, catalogue
from zhike.products.models import Agreement, Product
from zhike.ui.filters import Filter
from zhike.ui.lists import conditions
from zhike.ui.tables import Column
from zhike.ui.views import ListView, PageView, visible
from zhike.ui.views.exports import FileView


class Catalogue(ListView):
    """Every product with the person who answers for it (R-118)."""

    model = Product
    permission = "products.view"
    page = catalogue.PAGE
    title = _("Products")
    groupings = catalogue.GROUPINGS
    columns = catalogue.COLUMNS
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


class AgreementList(ListView):
    """What customers hold; the closed are left out as long as nobody asks for them."""

    model = Agreement
    permission = "products.view"
    page = agreements.PAGE
    title = _("Agreements")
    order = "matures_on"
    groupings = agreements.GROUPINGS
    dates = agreements.DATES
    peeks = True

    @cached_property
    def columns(self) -> tuple[Column, ...]:  # type: ignore[override]
        return agreements.columns_for(self.actor)

    def chips(self) -> Sequence[Filter]:
        return agreements.quick(self.actor)

    def narrowed(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.select_related("product", "party", "unit").defer(
            "terms", "blind", "tail", "party__search_tokens", "party__provenance", "party__note"
        )

    def by_default(self, asked: conditions.Group) -> Q:
        spoken_of = {test.field for test in asked.tests} | set(self.params)
        ends = {"status", "closed", "group"} & spoken_of
        if ends or self.params.get("in", "").startswith("status:"):
            return Q()
        return Q(closed_on=None) & ~Q(status__in=agreements.ENDED)

    def export_url(self) -> str:
        return reverse("products:export") if self.actor.may("customers.export") else ""


class Export(FileView, AgreementList):
    """The list, or what was ticked in it, amounts in bands unless asked for in clear."""

    permission = "customers.export"
    approval = "desk.approve_files"
    name = "agreements"
    file_order = ("matures_on", "pk")

    def bands(self) -> Callable[[Decimal], str]:
        return band_words

    def narrowed(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        self.actor.must("products.view")
        return super().narrowed(rows)


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
