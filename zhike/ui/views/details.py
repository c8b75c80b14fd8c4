"""A page about one row: a list of panels."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import date
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from zhike.kernel import clock
from zhike.kernel.errors import UserError
from zhike.ui.drawn import drawn
from zhike.ui.panels import Panel, Place, Placed, arranged, keepers, panels_for
from zhike.ui.views.pages import RowView, told_opened, wants_fragment

logger = logging.getLogger(__name__)


class DetailView(RowView):
    """A row as a list of panels of `page`; htmx asks for one of them by `?panel=<id>`.

    `?peek=1` answers the partial `peek`: the head and the panels marked so, for a drawer beside a
    list. `?as_of=2026-06-30` shows a `dated` page as it stood at the end of that day. A POST keeps
    how the person arranged the page: `panel` names all of them in order, `side`, `hidden` and
    `closed` those that are; `reset` forgets it.
    """

    page: ClassVar[str]
    dated: ClassVar[bool] = False
    template_name = "ui/detail.html"
    fragment = "panel"
    as_of: date | None = None

    def heading(self, row: Any) -> str:
        return str(row)

    def head(self, row: Any) -> dict[str, Any]:
        """More context for the page's head (badges, owner, actions)."""
        return {}

    def row_on(self, row: Any, day: date) -> Any:
        """The row as it was at the end of a past day; asked only of a `dated` page."""
        raise NotImplementedError(f"{type(self).__name__} is dated and cannot go back")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        row = self.row()
        self.as_of = self._day_asked()
        if self.as_of is not None:
            row = self.row_on(row, self.as_of)
        asked = request.GET.get("panel")
        if asked is not None and wants_fragment(request):
            panels = panels_for(self.page, self.actor)
            panel = next((panel for panel in panels if panel.id == asked), None)
            if panel is None:
                raise UserError(_("This page has no such panel."), _("Reload the page."))
            return self.show({"row": row, "panel": self._frame(Placed(panel, panel.side), row)})
        if "peek" in request.GET:
            return self._peek(row)
        places = arranged(self.page, self.actor)
        frames = [
            self._frame(placed, row, wait=placed.panel.lazy or placed.hidden or placed.closed)
            for placed in places
        ]
        return self.show(
            {
                "row": row,
                "title": self.heading(row),
                "as_of": self.as_of,
                "panels": frames,
                "columns": _columns(frames),
                "may_arrange": bool(keepers) and self.actor.user_id is not None,
                **self.head(row),
                **told_opened(self.request, row),
            }
        )

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.row()
        for keeper in keepers:
            if "reset" in request.POST:
                keeper.forget(self.actor, self.page)
            else:
                keeper.keep(self.actor, self.page, self._places())
        return HttpResponse(status=204)

    def _places(self) -> list[Place]:
        sent = self.request.POST
        mine = {panel.id for panel in panels_for(self.page, self.actor)}
        side, hidden, closed = (set(sent.getlist(name)) for name in ("side", "hidden", "closed"))
        return [
            Place(id, id in side, id in hidden, id in closed)
            for id in dict.fromkeys(sent.getlist("panel"))
            if id in mine
        ]

    def _day_asked(self) -> date | None:
        text = self.request.GET.get("as_of", "")
        if not text or not self.dated:
            return None
        try:
            day = date.fromisoformat(text)
        except ValueError as error:
            raise UserError(_("“%(text)s” is no day.") % {"text": text}, _a_day()) from error
        if day > clock.today():
            raise UserError(_("Nobody knows yet what this page will look like."), _a_day())
        return day if day < clock.today() else None

    def _peek(self, row: Any) -> HttpResponse:
        self.fragment = "peek"
        panels = [panel for panel in panels_for(self.page, self.actor) if panel.peek]
        frames = [self._frame(Placed(panel, side=False), row) for panel in panels]
        return self.show(
            {"row": row, "title": self.heading(row), "panels": frames, **self.head(row)}
        )

    def _frame(self, placed: Placed, row: Any, *, wait: bool = False) -> dict[str, Any]:
        """A panel with its body, or without one yet, and when htmx fetches it."""
        panel = placed.panel
        unable = self.as_of is not None and panel.load_on is None
        html = None if wait or unable else self._filled(panel, row)
        shown = not (placed.hidden or placed.closed)
        # One that failed waits for the person: fetched when seen it would ask for ever.
        waits = ["revealed"] if wait and shown else []
        events = [f"{event} from:body" for event in panel.reload_on]
        failed = html is None and not wait and not unable
        day = f"&as_of={self.as_of.isoformat()}" if self.as_of else ""
        return {
            "panel": panel,
            "placed": placed,
            "html": html,
            "unable": unable,
            "waits": wait and not unable,
            "failed": failed,
            "look": (panel.id, placed.closed, placed.hidden, wait, unable, failed),
            "trigger": "" if unable else ", ".join([*waits, "fetch", *events]),
            "address": "" if unable else f"{self.request.path}?panel={panel.id}{day}",
        }

    def _filled(self, panel: Panel, row: Any) -> str | None:
        """The panel's body; None where it failed, which must not take the page with it."""
        try:
            if self.as_of is not None and panel.load_on is not None:
                loaded = panel.load_on(self.actor, row, self.as_of)
            else:
                loaded = panel.load(self.actor, row)
            context = {"row": row, "panel": panel, "as_of": self.as_of, **loaded}
            return drawn(self.request, panel.template, context)
        except UserError:
            raise
        except Exception:
            logger.exception("Panel %s could not be drawn", panel.id)
            return None


def _a_day() -> str:
    return _("Give a past day as 2026-06-30.")


def _columns(frames: Iterable[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    """The wide column and the narrow one, or the only one."""
    columns: dict[str, list[dict[str, Any]]] = {"main": [], "side": []}
    for frame in frames:
        columns["side" if frame["placed"].side else "main"].append(frame)
    return [(name, held) for name, held in columns.items() if held or columns["side"]]
