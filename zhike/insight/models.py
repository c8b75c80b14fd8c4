"""Runs, scores and thresholds: decisions about facts, kept with their date, version and reasons."""

from __future__ import annotations

from typing import ClassVar, Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.utils.translation import gettext_lazy as _

from zhike.customers.models import Party, Standing, Tier
from zhike.insight.scopes import TargetScope
from zhike.kernel.classes import classify
from zhike.kernel.keeping import NOBODY, OWN, VALUE, keep
from zhike.kernel.models import Base, ScopedManager
from zhike.kernel.money import MoneyField
from zhike.kernel.scope import Holders, OfUnits, SignedIn, Via
from zhike.organisation.models import Employee, Unit


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
    `reasons` maps a metric's name to the figures that made it. Beside them, as columns, what many customers are
    counted and compared by: where they belonged on the day, tier, class, and whether the tier is about to change.
    """

    class Outlook(models.TextChoices):
        """Near the next tier, or below the terms of one that is still held."""

        UP = "up", _("about to rise")
        DOWN = "down", _("about to fall")

    scope = Via("party", permission="insight.view")
    field_classes = classify(
        open="party run as_of unit manager tier value_class outlook",
        c2="values reasons balance contribution",
    )
    keeping = keep("party", VALUE)

    party = models.ForeignKey(Party, models.CASCADE, related_name="scores")
    run = models.ForeignKey(RefreshRun, models.CASCADE, related_name="scores")
    as_of = models.DateField(_("as of"))
    unit = models.ForeignKey(Unit, models.PROTECT, null=True, related_name="+", db_index=False)
    manager = models.ForeignKey(
        Employee, models.PROTECT, null=True, related_name="+", db_index=False
    )
    tier = models.ForeignKey(Tier, models.PROTECT, null=True, related_name="+", db_index=False)
    value_class = models.CharField(
        _("value class"), max_length=10, choices=Standing.ValueClass.choices, blank=True
    )
    outlook = models.CharField(max_length=4, choices=Outlook.choices, blank=True)
    balance = MoneyField(_("balance"), default=0)
    contribution = MoneyField(_("contribution, 12 months"), default=0)
    values = models.JSONField(default=dict)
    reasons = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("score")
        constraints = (
            models.UniqueConstraint(
                fields=("as_of", "party"),
                name="one_score_a_party_and_day",
                include=(
                    "unit",
                    "manager",
                    "tier",
                    "value_class",
                    "outlook",
                    "balance",
                    "contribution",
                ),
            ),
        )
        indexes = (
            # Each holds what a walk in its order leaves customers out by.
            models.Index(
                fields=["as_of", "balance", "id"],
                include=["party", "unit", "manager", "tier", "value_class"],
                name="score_by_balance",
            ),
            models.Index(
                fields=["as_of", "unit", "balance", "id"],
                include=["party", "manager", "tier", "value_class", "outlook", "contribution"],
                name="score_by_unit",
            ),
            models.Index(fields=["manager", "as_of"], name="score_by_manager"),
            models.Index(
                fields=["as_of", "outlook", "balance", "id"],
                name="score_about_to_move",
                condition=~models.Q(outlook=""),
            ),
        )


class Figures(models.Model):
    """The newest score of a customer with a typed column a metric: what lists of customers are narrowed by.

    Score keeps the days as JSON; this is one narrow row a customer, so that a million are walked in a moment.
    What `Standing` holds is not repeated. Names are those of the catalogue.
    """

    scope = Via("party", permission="insight.view")
    field_classes = classify(
        open="party movements_12m last_movement_on rfm_recency rfm_frequency rfm_monetary abc_class "
        "in_top20 agreements_held categories_held holdings_gap",
        c2="loan_balance average_balance balance_before balance_change_3m inflow_12m outflow_12m "
        "net_interest_liability net_interest_asset net_interest_intermediary fee_income_12m "
        "service_cost_12m tier_gap profit_contribution_rate input_output_ratio rank_contribution "
        "rank_balance rank_growth rank_inflow",
    )
    keeping = keep("party", VALUE)

    party = models.OneToOneField(Party, models.CASCADE, primary_key=True, related_name="figures")
    loan_balance = MoneyField(null=True)
    average_balance = MoneyField(null=True)
    balance_before = MoneyField(null=True)
    balance_change_3m = MoneyField(null=True)
    inflow_12m = MoneyField(null=True)
    outflow_12m = MoneyField(null=True)
    movements_12m = models.IntegerField(null=True)
    last_movement_on = models.DateField(null=True)
    net_interest_liability = MoneyField(null=True)
    net_interest_asset = MoneyField(null=True)
    net_interest_intermediary = MoneyField(null=True)
    fee_income_12m = MoneyField(null=True)
    service_cost_12m = MoneyField(null=True)
    tier_gap = MoneyField(null=True)
    profit_contribution_rate = models.FloatField(null=True)
    input_output_ratio = models.FloatField(null=True)
    rfm_recency = models.SmallIntegerField(null=True)
    rfm_frequency = models.SmallIntegerField(null=True)
    rfm_monetary = models.SmallIntegerField(null=True)
    abc_class = models.CharField(max_length=1, blank=True)
    in_top20 = models.BooleanField(null=True)
    rank_contribution = models.FloatField(null=True)
    rank_balance = models.FloatField(null=True)
    rank_growth = models.FloatField(null=True)
    rank_inflow = models.FloatField(null=True)
    holdings_gap = models.FloatField(null=True)
    agreements_held = models.SmallIntegerField(null=True)
    categories_held = models.SmallIntegerField(null=True)

    objects: ClassVar[ScopedManager[Self]] = ScopedManager()

    class Meta:
        verbose_name = _("figures")


class Curve(Base):
    """How much hangs on how few of a unit's customers on a day, with all below it; without a unit the institution's.

    `figures` is a `queries.Concentration`.
    """

    scope = OfUnits("insight.view")
    field_classes = classify(open="as_of unit measure", c1="figures")
    keeping = keep(NOBODY, OWN)

    as_of = models.DateField(_("as of"))
    unit = models.ForeignKey(Unit, models.CASCADE, null=True, related_name="+", db_index=False)
    measure = models.CharField(max_length=12)
    figures = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("curve")
        constraints = (
            models.UniqueConstraint(
                fields=("as_of", "unit", "measure"), name="one_curve_a_day", nulls_distinct=False
            ),
        )


class Tally(Base):
    """How many customers were in which tier and class on `since`, and where they are on `as_of`: counts and sums a
    unit and main manager, written by the refresh so that a page over a million customers adds up a few rows.

    `since` equal to `as_of` is the structure of a day (nothing before). Otherwise "before" is what the same
    customers were: a tier and class before that are empty are new customers, those now that are empty have gone.
    Unit and manager are those of `as_of`, of the gone those of `since`.
    """

    scope = OfUnits("insight.view")
    field_classes = classify(
        open="since as_of unit manager tier_before tier class_before value_class outlook customers",
        c1="balance_before balance contribution_before contribution",
    )
    keeping = keep(NOBODY, OWN)

    since = models.DateField()
    as_of = models.DateField(_("as of"))
    unit = models.ForeignKey(Unit, models.PROTECT, null=True, related_name="+", db_index=False)
    manager = models.ForeignKey(
        Employee, models.PROTECT, null=True, related_name="+", db_index=False
    )
    tier_before = models.ForeignKey(
        Tier, models.PROTECT, null=True, related_name="+", db_index=False
    )
    tier = models.ForeignKey(Tier, models.PROTECT, null=True, related_name="+", db_index=False)
    class_before = models.CharField(max_length=10, blank=True)
    value_class = models.CharField(max_length=10, blank=True)
    outlook = models.CharField(max_length=4, blank=True)
    customers = models.PositiveIntegerField(_("customers"))
    balance_before = MoneyField(default=0)
    balance = MoneyField(_("balance"), default=0)
    contribution_before = MoneyField(default=0)
    contribution = MoneyField(_("contribution, 12 months"), default=0)

    class Meta:
        verbose_name = _("tally")
        indexes = (models.Index(fields=["as_of", "since", "unit"], name="tally_by_day"),)


class Move(models.Model):
    """Who changed tier or class, came or went between two days: a few among the many whom `Tally` counts.

    Written by the refresh from each kept day to the next and since the end of the month before, for pages that name
    the customers. `is_new` had no score on `since`, `is_gone` has none on `as_of`. Unit, manager and balance are those
    of `as_of`, of the gone those of `since`.
    """

    scope = Via("party", permission="insight.view")
    field_classes = classify(
        open="since as_of party unit manager tier_before tier class_before value_class is_new is_gone",
        c2="balance",
    )
    keeping = keep("party", VALUE)

    since = models.DateField()
    as_of = models.DateField(_("as of"))
    party = models.ForeignKey(Party, models.CASCADE, related_name="+")
    unit = models.ForeignKey(Unit, models.PROTECT, null=True, related_name="+", db_index=False)
    manager = models.ForeignKey(
        Employee, models.PROTECT, null=True, related_name="+", db_index=False
    )
    tier_before = models.ForeignKey(
        Tier, models.PROTECT, null=True, related_name="+", db_index=False
    )
    tier = models.ForeignKey(Tier, models.PROTECT, null=True, related_name="+", db_index=False)
    class_before = models.CharField(max_length=10, blank=True)
    value_class = models.CharField(max_length=10, blank=True)
    is_new = models.BooleanField()
    is_gone = models.BooleanField()
    balance = MoneyField(_("balance"))

    objects: ClassVar[ScopedManager[Self]] = ScopedManager()

    class Meta:
        verbose_name = _("move")
        constraints = (
            models.UniqueConstraint(
                fields=("as_of", "since", "party"), name="one_move_a_party_and_pair"
            ),
        )
        indexes = (
            # Holds all that a walk from the largest down leaves customers out by.
            models.Index(
                fields=["as_of", "since", "balance", "id"],
                include=[
                    "party",
                    "unit",
                    "manager",
                    "tier_before",
                    "tier",
                    "class_before",
                    "value_class",
                    "is_new",
                    "is_gone",
                ],
                name="move_by_balance",
            ),
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


class Target(Base):
    """What a person or a unit is to reach by the end of a period, in a named metric of a portfolio."""

    class Period(models.TextChoices):
        MONTH = "month", _("month")
        QUARTER = "quarter", _("quarter")
        YEAR = "year", _("year")

    scope = TargetScope()
    field_classes = classify(open="metric employee unit period starts_on amount set_by")

    metric = models.CharField(_("metric"), max_length=80)
    employee = models.ForeignKey(Employee, models.CASCADE, null=True, related_name="targets")
    unit = models.ForeignKey(Unit, models.CASCADE, null=True, related_name="targets")
    period = models.CharField(_("period"), max_length=10, choices=Period.choices)
    starts_on = models.DateField(_("begins on"))
    amount = models.DecimalField(_("target"), max_digits=20, decimal_places=2)
    set_by = models.CharField(_("set by"), max_length=80)

    class Meta:
        verbose_name = _("target")
        constraints = (
            models.UniqueConstraint(
                fields=("metric", "employee", "unit", "period", "starts_on"),
                name="one_target_a_metric_and_period",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="target_of_a_person_or_a_unit",
                condition=models.Q(employee__isnull=False, unit__isnull=True)
                | models.Q(employee__isnull=True, unit__isnull=False),
            ),
        )
