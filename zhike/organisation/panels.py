"""The panels of a unit's and a person's page."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.organisation import queries
from zhike.organisation.models import Employee, Unit, User
from zhike.ui.panels import Panel, panels


def people(actor: Actor, unit: Unit) -> dict[str, Any]:
    return {"seats": queries.people_in(actor, unit)}


def below(actor: Actor, unit: Unit) -> dict[str, Any]:
    return {"units": queries.units_below(actor, unit)}


def positions(actor: Actor, employee: Employee) -> dict[str, Any]:
    return {
        "appointments": queries.appointments_of(actor, employee),
        "today": clock.today(),
        "may_end": actor.may("organisation.administer"),
    }


def login(actor: Actor, employee: Employee) -> dict[str, Any]:
    return {"account": User.objects.visible_to(actor).filter(employee=employee).first()}


panels.register(
    Panel(
        id="organisation.people",
        page="organisation.unit",
        permission="organisation.view",
        order=10,
        template="organisation/panel_people.html",
        load=people,
        title=_("People and positions"),
    )
)
panels.register(
    Panel(
        id="organisation.below",
        page="organisation.unit",
        permission="organisation.view",
        order=20,
        template="organisation/panel_below.html",
        load=below,
        title=_("Units below"),
    )
)
panels.register(
    Panel(
        id="organisation.positions",
        page="organisation.person",
        permission="organisation.view",
        order=10,
        template="organisation/panel_positions.html",
        load=positions,
        title=_("Positions"),
    )
)
panels.register(
    Panel(
        id="organisation.login",
        page="organisation.person",
        permission="organisation.administer",
        order=90,
        template="organisation/panel_login.html",
        load=login,
        title=_("Login"),
    )
)
