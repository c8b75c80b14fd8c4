"""The search box as somebody types: posted, so that nothing typed stands in an address."""

from __future__ import annotations

import json

from django.http import HttpRequest, HttpResponse, QueryDict

from zhike.ui.suggestions import suggestions_for
from zhike.ui.views.pages import PageView

LONGEST = 100
MOST_COMMANDS = 80


class FindView(PageView):
    """What was typed is neither echoed nor kept; the answer is a listbox's groups."""

    permission = "account.use"
    template_name = "ui/found.html"
    fragment = "groups"

    def post(self, request: HttpRequest) -> HttpResponse:
        text = request.POST.get("q", "")[:LONGEST]
        here, around = _labels(request.POST, "here"), _labels(request.POST, "around")
        groups = suggestions_for(self.actor, text, [*here, *around], len(here))
        response = self.show({"groups": groups, "short": len(text.strip()) == 1})
        response["Cache-Control"] = "no-store"
        return response


def _labels(posted: QueryDict, name: str) -> list[str]:
    """The labels of the page's commands; none when the browser sent anything else."""
    try:
        labels = json.loads(posted.get(name) or "[]")
    except ValueError:
        return []
    known = isinstance(labels, list) and all(isinstance(each, str) for each in labels)
    return labels[:MOST_COMMANDS] if known else []
