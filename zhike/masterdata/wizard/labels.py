"""What rows of a file may be, and what their fields are called on the wizard's screens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Model
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from zhike.customers.models import ContactPoint, Identifier, Party, TimelineEntry
from zhike.masterdata.wizard.drafting import CONTACTS, CUSTOMERS

Label = str | Promise
COLUMNS = (
    "name", "kind", "type", "stage", "unit", "sex", "birth_on", "lunar_birthday", "occupation",
    "industry", "education", "marital_status", "employees_count", "since_on", "until_on", "note",
)  # fmt: skip


@dataclass(frozen=True)
class Sort:
    """What rows may be. `every` is the field of which a whole file can have one value; `needed`: field → what is said
    where no column is it."""

    label: Label
    fields: Mapping[str, Label]
    choices: Mapping[str, Sequence[tuple[str, Label]]]
    every: str
    needed: Mapping[str, Label]


def _named(model: type[Model], *names: str) -> dict[str, Label]:
    fields: dict[str, Any] = {name: model._meta.get_field(name) for name in names}
    return {name: field.verbose_name for name, field in fields.items()}


# Who looks after a customer is not for a file to say: handing over has its own way, with a reason.
_OF_CUSTOMERS: dict[str, Label] = {
    **_named(Party, *COLUMNS),
    "unit": _("unit (code)"),
    **{kind: Identifier.Kind(kind).label for kind in ("resident_id", "passport", "credit_code")},
    **{kind: ContactPoint.Kind(kind).label for kind in ContactPoint.Kind.values},
    "home_address": _("home address"),
    "work_address": _("work address"),
    "registered_address": _("registered address"),
    "mailing_address": _("mailing address"),
    "observed_on": _("known as of"),
}
_OF_CONTACTS: dict[str, Label] = {
    "party": _("customer (number)"),
    **_named(TimelineEntry, "at", "channel", "direction", "title", "body", "result"),
    "employee": _("employee (code)"),
}
SORTS: Mapping[str, Sort] = {
    CUSTOMERS: Sort(
        pgettext_lazy("rows of a file", "customers"),
        _OF_CUSTOMERS,
        {
            "kind": Party.Kind.choices,
            "type": Party.Type.choices,
            "stage": Party.Stage.choices,
            "sex": Party.Sex.choices,
        },
        every="kind",
        needed={"name": _("No column is the name of the customer. Choose the one that is.")},
    ),
    CONTACTS: Sort(
        pgettext_lazy("rows of a file", "contact records"),
        _OF_CONTACTS,
        {
            "channel": TimelineEntry.Channel.choices,
            "direction": [each for each in TimelineEntry.Direction.choices if each[0]],
        },
        every="channel",
        needed={
            "party": _("No column is the number of the customer. Choose the one that is."),
            "at": _("No column is the time of the contact. Choose the one that is."),
            "title": _("No column is the title of the contact. Choose the one that is."),
        },
    ),
}
DAYS = ("birth_on", "since_on", "until_on", "observed_on")
MOMENTS = ("at",)
