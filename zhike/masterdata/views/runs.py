"""Import runs, their files and what was refused."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from zhike.masterdata import conditions
from zhike.masterdata.models import ImportFile, ImportRun, Upload
from zhike.masterdata.reasons import told
from zhike.masterdata.rejects import Reject, read_rejects, reject_path
from zhike.masterdata.services.carrying import note_rejects_taken
from zhike.ui.navigation import Action
from zhike.ui.tables import Column, Table
from zhike.ui.views import DetailView, ListView, RowView

TONES = {
    ImportRun.State.RUNNING: "blue",
    ImportRun.State.DONE: "green",
    ImportRun.State.FAILED: "red",
    ImportRun.State.REVERTED: "yellow",
}
REJECTS_A_PAGE = 100


def total(name: str) -> Any:
    """What a column of the run list shows: a count summed over the run's tables."""
    return lambda run: sum(table[name] for table in run.counts.values())


def run_url(run: ImportRun) -> str:
    return reverse("masterdata:run", args=[run.public_id])


class RunList(ListView):
    model = ImportRun
    permission = "masterdata.view"
    page = conditions.PAGE
    groupings = conditions.GROUPINGS
    filters = conditions.FILTERS
    title = gettext_lazy("Import runs")
    order = "-started_at"
    columns = (
        Column("started_at", gettext_lazy("Started"), "datetime", sortable=True, url=run_url),
        Column("system.name", gettext_lazy("Source system"), url=run_url),
        Column(
            "state",
            gettext_lazy("State"),
            "badge",
            value=lambda run: run.get_state_display(),
            tone=lambda run: TONES[ImportRun.State(run.state)],
        ),
        Column("read", gettext_lazy("Read"), "number", value=total("read")),
        Column("accepted", gettext_lazy("Accepted"), "number", value=total("accepted")),
        Column(
            "unchanged", gettext_lazy("Unchanged"), "number", value=total("unchanged"), minor=True
        ),
        Column("rejected", gettext_lazy("Rejected"), "number", value=total("rejected")),
        Column("operator", pgettext_lazy("person", "By"), minor=True),
    )

    def narrowed(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.select_related("system")

    def row_url(self, row: ImportRun) -> str:
        return run_url(row)

    def actions(self) -> list[Action]:
        if not self.actor.may("masterdata.load"):
            return []
        return [Action(_("Import a file"), reverse("masterdata:new"), icon="upload")]


class RunPage(DetailView):
    model = ImportRun
    permission = "masterdata.view"
    page = "masterdata.run"
    template_name = "masterdata/importrun_page.html"

    joined = ("system", "upload")

    def heading(self, row: ImportRun) -> str:
        return _("Import from %(system)s") % {"system": row.system.name}

    def head(self, row: ImportRun) -> dict[str, Any]:
        return {
            "pretitle": row.mapping,
            "tone": TONES[ImportRun.State(row.state)],
            "error": told(row.error),
            **self._standing(row),
        }

    def _standing(self, row: ImportRun) -> dict[str, Any]:
        """What may still be done about an import of the wizard."""
        if not self.actor.may("masterdata.load") or not hasattr(row, "upload"):
            return {}
        upload = row.upload
        stands = upload.state == Upload.State.LOADED
        corrected = f"{reverse('masterdata:new')}?for={row.public_id}"
        rejected = stands and upload.report.get("rejected", 0)
        return {
            "error": told(row.error or upload.error),
            "revert_url": reverse("masterdata:revert", args=[row.public_id]) if stands else "",
            "reverting": upload.state == Upload.State.REVERTING,
            "reverted": upload.report if upload.state == Upload.State.REVERTED else None,
            "actions": [Action(_("Corrected rows"), corrected, icon="upload")] if rejected else [],
        }


class RejectsPage(RowView):
    """One page of a reject file; identifying values were masked when it was written."""

    model = ImportFile
    permission = "masterdata.view"
    template_name = "masterdata/importfile_rejects.html"
    fragment = "rejects"

    joined = ("run__system",)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        file: ImportFile = self.row()
        asked = request.GET.get("page", "1")
        number = max(int(asked), 1) if asked.isdecimal() and len(asked) < 8 else 1
        start = (number - 1) * REJECTS_A_PAGE
        found = read_rejects(file.reject_file, start, REJECTS_A_PAGE + 1)
        return self.show(
            {
                "title": _("Rejects of %(file)s") % {"file": file.name},
                "pretitle": file.run.system.name,
                "file": file,
                "table": reject_table(found[:REJECTS_A_PAGE]),
                "found": bool(found),
                "previous": number - 1,
                "next": number + 1 if len(found) > REJECTS_A_PAGE else 0,
                "actions": self.actions(file),
            }
        )

    def actions(self, file: ImportFile) -> list[Action]:
        run = Action(_("The run"), run_url(file.run))
        if reject_path(file.reject_file) is None:
            return [run]
        address = reverse("masterdata:download", args=[file.public_id])
        return [Action(_("Download"), address, icon="download"), run]


def reject_table(rejects: list[Reject]) -> Table:
    """Rejects as a table, reasons in the reader's language."""
    return Table(
        (
            Column("line", _("Line"), "number", value=lambda reject: reject.line or None),
            Column("column", _("Column")),
            Column("value", pgettext("what a cell holds", "Value")),
            Column("reason", _("Reason"), value=lambda reject: told(reject.reason)),
        ),
        rejects,
        caption=_("Rejects"),
    )


class RejectDownload(RowView):
    """The reject file as it lies; 404 for a file out of scope or gone."""

    model = ImportFile
    permission = "masterdata.view"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        file: ImportFile = self.row()
        path = reject_path(file.reject_file)
        if path is None:
            raise Http404
        # No second person: a line is one value of a row that nobody became, masked where it identifies.
        note_rejects_taken(actor=self.actor, file=file)
        return FileResponse(
            path.open("rb"), as_attachment=True, filename=path.name, content_type="text/csv"
        )
