"""The list of employees: its columns, quick filters, conditions and groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.kernel.wording import listed
from zhike.organisation.models import Appointment, Role, Unit, User
from zhike.organisation.queries import units_at_or_below
from zhike.ui.filters import Filter
from zhike.ui.lists import criteria
from zhike.ui.lists.bulk import Listing, listings
from zhike.ui.lists.criteria import Criterion
from zhike.ui.lists.groups import Grouping
from zhike.ui.tables import Column

PAGE = "organisation.employee"
LOGINS = "organisation.administer"


def _titles(row: Any) -> str:
    return listed(each.position.title for each in row.seats)


def _roles(row: Any) -> str:
    return listed(dict.fromkeys(each.position.get_role_display() for each in row.seats))


def _login(row: Any) -> Any:
    return _("yes") if row.may_sign_in else _("no")


COLUMNS: tuple[Column, ...] = (
    Column("name", pgettext_lazy("of a person", "Name"), sortable=True,
        url=lambda row: row.get_absolute_url()),
    Column("code", _("Code"), sortable=True),
    Column("unit.name", _("Unit"), url=lambda row: row.unit.get_absolute_url()),
    Column("seats", _("Positions today"), value=_titles),
    Column("roles", _("Role"), value=_roles, minor=True),
)  # fmt: skip
LOGIN_COLUMN = Column(
    "may_sign_in", pgettext_lazy("whether there is one", "Login"), "badge", value=_login,
    tone=lambda row: "green" if row.may_sign_in else "secondary",
)  # fmt: skip
DATE_COLUMNS: tuple[Column, ...] = (
    Column("hired_on", _("Hired on"), "date", sortable=True, optional=True),
    Column("left_on", _("Left on"), "date", sortable=True, optional=True),
)


def columns_for(actor: Actor) -> tuple[Column, ...]:
    """Who has a login is known to those who give logins."""
    return (*COLUMNS, *((LOGIN_COLUMN,) if actor.may(LOGINS) else ()), *DATE_COLUMNS)


def quick(actor: Actor) -> list[Filter]:
    """The quick filters this actor has use for."""
    logins = Q(pk__in=User.objects.visible_to(actor).filter(is_active=True).values("employee"))
    return [
        Filter("role", _("Role"), Role.choices, lambda value: _seated(actor, Q(position__role=value))),
        *(
            [
                Filter(
                    "login",
                    pgettext_lazy("whether there is one", "Login"),
                    [("yes", _("yes")), ("no", _("no"))],
                    lambda value: logins if value == "yes" else ~logins,
                    many=False,
                )
            ]
            if actor.may(LOGINS)
            else []
        ),
        Filter("left", _("Left"), [("yes", _("has left"))], lambda value: Q(left_on__isnull=False)),
    ]  # fmt: skip


def _seated(actor: Actor, q: Q) -> Q:
    """Who holds a position today of which `q` is true, asked of appointments."""
    today = Appointment.objects.visible_to(actor).filter(during__contains=clock.today())
    return Q(pk__in=today.filter(q).values("employee"))


def _units(actor: Actor) -> Sequence[tuple[str, str]]:
    return [(unit.code, unit.name) for unit in Unit.objects.visible_to(actor).order_by("path")]


def _units_by_code(actor: Actor) -> Mapping[Any, Any]:
    return dict(_units(actor))


def _below(actor: Actor, q: Q) -> Q:
    return Q(unit__in=units_at_or_below(Unit.objects.visible_to(actor).filter(q)))


GROUPINGS: tuple[Grouping, ...] = (
    Grouping("unit", _("Unit"), "unit__code", _units_by_code, board=False),
)


def _list() -> type[Any]:
    from zhike.organisation.views import PersonList

    return PersonList


def register() -> None:
    """Called once when the room starts."""
    listings.register(Listing(PAGE, _list, "organisation:people"))
    person, position = _("About the person"), _("Positions today")
    criteria.register(
        PAGE,
        Criterion(
            f"{PAGE}:name", PAGE, pgettext_lazy("of a person", "Name"), "text", "name",
            group=person, nullable=False,
        ),
        Criterion(f"{PAGE}:code", PAGE, _("Code"), "text", "code", group=person, nullable=False),
        Criterion(
            f"{PAGE}:unit", PAGE, _("Unit, with all below it"), "choice", "code", _units,
            within=_below, group=person, nullable=False,
        ),
        Criterion(f"{PAGE}:hired", PAGE, _("Hired on"), "date", "hired_on", group=person),
        Criterion(f"{PAGE}:left", PAGE, _("Left on"), "date", "left_on", group=person),
        Criterion(
            f"{PAGE}:role", PAGE, _("Role"), "choice", "position__role",
            lambda actor: Role.choices, within=_seated, group=position, nullable=False,
        ),
        Criterion(
            f"{PAGE}:title", PAGE, _("Title"), "text", "position__title",
            within=_seated, group=position, nullable=False,
        ),
    )  # fmt: skip
