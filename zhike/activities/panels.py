"""What this room shows on the pages of others."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from zhike.activities import queries
from zhike.customers.models import Party
from zhike.kernel.actor import Actor
from zhike.ui.panels import Panel, panels


def open_work(actor: Actor, party: Party) -> dict[str, Any]:
    return {"items": queries.open_work_on(actor, party)}


panels.register(
    Panel(
        id="activities.open",
        page="customers.party",
        permission="activities.view",
        order=10,
        template="activities/panel_open.html",
        load=open_work,
        title=_("Open work"),
        reload_on=("customer-timeline",),
    )
)
