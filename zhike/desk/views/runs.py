"""Bulk jobs: asking for what an action needs, watching it, its report."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from zhike.desk.models import BulkRun
from zhike.desk.services import agreeing, bulk
from zhike.ui.lists.bulk import BulkAction, bulk_actions, view_of
from zhike.ui.lists.files import safe_cell
from zhike.ui.tables import Column
from zhike.ui.views import ListView, PageView, visible, wants_fragment

TONES = {
    BulkRun.State.ASKED: "blue",
    BulkRun.State.REFUSED: "red",
    BulkRun.State.ENDED: "secondary",
    BulkRun.State.WAITING: "secondary",
    BulkRun.State.RUNNING: "blue",
    BulkRun.State.DONE: "green",
    BulkRun.State.FAILED: "red",
    BulkRun.State.STOPPED: "yellow",
}
UNFINISHED = (BulkRun.State.WAITING, BulkRun.State.RUNNING)


def label_of(run: BulkRun) -> str:
    return str(bulk_actions.get(run.action).label) if run.action in bulk_actions else run.action


def url_of(run: BulkRun) -> str:
    return reverse("desk:run", kwargs={"public_id": run.public_id})


class BulkView(PageView):
    """POST `action` with `ids` (public ids, joined by commas) or `all` and `query`: first the form, then the job."""

    permission = "account.use"

    def post(self, request: HttpRequest) -> HttpResponse:
        sent = request.POST
        if (id := sent.get("action", "")) not in bulk_actions:
            raise Http404
        action = bulk_actions.get(id)
        self.actor.must(action.permission)
        ids = self._ids()
        form = action.form(sent if "go" in sent else None, self.actor) if action.form else None
        if "go" not in sent or (form is not None and not form.is_valid()):
            return self._ask(action, ids, form, status=200 if "go" not in sent else 422)
        asked: dict[str, Any] = {
            "action": action.id,
            "params": action.params(form) if form is not None else {},
            "query": sent.get("query", ""),
            "public_ids": ids,
        }
        if waiting := bulk.ask_consent(actor=self.actor, **asked):
            return HttpResponse(status=204, headers={"HX-Redirect": waiting})
        run = bulk.start_run(actor=self.actor, **asked)
        if wants_fragment(request):
            return render(request, "desk/run.html#drawn", run_context(run))
        return HttpResponseRedirect(url_of(run), status=303)

    def _ids(self) -> list[UUID] | None:
        if self.request.POST.get("all"):
            return None
        try:
            return [UUID(each) for each in self.request.POST.get("ids", "").split(",") if each]
        except ValueError as error:
            raise Http404 from error

    def _matching(self, action: BulkAction) -> int:
        query = self.request.POST.get("query", "")
        count: int = view_of(action.page, self.actor, query).rows().rows.count()
        return count

    def _ask(
        self, action: BulkAction, ids: list[UUID] | None, form: Any, status: int
    ) -> HttpResponse:
        sent = self.request.POST
        count = len(ids) if ids is not None else self._matching(action)
        words = ngettext("%(n)s row", "%(n)s rows", count) % {"n": f"{count:,}"}
        context = {
            "action": action,
            "form": form,
            "words": words,
            "sent": sent,
            "waits": agreeing.second_person_wanted(self.actor, action, count),
        }
        return render(self.request, "desk/bulk.html", context, status=status)


class RunsView(ListView):
    """One's own bulk jobs and those one may agree to, the latest first."""

    model = BulkRun
    permission = "account.use"
    title = gettext_lazy("Bulk jobs")
    order = "-created_at"
    columns = (
        Column("created_at", gettext_lazy("Begun"), "datetime", sortable=True, url=url_of),
        Column("user", pgettext_lazy("a file", "Who"), value=lambda run: run.user.get_full_name()),
        Column("action", pgettext_lazy("bulk", "Action"), value=label_of, url=url_of),
        Column(
            "state",
            gettext_lazy("State"),
            "badge",
            value=lambda run: run.get_state_display(),
            tone=lambda run: TONES[BulkRun.State(run.state)],
        ),
        Column("total", gettext_lazy("Rows"), "number"),
        Column("done", pgettext_lazy("bulk", "Done"), "number"),
        Column("refused", gettext_lazy("Refused"), "number"),
    )

    def narrowed(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.select_related("user__employee").defer("ids", "report")

    def row_url(self, row: BulkRun) -> str:
        return url_of(row)


class RunPage(PageView):
    """How far a job is, and to its owner which rows were refused; `?as=csv` takes the report away.

    POST `do`: stop or resume; back, what waits for a second person; approve or refuse (with `reason`) somebody else's.
    """

    permission = "account.use"
    template_name = "desk/run.html"
    fragment = "progress"

    def get(self, request: HttpRequest, public_id: UUID) -> HttpResponse:
        run = get_object_or_404(BulkRun.objects.visible_to(self.actor), public_id=public_id)
        if request.GET.get("as") == "csv":
            return self._file(run)
        return self.show({"title": label_of(run), **self._context(run)})

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponse:
        asked: Any = {"actor": self.actor, "public_id": public_id}
        match request.POST.get("do"):
            case "approve":
                run = agreeing.approve(**asked)
            case "refuse":
                run = agreeing.refuse(**asked, reason=request.POST.get("reason", ""))
            case "back":
                run = agreeing.take_back(**asked)
            case "resume":
                run = bulk.resume_run(**asked)
            case _stop:
                run = bulk.stop_run(**asked)
        if wants_fragment(request):
            return self.show(self._context(run))
        return HttpResponseRedirect(url_of(run), status=303)

    def _context(self, run: BulkRun) -> dict[str, Any]:
        mine = run.user_id == self.actor.user_id
        asked = run_context(run)
        return {**asked, "mine": mine, "refusals": self._refusals(run) if mine else []}

    def _refusals(self, run: BulkRun) -> list[tuple[str, str, str]]:
        """(name, address, reason) of each row refused; nameless where the reader sees it no more."""
        ids = [id for id, _reason in run.report if id]
        view = view_of(run.page, self.actor, "")
        rows = view.narrowed(visible(view.model, self.actor)).filter(public_id__in=ids)
        there = {str(row.public_id): row for row in rows}
        return [
            (
                str(there[id]) if id in there else "—",
                view.row_url(there[id]) if id in there else "",
                reason,
            )
            for id, reason in run.report
        ]

    def _file(self, run: BulkRun) -> HttpResponse:
        bulk.note_report_taken(actor=self.actor, run=run)
        answer = HttpResponse(content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = 'attachment; filename="report.csv"'
        answer["Cache-Control"] = "no-store"
        answer.write("\ufeff")
        writer = csv.writer(answer)
        writer.writerow([_("Row"), _("Why it was refused")])
        for name, _url, reason in self._refusals(run):
            writer.writerow([safe_cell(name), safe_cell(reason)])
        return answer


def run_context(run: BulkRun) -> Mapping[str, Any]:
    known = bool(run.approval) and run.action in bulk_actions
    return {
        "run": run,
        "mine": True,
        "facts": bulk_actions.get(run.action).said(run.params) if known else [],
        "label": label_of(run),
        "tone": TONES[BulkRun.State(run.state)],
        "url": url_of(run),
        "working": run.state in UNFINISHED,
        "share": (run.done + run.refused) / run.total if run.total else 0,
    }
