"""Requests of people about their own data, every step of them, and what the law makes us keep of whom we forgot."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from zhike.customers.models import Party
from zhike.kernel.classes import classify
from zhike.kernel.keeping import AGREED, IDENTITY, Term, keep
from zhike.kernel.models import Base
from zhike.kernel.scope import Holders, Via
from zhike.organisation.models import User
from zhike.privacy.scopes import RequestScope


class SubjectRequest(Base):
    """Somebody asks for a copy of everything, a correction or erasure (个人信息保护法 45 to 47).

    `party` is empty once the customer's data is restricted or erased: `subject` is the public id they had, which
    means nothing by itself, and `key` the key that facts and the trail keep, forgotten with the erasure.
    `answer` is the sealed copy of everything, until it has been handed over and grown old.
    """

    class Kind(models.TextChoices):
        ACCESS = "access", _("a copy of everything")
        CORRECTION = "correction", _("a correction")
        ERASURE = "erasure", pgettext_lazy("a request", "erasure")

    class State(models.TextChoices):
        ASKED = "asked", pgettext_lazy("a request", "asked")
        APPROVED = "approved", pgettext_lazy("a request", "being made")
        READY = "ready", pgettext_lazy("a request", "ready")
        DONE = "done", pgettext_lazy("a request", "done")
        REFUSED = "refused", pgettext_lazy("a request", "refused")
        RESTRICTED = "restricted", pgettext_lazy("a request", "restricted")
        ERASED = "erased", pgettext_lazy("a request", "erased")

    class How(models.TextChoices):
        COUNTER = "counter", _("at the counter")
        LETTER = "letter", _("by letter")
        PHONE = "phone", pgettext_lazy("a request came", "by telephone")
        ONLINE = "online", _("online")

    OPEN = (State.ASKED, State.APPROVED, State.READY)

    scope = RequestScope()
    field_classes = classify(
        open="kind state party subject key how field asked_on due_on asked_by ended_on",
        c1="asked_name answered_name reason",
        c2="words wanted answer",
    )
    keeping = keep("party key", AGREED, derived="answer")

    kind = models.CharField(_("what is asked"), max_length=10, choices=Kind.choices)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.ASKED)
    party = models.ForeignKey(
        Party,
        models.SET_NULL,
        null=True,
        related_name="subject_requests",
        verbose_name=_("customer"),
    )
    subject = models.UUIDField(db_index=True)
    key = models.BigIntegerField(null=True)
    how = models.CharField(_("how it came"), max_length=10, choices=How.choices)
    words = models.CharField(_("in their words"), max_length=500, blank=True)
    field = models.CharField(_("field"), max_length=40, blank=True)
    wanted = models.CharField(_("what it should say"), max_length=200, blank=True)
    asked_on = models.DateField(_("asked on"))
    due_on = models.DateField(_("due on"))
    asked_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    asked_name = models.CharField(_("taken by"), max_length=80)
    answered_name = models.CharField(_("answered by"), max_length=80, blank=True)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    ended_on = models.DateField(_("ended on"), null=True)
    answer = models.BinaryField(null=True, editable=False)

    class Meta:
        verbose_name = _("request about one's data")
        indexes = (models.Index(fields=["due_on", "id"], name="request_by_due"),)
        constraints = (
            models.UniqueConstraint(
                fields=("party", "kind"),
                condition=models.Q(
                    state__in=("asked", "approved", "ready"), kind__in=("access", "erasure")
                ),
                name="one_open_request_a_kind",
            ),
        )

    @property
    def place(self) -> str:
        return f"privacy_subjectrequest.answer:{self.public_id}"

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN


class Step(Base):
    """What became of a request, when and by whom; never edited."""

    scope = Via("request")
    field_classes = classify(open="request state at", c1="by note")
    keeping = keep("request__party request__key", AGREED)

    request = models.ForeignKey(SubjectRequest, models.CASCADE, related_name="steps")
    state = models.CharField(max_length=10, choices=SubjectRequest.State.choices)
    at = models.DateTimeField()
    by = models.CharField(max_length=80)
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        verbose_name = _("step of a request")
        ordering = ("at", "pk")


class KeptByLaw(Base):
    """What one law makes us keep of a restricted customer, until a day: one sealed text, read by nobody's work."""

    scope = Holders("privacy.decide")
    field_classes = classify(open="request term until", c2="sealed")
    keeping = keep("request__key", IDENTITY)

    request = models.ForeignKey(SubjectRequest, models.CASCADE, related_name="kept")
    term = models.CharField(max_length=10)
    until = models.DateField(_("until"))
    sealed = models.BinaryField(editable=False)

    class Meta:
        verbose_name = _("kept by law")
        constraints = (
            models.UniqueConstraint(fields=("request", "term"), name="kept_once_a_term"),
        )

    @property
    def place(self) -> str:
        return f"privacy_keptbylaw.sealed:{self.public_id}"

    @property
    def term_words(self) -> str:
        return str(Term(self.term).label)
