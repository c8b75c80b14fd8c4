"""Ties over dates: between parties, and between a party and who looks after it."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.utils.translation import gettext_lazy as _

from zhike.customers.models.parties import Party
from zhike.customers.scopes import AssignmentScope
from zhike.kernel.classes import classify
from zhike.kernel.keeping import CARE, keep
from zhike.kernel.models import Base
from zhike.kernel.scope import Via
from zhike.organisation.models import Employee


class Relation(Base):
    """`party` is the `kind` of `other` (party OWNER of other: a person owns a firm), over a range of dates."""

    class Kind(models.TextChoices):
        OWNER = "owner", _("owner")
        AUTHORISED_USER = "authorised_user", _("authorised user")
        GUARANTOR = "guarantor", _("guarantor")
        FAMILY = "family", _("family")
        EMPLOYER = "employer", _("employer")
        GROUP = "group", _("parent of the group")
        DECISION_MAKER = "decision_maker", _("decision maker")

    scope = Via("party")
    field_classes = classify(open="party other kind", c1="during role note source")
    keeping = keep("party other", CARE)

    party = models.ForeignKey(Party, models.CASCADE, related_name="relations")
    other = models.ForeignKey(Party, models.CASCADE, related_name="relations_in")
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    during = DateRangeField(_("during"))
    role = models.CharField(_("role"), max_length=80, blank=True)
    note = models.CharField(_("note"), max_length=200, blank=True)
    source = models.CharField(_("source"), max_length=40, blank=True)

    class Meta:
        verbose_name = _("relation")
        constraints = (
            models.CheckConstraint(
                condition=~models.Q(party=models.F("other")), name="relation_is_between_two"
            ),
            ExclusionConstraint(
                name="relation_does_not_overlap",
                expressions=(
                    ("party", RangeOperators.EQUAL),
                    ("other", RangeOperators.EQUAL),
                    ("kind", RangeOperators.EQUAL),
                    ("during", RangeOperators.OVERLAPS),
                ),
            ),
        )


class Assignment(Base):
    """Who looks after whom, or is let see them for a time, since when and why.

    One main manager at a time; history is never overwritten.
    """

    class Role(models.TextChoices):
        MAIN = "main", _("main manager")
        ASSISTANT = "assistant", _("assistant")
        SHARED = "shared", _("was let see the customer")

    scope = AssignmentScope("party")
    field_classes = classify(open="party employee role", c1="during reason")
    keeping = keep("party", CARE)

    party = models.ForeignKey(Party, models.CASCADE, related_name="assignments")
    employee = models.ForeignKey(Employee, models.PROTECT, related_name="assignments")
    role = models.CharField(_("role"), max_length=10, choices=Role.choices, default=Role.MAIN)
    during = DateRangeField(_("during"))
    reason = models.CharField(_("reason"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("assignment")
        indexes = (models.Index(fields=["employee", "party"], name="assignment_by_employee"),)
        constraints = (
            ExclusionConstraint(
                name="one_main_manager_at_a_time",
                expressions=(
                    ("party", RangeOperators.EQUAL),
                    ("during", RangeOperators.OVERLAPS),
                ),
                condition=models.Q(role="main"),
            ),
            ExclusionConstraint(
                name="assignment_does_not_overlap",
                expressions=(
                    ("party", RangeOperators.EQUAL),
                    ("employee", RangeOperators.EQUAL),
                    ("during", RangeOperators.OVERLAPS),
                ),
            ),
        )
