"""What was opened lately, and the star on a record's page."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from zhike.desk import queries
from zhike.desk.services.remembered import pin
from zhike.desk.subjects import subjects
from zhike.ui.views import PageView, visible

SHOWN = 12


class RememberedView(PageView):
    """The list below the clock of the top bar: pinned, then opened lately."""

    permission = "account.use"
    template_name = "desk/remembered.html"
    fragment = "lists"

    def get(self, request: HttpRequest) -> HttpResponse:
        pinned = queries.remembered(self.actor, pinned=True, limit=SHOWN)
        recent = queries.remembered(self.actor, pinned=False, limit=SHOWN)
        return self.show(
            {"pinned": pinned, "recent": [each for each in recent if each not in pinned]}
        )


class PinView(PageView):
    """POST `pinned=1` keeps a record of `subject` at hand, else lets it go; answers the star anew."""

    permission = "account.use"
    template_name = "desk/star.html"
    fragment = "star"

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponse:
        subject = request.POST.get("subject", "")
        if subject not in subjects:
            raise Http404
        kept = subjects.get(subject)
        self.actor.must(kept.permission)
        row: Any = get_object_or_404(visible(kept.model, self.actor), public_id=public_id)
        pinned = request.POST.get("pinned") == "1"
        pin(actor=self.actor, row=row, pinned=pinned)
        return self.show({"star": queries.Star(subject, str(row.public_id), pinned)})
