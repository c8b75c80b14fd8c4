"""Two customers made one, after a look at what that does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _

from zhike.customers import rules
from zhike.customers.models import Party
from zhike.customers.search import search
from zhike.kernel.errors import UserError
from zhike.masterdata import queries
from zhike.masterdata.models import Pair
from zhike.masterdata.pair_conditions import JUDGES
from zhike.masterdata.services import looking, reviewing
from zhike.masterdata.views.review import HEAVY, pair_url
from zhike.masterdata.word_reasons import WHY, valued
from zhike.ui.navigation import Action
from zhike.ui.views import PageView, RowView, visible

FOUND = 20


class ChooseOther(RowView):
    """With whom a customer is one: pairs that wait already, and a search among those in sight."""

    model = Party
    permission = JUDGES
    template_name = "masterdata/merge_choose.html"
    fragment = "found"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        party = self.row()
        pairs = (
            visible(Pair, self.actor)
            .filter(Q(left__party=party) | Q(right__party=party), state=Pair.State.OPEN)
            .exclude(left__party=party, right__party=party)
            .select_related("left__party__unit", "right__party__unit")
            .defer(*HEAVY)
            .order_by("-probability")
        )
        return self.show(
            {
                "title": _("Merge with another customer"),
                "party": party,
                "others": self._found(party, party.name),
                "pairs": [
                    (pair.right.party if pair.left.party_id == party.pk else pair.left.party,
                     pair.probability, pair_url(pair))
                    for pair in pairs[:FOUND]
                ],
                "actions": [Action(_("Back to the customer"), party.get_absolute_url(), quiet=True)],
            }
        )  # fmt: skip

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Who is found by name, pinyin or number; by POST, so that nothing typed stands in an address."""
        party, text = self.row(), request.POST.get("customer", "").strip()[:80]
        context = {"others": self._found(party, text), "typed": text, "party": party}
        return render(request, "masterdata/merge_choose.html#found", context)

    def _found(self, party: Party, text: str) -> list[tuple[Party, str]]:
        """Others of the same kind, each with the way to the look at a merge."""
        hits = search(self.actor, text, FOUND) if len(text) > 1 else []
        return [
            (hit.party, reverse("review:merge-with", args=[party.public_id, hit.party.public_id]))
            for hit in hits
            if hit.party.pk != party.pk and hit.party.kind == party.kind
        ]


class MergePage(PageView):
    """GET: what merging two customers would do; `stays` says which one takes in the other. POST does it."""

    permission = JUDGES
    template_name = "masterdata/merge_page.html"
    fragment = "preview"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        into, absorbed = self._both(request.GET.get("stays", ""))
        return self._shown(into, absorbed)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        into, absorbed = self._both(request.POST.get("stays", ""))
        try:
            reviewing.merge_customers(
                actor=self.actor,
                absorbed=absorbed,
                into=into,
                reason=request.POST.get("reason", "")[:200],
            )
        except UserError as error:
            return self._shown(into, absorbed, wrong=str(error), status=422)
        messages.success(
            request,
            _("%(absorbed)s is part of this customer now. “Records” says how to split them again.")
            % {"absorbed": absorbed.name},
        )
        return HttpResponseRedirect(into.get_absolute_url(), status=303)

    def _both(self, stays: str) -> tuple[Party, Party]:
        """The one that stays and the one that goes into it; without a choice the older one stays."""
        rows = visible(Party, self.actor).select_related("unit")
        both = [
            get_object_or_404(rows, public_id=self.kwargs[name]) for name in ("public_id", "other")
        ]
        both.sort(key=lambda each: rules.precedence(each.stage, each.since_on, each.pk))
        if stays == str(both[1].public_id):
            both.reverse()
        return both[0], both[1]

    def _shown(
        self, into: Party, absorbed: Party, wrong: str = "", status: int = 200
    ) -> HttpResponse:
        preview = looking.preview_merge(actor=self.actor, absorbed=absorbed, into=into)
        return self.show(
            {
                "title": _("Merge two customers"),
                "into": into,
                "absorbed": absorbed,
                "both": sorted((into, absorbed), key=lambda each: each.pk),
                "moved": sorted(preview.moved.items()),
                "left": sorted(preview.left.items()),
                "fields": told(preview.fields),
                "contradictions": preview.contradictions,
                "wrong": wrong,
                "reason": self.request.POST.get("reason", ""),
                "back": into.get_absolute_url(),
            },
            status,
        )


def told(fields: Iterable[looking.FieldChange]) -> list[Mapping[str, str]]:
    """Changes of fields in the reader's words."""
    names = queries.system_names()
    return [
        {
            "label": each.label,
            "before": valued(each.field, each.before),
            "after": valued(each.field, each.after),
            "source": names.get(each.source, each.source),
            "why": str(WHY.get(each.why, "")),
        }
        for each in fields
    ]
