"""What the page of an import run shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from zhike.kernel.actor import Actor
from zhike.masterdata.models import ImportFile, ImportRun
from zhike.masterdata.reasons import told
from zhike.ui import format
from zhike.ui.panels import Panel, panels
from zhike.ui.tables import Column, Table

TONES = {
    ImportFile.State.WRITING: "blue",
    ImportFile.State.LOADED: "green",
    ImportFile.State.ALREADY: "secondary",
    ImportFile.State.FAILED: "red",
    ImportFile.State.REVERTED: "yellow",
}


def rejects_url(file: ImportFile) -> str:
    """Where the rejects of a file are listed."""
    return reverse("masterdata:rejects", args=[file.public_id])


def counted(name: str) -> Callable[[ImportFile], str]:
    """What a cell of the column shows: a count that leads to the rejects behind it, where there are any."""

    def shown(file: ImportFile) -> str:
        count: int = getattr(file, name)
        if not count:
            return format.number(count)
        return format_html('<a href="{}">{}</a>', rejects_url(file), format.number(count))

    return shown


def files_of(actor: Actor, run: ImportRun) -> dict[str, Any]:
    files = ImportFile.objects.visible_to(actor).filter(run=run).order_by("pk")
    columns = (
        Column("table", _("Source table")),
        Column("name", _("File")),
        Column(
            "state",
            _("State"),
            "badge",
            value=lambda file: file.get_state_display(),
            tone=lambda file: TONES[file.state],
        ),
        Column("rows_read", _("Read"), "number"),
        Column("rows_accepted", _("Accepted"), "number"),
        Column("rows_unchanged", _("Unchanged"), "number"),
        Column("rows_rejected", _("Rejected"), align="end", value=counted("rows_rejected")),
        Column(
            "values_left_out",
            _("Values left out"),
            align="end",
            value=counted("values_left_out"),
            minor=True,
        ),
        Column("seconds", _("Seconds"), "number", minor=True),
    )
    return {
        "table": Table(columns, files, caption=_("Files")),
        # The head of the page has said already what the run ended with.
        "errors": [
            (file.name, told(file.error)) for file in files if file.error not in ("", run.error)
        ],
    }


def register() -> None:
    """Hang the panel on the run's page."""
    panels.register(
        Panel(
            id="masterdata.files",
            page="masterdata.run",
            permission="masterdata.view",
            order=10,
            template="masterdata/panel_files.html",
            load=files_of,
            title=_("Files"),
        )
    )
