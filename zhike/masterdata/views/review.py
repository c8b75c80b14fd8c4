"""The steward's queue: pairs of records that may be of one customer, judged one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from zhike.kernel.actor import Actor
from zhike.masterdata import pair_conditions, queries
from zhike.masterdata.models import Approval, Pair
from zhike.masterdata.pair_words import compared, record_head
from zhike.masterdata.services import reviewing
from zhike.masterdata.waterfall import waterfall
from zhike.ui import paging
from zhike.ui.lists.bulk import view_of
from zhike.ui.navigation import Action, counts_for
from zhike.ui.tables import Column
from zhike.ui.views import ListView, PageView, RowView, visible, wants_fragment
from zhike.ui.views.exports import FileView

TONES = {
    Pair.State.OPEN: "blue",
    Pair.State.SAME: "green",
    Pair.State.DIFFERENT: "orange",
    Pair.State.UNSURE: "yellow",
    Pair.State.JOINED: "teal",
}
NARROWING = (*(each.name for each in pair_conditions.FILTERS), "where", "in")
HEAVY = [
    f"{side}__{name}"
    for side in ("left", "right")
    for name in ("sealed", "values", "stamps", "keys")
]


def tone(pair: Pair) -> str:
    return TONES[Pair.State(pair.state)]


@lru_cache(256)
def columns_for(query: str) -> tuple[Column, ...]:
    """The columns of the queue; a pair opened from it keeps what narrows the list."""

    def url(pair: Pair) -> str:
        return pair_url(pair, query)

    return (
        Column("left.party.name", gettext_lazy("First customer"), url=url),
        Column("right.party.name", gettext_lazy("Second customer"), url=url),
        Column("probability", gettext_lazy("Probability"), "percent", sortable=True),
        Column("match_weight", gettext_lazy("Weight"), "number", minor=True, sortable=True, optional=True),
        Column("why", gettext_lazy("Why it is asked"), value=lambda pair: pair.question),
        Column("left.system.name", gettext_lazy("Source system of the first"), minor=True),
        Column("right.system.name", gettext_lazy("Source system of the second"), minor=True),
        Column("state", gettext_lazy("State"), "badge", choices=Pair.State.choices, tone=tone),
        Column("found_at", pgettext_lazy("a pair", "Found"), "datetime", minor=True, sortable=True),
        Column("decided_by", gettext_lazy("Judged by"), minor=True, optional=True),
        Column("decided_at", gettext_lazy("Judged"), "datetime", minor=True, optional=True, sortable=True),
    )  # fmt: skip


def pair_url(pair: Pair, query: str = "") -> str:
    return f"{reverse('review:pair', args=[pair.public_id])}{'?' if query else ''}{query}"


class PairList(ListView):
    """Open pairs, the likeliest first; judged ones where somebody asks for a state."""

    model = Pair
    permission = pair_conditions.JUDGES
    title = gettext_lazy("Duplicates")
    template_name = "masterdata/pair_list.html"
    page = pair_conditions.PAGE
    filters = pair_conditions.FILTERS
    groupings = pair_conditions.GROUPINGS
    order = "-probability"

    @cached_property
    def columns(self) -> tuple[Column, ...]:  # type: ignore[override]
        return columns_for(narrowing(self.params))

    def narrowed(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.select_related(
            "left__party", "right__party", "left__system", "right__system"
        ).defer(*HEAVY)

    def by_default(self, asked: Any) -> Q:
        spoken_of = {test.field for test in asked.tests}
        if self.params.get("state") or "state" in spoken_of or self.params.get("in"):
            return Q()
        return Q(state=Pair.State.OPEN)

    def row_url(self, row: Pair) -> str:
        return pair_url(row, narrowing(self.params))

    def export_url(self) -> str:
        return reverse("review:export") if self.actor.may("customers.export") else ""

    def actions(self) -> list[Action]:
        found = []
        first = queue(self.actor, narrowing(self.params)).first()
        if first is not None:
            found.append(Action(_("Judge one by one"), self.row_url(first), icon="player-play"))
        waiting = waiting_approvals(self.actor)
        label = _("Waiting for a second person")
        found.append(
            Action(
                f"{label} ({waiting})" if waiting else label,
                reverse("review:approvals"),
                icon="checks",
            )
        )
        if self.actor.everywhere:
            found.append(
                Action(
                    _("Which word stands"), reverse("review:rules"), icon="adjustments-horizontal"
                )
            )
        return found


class Export(FileView, PairList):
    """The queue as it is narrowed, or what was ticked, under the same rights; on the trail with its number."""

    permission = "customers.export"
    approval = "desk.approve_files"
    name = "pairs"
    file_order = ("-probability", "pk")

    def narrowed(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        self.actor.must(pair_conditions.JUDGES)
        return super().narrowed(rows)


def waiting_approvals(actor: Actor) -> int:
    """How many requests wait for a second person."""
    return visible(Approval, actor).filter(state=Approval.State.WAITING).count()


def narrowing(params: QueryDict) -> str:
    """What of an address of the list says which pairs are in it."""
    return urlencode({name: params[name] for name in NARROWING if params.get(name)})


def queue(actor: Actor, query: str) -> QuerySet[Pair]:
    """The pairs of the list at `query`, in the order they are judged in."""
    rows: QuerySet[Pair] = view_of(pair_conditions.PAGE, actor, query).rows().rows
    return rows.order_by("-probability", "pk")


def next_of(actor: Actor, query: str, pair: Pair) -> Pair | None:
    """The pair after this one in the queue, from the end back to the beginning; None where there is no other."""
    others = queue(actor, query).exclude(pk=pair.pk)
    after = Q(probability__lt=pair.probability) | Q(probability=pair.probability, pk__gt=pair.pk)
    return others.filter(after).first() or others.first()


class PairPage(RowView):
    """One pair: both records beside each other, what their likeness is worth, and the judgement."""

    model = Pair
    permission = pair_conditions.JUDGES
    template_name = "masterdata/pair_page.html"
    fragment = "pair"
    joined = (
        *("left__party__unit", "left__system", "left__file__run"),
        *("right__party__unit", "right__system", "right__file__run"),
    )

    @property
    def query(self) -> str:
        return narrowing(self.request.GET)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.drawn(self.row())

    def drawn(self, pair: Pair, told: Mapping[str, Any] | None = None) -> HttpResponse:
        """The page of a pair, with what was done before it as a toast."""
        following = next_of(self.actor, self.query, pair)
        left = paging.capped_count(queue(self.actor, self.query))
        answer = self.show(
            {
                "title": _("One customer or two?"),
                "pair": pair,
                "tone": tone(pair),
                "heads": [record_head(self.actor, pair.left), record_head(self.actor, pair.right)],
                "lines": compared(queries.sides(self.actor, pair)),
                "chart": waterfall(queries.waterfall(pair), pair.probability),
                "judged": pair.state in (Pair.State.SAME, Pair.State.DIFFERENT),
                "together": pair.left.party_id == pair.right.party_id,
                "next_url": pair_url(following, self.query) if following else "",
                "query": f"?{self.query}" if self.query else "",
                "open": left,
                "approvals": waiting_approvals(self.actor),
                "waiting": counts_for(self.actor).get("pairs", 0) if told else 0,
                **(told or {}),
            }
        )
        if wants_fragment(self.request):
            answer["HX-Push-Url"] = pair_url(pair, self.query)
        return answer

    def nothing_left(self, told: Mapping[str, Any]) -> HttpResponse:
        return self.show({"title": _("One customer or two?"), "pair": None, "waiting": 0, **told})

    def of(self, pair: Pair) -> Pair:
        """The pair as this page reads it."""
        found: Pair = visible(Pair, self.actor).select_related(*self.joined).get(pk=pair.pk)
        return found


class JudgePair(PairPage):
    """POST `verdict` (same, different, unsure) and `note`; the answer is the next pair, with a way back."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        verdict, pair = request.POST.get("verdict", ""), self.row()
        following = next_of(self.actor, self.query, pair)
        pair = reviewing.judge(
            actor=self.actor, pair=pair, verdict=verdict, note=request.POST.get("note", "")[:200]
        )
        text = _("Judged: %(verdict)s.") % {"verdict": pair.get_state_display()}
        if not wants_fragment(request):
            messages.success(request, text)
            where = pair_url(following, self.query) if following else reverse("review:pairs")
            return HttpResponseRedirect(where, status=303)
        back = reverse("review:reopen", args=[pair.public_id])
        told = {"said": text, "undo_url": f"{back}?{self.query}" if self.query else back}
        if following is None:
            return self.nothing_left(told)
        return self.drawn(self.of(following), told)


