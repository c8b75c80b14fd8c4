"""Units and people in the search box as somebody types."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from zhike.kernel.actor import Actor
from zhike.organisation.models import Employee, Unit
from zhike.organisation.queries import people_named
from zhike.ui.commands import Command, commands
from zhike.ui.suggestions import Hit, Suggester, suggesters


def people(actor: Actor, text: str, limit: int) -> list[Hit]:
    """Employees by a part of the name, its pinyin, or by the beginning of the code."""
    here = Employee.objects.visible_to(actor).filter(left_on__isnull=True)
    rows = people_named(here, text).select_related("unit")
    return [
        Hit(each.name, each.get_absolute_url(), each.unit.name, icon="user-circle")
        for each in rows.order_by("name", "pk")[:limit]
    ]


def units(actor: Actor, text: str, limit: int) -> list[Hit]:
    """Units by a part of the name, or by the beginning of the code."""
    rows = Unit.objects.visible_to(actor).filter(closed_on__isnull=True)
    rows = rows.filter(Q(name__contains=text) | Q(code__istartswith=text))
    return [
        Hit(each.name, each.get_absolute_url(), each.get_kind_display(), icon="building-bank")
        for each in rows.order_by("path")[:limit]
    ]


def register() -> None:
    """Called once when the room starts."""
    suggesters.register(
        Suggester("organisation.people", _("People"), "organisation.view", 50, people)
    )
    suggesters.register(Suggester("organisation.units", _("Units"), "organisation.view", 60, units))
    commands.register(
        Command(
            id="organisation.new_person",
            label=_("New person"),
            url_name="organisation:person_new",
            icon="user-plus",
            permission="organisation.administer",
            order=50,
        )
    )
    commands.register(
        Command(
            id="organisation.new_unit",
            label=_("New unit"),
            url_name="organisation:unit_new",
            icon="building-plus",
            permission="organisation.administer",
            order=51,
        )
    )
