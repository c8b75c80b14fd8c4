"""Flows on the customer page, key figures of its head, and what its printed brief says of value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhike.customers.models import Party
from zhike.customers.queries import standing_of
from zhike.insight import queries
from zhike.insight.marts import FEE_KINDS
from zhike.insight.queries.transactions import Flow, flows, months_up_to
from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.ui import charts
from zhike.ui.heads import HeadSource, KeyFigure, figures
from zhike.ui.panels import Panel, panels

PAGE = "customers.party"
EARNED = frozenset({"interest"})
PAID = frozenset({"interest", *FEE_KINDS})
BY_ITSELF = frozenset({"auto", "transfer", "unknown"})
"""Channels that take nothing of the customer's time, or of which it is not known."""
SHOWN_KINDS = 6
"""Kinds with a colour of their own; the rest is one."""

DIRECTIONS: Mapping[str, str | Promise] = {
    "in": gettext_lazy("Came in"),
    "out": gettext_lazy("Went out"),
}
KINDS: Mapping[str, str | Promise] = {
    "salary": gettext_lazy("salary"),
    "pension": gettext_lazy("pension"),
    "interest": gettext_lazy("interest"),
    "penalty_interest": gettext_lazy("penalty interest"),
    "fee": gettext_lazy("fee"),
    "transfer": gettext_lazy("transfer"),
    "cash": gettext_lazy("cash"),
    "card": gettext_lazy("card payment"),
    "loan_drawdown": gettext_lazy("loan paid out"),
    "loan_repayment": gettext_lazy("loan repaid"),
    "wealth_buy": gettext_lazy("wealth product bought"),
    "wealth_redeem": gettext_lazy("wealth product redeemed"),
    "agriculture_sale": gettext_lazy("farm produce sold"),
    "household": gettext_lazy("household"),
    "insurance": gettext_lazy("insurance premium"),
    "leasing": gettext_lazy("leasing"),
    "rent": gettext_lazy("rent"),
    "tax": gettext_lazy("tax"),
    "utility": gettext_lazy("utilities"),
    "other": gettext_lazy("other movements"),
}
CHANNELS: Mapping[str, str | Promise] = {
    "counter": gettext_lazy("counter"),
    "mobile": gettext_lazy("mobile app"),
    "web": gettext_lazy("web"),
    "atm": gettext_lazy("cash machine"),
    "pos": gettext_lazy("card terminal"),
    "transfer": gettext_lazy("interbank"),
    "auto": gettext_lazy("automatic"),
    "unknown": gettext_lazy("unknown"),
}


def monthly_flows(actor: Actor, party: Party) -> dict[str, Any]:
    return monthly_flows_on(actor, party, clock.today())


def monthly_flows_on(actor: Actor, party: Party, day: date) -> dict[str, Any]:
    """Twelve months of what came in (upwards) and went out (downwards) by kind, and the sums by month."""
    found = flows(actor, party, day)
    months = months_up_to(day)
    links = [_address(party, month) for month in months]
    return {
        "months": [
            {
                "month": month,
                "url": url,
                "came_in": _sum(found, month, "in"),
                "went_out": _sum(found, month, "out"),
            }
            for month, url in zip(reversed(months), reversed(links), strict=True)
        ],
        "chart": charts.bars(
            months,
            _series(found, months),
            "money",
            heading=_("Month"),
            links=links,
            stacked=True,
        ),
        "some": bool(found),
        "gains": gains(found),
    }


@dataclass(frozen=True)
class Gain:
    """What the customer got and paid through one channel in the months, and how often they used it."""

    channel: str | Promise
    got: Decimal
    paid: Decimal
    times: int

    @property
    def left(self) -> Decimal:
        return self.got - self.paid


def gains(found: Iterable[Flow]) -> list[Gain]:
    """The side of the customer, by channel, the most used first: interest against fees and interest.

    The value delivered less its cost as far as facts carry it; effort is a number of movements, for nobody loads
    how long a visit took. What runs by itself costs no effort.
    """
    sums: dict[str, list[Decimal]] = {}
    times: dict[str, int] = {}
    for each in found:
        got, paid = sums.setdefault(each.channel, [Decimal(0), Decimal(0)])
        if each.direction == "in" and each.kind in EARNED:
            got += each.amount
        if each.direction == "out" and each.kind in PAID:
            paid += each.amount
        sums[each.channel] = [got, paid]
        used = each.channel not in BY_ITSELF
        times[each.channel] = times.get(each.channel, 0) + each.count * used
    lines = [
        Gain(CHANNELS.get(channel, channel), got, paid, times[channel])
        for channel, (got, paid) in sums.items()
        if got or paid or times[channel]
    ]
    return sorted(lines, key=lambda line: (-line.times, -line.got - line.paid))


