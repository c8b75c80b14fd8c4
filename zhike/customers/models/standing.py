"""Tiers, and where a party stands on the books today."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.utils.translation import gettext_lazy as _

from zhike.customers.models.parties import Party
from zhike.customers.scopes import MirrorScope
from zhike.kernel.classes import classify
from zhike.kernel.keeping import VALUE, keep
from zhike.kernel.models import Base
from zhike.kernel.money import MoneyField
from zhike.kernel.scope import SignedIn, Via
from zhike.organisation.models import Unit


class Tier(Base):
    """A service level (普通 … 私行). Who gets it is decided by thresholds on named numbers, which are data."""

    scope = SignedIn()
    field_classes = classify(open="code name rank contact_every_days colour")

    code = models.CharField(_("code"), max_length=20, unique=True)
    name = models.CharField(_("name"), max_length=40)
    rank = models.PositiveSmallIntegerField(_("rank"), unique=True)
    contact_every_days = models.PositiveSmallIntegerField(_("contact at least every (days)"))
    colour = models.CharField(max_length=20, default="secondary")

    class Meta:
        verbose_name = _("tier")
        ordering = ("rank",)

    def __str__(self) -> str:
        return self.name


class TierRating(Base):
    """The tier a party had over a range of dates, and why."""

    scope = Via("party")
    field_classes = classify(open="party tier", c1="during reason figures")
    keeping = keep("party", VALUE)

    party = models.ForeignKey(Party, models.CASCADE, related_name="tier_ratings")
    tier = models.ForeignKey(Tier, models.PROTECT, related_name="ratings")
    during = DateRangeField(_("during"))
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    figures = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("tier rating")
        constraints = (
            ExclusionConstraint(
                name="one_tier_at_a_time",
                expressions=(
                    ("party", RangeOperators.EQUAL),
                    ("during", RangeOperators.OVERLAPS),
                ),
            ),
        )


class Standing(Base):
    """Where a party stands on the institution's books today: what lists sort, filter and count by.

    A projection of scores, ratings and contacts, rewritten by `services.record_standings` only where it changed.
    Money in the institution's currency. The database itself adds the row with the party and repeats the party's
    unit, stage, kind and type here (`Party.mirror`), so that a whole result is counted from one narrow table.
    """

    class ValueClass(models.TextChoices):
        """Current value × potential value (R-025)."""

        HIGH = "high", _("high value")
        SECOND = "second", _("second value")
        POTENTIAL = "potential", _("potential value")
        LOW = "low", _("low value")

    scope = MirrorScope("party")
    field_classes = classify(
        open="party unit stage kind type tier value_class as_of",
        c1="last_contact_on contact_every_days",
        c2="balance contribution current_value potential_value",
    )
    keeping = keep("party", VALUE)

    party = models.OneToOneField(Party, models.CASCADE, related_name="standing")
    # The party's own columns are held to what there is; these follow them.
    unit = models.ForeignKey(
        Unit, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    stage = models.CharField(max_length=10, choices=Party.Stage.choices, editable=False)
    kind = models.CharField(max_length=12, choices=Party.Kind.choices, editable=False)
    type = models.CharField(max_length=20, choices=Party.Type.choices, editable=False)
    tier = models.ForeignKey(
        Tier, models.PROTECT, null=True, related_name="standings", db_index=False
    )
    value_class = models.CharField(
        _("value class"), max_length=10, choices=ValueClass.choices, blank=True
    )
    balance = MoneyField(_("balance"), default=0)
    contribution = MoneyField(_("contribution, 12 months"), default=0)
    current_value = models.DecimalField(
        _("current value"), max_digits=6, decimal_places=2, null=True
    )
    potential_value = models.DecimalField(
        _("potential value"), max_digits=6, decimal_places=2, null=True
    )
    last_contact_on = models.DateField(_("last contact"), null=True)
    contact_every_days = models.PositiveSmallIntegerField(
        _("contact at least every (days)"), null=True
    )
    as_of = models.DateField(_("as of"), null=True)

    class Meta:
        verbose_name = _("standing")
        # Each holds the unit and the stage, so that a walk in its order never looks a row up to leave it out;
        # the last holds all that whole results are added up from.
        indexes = (
            *(
                models.Index(fields=[*order, "party"], include=["unit", "stage"], name=name)
                for order, name in (
                    (["balance"], "standing_by_balance"),
                    (["contribution"], "standing_by_contribution"),
                    (["last_contact_on"], "standing_by_contact"),
                    (["tier", "balance"], "standing_by_tier"),
                )
            ),
            models.Index(
                fields=["unit"],
                include=[
                    *("party", "stage", "kind", "type", "tier", "value_class"),
                    *("balance", "contribution", "last_contact_on"),
                ],
                name="standing_by_unit",
            ),
        )
