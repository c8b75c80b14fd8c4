"""What was agreed and what happened: consents and the timeline. Neither is edited; an entry may be taken back."""

from __future__ import annotations

from typing import ClassVar, Self

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from zhike.customers.models.parties import Party
from zhike.kernel.classes import classify
from zhike.kernel.keeping import AGREED, CARE, keep
from zhike.kernel.models import Base, ScopedManager
from zhike.kernel.scope import Via
from zhike.organisation.models import Employee


class ConsentEvent(Base):
    """Given or withdrawn, never edited: the state of a consent is its last event."""

    class Purpose(models.TextChoices):
        SERVICE = "service", _("service of existing contracts")
        MARKETING = "marketing", _("marketing")
        PROFILING = "profiling", _("automated profiling")
        SHARING = "sharing", _("sharing with partners")

    class Channel(models.TextChoices):
        ANY = "any", _("any channel")
        PHONE = "phone", _("telephone")
        SMS = "sms", _("text message")
        EMAIL = "email", _("e-mail")
        WECHAT = "wechat", _("WeChat")
        POST = "post", _("post")
        VISIT = "visit", _("visit")

    scope = Via("party")
    field_classes = classify(
        open="party purpose channel", c1="given at text_version evidence recorded_by"
    )
    keeping = keep("party", AGREED)

    party = models.ForeignKey(Party, models.CASCADE, related_name="consent_events")
    purpose = models.CharField(_("purpose"), max_length=12, choices=Purpose.choices)
    channel = models.CharField(_("channel"), max_length=8, choices=Channel.choices)
    given = models.BooleanField(_("given"))
    at = models.DateTimeField(_("at"))
    text_version = models.CharField(_("version of the text"), max_length=40)
    evidence = models.CharField(_("evidence"), max_length=200, blank=True)
    recorded_by = models.ForeignKey(Employee, models.PROTECT, null=True)

    class Meta:
        verbose_name = _("consent")
        indexes = (
            models.Index(fields=["party", "purpose", "channel", "-at"], name="consent_last"),
        )


class TimelineEntry(models.Model):
    """One contact by any channel, or one change worth telling. Partitioned by month; append-only.

    What did not happen after all stays, as an entry that was taken back.
    """

    _get_FIELD_display = Base._get_FIELD_display

    class Kind(models.TextChoices):
        CONTACT = "contact", _("contact")
        CHANGE = "change", _("change")
        DECISION = "decision", _("decision")
        NOTE = "note", _("note")
        WITHDRAWN = "withdrawn", _("taken back")

    class Channel(models.TextChoices):
        VISIT = "visit", _("visit")
        PHONE = "phone", _("telephone")
        WECHAT = "wechat", _("WeChat")
        SMS = "sms", _("text message")
        EMAIL = "email", _("e-mail")
        COUNTER = "counter", _("counter")
        SYSTEM = "system", _("system")

    class Direction(models.TextChoices):
        IN = "in", _("from the customer")
        OUT = "out", _("to the customer")
        NONE = "", _("none")

    scope: ClassVar[Via] = Via("party")
    field_classes = classify(
        open="party at kind channel direction employee",
        c1="source source_key",
        c2="title body result",
    )
    keeping = keep("party", CARE)

    pk = models.CompositePrimaryKey("at", "id")
    id = models.BigIntegerField(
        db_default=models.Func(models.Value("customers_timelineentry_id_seq"), function="nextval"),
        editable=False,
    )
    at = models.DateTimeField(_("at"))
    party = models.ForeignKey(Party, models.CASCADE, related_name="timeline")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    channel = models.CharField(_("channel"), max_length=10, choices=Channel.choices)
    direction = models.CharField(
        _("direction"), max_length=4, choices=Direction.choices, blank=True
    )
    title = models.CharField(pgettext_lazy("of a contact", "title"), max_length=200)
    body = models.TextField(_("content"), blank=True)
    result = models.CharField(_("result"), max_length=200, blank=True)
    employee = models.ForeignKey(Employee, models.PROTECT, null=True, related_name="+")
    source = models.CharField(_("source"), max_length=40, blank=True)
    source_key = models.CharField(max_length=80, blank=True)

    objects: ClassVar[ScopedManager[Self]] = ScopedManager()

    class Meta:
        verbose_name = _("timeline entry")
        indexes = (models.Index(fields=["party", "-at"], name="timeline_by_party"),)