def _series(found: Sequence[Flow], months: Sequence[str]) -> dict[str, list[Decimal | None]]:
    """Kinds by size, in upwards and out downwards; the small ones together."""
    sizes: dict[tuple[str, str], Decimal] = {}
    for each in found:
        key = (each.direction, each.kind)
        sizes[key] = sizes.get(key, Decimal(0)) + each.amount
    large = sorted(sizes, key=lambda key: sizes[key], reverse=True)[:SHOWN_KINDS]
    series: dict[str, list[Decimal | None]] = {}
    for direction, sign in (("in", 1), ("out", -1)):
        for kind in [kind for way, kind in large if way == direction]:
            name = f"{DIRECTIONS[direction]} · {KINDS.get(kind, kind)}"
            series[name] = [
                sign * _sum(found, month, direction, {kind}) or None for month in months
            ]
        rest = {kind for way, kind in sizes if way == direction} - {
            kind for way, kind in large if way == direction
        }
        if rest:
            others = _("the rest")
            name = f"{DIRECTIONS[direction]} · {others}"
            series[name] = [sign * _sum(found, month, direction, rest) or None for month in months]
    return series


def _sum(
    found: Sequence[Flow], month: str, direction: str, kinds: set[str] | None = None
) -> Decimal:
    return sum(
        (
            each.amount
            for each in found
            if each.month == month
            and each.direction == direction
            and (kinds is None or each.kind in kinds)
        ),
        Decimal(0),
    )


def _address(party: Party, month: str) -> str:
    return reverse("insight:flows", kwargs={"public_id": party.public_id, "month": month})


def key_figures(actor: Actor, party: Party, day: date | None) -> Sequence[KeyFigure]:
    """Balance with its change over three months, contribution with its change since the last score."""
    latest = queries.latest_scores(actor, party, 2, day or clock.today())
    if not latest:
        standing = standing_of(party)
        if day is not None or standing is None:
            return ()
        return [
            KeyFigure(_("Balance"), standing.balance),
            KeyFigure(_("Contribution, 12 months"), standing.contribution),
        ]
    values = latest[0].values
    before = latest[1] if len(latest) > 1 else None
    figures = [
        KeyFigure(
            _("Balance"),
            Decimal(values.get("balance", "0")),
            _changed(values, before.values if before else None, "balance"),
            before.as_of if before else None,
        ),
        KeyFigure(
            _("Contribution, 12 months"),
            Decimal(values.get("contribution_12m", "0")),
            _changed(values, before.values if before else None, "contribution_12m"),
            before.as_of if before else None,
        ),
    ]
    loans = Decimal(values.get("loan_balance", "0"))
    return [*figures, KeyFigure(_("Loans"), loans)] if loans else figures


def _changed(now: Mapping[str, str], before: Mapping[str, str] | None, name: str) -> Decimal | None:
    if before is None or not before.get(name) or not now.get(name):
        return None
    return Decimal(now[name]) - Decimal(before[name])


FLOW_METRICS = {
    "inflow_12m": "in",
    "outflow_12m": "out",
    "fee_income_12m": "out",
    "contribution_12m": "",
    "input_output_ratio": "",
    "profit_contribution_rate": "",
}
"""Metrics made of movements, and the direction of those; the others are made of agreements."""


def rows_behind(name: str, party: Party, as_of: date) -> str:
    """The address of the movements that a metric is made of, "" where it is made of what is held."""
    if name not in FLOW_METRICS:
        return ""
    address = reverse("insight:flows", kwargs={"public_id": party.public_id, "month": "year"})
    return f"{address}?to={as_of:%Y-%m}&direction={FLOW_METRICS[name]}"


def register() -> None:
    """Called once when the room starts."""
    panels.register(
        Panel(
            id="insight.flows",
            page=PAGE,
            permission="insight.view",
            order=32,
            template="insight/panel_flows.html",
            load=monthly_flows,
            load_on=monthly_flows_on,
            title=gettext_lazy("Flows by month and kind"),
            lazy=True,
        )
    )
    figures.register(
        HeadSource(
            id="insight.figures", page=PAGE, permission="insight.view", order=10, load=key_figures
        )
    )
