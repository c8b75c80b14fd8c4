"""The transactions behind a bar of the flows: one month of one customer."""

from __future__ import annotations

import re
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse

from zhike.customers.models import Party
from zhike.insight.panels_flows import CHANNELS, DIRECTIONS, KINDS
from zhike.insight.queries.transactions import AT_ONCE, movements
from zhike.ui.views import RowView


class Month(RowView):
    """The month's transactions, the largest first; the whole page, or a piece for the drawer."""

    model = Party
    permission = "insight.view"
    template_name = "insight/month.html"
    fragment = "drawer"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        party, month = self.row(), self.kwargs["month"]
        if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month):
            raise Http404
        asked = request.GET.get("from", "")
        offset = min(int(asked), 100_000) if asked.isdecimal() else 0
        found = movements(self.actor, party, month, offset=offset)
        return self.show(
            {
                "row": party,
                "title": f"{party.name} · {month}",
                "month": month,
                "lines": [
                    {
                        "movement": each,
                        "direction": DIRECTIONS.get(each.direction, each.direction),
                        "kind": KINDS.get(each.kind, each.kind),
                        "channel": CHANNELS.get(each.channel, each.channel),
                    }
                    for each in found[:AT_ONCE]
                ],
                "next": offset + AT_ONCE if len(found) > AT_ONCE else None,
                "previous": max(0, offset - AT_ONCE) if offset else None,
            }
        )
