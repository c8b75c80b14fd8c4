"""What somebody was granted beside their positions, on the person's page."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from zhike.access.queries import grants_of
from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.organisation.models import Employee
from zhike.ui.panels import Panel, panels


def grants(actor: Actor, employee: Employee) -> dict[str, Any]:
    return {
        "grants": grants_of(actor, employee),
        "today": clock.today(),
        "gives": actor.may("access.administer") and actor.employee_id != employee.pk,
    }


panels.register(
    Panel(
        id="access.grants",
        page="organisation.person",
        permission="organisation.view",
        order=20,
        template="access/panel_grants.html",
        load=grants,
        title=_("Granted for a time"),
    )
)
