"""The transactions behind a bar of the flows: one month of one customer."""

from __future__ import annotations

import re
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse

from zhike.customers.models import Party
from zhike.insight.panels_flows import CHANNELS, DIRECTIONS, KINDS
from zhike.insight.queries.transactions import AT_ONCE, months_up_to, movements
from zhike.ui.views import RowView

MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


class Month(RowView):
    """The transactions of a month or of the year up to `?to=`, the largest first; for the drawer too."""

    model = Party
    permission = "insight.view"
    template_name = "insight/month.html"
    fragment = "drawer"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        party, month = self.row(), self.kwargs["month"]
        first = last = month
        if month == "year":
            last = request.GET.get("to", "")
        if not MONTH.fullmatch(last):
            raise Http404
        if month == "year":
            first = months_up_to(date.fromisoformat(f"{last}-01"))[0]
        direction = request.GET.get("direction", "")
        asked = request.GET.get("from", "")
        offset = min(int(asked), 100_000) if asked.isdecimal() else 0
        found = movements(
            self.actor,
            party,
            first,
            last,
            direction=direction if direction in DIRECTIONS else "",
            offset=offset,
        )
        said = {key: value for key in ("to", "direction") if (value := request.GET.get(key))}
        return self.show(
            {
                "row": party,
                "title": f"{party.name} · {first}"
                if first == last
                else f"{party.name} · {first} – {last}",
                "kept": f"&{urlencode(said)}" if said else "",
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
