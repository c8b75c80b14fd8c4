"""Work on a named person's page."""

from __future__ import annotations

from uuid import uuid4

from django.db import models
from django.db.models.functions import Greatest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from zhike.activities.scopes import WorkScope
from zhike.customers.models import Party
from zhike.kernel.classes import classify
from zhike.kernel.keeping import CARE, keep
from zhike.kernel.models import Base
from zhike.kernel.scope import Via
from zhike.organisation.models import Employee


class WorkItem(Base):
    """One line of somebody's list: a customer, why, with which figures, by when, and what came of it.

    One open item stands for a (party, rule): the daily run refreshes it and closes it when its reason is gone.
    A promise is written by a person; there may be several, and the daily run leaves them alone.
    `figures` holds the numbers behind the reason by name, money as text. An open item with `postponed_until`
    after today waits; `plan_on` is the day it stands on the list for. `closed_with` is the item whose contact
    settled this one too; before `quiet_until` the same reason does not open another.
    """

    class Rule(models.TextChoices):
        VALUE_FELL = "value_fell", _("value fell")
        IDLE_INFLOW = "idle_inflow", _("large inflow lies idle")
        MATURING = "maturing", _("product matures")
        TIER_UP = "tier_up", _("close to a higher tier")
        TIER_DOWN = "tier_down", _("about to lose the tier")
        NO_CONTACT = "no_contact", _("no contact for the tier's period")
        BIRTHDAY = "birthday", _("birthday")
        PROMISE = "promise", _("follow-up")

    class State(models.TextChoices):
        OPEN = "open", _("open")
        DONE = "done", _("done")
        DISMISSED = "dismissed", _("dismissed")
        LAPSED = "lapsed", _("reason gone")

    class Useless(models.TextChoices):
        """Why a line was of no use: what the rules learn from."""

        SETTLED = "settled", _("already settled")
        NOT_WANTED = "not_wanted", _("the customer does not want it")
        WRONG = "wrong", _("the figures are wrong")
        OTHER = "other", _("another reason")

    scope = WorkScope()
    field_classes = classify(
        open="party employee rule state priority due_on found_on closed_at postponed_until plan_on "
        "useless_because closed_with quiet_until",
        c1="result",
        c2="figures",
    )
    keeping = keep("party", CARE)

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
    postponed_until = models.DateField(_("put off until"), null=True)
    plan_on = models.GeneratedField(
        expression=Greatest("due_on", "postponed_until"),
        output_field=models.DateField(_("planned for")),
        db_persist=True,
    )
    useless_because = models.CharField(
        _("not useful because"), max_length=10, choices=Useless.choices, blank=True
    )
    closed_with = models.ForeignKey("self", models.SET_NULL, null=True, related_name="closed_along")
    quiet_until = models.DateField(_("quiet until"), null=True)

    class Meta:
        verbose_name = _("work item")
        indexes = (
            models.Index(fields=["employee", "state", "plan_on"], name="work_today"),
            models.Index(fields=["employee", "closed_at"], name="work_closed"),
            models.Index(fields=["employee", "found_on"], name="work_found"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("party", "rule"),
                condition=models.Q(state="open") & ~models.Q(rule="promise"),
                name="one_open_item_a_reason",
            ),
        )

    def __str__(self) -> str:
        return self.party.name

    def get_absolute_url(self) -> str:
        """The page of its customer."""
        return self.party.get_absolute_url()


class Handing(Base):
    """A head put a line on somebody else's list: from whom, to whom, why. Who looks after the customer stays.

    What was given together has one `batch`. With `assists` the receiver was made the customer's assistant for
    it, so as to see the customer. It is in force until it is taken back or the line moves on.
    """

    scope = Via("item")
    field_classes = classify(
        open="item batch giver receiver by at assists taken_back_at", c1="reason"
    )
    keeping = keep("item__party", CARE)

    item = models.ForeignKey(WorkItem, models.CASCADE, related_name="handings")
    batch = models.UUIDField(default=uuid4, db_index=True)
    giver = models.ForeignKey(Employee, models.PROTECT, related_name="lines_given")
    receiver = models.ForeignKey(Employee, models.PROTECT, related_name="lines_received")
    by = models.ForeignKey(Employee, models.PROTECT, null=True, related_name="lines_handed_over")
    reason = models.CharField(_("reason"), max_length=200)
    at = models.DateTimeField(_("handed over"))
    assists = models.BooleanField(default=False)
    taken_back_at = models.DateTimeField(_("taken back"), null=True)

    class Meta:
        verbose_name = _("handing over of a line")
