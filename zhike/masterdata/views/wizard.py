"""The import wizard: a file is uploaded, understood, mapped, checked, loaded, and taken back where it was wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from zhike.customers.models import Party
from zhike.kernel.errors import UserError
from zhike.masterdata.forms import MappingForm, ReadingForm, RevertForm, guarded
from zhike.masterdata.models import ImportRun, KeptMapping, SourceRecord, SourceSystem, Upload
from zhike.masterdata.reasons import told
from zhike.masterdata.rejects import read_rejects, reject_path
from zhike.masterdata.services import reverting, wizard
from zhike.masterdata.services.carrying import note_upload_taken
from zhike.masterdata.views.runs import reject_table, run_url
from zhike.masterdata.wizard.drafting import CUSTOMERS, draft_of, mapping_of
from zhike.masterdata.wizard.labels import SORTS
from zhike.masterdata.wizard.receiving import MOST_BYTES, SealedFile
from zhike.masterdata.wizard.shapes import Look, shown_name
from zhike.masterdata.wizard.suggesting import suggest
from zhike.ui.steps import Step
from zhike.ui.tables import Column, Table
from zhike.ui.views import PageView, RowView, wants_fragment

State = Upload.State
ROWS_SHOWN = 8
REJECTS_SHOWN = 50
REACHED = {
    State.ARRIVED: 1,
    State.MAPPED: 3,
    State.CHECKING: 3,
    State.CHECKED: 4,
    State.LOADING: 4,
    State.LOADED: 5,
    State.REVERTING: 5,
    State.REVERTED: 5,
}
STEPS = (
    pgettext_lazy("a step", "File"),
    pgettext_lazy("a step", "Reading"),
    pgettext_lazy("a step", "Columns"),
    pgettext_lazy("a step", "Check"),
    pgettext_lazy("a step", "Import"),
)
TONES = {State.LOADED: "green", State.REVERTED: "yellow", State.CHECKED: "blue"}


def upload_url(upload: Upload) -> str:
    return reverse("masterdata:upload", args=[upload.public_id])


def steps(at: int) -> list[Step]:
    """The way of a file, `at` the number of the step that is open."""
    return [
        Step(label, "done" if number < at else "current" if number == at else "coming")
        for number, label in enumerate(STEPS)
    ]


class UploadNew(PageView):
    """The first step: the file. `?for=` is the run whose rejected rows it brings corrected."""

    permission = "masterdata.load"
    title = gettext_lazy("Import a file")
    template_name = "masterdata/wizard_new.html"
    fragment = "form"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._ask()

    def post(self, request: HttpRequest) -> HttpResponse:
        file = request.FILES.get("file")
        if not isinstance(file, SealedFile):
            too_large = getattr(request, "too_large", False)
            error = (
                _("The file is larger than %(n)s MB. Cut it into several.")
                % {"n": MOST_BYTES // 1024**2}
                if too_large
                else _("Choose a file first.")
            )
            return self._ask(error, status=422)
        try:
            upload = wizard.receive_upload(actor=self.actor, file=file, corrects=self._corrects())
        except UserError as error:
            return self._ask(told(str(error)), status=422)
        return HttpResponseRedirect(upload_url(upload), status=303)

    def _corrects(self) -> ImportRun | None:
        asked = self.request.POST.get("for") or self.request.GET.get("for")
        if not asked:
            return None
        try:
            found = ImportRun.objects.visible_to(self.actor).filter(public_id=UUID(asked)).first()
        except ValueError as error:
            raise Http404 from error
        if found is None:
            raise Http404
        return found

    def _ask(self, error: str = "", status: int = 200) -> HttpResponse:
        mine = Upload.objects.visible_to(self.actor).order_by("-created_at")
        context = {
            "steps": steps(0),
            "corrects": self._corrects(),
            "error": error,
            "limit": MOST_BYTES // 1024**2,
            "waiting": _waiting(mine.exclude(state__in=(State.LOADED, State.REVERTED))[:20]),
        }
        return self.show(context, status=status)


def _waiting(uploads: QuerySet[Upload]) -> Table | None:
    rows = list(uploads)
    columns = (
        Column("name", _("File"), url=upload_url),
        Column("created_at", _("Uploaded"), "datetime"),
        Column(
            "state",
            _("State"),
            "badge",
            value=lambda upload: upload.get_state_display(),
            tone=lambda upload: TONES.get(upload.state, "secondary"),
        ),
    )
    return (
        Table(columns, rows, row_url=upload_url, caption=_("Files not loaded yet"))
        if rows
        else None
    )


class UploadPage(RowView):
    """One uploaded file at the step it has reached, or at an earlier one (`?step=1` reading, `2` columns)."""

    model = Upload
    permission = "masterdata.load"
    template_name = "masterdata/wizard_upload.html"
    fragment = "step"
    joined = ("run",)

    def get(self, request: HttpRequest, **_kwargs: Any) -> HttpResponseBase:
        upload: Upload = self.row()
        match request.GET.get("as"):
            case "toml" if upload.mapping:
                answer = HttpResponse(upload.mapping, content_type="text/plain; charset=utf-8")
                answer["Content-Disposition"] = 'attachment; filename="mapping.toml"'
                return answer
            case "rejects" | "kept" as which:
                key = "rejects" if which == "rejects" else "kept_file"
                note_upload_taken(actor=self.actor, upload=upload, which=which)
                return _file(upload.report.get(key, ""))
        return self._step(upload)

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        upload: Upload = self.row()
        acts: dict[str, Callable[[Upload], HttpResponse | None]] = {
            "read": self._read,
            "rows": self._rows,
            "draft": self._draft,
            "map": self._map,
            "kept": self._kept,
            "check": lambda row: _then(wizard.ask_check(actor=self.actor, upload=row)),
            "load": lambda row: _then(wizard.ask_load(actor=self.actor, upload=row)),
            "drop": self._drop,
        }
        act = acts.get(request.POST.get("do", ""))
        if act is None:
            raise Http404
        try:
            answer = act(upload)
        except UserError as error:
            upload.refresh_from_db()
            return self._step(upload, error=told(str(error)), status=422)
        if answer is not None:
            return answer
        upload.refresh_from_db()
        if wants_fragment(request):
            return self._step(upload)
        return HttpResponseRedirect(upload_url(upload), status=303)

    def _read(self, upload: Upload) -> HttpResponse | None:
        form = ReadingForm(self.request.POST, wizard.look_of(upload))
        if not form.is_valid():
            return self._step(upload, reading=form, status=422)
        row = wizard.read_upload(actor=self.actor, upload=upload, reading=form.reading())
        found = wizard.look_of(row)
        at = 1 if found.problem or not found.encoding else 2
        return HttpResponseRedirect(f"{upload_url(upload)}?step={at}", status=303)

    def _rows(self, upload: Upload) -> HttpResponse:
        """The columns suggested anew, as rows of another sort."""
        into = self.request.POST.get("into", "")
        if into not in SORTS:
            raise Http404
        return self._step(upload, mapping=self._mapping(upload, None, into), at=2)

    def _draft(self, upload: Upload) -> HttpResponse:
        return self._step(upload, mapping=self._mapping(upload, self.request.POST), at=2)

    def _map(self, upload: Upload) -> HttpResponse | None:
        form = self._mapping(upload, self.request.POST)
        if not form.is_valid():
            return self._step(upload, mapping=form, at=2, status=422)
        keep = form.cleaned_data["keep_as"].strip()
        row = wizard.map_upload(actor=self.actor, upload=upload, draft=form.draft(), keep_as=keep)
        wizard.ask_check(actor=self.actor, upload=row)
        return None

    def _kept(self, upload: Upload) -> None:
        name = self.request.POST.get("name", "")
        kept = KeptMapping.objects.visible_to(self.actor).filter(name=name).first()
        if kept is None:
            raise UserError(_("There is no such mapping any more."), _("Reload the page."))
        draft = draft_of(mapping_of(kept.text, kept.name))
        row = wizard.map_upload(actor=self.actor, upload=upload, draft=draft)
        wizard.ask_check(actor=self.actor, upload=row)

    def _drop(self, upload: Upload) -> HttpResponse:
        wizard.drop_upload(actor=self.actor, upload=upload)
        return HttpResponseRedirect(reverse("masterdata:new"), status=303)

    def _step(
        self,
        upload: Upload,
        *,
        reading: ReadingForm | None = None,
        mapping: MappingForm | None = None,
        at: int | None = None,
        error: str = "",
        status: int = 200,
    ) -> HttpResponse:
        look = wizard.look_of(upload)
        if at is None:
            at = self._at(upload, look)
        context: dict[str, Any] = {
            "title": upload.name,
            "pretitle": _("Import a file"),
            "upload": upload,
            "url": upload_url(upload),
            "at": at,
            "steps": steps(at),
            "look": look,
            "error": error or told(upload.error),
            "working": upload.state in wizard.WORKING,
            "share": min(upload.done / upload.total, 0.99) if upload.total else 0,
            "run_url": run_url(upload.run) if upload.run else "",
        }
        match at:
            case 1:
                context |= _reading(look, reading or ReadingForm(None, look))
            case 2:
                context["form"] = mapping or self._mapping(upload, None)
                context["kept"] = self._offered(look)
            case _:
                context |= self._report(upload)
        return self.show(context, status=status)

    def _at(self, upload: Upload, look: Look) -> int:
        asked = self.request.GET.get("step")
        if asked in ("1", "2") and upload.state in wizard.OPEN:
            return 1 if asked == "1" or look.problem or not look.encoding else 2
        if upload.state == State.ARRIVED and look.encoding and not look.problem:
            # What UTF-8 says for itself, and a workbook, needs no second look.
            return 2
        if upload.state == State.MAPPED:
            return 2
        return REACHED[State(upload.state)]

    def _mapping(self, upload: Upload, data: Any, into: str = "") -> MappingForm:
        look = wizard.look_of(upload)
        kept = draft_of(mapping_of(upload.mapping)) if upload.mapping else None
        draft = kept if kept and into in ("", kept.into) else suggest(look, into)
        systems = SourceSystem.objects.visible_to(self.actor).exclude(code=SourceRecord.BY_HAND)
        sources = list(systems.order_by("name").values_list("code", "name", "trust"))
        return MappingForm(data, look, draft, sources, wizard.tables_of_customers(self.actor))

    def _offered(self, look: Look) -> list[str]:
        kept = KeptMapping.objects.visible_to(self.actor).filter(header=list(look.header))
        return list(kept.order_by("name").values_list("name", flat=True))

    def _report(self, upload: Upload) -> dict[str, Any]:
        report = upload.report
        rejects = read_rejects(report.get("rejects", ""), 0, REJECTS_SHOWN)
        return {
            "report": report,
            "customers": report.get("into", CUSTOMERS) == CUSTOMERS,
            "preview": _preview(report),
            "rejects": reject_table(rejects) if rejects else None,
            "faults": _faults(report.get("faults", [])),
            "joins": self._joins(report.get("joins", [])),
        }

    def _joins(self, joins: list[list[Any]]) -> Table | None:
        """Rows that join a customer; whose page is linked where the reader sees them."""
        ids = [id for _line, id in joins]
        seen = {
            str(party.public_id): party
            for party in Party.objects.visible_to(self.actor).filter(public_id__in=ids)
        }
        columns = (
            Column("line", _("Line"), "number", value=lambda join: join[0]),
            Column(
                "customer",
                _("joins the customer"),
                value=lambda join: str(seen.get(join[1], _("one outside what you look after"))),
            ),
        )
        return (
            Table(columns, joins, caption=_("Customers who are there already")) if joins else None
        )


def _then(upload: Upload) -> None:
    """The page shows how far it is."""


def _file(path: str) -> HttpResponseBase:
    found = reject_path(path)
    if found is None:
        raise Http404
    return FileResponse(
        found.open("rb"), as_attachment=True, filename=found.name, content_type="text/csv"
    )


def _reading(look: Look, form: ReadingForm) -> dict[str, Any]:
    rows = [[guarded(cell) for cell in row] for row in look.rows[:ROWS_SHOWN]]
    return {
        "form": form,
        "problem": told(look.problem),
        "readings": [
            (form["encoding"].subwidgets[number], [guarded(line) for line in lines])
            for number, (_name, lines) in enumerate(_in_order(look, form))
        ]
        if "encoding" in form.fields
        else [],
        "names": [shown_name(name) for name in look.header],
        "rows": rows,
    }


def _in_order(look: Look, form: ReadingForm) -> list[tuple[str, tuple[str, ...]]]:
    """The readings in the order of the form's choices."""
    lines = dict(look.readings)
    field: Any = form.fields["encoding"]
    return [(name, lines[name]) for name, _label in field.choices]


