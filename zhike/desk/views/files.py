"""Files people take away: one's own, those one is asked to agree to, and which file a leaked row is from."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from zhike.desk.models import TakenFile
from zhike.desk.services import files, tracing
from zhike.ui.filters import Filter
from zhike.ui.lists.files import answer
from zhike.ui.lists.taking import sources
from zhike.ui.tables import Column
from zhike.ui.views import ListView, PageView, RowView

State = TakenFile.State
TONES = {
    State.TAKEN: "green",
    State.WAITING: "blue",
    State.APPROVED: "blue",
    State.READY: "green",
    State.REFUSED: "red",
    State.ENDED: "secondary",
    State.FAILED: "red",
}


def label_of(file: TakenFile) -> str | Promise:
    return sources.get(file.source).label if file.source in sources else file.source


def url_of(file: TakenFile) -> str:
    return reverse("desk:file", kwargs={"public_id": file.public_id})


class FilesView(ListView):
    """One's own files and those one may agree to, the latest first."""

    model = TakenFile
    permission = "account.use"
    title = _("Files taken")
    order = "-created_at"
    keeps = False
    columns = (
        Column(
            "created_at", pgettext_lazy("a file", "Asked"), "datetime", sortable=True, url=url_of
        ),
        Column(
            "user", pgettext_lazy("a file", "Who"), value=lambda file: file.user.get_full_name()
        ),
        Column("source", pgettext_lazy("a file", "Of what"), value=label_of),
        Column("rows", _("Rows"), "number"),
        Column(
            "state",
            _("State"),
            "badge",
            value=lambda file: file.get_state_display(),
            tone=lambda file: TONES[State(file.state)],
        ),
        Column("why", pgettext_lazy("a file", "What for"), minor=True),
        Column("answered_name", _("Answered by"), minor=True),
    )
    filters = (
        Filter(
            "state",
            _("State"),
            [
                (State.WAITING.value, State.WAITING.label),
                (State.READY.value, State.READY.label),
                (State.TAKEN.value, State.TAKEN.label),
            ],
            lambda value: Q(state=value),
        ),
    )

    def narrowed(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.select_related("user__employee").defer("keys")

    def row_url(self, row: TakenFile) -> str:
        return url_of(row)


class FilePage(RowView):
    """Who asks for how many rows of what, and why. POST `do`: approve, refuse (with `reason`) or back."""

    model = TakenFile
    permission = "account.use"
    template_name = "desk/file.html"
    fragment = "file"
    joined = ("user__employee", "unit")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        file: TakenFile = self.row()
        mine = file.user_id == self.actor.user_id
        waiting = file.state == State.WAITING
        return self.show(
            {
                "title": label_of(file),
                "file": file,
                "tone": TONES[State(file.state)],
                "mine": mine,
                "answers": waiting and not mine,
                "backs": mine and file.state in files.OPEN,
                "working": file.state == State.APPROVED,
                "ready": mine and file.state == State.READY,
                **self._words(file),
            }
        )

    def _words(self, file: TakenFile) -> dict[str, list[str]]:
        """What is asked for in the words of who reads, where their rights know it; else as the asker read it."""
        said, labels = file.said, {}
        if file.source in sources and self.actor.may(sources.get(file.source).view().permission):
            view = sources.get(file.source).opened(self.actor, file.query)
            labels = {each.name: str(each.label) for each in view.file_columns()}
            now = view.said()
            said = now if len(now) == len(said) else said
        stored = [each if isinstance(each, list) else ["", each] for each in file.columns]
        return {
            "said": said,
            "columns": [labels.get(name, label) for name, label in stored],
            "clear": [labels.get(name, label) for name, label in file.clear],
        }

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponse:
        match request.POST.get("do"):
            case "approve":
                file = files.approve(actor=self.actor, public_id=public_id)
            case "back":
                file = files.take_back(actor=self.actor, public_id=public_id)
            case _refuse:
                reason = request.POST.get("reason", "")
                file = files.refuse(actor=self.actor, public_id=public_id, reason=reason)
        return HttpResponseRedirect(url_of(file), status=303)


class FetchFile(PageView):
    """The file itself, for whoever asked for it."""

    permission = "account.use"

    def get(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        file, opened = files.fetch(actor=self.actor, public_id=public_id)
        called = file.source.rpartition(".")[2].replace("_", "-")
        response: FileResponse = answer(f"{called}-{file.number}", file.kind, opened)
        return response


class TraceView(PageView):
    """Which file a leaked row is from: by its `code`, or by `rows` of which the code is gone.

    Both come by POST: asking stands on the trail.
    """

    permission = "access.read_audit"
    title = _("Where a row came from")
    template_name = "desk/trace.html"
    fragment = "found"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show({"code": "", "asked": False})

    def post(self, request: HttpRequest) -> HttpResponse:
        if text := request.POST.get("rows", ""):
            told, traced = tracing.trace_rows(actor=self.actor, text=text)
            files_told = [(each.file, label_of(each.file), each.rows) for each in traced]
            return self.show({"code": "", "text": text, "told": told, "traced": files_told})
        code = request.POST.get("code", "").strip()[:40]
        found = files.trace(actor=self.actor, code=code)
        file = found[0] if found else None
        context = {"code": code, "asked": True, "file": file, "row": found and found[1]}
        return self.show(context | ({"label": label_of(file)} if file else {}))
