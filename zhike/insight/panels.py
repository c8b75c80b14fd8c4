"""The value panel of the customer page: every number with what it is, its formula and the figures behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from zhike.customers.models import Party, Standing, Tier
from zhike.insight import queries
from zhike.insight.methods.value_grid import STRATEGIES
from zhike.insight.metrics import Metric, metrics
from zhike.kernel.actor import Actor
from zhike.ui import format
from zhike.ui.panels import Panel, panels

SHOWN = (
    "tier",
    "value_class",
    "contribution_12m",
    "balance",
    "average_balance",
    "balance_change_3m",
    "loan_balance",
    "current_value",
    "potential_value",
    "inflow_12m",
    "outflow_12m",
    "rfm_cell",
    "abc_class",
    "profit_contribution_rate",
    "input_output_ratio",
)
CHANNELS: Mapping[str, str | Promise] = {
    "visit": gettext_lazy("visits"),
    "phone": gettext_lazy("telephone"),
    "remote": gettext_lazy("messages and self-service"),
}
OWNERS: Mapping[str, str | Promise] = {
    "senior": gettext_lazy("a senior customer manager"),
    "manager": gettext_lazy("a customer manager"),
    "team": gettext_lazy("the team"),
}
# Reasons that are not metrics themselves.
REASON_LABELS: Mapping[str, str | Promise] = {
    "current_cut": gettext_lazy("Cut for current value"),
    "potential_cut": gettext_lazy("Cut for potential value"),
    "next": gettext_lazy("Next tier"),
    "below_since": gettext_lazy("Terms not met since"),
    "keep_until": gettext_lazy("Tier kept until"),
}


@dataclass(frozen=True)
class Shown:
    """One number as the panel shows it; `reasons` are (label, value) of the figures behind."""

    metric: Metric
    text: str
    reasons: list[tuple[str | Promise, str]]


def register() -> None:
    panels.register(
        Panel(
            id="insight.value",
            page="customers.party",
            permission="insight.view",
            order=20,
            template="insight/panel_value.html",
            load=value,
            title=gettext_lazy("Customer value"),
        )
    )


def value(actor: Actor, party: Party) -> dict[str, Any]:
    """The newest score in words; no score answers an empty list."""
    score = queries.latest_score(actor, party)
    if score is None:
        return {"shown": []}
    tiers = dict(Tier.objects.visible_to(actor).values_list("code", "name"))
    shown = [
        Shown(
            metrics.get(name),
            _text(name, score.values[name], tiers),
            _reasons(name, score.values, score.reasons.get(name, {}), tiers),
        )
        for name in SHOWN
        if name in score.values
    ]
    return {"shown": shown, "score": score, "strategy": _strategy(score.values["value_class"])}


def _strategy(value_class: str) -> str:
    strategy = STRATEGIES[value_class]
    return _(
        "%(class)s: contact at least every %(days)d days, by %(channel)s, looked after by %(owner)s."
    ) % {
        "class": Standing.ValueClass(value_class).label,
        "days": strategy.contact_every_days,
        "channel": CHANNELS[strategy.channel],
        "owner": OWNERS[strategy.owner],
    }


def _reasons(
    name: str, values: Mapping[str, str], own: Mapping[str, str], tiers: Mapping[str, str]
) -> list[tuple[str | Promise, str]]:
    """Parts first, in the order of the formula, then what the rule compared with."""
    parts = [part for part in metrics.get(name).parts if part in own or part in values]
    told: list[tuple[str | Promise, str]] = [
        (metrics.get(part).label, _text(part, own.get(part, values.get(part, "")), tiers))
        for part in parts
    ]
    for key, label in REASON_LABELS.items():
        if key in own:
            told.append((label, tiers.get(own[key], own[key])))
    if name == "tier" and "tier_gap" in values:
        gap = metrics.get("tier_gap")
        told.append((gap.label, _text("tier_gap", values["tier_gap"], tiers)))
    return told


def _text(name: str, value: str, tiers: Mapping[str, str]) -> str:
    language = get_language() or "en"
    match metrics.get(name).unit:
        case "money":
            return format.money_text(Decimal(value), language=language)
        case "share":
            return format.percent(Decimal(value), 2)
        case "ratio":
            return format.number(Decimal(value), 2)
        case "count" | "score":
            return format.number(Decimal(value), 0)
        case "date":
            return date.fromisoformat(value).isoformat()
        case _ if name == "value_class":
            return str(Standing.ValueClass(value).label)
        case _ if name == "in_top20":
            return _("yes") if value == "true" else _("no")
        case _:
            return tiers.get(value, value)
