"""The panels of a unit's and a person's page."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.organisation import queries
from zhike.organisation.models import Employee, Team, Unit, User
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


def teams(actor: Actor, employee: Employee) -> dict[str, Any]:
    return {"memberships": queries.teams_of(actor, employee)}


def members(actor: Actor, team: Team) -> dict[str, Any]:
    return {
        "members": queries.members_of(actor, team),
        "today": clock.today(),
        "may_end": actor.may("organisation.administer"),
    }


def login(actor: Actor, employee: Employee) -> dict[str, Any]:
    return {"account": User.objects.visible_to(actor).filter(employee=employee).first()}


for page, name, permission, order, load, title in (
    ("unit", "people", "organisation.view", 10, people, _("People and positions")),
    ("unit", "below", "organisation.view", 20, below, _("Units below")),
    ("person", "positions", "organisation.view", 10, positions, _("Positions")),
    ("person", "teams", "organisation.view", 30, teams, _("Teams")),
    ("team", "members", "organisation.view", 10, members, _("Who is of the team")),
    ("person", "login", "organisation.administer", 90, login, _("Login")),
):
    panels.register(
        Panel(
            id=f"organisation.{name}",
            page=f"organisation.{page}",
            permission=permission,
            order=order,
            template=f"organisation/panel_{name}.html",
            load=load,
            title=title,
            peek=name in {"people", "positions"},
        )
    )
