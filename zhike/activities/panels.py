"""What this room shows on the customer's page, and beside its own lists."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from zhike.activities import page_head, queries, rules
from zhike.customers.models import ConsentEvent, Party
from zhike.customers.queries.consent import WAYS, may_use
from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.organisation.models import Employee
from zhike.ui import charts
from zhike.ui.panels import Panel, panels

CHANGED = ("work-changed",)


def open_work(actor: Actor, party: Party) -> dict[str, Any]:
    today = clock.today()
    may_work = bool(actor.may("activities.work")) and actor.employee_id is not None
    return {
        "ways": _ways(actor, party) if may_work else (),
        "items": page_head.open_work(actor, party),
        "may_work": may_work,
        "later_days": rules.later_days(today),
        "today": today,
    }


def _ways(actor: Actor, party: Party) -> tuple[tuple[str, str, bool, str], ...]:
    """Each channel, its name, whether the customer may be told of an offer by it, and why (not)."""
    found = []
    for channel, label in WAYS:
        use = may_use(actor, party, ConsentEvent.Purpose.MARKETING, channel)
        found.append((channel, str(label), use.allowed, use.reason))
    return tuple(found)


def week_ahead(actor: Actor, employee: Employee) -> dict[str, Any]:
    days = queries.week_ahead(actor, employee.pk, clock.today())
    return {"days": days, "kinds": queries.KINDS, "some": any(day.coming for day in days)}


def waiting(actor: Actor, employee: Employee) -> dict[str, Any]:
    return {
        "items": list(queries.waiting(actor, employee.pk, clock.today())),
        "may_work": bool(actor.may("activities.work")),
    }


def closed_today(actor: Actor, employee: Employee) -> dict[str, Any]:
    items = list(queries.closed_today(actor, employee.pk))
    return {"items": items, "may_work": bool(actor.may("activities.work"))}


def days_of_work(actor: Actor, employee: Employee) -> dict[str, Any]:
    days = queries.days_of_work(actor, clock.today())
    series = {
        pgettext("lines", "found"): [day.found for day in days],
        _("done"): [day.done for day in days],
        _("not useful"): [day.dismissed for day in days],
    }
    labels = [day.on.strftime("%m-%d") for day in days]
    return {
        "chart": charts.bars(labels, series, measure=_("lines"), heading=_("Day")),
        "some": any(day.found or day.done or day.dismissed for day in days),
    }


panels.register(
    Panel(
        id="activities.open",
        page="customers.party",
        permission="activities.view",
        order=10,
        template="activities/panel_open.html",
        load=open_work,
        title=gettext_lazy("Open work"),
        reload_on=("customer-timeline", *CHANGED),
    )
)
panels.register(
    Panel(
        id="activities.week",
        page="activities.today",
        permission="activities.view",
        order=10,
        template="activities/panel_week.html",
        load=week_ahead,
        title=gettext_lazy("The week ahead"),
        reload_on=CHANGED,
        side=True,
    )
)
panels.register(
    Panel(
        id="activities.waiting",
        page="activities.today",
        permission="activities.view",
        order=40,
        template="activities/panel_waiting.html",
        load=waiting,
        title=gettext_lazy("Waiting for their day"),
        reload_on=CHANGED,
        side=True,
    )
)
panels.register(
    Panel(
        id="activities.closed",
        page="activities.today",
        permission="activities.view",
        order=50,
        template="activities/panel_closed.html",
        load=closed_today,
        title=gettext_lazy("Closed today"),
        reload_on=CHANGED,
        side=True,
    )
)
panels.register(
    Panel(
        id="activities.days",
        page="activities.team",
        permission="activities.view",
        order=10,
        template="activities/panel_days.html",
        load=days_of_work,
        title=gettext_lazy("Found and worked off"),
        lazy=True,
    )
)
