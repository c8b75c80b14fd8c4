"""One customer made two: a merge undone, or a record taken out, each after a look at both sides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from zhike.customers.models import Merge, Party
from zhike.customers.queries import sees_money
from zhike.customers.queries.merges import homes_of
from zhike.kernel.actor import Actor
from zhike.kernel.errors import UserError
from zhike.masterdata import queries
from zhike.masterdata.pair_conditions import JUDGES
from zhike.masterdata.pair_words import record_head
from zhike.masterdata.services import looking, reviewing, taking
from zhike.masterdata.views.merging import told
from zhike.masterdata.word_reasons import valued, written_since
from zhike.products.models import Agreement
from zhike.products.queries import balances_of
from zhike.ui.views import RowView, visible


@dataclass(frozen=True)
class AgreementLine:
    """An agreement as a side of the look shows it; `balance` of the day `on`, None where none is known."""

    agreement: Agreement
    balance: Decimal | None
    on: date | None


class SplitPage(RowView):
    """GET: what splitting a merge would do. POST does it, with the rows of `along` ("table.column:id")."""

    model = Merge
    permission = JUDGES
    template_name = "masterdata/merge_split.html"
    fragment = "preview"
    joined = ("root",)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._shown(self.row())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        merge: Merge = self.row()
        chosen, along = set(request.POST.getlist("along")), defaultdict(list)
        for each in written_since(self.actor, merge):
            if each.name in chosen:
                along[each.place].append(each.id)
        try:
            party = reviewing.split_customer(
                actor=self.actor,
                merge=merge,
                reason=request.POST.get("reason", "")[:200],
                along=along,
            )
        except UserError as error:
            if merge.undone_at is not None:
                raise
            return self._shown(merge, chosen, str(error), 422)
        messages.success(
            request, _("%(name)s is a customer of their own again.") % {"name": party.name}
        )
        return HttpResponseRedirect(party.get_absolute_url(), status=303)

    def _shown(
        self, merge: Merge, chosen: Iterable[str] = (), wrong: str = "", status: int = 200
    ) -> HttpResponse:
        undone = merge.undone_at is not None
        preview = None if undone else looking.preview_split(actor=self.actor, merge=merge)
        return self.show(
            {
                "title": _("Split a customer again"),
                "merge": merge,
                "undone": undone,
                **(sides(self.actor, merge.root, preview) if preview else {}),
                "writings": [] if undone else written_since(self.actor, merge),
                "chosen": set(chosen),
                "wrong": wrong,
                "reason": self.request.POST.get("reason", ""),
            },
            status,
        )


class TakePage(RowView):
    """GET: what taking one record out of a customer would do, with the agreements of `agreement`. POST does it."""

    model = Party
    permission = JUDGES
    template_name = "masterdata/record_take.html"
    fragment = "preview"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        party, came = self._came()
        sent = request.GET
        chosen = self._chosen(came, sent.getlist("agreement")) if "look" in sent else came.likely
        return self._shown(party, came, chosen)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        party, came = self._came()
        chosen = self._chosen(came, request.POST.getlist("agreement"))
        try:
            new = taking.take_record(
                actor=self.actor,
                record=came.record,
                agreements=chosen,
                reason=request.POST.get("reason", "")[:200],
            )
        except UserError as error:
            return self._shown(party, came, chosen, str(error), 422)
        messages.success(
            request,
            _("%(name)s is a customer of their own now. “Merge with …” would undo it.")
            % {"name": new.name},
        )
        return HttpResponseRedirect(new.get_absolute_url(), status=303)

    def _came(self) -> tuple[Party, taking.Came]:
        party: Party = self.row()
        record = queries.record_of(self.actor, party, public_id=self.kwargs["record"])
        came = taking.came_with(record) if record is not None else None
        if came is None:
            raise Http404
        return party, came

    def _chosen(self, came: taking.Came, sent: Sequence[str]) -> frozenset[int]:
        """Which of the agreements are named, by their public ids."""
        rows = visible(Agreement, self.actor).filter(pk__in=came.agreements)
        ids = {str(public_id): pk for pk, public_id in rows.values_list("pk", "public_id")}
        return frozenset(ids[each] for each in sent if each in ids)

    def _shown(
        self,
        party: Party,
        came: taking.Came,
        chosen: frozenset[int],
        wrong: str = "",
        status: int = 200,
    ) -> HttpResponse:
        preview = looking.preview_take(actor=self.actor, record=came.record, agreements=chosen)
        return self.show(
            {
                "title": _("Take a record out"),
                "party": party,
                "head": record_head(self.actor, came.record),
                "alone": came.alone,
                "choices": agreement_lines(self.actor, party, came.agreements),
                "chosen": chosen,
                "kept": preview.kept,
                **sides(self.actor, party, preview),
                "wrong": wrong,
                "reason": self.request.POST.get("reason", ""),
            },
            status,
        )


def sides(actor: Actor, party: Party, preview: looking.SplitPreview) -> Mapping[str, Any]:
    """Both sides of a look at `party` parted, in the reader's words."""

    def side(each: looking.Side) -> Mapping[str, Any]:
        return {
            "name": each.name,
            "words": [
                (queries.label_of(field), valued(field, value))
                for field, value in each.words.items()
            ],
            "rows": each.rows.items(),
            "agreements": agreement_lines(actor, party, each.agreements),
        }

    return {
        "stays": side(preview.stays),
        "goes": side(preview.goes),
        "fields": told(preview.fields),
        "sees_money": sees_money(actor),
    }


def agreement_lines(actor: Actor, party: Party, ids: Sequence[int]) -> list[AgreementLine]:
    """Agreements that stand with the customer, each with its last balance."""
    rows = visible(Agreement, actor).select_related("product", "unit").in_bulk(ids)
    known = balances_of(actor, list(rows), homes_of(party))
    nothing = (None, None)
    found = []
    for id in ids:
        if id in rows:
            on, balance = known.get(id, nothing)
            found.append(AgreementLine(rows[id], balance, on))
    return found
