"""The catalogue: what each number is, how it is reckoned, who answers for it, where it is used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from zhike.insight.metrics import (
    ANALYSIS,
    CUSTOMER,
    FINANCE,
    INSTITUTION,
    PORTFOLIO,
    RETAIL,
    Metric,
    metrics,
)
from zhike.insight.panels import SHOWN
from zhike.insight.queries.targets import TARGETED
from zhike.ui.views import PageView

Label = str | Promise
UNITS: Mapping[str, Label] = {
    "money": gettext_lazy("CNY"),
    "share": gettext_lazy("share of one"),
    "score": gettext_lazy("points of 100"),
    "count": gettext_lazy("number"),
    "ratio": gettext_lazy("ratio"),
    "date": gettext_lazy("date"),
    "code": gettext_lazy("class"),
}
GRAINS: Mapping[str, Label] = {
    CUSTOMER: gettext_lazy("customer and day"),
    INSTITUTION: gettext_lazy("institution and day"),
    PORTFOLIO: gettext_lazy("portfolio and day"),
}
OWNERS: Mapping[str, Label] = {
    FINANCE: gettext_lazy("finance"),
    ANALYSIS: gettext_lazy("analysis"),
    RETAIL: gettext_lazy("customer management"),
}
PAGES: Mapping[Label, tuple[str, ...]] = {
    gettext_lazy("Value of a customer"): SHOWN,
    gettext_lazy("Targets"): TARGETED,
    gettext_lazy("Four classes"): ("value_class", "current_value", "potential_value"),
    gettext_lazy("Concentration"): ("top20_share", "top_n_share", "abc_class", "upper_growth"),
    gettext_lazy("Tier movements"): ("tier", "tier_gap", "balance", "contribution_12m"),
    gettext_lazy("Bulletin"): (
        "portfolio_customers",
        "portfolio_balance",
        "portfolio_contribution",
    ),
}


@dataclass(frozen=True)
class Entry:
    """One metric in the reader's words; `used` are the pages and the metrics made of it."""

    metric: Metric
    unit: Label
    grain: Label
    owner: Label
    pages: list[Label]
    makes: list[Metric]
    parts: list[Metric]


class Catalogue(PageView):
    permission = "insight.view"
    template_name = "insight/metrics.html"
    fragment = "figures"
    title = gettext_lazy("What does each number mean?")

    def get(self, request: HttpRequest) -> HttpResponse:
        every = list(metrics)
        entries = [
            Entry(
                metric=each,
                unit=UNITS[each.unit],
                grain=GRAINS.get(each.grain, each.grain),
                owner=OWNERS.get(each.owner, each.owner),
                pages=[page for page, names in PAGES.items() if each.name in names],
                makes=[other for other in every if each.name in other.parts],
                parts=[metrics.get(part) for part in each.parts],
            )
            for each in every
        ]
        return self.show({"entries": entries})
