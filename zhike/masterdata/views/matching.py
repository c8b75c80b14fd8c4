"""Runs of the matching: what each compared, joined, parted and left for people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from zhike.masterdata.models import MatchRun
from zhike.masterdata.services import asking
from zhike.ui.format import number
from zhike.ui.navigation import Action
from zhike.ui.tables import Column
from zhike.ui.views import ListView, PageView, RowView

TONES = {MatchRun.State.RUNNING: "blue", MatchRun.State.DONE: "green", MatchRun.State.FAILED: "red"}
# What a run counts, in the order of its work.
COUNTS = {
    "records": gettext_lazy("Records"),
    "compared": gettext_lazy("Compared"),
    "merged": gettext_lazy("Customers merged"),
    "split": gettext_lazy("Customers split"),
    "pairs_for_review": gettext_lazy("Left for people"),
    "customers": gettext_lazy("Customers now"),
    "joined": gettext_lazy("Records that share a customer"),
}


def run_url(run: MatchRun) -> str:
    return reverse("review:matching-run", args=[run.public_id])


def counted(name: str) -> Callable[[MatchRun], int | None]:
    return lambda run: run.counts.get(name)


def operator(run: MatchRun) -> str:
    return run.actor_name or _("by itself")


class RunList(ListView):
    model = MatchRun
    permission = "masterdata.view"
    title = gettext_lazy("Matching runs")
    template_name = "masterdata/match_list.html"
    order = "-started_at"
    columns = (
        Column("started_at", gettext_lazy("Started"), "datetime", sortable=True, url=run_url),
        Column(
            "state",
            gettext_lazy("State"),
            "badge",
            choices=MatchRun.State.choices,
            tone=lambda run: TONES[MatchRun.State(run.state)],
        ),
        Column(
            "whole",
            gettext_lazy("What was compared"),
            value=lambda run: _("everything anew") if run.whole else _("what was new"),
        ),
        *(
            Column(name, COUNTS[name], "number", value=counted(name), minor=name == "split")
            for name in ("compared", "merged", "split", "pairs_for_review")
        ),
        Column("seconds", gettext_lazy("Seconds"), "number", minor=True),
        Column("actor_name", pgettext_lazy("person", "By"), value=operator, minor=True),
    )

    def row_url(self, row: MatchRun) -> str:
        return run_url(row)

    def actions(self) -> list[Action]:
        if not self.actor.may("customers.merge"):
            return []
        return [Action(_("Duplicates"), reverse("review:pairs"), icon="git-merge", quiet=True)]

    @property
    def may_start(self) -> bool:
        return bool(self.actor.may(StartRun.permission))


class RunPage(RowView):
    """One run; while it works the page asks again."""

    model = MatchRun
    permission = "masterdata.view"
    template_name = "masterdata/match_run.html"
    fragment = "run"
    joined = ("model",)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        run: MatchRun = self.row()
        counts = [
            (label, number(run.counts[name]))
            for name, label in COUNTS.items()
            if name in run.counts
        ]
        return self.show(
            {
                "title": _("Matching run"),
                "run": run,
                "tone": TONES[MatchRun.State(run.state)],
                "operator": operator(run),
                "counts": counts,
                "working": run.state == MatchRun.State.RUNNING,
                "actions": [
                    Action(_("Matching runs"), reverse("review:matching"), icon="list", quiet=True)
                ],
            }
        )


class StartRun(PageView):
    """POST: resolve what is new, or everything anew (`whole`), as a job."""

    permission = "masterdata.load"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        begun = asking.ask_for_matching(actor=self.actor, whole=bool(request.POST.get("whole")))
        text = (
            _("The matching begins within a minute.")
            if begun
            else _("It waits for its turn already.")
        )
        messages.success(request, text)
        return HttpResponseRedirect(reverse("review:matching"), status=303)
