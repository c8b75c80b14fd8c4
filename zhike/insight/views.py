"""The overview of value for those who lead: classes, tiers, ABC and 80/20 within what they may see."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from zhike.insight import queries
from zhike.ui.views import PageView


class Overview(PageView):
    permission = "insight.view"
    template_name = "insight/overview.html"
    fragment = "figures"
    title = _("Customer value")

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show({"overview": queries.overview(self.actor)})
