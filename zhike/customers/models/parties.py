"""Parties: whom the institution knows."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from zhike.customers.scopes import PartyScope
from zhike.kernel.classes import classify
from zhike.kernel.keeping import CARE, IDENTITY, keep
from zhike.kernel.models import Base
from zhike.organisation.models import Unit
from zhike.ui.mirrors import Mirror

# The tokens and the unit as one more: an index over both finds a name within some units at once.
PLACED_TOKENS: models.Func = models.Func(
    "search_tokens",
    "unit",
    arg_joiner=", 'u:' || ",
    template="array_append(%(expressions)s::text)",
    output_field=ArrayField(models.TextField()),
)


NOBODY = UUID(int=0)


@lru_cache
def _page() -> tuple[str, str]:
    """What stands around the id in the address of a page, made once: a list of fifty has a hundred of them."""
    before, _id, after = reverse("customers:party", kwargs={"public_id": NOBODY}).partition(
        str(NOBODY)
    )
    return before, after


class Party(Base):
    """A person or an organisation: a prospect, a customer or a former customer of the institution.

    `provenance` maps a field to {"source", "on", "verified_on"}: where its value came from and when.
    `search_tokens` are built by `names.search_tokens`; `name_key` sorts names by pinyin under C collation.
    """

    class Kind(models.TextChoices):
        PERSON = "person", _("person")
        ORGANISATION = "organisation", _("organisation")

    class Stage(models.TextChoices):
        PROSPECT = "prospect", _("prospect")
        CUSTOMER = "customer", _("customer")
        FORMER = "former", _("former customer")

    class Type(models.TextChoices):
        """Who they are to us; drives fields, segments and the department in charge (R-005)."""

        INDIVIDUAL = "individual", _("individual")
        HOUSEHOLD_BUSINESS = "household_business", _("self-employed")
        FARMER = "farmer", _("farming household")
        COMPANY = "company", _("company")
        INSTITUTION = "institution", _("public institution")
        FINANCIAL = "financial", _("financial institution")
        GOVERNMENT = "government", _("government")
        DEALER = "dealer", _("dealer")
        PARTNER = "partner", _("partner")

    class Sex(models.TextChoices):
        FEMALE = "F", _("female")
        MALE = "M", _("male")

    scope = PartyScope()
    mirror = Mirror("standing", ("kind", "stage", "type", "unit"))
    field_classes = classify(
        open="kind stage type unit sample",
        c1="since_on until_on occupation industry education marital_status employees_count provenance",
        c2="name name_key search_tokens sex birth_on lunar_birthday note",
    )
    keeping = keep(
        "pk",
        CARE,
        (IDENTITY, "name name_key sex birth_on occupation since_on until_on"),
        derived="name_key search_tokens",
    )

    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    stage = models.CharField(
        _("stage"), max_length=10, choices=Stage.choices, default=Stage.CUSTOMER
    )
    type = models.CharField(_("type"), max_length=20, choices=Type.choices)
    name = models.CharField(pgettext_lazy("of a customer", "name"), max_length=200)
    name_key = models.CharField(max_length=200, editable=False, default="", db_collation="C")
    search_tokens: ArrayField[Any, Any] = ArrayField(
        models.TextField(), default=list, editable=False
    )
    sex = models.CharField(_("sex"), max_length=1, choices=Sex.choices, blank=True)
    birth_on = models.DateField(_("born or founded on"), null=True, blank=True)
    lunar_birthday = models.BooleanField(_("birthday by the lunar calendar"), default=False)
    occupation = models.CharField(_("occupation"), max_length=80, blank=True)
    industry = models.CharField(_("industry"), max_length=80, blank=True)
    education = models.CharField(_("education"), max_length=40, blank=True)
    marital_status = models.CharField(_("marital status"), max_length=20, blank=True)
    employees_count = models.PositiveIntegerField(_("number of employees"), null=True, blank=True)
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="parties", verbose_name=_("unit"))
    since_on = models.DateField(_("with us since"), null=True, blank=True)
    until_on = models.DateField(_("left us on"), null=True, blank=True)
    note = models.TextField(_("note"), blank=True)
    sample = models.BooleanField(_("sample data"), default=False)
    provenance = models.JSONField(default=dict, editable=False)

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        indexes = (
            GinIndex(PLACED_TOKENS, name="party_by_tokens"),
            models.Index(fields=["unit", "name_key", "id"], name="party_by_unit_name"),
            models.Index(fields=["name_key", "id"], name="party_by_name"),
        )

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        before, after = _page()
        return f"{before}{self.public_id}{after}"
