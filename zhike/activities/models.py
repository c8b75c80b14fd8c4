"""Work on a named person's page."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from zhike.activities.scopes import WorkScope
from zhike.customers.models import Party
from zhike.kernel.classes import classify
from zhike.kernel.models import Base
from zhike.organisation.models import Employee


class WorkItem(Base):
    """One line of somebody's list: a customer, why, with which figures, by when, and what came of it.

    One open item stands for a (party, rule): the daily run refreshes it and closes it when its reason is gone.
    `figures` holds the numbers behind the reason by name, money as text.
    """

    class Rule(models.TextChoices):
        VALUE_FELL = "value_fell", _("value fell")
        IDLE_INFLOW = "idle_inflow", _("large inflow lies idle")
        MATURING = "maturing", _("product matures")
        TIER_UP = "tier_up", _("close to a higher tier")
        TIER_DOWN = "tier_down", _("about to lose the tier")
        NO_CONTACT = "no_contact", _("no contact for the tier's period")
        BIRTHDAY = "birthday", _("birthday")

    class State(models.TextChoices):
        OPEN = "open", _("open")
        DONE = "done", _("done")
        DISMISSED = "dismissed", _("dismissed")
        LAPSED = "lapsed", _("reason gone")

    scope = WorkScope()
    field_classes = classify(
        open="party employee rule state priority due_on found_on closed_at",
        c1="result",
        c2="figures",
    )

    party = models.ForeignKey(Party, models.CASCADE, related_name="work_items")
    employee = models.ForeignKey(Employee, models.PROTECT, related_name="work_items")
    rule = models.CharField(_("why"), max_length=20, choices=Rule.choices)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.OPEN)
    priority = models.PositiveSmallIntegerField(_("priority"), default=50)
    due_on = models.DateField(pgettext_lazy("deadline", "by"))
    found_on = models.DateField(_("found on"))
    figures = models.JSONField(default=dict)
    closed_at = models.DateTimeField(_("closed"), null=True)
    result = models.CharField(_("result"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("work item")
        indexes = (
            models.Index(fields=["employee", "state", "-priority", "due_on"], name="work_today"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("party", "rule"),
                condition=models.Q(state="open"),
                name="one_open_item_a_reason",
            ),
        )