def _preview(report: dict[str, Any]) -> Table:
    preview = report.get("preview", {"fields": [], "rows": []})
    sort = SORTS[report.get("into", CUSTOMERS)]
    columns = (
        Column("line", _("Line"), "number", value=lambda row: int(row[0])),
        *(
            Column(
                name,
                sort.fields.get(name, name),
                value=_cell(number),
                choices=sort.choices.get(name, ()),
            )
            for number, name in enumerate(preview["fields"], 1)
        ),
    )
    return Table(columns, preview["rows"], caption=_("The first rows as they will be"))


def _cell(number: int) -> Callable[[list[str]], str]:
    return lambda row: row[number]


def _faults(faults: list[list[Any]]) -> Table | None:
    columns = (
        Column("reason", _("Reason"), value=lambda fault: told(fault[1])),
        Column("column", _("Column"), value=lambda fault: fault[0]),
        Column("count", _("Rows"), "number", value=lambda fault: fault[2]),
    )
    return Table(columns, faults, caption=_("Why rows or values are refused")) if faults else None


class RevertRun(RowView):
    """POST with a reason takes an import of the wizard back."""

    model = ImportRun
    permission = "masterdata.load"

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        run: ImportRun = self.row()
        form = RevertForm(request.POST)
        reason = form.data.get("reason", "")
        upload = reverting.ask_revert(actor=self.actor, run=run, reason=reason)
        mine = upload.user_id == self.actor.user_id
        return HttpResponseRedirect(upload_url(upload) if mine else run_url(run), status=303)
