"""Runs, scores and thresholds: decisions about facts, kept with their date, version and reasons."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.utils.translation import gettext_lazy as _

from zhike.customers.models import Party
from zhike.kernel.classes import classify
from zhike.kernel.models import Base
from zhike.kernel.scope import Holders, SignedIn, Via
from zhike.organisation.models import Unit


class RefreshRun(Base):
    """One refresh of marts and scores. `snapshot` maps a warehouse table to the version that was read."""

    class State(models.TextChoices):
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    scope = Holders("insight.view")
    field_classes = classify(
        open="as_of state model_version snapshot counts started_at ended_at error"
    )

    as_of = models.DateField(_("as of"))
    state = models.CharField(
        _("state"), max_length=10, choices=State.choices, default=State.RUNNING
    )
    model_version = models.CharField(_("version"), max_length=40)
    snapshot = models.JSONField(default=dict)
    counts = models.JSONField(default=dict)
    started_at = models.DateTimeField(_("started"))
    ended_at = models.DateTimeField(_("ended"), null=True)
    error = models.TextField(blank=True)

    class Meta:
        verbose_name = _("refresh")


class Score(Base):
    """What one customer was worth on one date, by named metric, with the reasons in figures.

    `values` maps a metric's name to its value (money as text, classes as their code);
    `reasons` maps a metric's name to the figures that made it.
    """

    scope = Via("party", permission="insight.view")
    field_classes = classify(open="party run as_of", c2="values reasons")

    party = models.ForeignKey(Party, models.CASCADE, related_name="scores")
    run = models.ForeignKey(RefreshRun, models.CASCADE, related_name="scores")
    as_of = models.DateField(_("as of"))
    values = models.JSONField(default=dict)
    reasons = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("score")
        constraints = (
            models.UniqueConstraint(fields=("party", "as_of"), name="one_score_a_party_and_day"),
        )


class Threshold(Base):
    """A number that a rule compares with, over a range of dates; a unit may have its own (R-037).

    `name` is "<rule>.<metric>" such as "tier.gold.balance" or "work.idle_inflow.amount".
    """

    scope = SignedIn()
    field_classes = classify(open="name unit value during reason")

    name = models.CharField(_("name"), max_length=80)
    unit = models.ForeignKey(Unit, models.CASCADE, null=True, blank=True)
    value = models.DecimalField(_("value"), max_digits=20, decimal_places=4)
    during = DateRangeField(_("during"))
    reason = models.CharField(_("reason"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("threshold")
        constraints = (
            ExclusionConstraint(
                name="threshold_does_not_overlap",
                expressions=(
                    ("name", RangeOperators.EQUAL),
                    (models.functions.Coalesce("unit", 0), RangeOperators.EQUAL),
                    ("during", RangeOperators.OVERLAPS),
                ),
            ),
        )
