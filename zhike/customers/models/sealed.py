"""What is sealed at rest: documents, contact points, addresses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from zhike.access.masks import MASKS
from zhike.customers.models.parties import Party
from zhike.kernel import crypto
from zhike.kernel.classes import FieldClass, classify
from zhike.kernel.keeping import IDENTITY, keep
from zhike.kernel.models import Base
from zhike.kernel.scope import Via


class SealedValue(Base):
    """A class C2 value: sealed, found by its blind index and by the last four, shown masked."""

    sealed = models.BinaryField(editable=False)
    blind = models.BinaryField(editable=False, max_length=16)
    tail = models.BinaryField(editable=False, max_length=16)
    source = models.CharField(_("source"), max_length=40, blank=True)
    observed_on = models.DateField(_("seen on"), null=True, blank=True)
    verified_on = models.DateField(_("verified on"), null=True, blank=True)

    class Meta:
        abstract = True

    @property
    def place(self) -> str:
        return f"{self._meta.db_table}.sealed:{self.public_id}"

    @property
    def mask_kind(self) -> str:
        raise NotImplementedError

    def in_clear(self) -> str:
        """Only for a reveal that is on record, an export with the right, or the system's own matching."""
        return crypto.decrypt(bytes(self.sealed), self.place)

    @property
    def masked(self) -> str:
        return MASKS[self.mask_kind](self.in_clear())


SEALED_CLASSES: dict[str, FieldClass] = {
    **dict.fromkeys(("sealed", "blind", "tail"), FieldClass.C2),
    **dict.fromkeys(("source", "observed_on", "verified_on"), FieldClass.C1),
}


class Identifier(SealedValue):
    """A document or registration that names the party.

    Whoever enters one that another customer in their sight has is sent there. Of a customer out of sight they learn
    nothing: the value stands with both until a person has judged whether they are one (`claim_keepers`).
    """

    class Kind(models.TextChoices):
        RESIDENT_ID = "resident_id", _("resident identity card")
        PASSPORT = "passport", _("passport")
        CREDIT_CODE = "credit_code", _("unified social credit code")
        SOURCE_NUMBER = "source_number", _("number in a source system")

    scope = Via("party")
    field_classes: ClassVar[Mapping[str, FieldClass]] = {
        **classify(open="party kind"),
        **SEALED_CLASSES,
    }
    keeping = keep("party", IDENTITY, derived="blind tail")

    party = models.ForeignKey(Party, models.CASCADE, related_name="identifiers")
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)

    class Meta:
        verbose_name = _("identifier")
        constraints = (
            models.UniqueConstraint(
                fields=("party", "kind", "blind"), name="identifier_once_a_party"
            ),
        )
        indexes = (
            models.Index(fields=["blind"], name="identifier_by_blind"),
            models.Index(fields=["tail"], name="identifier_by_tail"),
        )

    @property
    def mask_kind(self) -> str:
        return "identity"


class ContactPoint(SealedValue):
    class Kind(models.TextChoices):
        MOBILE = "mobile", _("mobile")
        PHONE = "phone", _("telephone")
        EMAIL = "email", _("e-mail")
        WECHAT = "wechat", _("WeChat")

    scope = Via("party")
    field_classes: ClassVar[Mapping[str, FieldClass]] = {
        **classify(open="party kind is_preferred", c1="label"),
        **SEALED_CLASSES,
    }
    keeping = keep("party", IDENTITY, derived="blind tail")

    party = models.ForeignKey(Party, models.CASCADE, related_name="contact_points")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    label = models.CharField(_("label"), max_length=40, blank=True)
    is_preferred = models.BooleanField(_("preferred"), default=False)

    class Meta:
        verbose_name = _("contact point")
        constraints = (
            models.UniqueConstraint(
                fields=("party", "kind", "blind"), name="contact_point_once_a_party"
            ),
        )
        indexes = (
            models.Index(fields=["blind"], name="contact_by_blind"),
            models.Index(fields=["tail"], name="contact_by_tail"),
        )

    @property
    def mask_kind(self) -> str:
        return self.kind


class Address(SealedValue):
    class Kind(models.TextChoices):
        HOME = "home", _("home")
        WORK = "work", _("work")
        REGISTERED = "registered", _("registered")
        MAILING = "mailing", _("mailing")

    scope = Via("party")
    field_classes: ClassVar[Mapping[str, FieldClass]] = {
        **classify(open="party kind", c1="region"),
        **SEALED_CLASSES,
    }
    keeping = keep("party", IDENTITY, derived="blind tail")

    party = models.ForeignKey(Party, models.CASCADE, related_name="addresses")
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    region = models.CharField(_("province and city"), max_length=80, blank=True)

    class Meta:
        verbose_name = _("address")
        constraints = (
            models.UniqueConstraint(fields=("party", "kind", "blind"), name="address_once_a_party"),
        )

    @property
    def mask_kind(self) -> str:
        return "address"
