"""The customer list, its search and its file."""

from __future__ import annotations

import io
import tempfile
from typing import Any

from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from zhike.customers import parameters, queries, services, tables
from zhike.customers.models import Party, Standing, Tier
from zhike.customers.search import Hit, Match, search
from zhike.kernel import clock
from zhike.ui import paging
from zhike.ui.filters import Chosen, Filter, choose, narrow
from zhike.ui.navigation import Action
from zhike.ui.tables import Table
from zhike.ui.views import ListView, PageView, visible

SEARCH_LIMIT = 200


class PartyList(ListView):
    """Everybody the actor may see; what was searched for comes sealed as `?s=`, best match first."""

    model = Party
    permission = "customers.view"
    title = _("Customers")
    template_name = "customers/party_list.html"
    hits: list[Hit] | None = None

    @property
    def columns(self) -> Any:  # type: ignore[override]
        return tables.columns_for(self.actor)

    @property
    def order(self) -> str:  # type: ignore[override]
        return "-standing__balance" if queries.sees_money(self.actor) else "name_key"

    def rows(self) -> tuple[QuerySet[Any], list[Chosen], str]:
        params = self.request.GET
        text = parameters.opened(params.get("s", ""), parameters.SEARCH)
        rows = queries.with_standing(visible(Party, self.actor))
        chosen = choose(self.chips(), params)
        if not text and not params.get("stage"):
            rows = rows.exclude(stage=Party.Stage.FORMER)
        if text:
            self.hits = search(self.actor, text, SEARCH_LIMIT)
            rows = rows.filter(pk__in=[hit.party.pk for hit in self.hits])
        return narrow(rows, chosen), chosen, text

    def chips(self) -> list[Filter]:
        """The quick filters this actor has use for."""
        actor, asked = self.actor, self.request.GET.get("unit", "")
        filters = [
            Filter(
                "who",
                _("Looked after"),
                [("mine", _("by me")), ("nobody", _("by nobody"))],
                lambda rows, value: (
                    queries.looked_after_by(rows, actor.employee_id)
                    if value == "mine"
                    else queries.unassigned(rows)
                ),
            ),
            Filter(
                "tier",
                _("Tier"),
                [(tier.code, tier.name) for tier in visible(Tier, actor)],
                lambda rows, value: rows.filter(standing__tier__code=value),
            ),
            Filter(
                "value",
                _("Value class"),
                Standing.ValueClass.choices,
                lambda rows, value: rows.filter(standing__value_class=value),
            ),
            Filter(
                "stage",
                _("Stage"),
                Party.Stage.choices,
                lambda rows, value: rows.filter(stage=value),
            ),
            Filter(
                "kind",
                _("Kind"),
                Party.Kind.choices,
                lambda rows, value: rows.filter(kind=value),
            ),
            Filter(
                "quiet",
                _("No contact for"),
                [(days, _("%(n)s days") % {"n": days}) for days in ("30", "90", "180")],
                lambda rows, value: queries.not_contacted_for(rows, int(value)),
            ),
        ]
        units = {unit.code: unit for unit in queries.units_to_choose(actor, asked)}
        if units:
            filters.append(
                Filter(
                    "unit",
                    _("Unit"),
                    [(unit.code, unit.name) for unit in units.values()],
                    lambda rows, value: queries.in_unit(rows, units[value]),
                )
            )
        return filters

    def actions(self) -> list[Action]:
        actions = []
        if self.actor.may("customers.edit"):
            actions.append(Action(_("New customer"), reverse("customers:new"), icon="plus"))
        if self.actor.may("customers.export"):
            query = self.request.GET.urlencode()
            actions.append(
                Action(_("Export"), f"{reverse('customers:export')}?{query}", icon="download")
            )
        return actions

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if "s" not in request.GET or "sort" in request.GET:
            return super().get(request, *args, **kwargs)
        rows, chosen, text = self.rows()
        if self.hits is None:
            return super().get(request, *args, **kwargs)
        found = {party.pk: party for party in rows}
        ranked = [found[hit.party.pk] for hit in self.hits if hit.party.pk in found]
        capped = len(self.hits) == SEARCH_LIMIT
        return self.show(
            {
                "table": Table(self.columns, ranked, None, self.row_url, self.title),
                "page": paging.Page(ranked, None, None),
                "count": paging.Count(len(ranked), capped),
                "chosen": chosen,
                "search_text": text,
                "narrowed": True,
                "actions": self.actions(),
            }
        )


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


class Export(PartyList):
    """The list as CSV under the same rights, filters and masks; on the trail with its number of rows."""

    permission = "customers.export"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        rows, _chosen, _text = self.rows()
        file = tempfile.TemporaryFile()  # noqa: SIM115  the response closes it
        text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="", write_through=True)
        ordered = rows.prefetch_related("contact_points").order_by("name_key", "pk")
        count = tables.write_csv(text, self.actor, ordered.iterator(chunk_size=2000))
        text.detach()
        file.seek(0)
        services.note_export(actor=self.actor, name="customers", count=count)
        name = f"customers-{clock.today().isoformat()}.csv"
        response = FileResponse(file, as_attachment=True, filename=name, content_type="text/csv")
        response["Cache-Control"] = "no-store"
        return response  # type: ignore[return-value]