class ReopenPair(PairPage):
    """POST: the judgement is taken back, and with it the merge it made; the answer is the pair."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        pair = reviewing.reopen(actor=self.actor, pair=self.row())
        text = _("The judgement was taken back.")
        if not wants_fragment(request):
            messages.success(request, text)
            return HttpResponseRedirect(pair_url(pair, self.query), status=303)
        return self.drawn(self.of(pair), {"said": text})


class Approvals(PageView):
    """Judgements on many records at once: those that wait for a second person, and the latest answered."""

    permission = pair_conditions.JUDGES
    title = gettext_lazy("Waiting for a second person")
    template_name = "masterdata/pair_approvals.html"
    fragment = "approvals"
    LATEST, SHOWN = 20, 10

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        rows = visible(Approval, self.actor).order_by("-asked_at")
        waiting = rows.filter(state=Approval.State.WAITING)
        return self.show(
            {
                "waiting": [self._asked(each) for each in waiting],
                "answered": rows.exclude(state=Approval.State.WAITING)[: self.LATEST],
                "queue_url": reverse("review:pairs"),
            }
        )

    def _asked(self, approval: Approval) -> dict[str, Any]:
        seen = visible(Pair, self.actor).filter(pk__in=approval.pairs)
        shown = seen.select_related("left__party", "right__party").defer(*HEAVY)
        count = len(approval.pairs)
        return {
            "approval": approval,
            "pairs": [
                (pair, pair_url(pair)) for pair in shown.order_by("probability")[: self.SHOWN]
            ],
            "words": ngettext("%(n)s pair", "%(n)s pairs", count) % {"n": f"{count:,}"},
            "more": max(seen.count() - self.SHOWN, 0),
            "unseen": count - seen.count(),
            "own": approval.asked_by_id == self.actor.user_id,
        }


class AnswerApproval(RowView):
    """POST `answer`: approve, which leads to the job that does it, or decline with a reason."""

    model = Approval
    permission = pair_conditions.JUDGES

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        approval: Approval = self.row()
        if request.POST.get("answer") == "approve":
            run = reviewing.approve(actor=self.actor, approval=approval)
            return HttpResponseRedirect(reverse("desk:run", args=[run.public_id]), status=303)
        reason = request.POST.get("reason", "")[:200]
        reviewing.decline(actor=self.actor, approval=approval, reason=reason)
        messages.success(request, _("The request was declined."))
        return HttpResponseRedirect(reverse("review:approvals"), status=303)
