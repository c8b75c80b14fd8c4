"""80/20, and the bulletin of the customers' structure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy

from zhike.insight import queries
from zhike.insight.metrics import metrics
from zhike.insight.queries import Concentration, Sums, View
from zhike.insight.queries.concentration import MEASURES
from zhike.insight.views.frame import ValueView
from zhike.ui import charts
from zhike.ui.steps import Tab

NOTHING = Sums()
WORDS = {"contribution": gettext_lazy("by contribution"), "balance": gettext_lazy("by balance")}


class Concentrated(ValueView):
    """How much hangs on how few, and whether those who carry it become more."""

    template_name = "insight/concentration.html"
    title = gettext_lazy("How much hangs on how few?")

    def figures(self, view: View) -> dict[str, Any]:
        asked = self.request.GET.get("by", "")
        measure = asked if asked in MEASURES else MEASURES[0]
        found = queries.concentration(view, measure)
        upper = _upper(self, view)
        sort = "standing__balance" if measure == "balance" else "standing__contribution"
        people = reverse("customers:list")
        scope = f"&unit={view.unit.code}" if view.unit else ""
        return {
            "found": found,
            "measure": measure,
            "tabs": [Tab(WORDS[each], self.address(by=each), each == measure) for each in MEASURES],
            "chart": _chart(found, str(WORDS[measure])) if found else None,
            "top": metrics.get("top20_share"),
            "largest": metrics.get("top_n_share"),
            "abc": metrics.get("abc_class"),
            "growth": metrics.get("upper_growth"),
            "upper": upper,
            "rows_url": f"{people}?sort=-{sort}{scope}"
            if self.is_newest and not view.employee
            else self.address("movers"),
            "parts": [
                (self.part_name(part), self.to_part(part), sum(sums.values(), NOTHING))
                for part, sums in queries.parts(view, "value_class")
            ],
        }


def _chart(found: Concentration, words: str) -> charts.Chart:
    return charts.curve(
        {words: found.curve},
        str(gettext_lazy("share of customers, the largest first")),
        str(gettext_lazy("share of all")),
        mark=found.top_percent / 100,
    )


@dataclass(frozen=True)
class Upper:
    """The customers above the lowest tier, now and on the earlier day; shares of all customers and money."""

    now: int
    before: int
    growth: Decimal | None
    balance_share: Decimal | None
    contribution_share: Decimal | None


def _upper(page: ValueView, view: View) -> Upper:
    moved = queries.flows(view, "tier_before_id", "tier_id")
    lowest = page.tiers[-1].pk if page.tiers else None
    now = [sums for (_was, tier), sums in moved.items() if tier not in (lowest, None)]
    before = [sums for (was, _tier), sums in moved.items() if was not in (lowest, None)]
    counts = sum(each.customers for each in now), sum(each.customers for each in before)
    everyone = sum(moved.values(), NOTHING)
    total = sum(now, NOTHING)
    return Upper(
        *counts,
        growth=Decimal(counts[0]) / counts[1] - 1 if counts[1] else None,
        balance_share=total.balance / everyone.balance if everyone.balance > 0 else None,
        contribution_share=(
            total.contribution / everyone.contribution if everyone.contribution > 0 else None
        ),
    )


@dataclass(frozen=True)
class Line:
    """A unit and tier: what there is, and what there was at the end of the last period."""

    tier: str
    tone: str
    now: Sums
    before: Sums
    url: str

    @property
    def customers(self) -> int:
        return self.now.customers - self.before.customers

    @property
    def balance(self) -> Decimal:
        return self.now.balance - self.before.balance

    @property
    def contribution(self) -> Decimal:
        return self.now.contribution - self.before.contribution


@dataclass(frozen=True)
class Section:
    """A unit of the bulletin with its tiers and their sum."""

    name: str
    url: str
    lines: list[Line]
    total: Line


class Bulletin(ValueView):
    """Number, balance and contribution by tier and unit against an earlier day: each day's own structure, so that
    a customer who changed units counts where they were then."""

    template_name = "insight/bulletin.html"
    title = gettext_lazy("How is the structure of our customers changing?")

    def figures(self, view: View) -> dict[str, Any]:
        still = queries.still(view, view.as_of)
        now = queries.parts(still, "tier_id")
        then = dict(queries.parts(queries.still(view, view.since), "tier_id"))
        sections = [
            self._section(self.part_name(part), self.to_part(part), sums, then.get(part, {}))
            for part, sums in now
        ]
        whole = self._section("", "", _joined(now), _joined(list(then.items())))
        return {
            "sections": sections,
            "whole": whole,
            "chart": charts.bars(
                [section.name for section in sections],
                {tier.name: [section.lines[at].now.customers for section in sections]
                 for at, tier in enumerate(self.tiers)},
                heading=gettext_lazy("Unit"), measure=gettext_lazy("customers"), stacked=True, lying=True,
            ),
            "count": metrics.get("portfolio_customers"),
            "balance": metrics.get("portfolio_balance"),
            "contribution": metrics.get("portfolio_contribution"),
        }  # fmt: skip

    def _section(self, name: str, url: str, now: Any, before: Any) -> Section:
        lines = [
            Line(
                tier.name,
                tier.colour,
                now.get((tier.pk,), NOTHING),
                before.get((tier.pk,), NOTHING),
                self.customers(tier=tier.code) if not name else "",
            )
            for tier in self.tiers
        ]
        total = Line("", "", sum(now.values(), NOTHING), sum(before.values(), NOTHING), "")
        return Section(name, url, lines, total)


def _joined(parts: list[Any]) -> dict[Any, Sums]:
    found: dict[Any, Sums] = {}
    for _part, sums in parts:
        for key, each in sums.items():
            found[key] = found.get(key, NOTHING) + each
    return found
