"""The columns of the customer list, on the screen and in a file."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from zhike.customers import queries
from zhike.customers.models import ContactPoint, Party, Standing
from zhike.kernel.actor import Actor
from zhike.ui.tables import Column

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
# A spreadsheet reads a cell that begins so as a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def _standing(name: str) -> Callable[[Party], Any]:
    return lambda party: getattr(queries.standing_of(party), name, None)


def _tier_tone(party: Party) -> str:
    standing = queries.standing_of(party)
    return standing.tier.colour if standing and standing.tier else "secondary"


def _value_class(party: Party) -> str:
    standing = queries.standing_of(party)
    return standing.get_value_class_display() if standing else ""


def _value_tone(party: Party) -> str:
    standing = queries.standing_of(party)
    return (
        VALUE_TONES.get(Standing.ValueClass(standing.value_class), "secondary") if standing else ""
    )


COLUMNS: tuple[Column, ...] = (
    Column(
        "name",
        pgettext_lazy("of a customer", "Name"),
        sortable=True,
        sort_field="name_key",
        url=lambda party: party.get_absolute_url(),
    ),
    Column("tier", _("Tier"), "badge", value=_standing("tier"), tone=_tier_tone),
    Column("value_class", _("Value class"), "badge", value=_value_class, tone=_value_tone),
    Column(
        "stage",
        _("Stage"),
        "badge",
        value=lambda party: party.get_stage_display(),
        tone=lambda party: STAGE_TONES[Party.Stage(party.stage)],
        minor=True,
    ),
    Column("type", _("Type"), value=lambda party: party.get_type_display(), minor=True),
    Column("manager", _("Main manager"), value=queries.manager_of),
    Column("unit.name", _("Unit"), minor=True),
)
MONEY_COLUMNS: tuple[Column, ...] = (
    Column(
        "balance",
        _("Balance"),
        "money",
        sortable=True,
        sort_field="standing__balance",
        value=_standing("balance"),
    ),
    Column(
        "contribution",
        _("Contribution, 12 months"),
        "money",
        sortable=True,
        sort_field="standing__contribution",
        value=_standing("contribution"),
        minor=True,
    ),
)
LAST_CONTACT = Column(
    "last_contact_on",
    _("Last contact"),
    "age",
    sortable=True,
    sort_field="standing__last_contact_on",
    value=_standing("last_contact_on"),
)


def columns_for(actor: Actor) -> tuple[Column, ...]:
    """Without any money for those who do not see it."""
    return (*COLUMNS, *(MONEY_COLUMNS if queries.sees_money(actor) else ()), LAST_CONTACT)


def safe_cell(text: str) -> str:
    """Text that a spreadsheet cannot take for a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def write_csv(file: IO[str], actor: Actor, rows: Iterable[Party]) -> int:
    """The list as CSV; numbers people are reached by are masked. Answers how many rows were written."""
    columns = columns_for(actor)
    writer = csv.writer(file)
    writer.writerow([*(str(column.label) for column in columns), str(_("Mobile"))])
    count = 0
    for party in rows:
        writer.writerow([*_cells(columns, party), _masked_mobile(party)])
        count += 1
    return count


def _cells(columns: Iterable[Column], party: Party) -> Iterator[str]:
    for column in columns:
        value = column.read(party)
        shown = "" if value is None else str(value)
        yield shown if column.kind == "money" else safe_cell(shown)


def _masked_mobile(party: Party) -> str:
    mobiles = [each for each in party.contact_points.all() if each.kind == ContactPoint.Kind.MOBILE]
    mobiles.sort(key=lambda each: not each.is_preferred)
    return mobiles[0].masked if mobiles else ""
