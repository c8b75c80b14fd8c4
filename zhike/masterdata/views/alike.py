"""The hint beside the form of a new customer."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from zhike.masterdata.alike import alike, draft_of
from zhike.masterdata.queries import LABELS
from zhike.ui.views import PageView


class Alike(PageView):
    """POST: customers in scope that the half-filled form may be. Nothing of what was typed is kept or logged."""

    permission = "customers.edit"

    def post(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        found = [
            (each, [LABELS[name] for name in each.same if name in LABELS])
            for each in alike(self.actor, draft_of(request.POST.dict()))
        ]
        return render(request, "masterdata/alike.html", {"found": found})
