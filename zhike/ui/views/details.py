"""A page about one row: a list of panels."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from zhike.kernel.errors import UserError
from zhike.ui.panels import Panel, panels_for
from zhike.ui.views.pages import RowView, wants_fragment


class DetailView(RowView):
    """A row as a list of panels of `page`; htmx asks for one of them by `?panel=<id>`."""

    page: ClassVar[str]
    template_name = "ui/detail.html"
    fragment = "panel"

    def heading(self, row: Any) -> str:
        return str(row)

    def head(self, row: Any) -> dict[str, Any]:
        """More context for the page's head (badges, owner, actions)."""
        return {}

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        row = self.row()
        panels = panels_for(self.page, self.actor)
        asked = request.GET.get("panel")
        if asked is not None and wants_fragment(request):
            panel = next((panel for panel in panels if panel.id == asked), None)
            if panel is None:
                raise UserError(_("This page has no such panel."), _("Reload the page."))
            return self.show({"row": row, "panel": _frame(panel, self._filled(panel, row))})
        return self.show(
            {
                "row": row,
                "title": self.heading(row),
                "panels": [
                    _frame(panel, None if panel.lazy else self._filled(panel, row))
                    for panel in panels
                ],
                **self.head(row),
            }
        )

    def _filled(self, panel: Panel, row: Any) -> str:
        context = {"row": row, "panel": panel, **panel.load(self.actor, row)}
        return render_to_string(panel.template, context, request=self.request)


def _frame(panel: Panel, html: str | None) -> dict[str, Any]:
    """A panel with its body, or without one yet, and when htmx fetches it."""
    waits = ["revealed"] if html is None else []
    events = [f"{event} from:body" for event in panel.reload_on]
    return {"panel": panel, "html": html, "trigger": ", ".join([*waits, *events])}
