"""The customer list and its search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from zhike.customers import filters, parameters, queries, services, tables
from zhike.customers.models import Party
from zhike.customers.search import Hit, Match, search
from zhike.kernel.asking import Rows
from zhike.ui import paging
from zhike.ui.filters import Filter
from zhike.ui.lists import conditions, drawing, state
from zhike.ui.lists.offers import offered
from zhike.ui.navigation import Action
from zhike.ui.tables import Column
from zhike.ui.views import EditableListView, PageView, wants_fragment
from zhike.ui.views.lists import Found

SEARCH_LIMIT = 200
SHOWN = (
    *("public_id", "version", "kind", "type", "stage", "name", "name_key", "unit__name"),
    *("since_on", "birth_on", "occupation", "industry", "education", "employees_count"),
    *("standing__tier__name", "standing__tier__colour", "standing__tier__rank"),
    *("standing__value_class", "standing__balance", "standing__contribution"),
    *("standing__current_value", "standing__potential_value"),
    *("standing__last_contact_on", "standing__contact_every_days"),
)
BY_RANK = paging.Order("rank")
"""How good a match is: the order of no column, so that every heading may be clicked."""


class PartyList(EditableListView):
    """Everybody the actor may see; what was searched for comes sealed as `?s=`, best match first."""

    model = Party
    permission = "customers.view"
    title = _("Customers")
    template_name = "customers/party_list.html"
    page = filters.PAGE
    groupings = tables.GROUPINGS
    dates = tables.DATES
    peeks = True
    hits: list[Hit] | None = None

    @cached_property
    def columns(self) -> tuple[Column, ...]:  # type: ignore[override]
        return (*tables.columns_for(self.actor), *offered(filters.PAGE, self.actor))

    @property
    def order(self) -> str:  # type: ignore[override]
        return "-standing__balance" if queries.sees_money(self.actor) else "name_key"

    @cached_property
    def _chips(self) -> Sequence[Filter]:
        return filters.quick(self.actor, self.params.get("unit", ""))

    def chips(self) -> Sequence[Filter]:
        return self._chips

    def narrowed(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        # What no column shows is not read: tokens, origins, notes, and most of the unit and the tier.
        return queries.with_standing(rows).only(*SHOWN)

    def by_default(self, asked: conditions.Group) -> Q:
        """Former customers are shown where somebody asks for a stage, or for a name."""
        spoken_of = {test.field for test in asked.tests}
        params = self.params
        if "s" in params or params.get("stage") or "stage" in spoken_of:
            return Q()
        if params.get("in", "").startswith("stage:") or params.get("group") == "stage":
            return Q()
        return ~Q(stage=Party.Stage.FORMER)

    @cached_property
    def found(self) -> Found:
        found = super().rows()
        text = parameters.opened(self.params.get("s", ""), parameters.SEARCH)
        if not text:
            return found
        self.hits = search(self.actor, text, SEARCH_LIMIT)
        hits = [hit.party.pk for hit in self.hits]
        return replace(found, asks=Rows.of(found.rows.filter(pk__in=hits)), text=text)

    def rows(self) -> Found:
        return self.found

    def actions(self) -> list[Action]:
        if not self.actor.may("customers.edit"):
            return []
        return [Action(_("New customer"), reverse("customers:new"), icon="plus")]

    def export_url(self) -> str:
        return reverse("customers:export") if self.actor.may("customers.export") else ""

    def save_cell(
        self, row: Any, field: str, value: Any, *, version: int | None, original: Any
    ) -> None:
        services.update_party(
            actor=self.actor,
            party=row,
            changes={field: value},
            version=version,
            originals={field: original},
        )

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if "s" not in request.GET or {"sort", "part", "group", "show", "build", "columns"} & set(
            request.GET
        ):
            return super().get(request, *args, **kwargs)
        found = self.rows()
        if self.hits is None:
            return super().get(request, *args, **kwargs)
        return self._ranked(found, self.hits)

    def _ranked(self, found: Found, hits: Sequence[Hit]) -> HttpResponse:
        """What was found, the best match first; `cursor` is how many come before the page."""
        order = {hit.party.pk: place for place, hit in enumerate(hits)}
        places = sorted(order[pk] for pk in found.rows.order_by().values_list("pk", flat=True))
        size = state.size_of(self.params, self.page_size)
        cursor = self.params.get("cursor", "")
        at = min(int(cursor) if cursor.isdecimal() else 0, max(0, len(places) - 1)) // size * size
        ids = [hits[place].party.pk for place in places[at : at + size]]
        ranked = sorted(found.rows.filter(pk__in=ids), key=lambda party: order[party.pk])
        columns, gone = self.shown()
        totals = any(column.total for column in columns) and bool(ranked)
        answer = self.show(
            {
                "found": found,
                "problems": [*found.problems, *gone],
                "bar": drawing.bar(self, found),
                "table": self.table(
                    columns,
                    ranked,
                    BY_RANK,
                    state.address(self.params, part="totals") if totals else "",
                ),
                "page": paging.Page(
                    ranked,
                    str(at + size) if at + size < len(places) else None,
                    str(at - size) if at else None,
                ),
                "count": paging.Count(len(places), len(hits) == SEARCH_LIMIT),
                "search_text": found.text,
                "actions": self.actions(),
            }
        )
        if wants_fragment(self.request):
            answer["HX-Push-Url"] = self.request.get_full_path()
        return answer


class Search(PageView):
    """Takes what was typed by POST, so that no number stands in an address; leads to the sealed list.

    A number that names one customer opens it at once.
    """

    permission = "customers.view"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        text = request.POST.get("q", "").strip()
        address = reverse("customers:list")
        if text:
            hits = search(self.actor, text, 2)
            if len(hits) == 1 and hits[0].match is Match.NUMBER:
                return HttpResponseRedirect(hits[0].party.get_absolute_url(), status=303)
            address = f"{address}?s={parameters.sealed(text, parameters.SEARCH)}"
        return HttpResponseRedirect(address, status=303)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return HttpResponseRedirect(reverse("customers:list"), status=303)
