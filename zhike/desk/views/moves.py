"""A card of a board put into another column: the same service as on the row's page, asked for what it needs."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _

from zhike.kernel.errors import Refused
from zhike.ui.boards import Move, moves
from zhike.ui.lists.bulk import listings, view_of
from zhike.ui.lists.groups import Grouping
from zhike.ui.views import PageView, visible, wants_fragment


class MoveView(PageView):
    """POST `card` and `column` of the board that address or form name: first the form if it needs one, then the step.

    Answers what happened as the event `zhike:moved`, with the column to send with `undo` where it can be taken back.
    """

    permission = "account.use"

    def post(self, request: HttpRequest) -> HttpResponse:
        sent = request.POST
        move, view, grouping = self._asked()
        row = self._row(view)
        column = sent.get("column", "")
        names = {str(key): str(label) for key, label in grouping.names(self.actor).items()}
        if column not in names:
            raise Http404
        was = self._now(view, grouping, row)
        if "undo" in sent:
            if move.undo is None or not move.may_undo(column, was):
                raise Http404
            move.undo(self.actor, row, column)
            return self._moved(view, row, names[column])
        if column == was:
            return HttpResponse(status=204)
        form = move.form(row, column, sent if "go" in sent else None)
        if form is not None and not form.is_valid():
            return self._ask(row, names[column], form)
        move.run(self.actor, row, column, form.cleaned_data if form is not None else {})
        undo = was if move.undo is not None and move.may_undo(was, column) else ""
        return self._moved(view, row, names[column], undo)

    def _asked(self) -> tuple[Move, Any, Grouping]:
        asked = self.request.POST if "page" in self.request.POST else self.request.GET
        page, by = asked.get("page", ""), asked.get("by", "")
        move = next((each for each in moves if (each.page, each.by) == (page, by)), None)
        if move is None or page not in listings:
            raise Http404
        for permission in (listings.get(page).view().permission, move.permission):
            if not (decision := self.actor.may(permission)):
                raise Refused(decision.reason, action=permission)
        view = view_of(page, self.actor, "")
        return move, view, next(each for each in view.groupings if each.id == by)

    def _row(self, view: Any) -> Any:
        rows = view.narrowed(visible(view.model, self.actor))
        try:
            return get_object_or_404(rows, public_id=self.request.POST.get("card", ""))
        except (ValueError, ValidationError) as error:
            raise Http404 from error

    def _now(self, view: Any, grouping: Grouping, row: Any) -> str:
        """The column the row stands in."""
        rows = visible(view.model, self.actor).filter(pk=row.pk)
        return str(rows.values_list(grouping.path, flat=True).get() or "")

    def _ask(self, row: Any, column: str, form: forms.Form) -> HttpResponse:
        status = 422 if form.is_bound else 200
        context = {"row": row, "column": column, "form": form, "sent": self.request.POST}
        return render(self.request, "desk/move.html", context, status=status)

    def _moved(self, view: Any, row: Any, column: str, undo: str = "") -> HttpResponse:
        if not wants_fragment(self.request):
            return HttpResponseRedirect(reverse(listings.get(view.page).url_name), status=303)
        said = _("%(row)s: %(column)s") % {"row": row, "column": column}
        told = {"text": said, "card": str(row.public_id), "undo": undo}
        return HttpResponse(status=204, headers={"HX-Trigger": json.dumps({"zhike:moved": told})})
