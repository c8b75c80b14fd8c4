"""What the fields of customers are called on the wizard's screens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from zhike.customers.models import ContactPoint, Identifier, Party

COLUMNS = (
    "name", "kind", "type", "stage", "unit", "sex", "birth_on", "lunar_birthday", "occupation",
    "industry", "education", "marital_status", "employees_count", "since_on", "until_on", "note",
)  # fmt: skip


def _of_party(name: str) -> str | Promise:
    field: Any = Party._meta.get_field(name)
    label: str | Promise = field.verbose_name
    return label


# Who looks after a customer is not for a file to say: handing over has its own way, with a reason.
FIELDS: dict[str, str | Promise] = {
    **{name: _of_party(name) for name in COLUMNS},
    "unit": _("unit (code)"),
    **{kind: Identifier.Kind(kind).label for kind in ("resident_id", "passport", "credit_code")},
    **{kind: ContactPoint.Kind(kind).label for kind in ContactPoint.Kind.values},
    "home_address": _("home address"),
    "work_address": _("work address"),
    "registered_address": _("registered address"),
    "mailing_address": _("mailing address"),
    "observed_on": _("known as of"),
}
CHOICES: Mapping[str, Sequence[tuple[str, str | Promise]]] = {
    "kind": Party.Kind.choices,
    "type": Party.Type.choices,
    "stage": Party.Stage.choices,
    "sex": Party.Sex.choices,
}
DAYS = ("birth_on", "since_on", "until_on", "observed_on")
