"""What the customer holds, as a panel of the customer page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from zhike.customers.models import Party
from zhike.customers.queries import sees_money
from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.kernel.wording import listed
from zhike.products import queries
from zhike.products.models import Agreement, Holding, Product
from zhike.ui import charts
from zhike.ui.format import percent
from zhike.ui.heads import BriefPart, HeadSource, briefs
from zhike.ui.panels import Panel, panels

AT_ONCE = 8
"""Agreements of a category shown at first."""
WORTH_A_CHART = 6
"""Fewer agreements are counted by looking at them."""

STATUS_TONES = {
    "active": "green",
    "dormant": "yellow",
    "overdue": "red",
    "closed": "secondary",
    "loss": "red",
}


def holdings(actor: Actor, party: Party) -> dict[str, Any]:
    """Agreements by category, open ones first; amounts only for those who see money."""
    return _holdings(actor, party, None)


def holdings_on(actor: Actor, party: Party, day: date) -> dict[str, Any]:
    """Those opened by a past day, with whether they were open then; a status of then is not kept."""
    return _holdings(actor, party, day)


def _holdings(actor: Actor, party: Party, day: date | None) -> dict[str, Any]:
    rows = (
        Holding.objects.visible_to(actor)
        .filter(party=party)
        .select_related("agreement__product", "agreement__unit")
    )
    if day is not None:
        rows = rows.filter(agreement__opened_on__lte=day)
    order = list(Product.Category.values)
    today = day or clock.today()

    def place(row: Holding) -> tuple[Any, ...]:
        agreement = row.agreement
        category = order.index(agreement.product.category)
        return category, _closed(agreement, today), agreement.opened_on, agreement.pk

    may_reveal = bool(actor.may("customers.reveal")) and day is None
    lines: list[dict[str, Any]] = [
        {
            "holding": row,
            "agreement": row.agreement,
            "tone": STATUS_TONES[row.agreement.status],
            "closed": _closed(row.agreement, today),
            "ended": row.during.upper is not None and row.during.upper <= today,
            "reveal": reverse("products:reveal", kwargs={"public_id": row.agreement.public_id})
            if may_reveal and row.agreement.party_id == party.pk
            else "",
        }
        for row in sorted(rows, key=place)
    ]
    groups = [
        (Product.Category(category).label, list(group))
        for category, group in groupby(lines, key=lambda line: line["agreement"].product.category)
    ]
    open_counts = {
        str(label): sum(not line["closed"] and not line["ended"] for line in held)
        for label, held in groups
    }
    return {
        "groups": [(label, len(held), held[:AT_ONCE], held[AT_ONCE:]) for label, held in groups],
        "chart": charts.bars(
            list(open_counts),
            {gettext("Open agreements"): list(open_counts.values())},
            heading=gettext("Category"),
            lying=True,
        )
        if len(lines) >= WORTH_A_CHART
        else None,
        "day": day,
        "sees_money": sees_money(actor),
    }


def _closed(agreement: Agreement, day: date) -> bool:
    return agreement.closed_on is not None and agreement.closed_on <= day


def brief(actor: Actor, party: Party, day: date | None) -> Sequence[BriefPart]:
    """What the customer holds by category, what they lack and others alike have, and what matures within 90 days."""
    today = day or clock.today()
    held = [
        row.agreement
        for row in Holding.objects.visible_to(actor)
        .filter(party=party, agreement__closed_on=None)
        .select_related("agreement__product")
    ]
    names: dict[str, list[str]] = {}
    for agreement in held:
        names.setdefault(agreement.product.category, []).append(agreement.product.name)
    lines = [
        (str(Product.Category(category).label), listed(dict.fromkeys(names[category])))
        for category in Product.Category.values
        if category in names
    ]
    gaps = [
        str(Product.Category(category).label)
        for category in Product.Category.values
        if category not in names
    ]
    found = queries.need_points(actor, party, names)
    needs = [
        (
            str(Product.Category(need.category).label),
            gettext("%(share)s of %(peers)s customers of this type and value class hold it")
            % {"share": percent(need.share), "peers": found.peers},
        )
        for need in found.needs
    ]
    soon = [
        (agreement.product.name, agreement.matures_on.isoformat())
        for agreement in sorted(held, key=lambda each: each.matures_on or date.max)
        if agreement.matures_on and today <= agreement.matures_on <= today + timedelta(days=90)
    ][:6]
    return [
        BriefPart(gettext("Holdings and gaps"), [*lines, (gettext("Not held"), listed(gaps))]),
        *([BriefPart(gettext("Need points"), needs)] if needs else []),
        *([BriefPart(gettext("Matures within 90 days"), soon)] if soon else []),
    ]


def register() -> None:
    """Called once when the room starts."""
    panels.register(
        Panel(
            id="products.holdings",
            page="customers.party",
            permission="products.view",
            order=30,
            template="products/panel_holdings.html",
            load=holdings,
            load_on=holdings_on,
            title=_("Holdings"),
            lazy=True,
            peek=True,
        )
    )
    briefs.register(
        HeadSource(
            id="products.brief",
            page="customers.party",
            permission="products.view",
            order=10,
            load=brief,
        )
    )
