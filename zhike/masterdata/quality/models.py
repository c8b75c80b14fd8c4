"""How good what is known of each customer is, what that comes to a unit, and the rules as somebody set them."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _

from zhike.customers.models import Party
from zhike.kernel.classes import classify
from zhike.kernel.keeping import QUALITY, keep
from zhike.kernel.models import Base, ScopedManager
from zhike.kernel.scope import OfUnits, SignedIn, SystemOnly, Via
from zhike.organisation.models import Unit


class Quality(models.Model):
    """One customer's data quality: 0 to 100 on the whole and by dimension, and the codes of the rules that are broken.

    `to_verify` counts the facts nobody confirmed for too long. `next_on` is the day from which another rule is broken
    if nothing is done. Written by `services.quality.measure`.
    """

    scope = Via("party")
    field_classes = classify(
        open="party score complete plausible consistent fresh verified to_verify next_on",
        c1="broken",
    )
    keeping = keep("party", QUALITY)

    party = models.OneToOneField(Party, models.CASCADE, primary_key=True, related_name="quality")
    score = models.SmallIntegerField(_("score"))
    complete = models.SmallIntegerField(_("complete"))
    plausible = models.SmallIntegerField(_("plausible"))
    consistent = models.SmallIntegerField(_("consistent"))
    fresh = models.SmallIntegerField(_("fresh"))
    verified = models.SmallIntegerField(_("verified"))
    to_verify = models.SmallIntegerField(_("to verify"))
    next_on = models.DateField(null=True)
    broken: ArrayField[Any, Any] = ArrayField(models.CharField(max_length=40), default=list)

    objects: ClassVar[ScopedManager[Self]] = ScopedManager()

    class Meta:
        verbose_name = _("data quality")
        indexes = (
            models.Index(fields=["score", "party"], name="quality_by_score"),
            models.Index(fields=["next_on"], name="quality_due"),
            GinIndex(fields=["broken"], name="quality_by_rule"),
            models.Index(
                fields=["party"], name="quality_to_verify", condition=models.Q(to_verify__gt=0)
            ),
        )


class QualityTally(models.Model):
    """Sums of a day over the customers of one unit (that alone): of all, or by main manager, source or broken rule.

    `key` is the employee's or system's id or the rule's code as text, "" for customers without any. Scores are
    sums, so that units add up. Earlier days are kept, but for the rules.
    """

    class By(models.TextChoices):
        UNIT = "unit", _("unit")
        OWNER = "owner", _("main manager")
        SYSTEM = "system", _("source system")
        RULE = "rule", _("rule")

    scope = OfUnits("insight.view")
    field_classes = classify(
        open="as_of unit by key customers score complete plausible consistent fresh verified to_verify"
    )

    as_of = models.DateField(_("as of"))
    unit = models.ForeignKey(Unit, models.CASCADE, related_name="+")
    by = models.CharField(max_length=6, choices=By.choices)
    key = models.CharField(max_length=40)
    customers = models.BigIntegerField()
    score = models.BigIntegerField()
    complete = models.BigIntegerField()
    plausible = models.BigIntegerField()
    consistent = models.BigIntegerField()
    fresh = models.BigIntegerField()
    verified = models.BigIntegerField()
    to_verify = models.BigIntegerField()

    objects: ClassVar[ScopedManager[Self]] = ScopedManager()

    class Meta:
        indexes = (
            models.Index(fields=["by", "as_of", "unit"], name="quality_tally_by_day"),
            models.Index(fields=["by", "key", "as_of"], name="quality_tally_by_key"),
        )


class QualityRule(Base):
    """Terms of one rule of `quality.rules` where they are not the usual ones; no `types` means all."""

    scope = SignedIn()
    field_classes = classify(open="code weight days types")

    code = models.CharField(_("rule"), max_length=40, unique=True)
    weight = models.PositiveSmallIntegerField(_("weight"))
    days = models.PositiveSmallIntegerField(_("days"), default=0)
    types: ArrayField[Any, Any] = ArrayField(
        models.CharField(max_length=20, choices=Party.Type.choices),
        verbose_name=_("types of customers"),
        default=list,
        blank=True,
    )

    class Meta:
        verbose_name = _("rule of data quality")


class QualityRun(Base):
    """One measuring. `terms` is a digest of the rules it went by; `whole` says that every customer was measured."""

    scope = SignedIn()
    field_classes = classify(open="as_of whole terms measured changed ended_at")

    as_of = models.DateField(_("as of"))
    whole = models.BooleanField()
    terms = models.CharField(max_length=64)
    measured = models.BigIntegerField()
    changed = models.BigIntegerField()
    ended_at = models.DateTimeField()

    class Meta:
        verbose_name = _("measuring of data quality")


class QualityTouched(models.Model):
    """Customers of whom something was written since they were measured, put down by the database itself."""

    scope = SystemOnly()
    field_classes = classify(open="party_id")
    keeping = keep("party_id", QUALITY)

    party_id = models.BigIntegerField()

    objects: ClassVar[ScopedManager[Self]] = ScopedManager()
