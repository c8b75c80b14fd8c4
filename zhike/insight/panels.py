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
from zhike.insight.models import Score
from zhike.insight.panels_flows import rows_behind
from zhike.insight.queries import Sums, View
from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.ui import charts, format
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
    """One number as the panel shows it; `reasons` are (label, value) of the figures behind.

    `rows_url` leads to the movements it is made of, "" where it is made of what is held.
    """

    metric: Metric
    text: str
    reasons: list[tuple[str | Promise, str]]
    rows_url: str


def register() -> None:
    panels.register(
        Panel(
            id="insight.value",
            page="customers.party",
            permission="insight.view",
            order=20,
            template="insight/panel_value.html",
            load=value,
            load_on=value_on,
            title=gettext_lazy("Customer value"),
            lazy=True,
        )
    )
    panels.register(
        Panel(
            id="insight.over_time",
            page="customers.party",
            permission="insight.view",
            order=25,
            template="insight/panel_over_time.html",
            load=over_time,
            title=gettext_lazy("Value over time"),
            lazy=True,
        )
    )
    panels.register(
        Panel(
            id="insight.targets",
            page="activities.today",
            permission="insight.view",
            order=20,
            template="insight/panel_targets.html",
            load=own_targets,
            title=gettext_lazy("Own numbers against targets"),
            side=True,
        )
    )
    panels.register(
        Panel(
            id="insight.changed",
            page="activities.today",
            permission="insight.view",
            order=30,
            template="insight/panel_changed.html",
            load=changed,
            title=gettext_lazy("What changed since the last scores"),
            side=True,
            lazy=True,
        )
    )


def value(actor: Actor, party: Party) -> dict[str, Any]:
    """The newest score in words; no score answers an empty list."""
    return _in_words(actor, party, queries.latest_score(actor, party))


def value_on(actor: Actor, party: Party, day: date) -> dict[str, Any]:
    """The score that stood on a past day."""
    scores = queries.scores_of(actor, party).filter(as_of__lte=day)
    return _in_words(actor, party, scores.select_related("run", "tier").last())


def _in_words(actor: Actor, party: Party, score: Score | None) -> dict[str, Any]:
    if score is None:
        return {"shown": []}
    tiers = dict(Tier.objects.visible_to(actor).values_list("code", "name"))
    shown = [
        Shown(
            metrics.get(name),
            _text(name, score.values[name], tiers),
            _reasons(name, score.values, score.reasons.get(name, {}), tiers),
            rows_behind(name, party, score.as_of),
        )
        for name in SHOWN
        if name in score.values
    ]
    return {"shown": shown, "score": score, "strategy": _strategy(score.values["value_class"])}


def over_time(actor: Actor, party: Party) -> dict[str, Any]:
    """Scores by date as two charts with their tables: values of 100, and money."""
    scores = list(queries.scores_of(actor, party).select_related("tier"))
    days = [score.as_of.isoformat() for score in scores]

    def series(*names: str) -> dict[str, list[Decimal | None]]:
        return {
            str(metrics.get(name).label): [
                Decimal(score.values[name]) if score.values.get(name) else None for score in scores
            ]
            for name in names
        }

    return {
        "scores": scores,
        "values": charts.lines(
            days, series("current_value", "potential_value"),
            measure=gettext_lazy("points of 100"), heading=gettext_lazy("as of"), most=100,
        ),
        "money": charts.lines(
            days, series("balance", "contribution_12m"), "money", heading=gettext_lazy("as of")
        ),
    }  # fmt: skip


def own_targets(actor: Actor, _row: Any) -> dict[str, Any]:
    """The actor's own running targets; those of the units they lead where they have none."""
    today = clock.today()
    targets = queries.targets_of(actor, today)
    own = targets.filter(employee=actor.employee_id)
    shown = own if own.exists() else targets.filter(unit__isnull=False)
    return {"lines": queries.progress(shown, today)[:8]}


def changed(actor: Actor, _row: Any) -> dict[str, Any]:
    """Moves of tier, class and balance among the actor's customers between the last two days with scores."""
    days = queries.score_days()
    if len(days) < 2:
        return {"days": days}
    view = View(actor, days[1], days[0])
    moved = queries.flows(view, "tier_before_id", "tier_id", "class_before", "value_class")
    rank = dict(Tier.objects.visible_to(actor).values_list("pk", "rank"))
    rose = fell = better = 0
    for (was, now, was_class, now_class), sums in moved.items():
        if was and now and was != now:
            rose += sums.customers if rank[now] > rank[was] else 0
            fell += sums.customers if rank[now] < rank[was] else 0
        if was_class and now_class and was_class != now_class:
            better += sums.customers
    total = sum(moved.values(), Sums())
    return {
        "days": days,
        "rose": rose,
        "fell": fell,
        "classes": better,
        "balance": total.balance - total.balance_before,
        "largest": queries.largest_changes(view),
    }


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
