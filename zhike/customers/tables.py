"""The columns of the customer list, on the screen and in a file; what it is grouped and dated by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from typing import Any

from django import forms as django_forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from zhike.customers import queries
from zhike.customers.forms import PartyForm
from zhike.customers.models import ContactPoint, Party, Standing, Tier
from zhike.kernel.actor import Actor
from zhike.organisation.models import Unit
from zhike.ui.lists.groups import Dated, Grouping
from zhike.ui.tables import Column, Edit

VALUE_TONES = {
    Standing.ValueClass.HIGH: "green",
    Standing.ValueClass.SECOND: "teal",
    Standing.ValueClass.POTENTIAL: "azure",
    Standing.ValueClass.LOW: "secondary",
}
STAGE_TONES = {
    Party.Stage.PROSPECT: "purple",
    Party.Stage.CUSTOMER: "green",
    Party.Stage.FORMER: "secondary",
}


def _standing(name: str) -> Callable[[Party], Any]:
    return lambda party: getattr(queries.standing_of(party), name, None)


def _tier_tone(party: Party) -> str:
    standing = queries.standing_of(party)
    return standing.tier.colour if standing and standing.tier else "secondary"


def _value_tone(party: Party) -> str:
    standing = queries.standing_of(party)
    return (
        VALUE_TONES.get(Standing.ValueClass(standing.value_class), "secondary")
        if standing and standing.value_class
        else ""
    )


def _edit(field: str) -> Edit:
    """The field of the form of a customer; each cell gets one of its own."""

    def form_field() -> django_forms.Field:
        return copy(PartyForm.base_fields[field])

    return Edit(field, "customers.edit", form_field)


COLUMNS: tuple[Column, ...] = (
    Column(
        "name",
        pgettext_lazy("of a customer", "Name"),
        sortable=True,
        sort_field="name_key",
        url=lambda party: party.get_absolute_url(),
    ),
    Column(
        "tier",
        _("Tier"),
        "badge",
        value=_standing("tier"),
        tone=_tier_tone,
        sortable=True,
        sort_field="standing__tier__rank",
    ),
    Column(
        "value_class",
        _("Value class"),
        "badge",
        value=_standing("value_class"),
        choices=Standing.ValueClass.choices,
        tone=_value_tone,
    ),
    Column(
        "stage",
        _("Stage"),
        "badge",
        choices=Party.Stage.choices,
        tone=lambda party: STAGE_TONES[Party.Stage(party.stage)],
        minor=True,
    ),
    Column(
        "type",
        _("Type"),
        choices=Party.Type.choices,
        optional=True,
        edit=_edit("type"),
    ),
    Column("manager", _("Main manager"), value=queries.manager_of),
    Column("unit.name", _("Unit"), optional=True),
)
MONEY_COLUMNS: tuple[Column, ...] = (
    Column(
        "balance",
        _("Balance"),
        "money",
        sortable=True,
        sort_field="standing__balance",
        value=_standing("balance"),
        total="standing__balance",
    ),
    Column(
        "contribution",
        _("Contribution, 12 months"),
        "money",
        sortable=True,
        sort_field="standing__contribution",
        value=_standing("contribution"),
        minor=True,
        total="standing__contribution",
    ),
)
MORE_MONEY_COLUMNS: tuple[Column, ...] = tuple(
    Column(name, label, "number", value=_standing(name), minor=True, optional=True)
    for name, label in (
        ("current_value", _("Current value")),
        ("potential_value", _("Potential value")),
    )
)
LAST_CONTACT = Column(
    "last_contact_on",
    _("Last contact"),
    "age",
    sortable=True,
    sort_field="standing__last_contact_on",
    value=_standing("last_contact_on"),
)
MORE_COLUMNS: tuple[Column, ...] = (
    Column(
        "next_contact", _("Next contact due"), "date", value=queries.next_contact_on, optional=True
    ),
    Column("kind", _("Kind"), choices=Party.Kind.choices, optional=True),
    Column("since_on", _("With us since"), "date", optional=True, edit=_edit("since_on")),
    Column("birth_on", _("Born or founded on"), "date", optional=True),
    Column("occupation", _("Occupation"), optional=True, edit=_edit("occupation")),
    Column("industry", _("Industry"), optional=True, edit=_edit("industry")),
    Column("education", _("Education"), optional=True, edit=_edit("education")),
    Column(
        "employees_count",
        _("Number of employees"),
        "number",
        optional=True,
        edit=_edit("employees_count"),
    ),
)


def columns_for(actor: Actor) -> tuple[Column, ...]:
    """Without any money for those who do not see it."""
    money = queries.sees_money(actor)
    return (
        *COLUMNS,
        *(MONEY_COLUMNS if money else ()),
        LAST_CONTACT,
        *(MORE_MONEY_COLUMNS if money else ()),
        *MORE_COLUMNS,
    )


def _mobile(party: Party) -> ContactPoint | None:
    """The number a person is reached by."""
    mobiles = [each for each in party.contact_points.all() if each.kind == ContactPoint.Kind.MOBILE]
    return min(mobiles, key=lambda each: not each.is_preferred, default=None)


def masked_mobile(party: Party) -> str:
    """As far as a file may show it."""
    mobile = _mobile(party)
    return mobile.masked if mobile else ""


def clear_mobile(party: Party) -> str:
    """For a file to which a second person agreed."""
    mobile = _mobile(party)
    return mobile.in_clear() if mobile else ""


MOBILE = Column("mobile", _("Mobile"), value=masked_mobile)
"""For the file alone: a list of numbers is nothing to scroll through."""
MOBILE_IN_CLEAR = Column("mobile", _("Mobile"), value=clear_mobile)


def _tiers(actor: Actor) -> Mapping[Any, str]:
    return {tier.code: tier.name for tier in Tier.objects.visible_to(actor).order_by("-rank")}


def _units(actor: Actor) -> Mapping[Any, str]:
    return {unit.code: unit.name for unit in Unit.objects.visible_to(actor).order_by("path")}


def _choices(found: list[tuple[Any, Any]]) -> Callable[[Actor], Mapping[Any, str | Promise]]:
    return lambda actor: dict(found)


GROUPINGS: tuple[Grouping, ...] = (
    Grouping("tier", _("Tier"), "standing__tier__code", _tiers),
    Grouping(
        "value",
        _("Value class"),
        "standing__value_class",
        _choices(Standing.ValueClass.choices),
    ),
    Grouping("stage", _("Stage"), "stage", _choices(Party.Stage.choices)),
    Grouping("type", _("Type"), "type", _choices(Party.Type.choices), board=False),
    Grouping("unit", _("Unit"), "unit__code", _units, board=False),
)
DATES: tuple[Dated, ...] = (
    Dated("last_contact", _("Last contact"), "standing__last_contact_on"),
    Dated("birthday", _("Birthday or founding day"), "birth_on", yearly=True),
    Dated("since", _("With us since"), "since_on"),
)
