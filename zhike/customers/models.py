"""Parties and what hangs on them. Every table here carries the party's key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateRangeField, RangeOperators
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from zhike.access.masks import MASKS
from zhike.customers.scopes import PartyScope
from zhike.kernel import crypto
from zhike.kernel.classes import FieldClass, classify
from zhike.kernel.models import Base, ScopedManager
from zhike.kernel.money import MoneyField
from zhike.kernel.scope import SignedIn, Via
from zhike.organisation.models import Employee, Unit


# The tokens and the unit as one more: an index over both finds a name within some units at once.
PLACED_TOKENS: models.Func = models.Func(
    "search_tokens",
    "unit",
    arg_joiner=", 'u:' || ",
    template="array_append(%(expressions)s::text)",
    output_field=ArrayField(models.TextField()),
)


class Party(Base):
    """A person or an organisation: a prospect, a customer or a former customer of the institution.

    `provenance` maps a field to {"source", "on", "verified_on"}: where its value came from and when.
    `search_tokens` are built by `names.search_tokens`; `name_key` sorts names by pinyin under C collation.
    """

    class Kind(models.TextChoices):
        PERSON = "person", _("person")
        ORGANISATION = "organisation", _("organisation")

    class Stage(models.TextChoices):
        PROSPECT = "prospect", _("prospect")
        CUSTOMER = "customer", _("customer")
        FORMER = "former", _("former customer")

    class Type(models.TextChoices):
        """Who they are to us; drives fields, segments and the department in charge (R-005)."""

        INDIVIDUAL = "individual", _("individual")
        HOUSEHOLD_BUSINESS = "household_business", _("self-employed")
        FARMER = "farmer", _("farming household")
        COMPANY = "company", _("company")
        INSTITUTION = "institution", _("public institution")
        FINANCIAL = "financial", _("financial institution")
        GOVERNMENT = "government", _("government")
        DEALER = "dealer", _("dealer")
        PARTNER = "partner", _("partner")

    class Sex(models.TextChoices):
        FEMALE = "F", _("female")
        MALE = "M", _("male")

    scope = PartyScope()
    field_classes = classify(
        open="kind stage type unit sample",
        c1="since_on until_on occupation industry education marital_status employees_count provenance",
        c2="name name_key search_tokens sex birth_on lunar_birthday note",
    )

    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    stage = models.CharField(
        _("stage"), max_length=10, choices=Stage.choices, default=Stage.CUSTOMER
    )
    type = models.CharField(_("type"), max_length=20, choices=Type.choices)
    name = models.CharField(_("name"), max_length=200)
    name_key = models.CharField(max_length=200, editable=False, default="", db_collation="C")
    search_tokens: ArrayField[Any, Any] = ArrayField(
        models.TextField(), default=list, editable=False
    )
    sex = models.CharField(_("sex"), max_length=1, choices=Sex.choices, blank=True)
    birth_on = models.DateField(_("born or founded on"), null=True, blank=True)
    lunar_birthday = models.BooleanField(_("birthday by the lunar calendar"), default=False)
    occupation = models.CharField(_("occupation"), max_length=80, blank=True)
    industry = models.CharField(_("industry"), max_length=80, blank=True)
    education = models.CharField(_("education"), max_length=40, blank=True)
    marital_status = models.CharField(_("marital status"), max_length=20, blank=True)
    employees_count = models.PositiveIntegerField(_("number of employees"), null=True, blank=True)
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="parties", verbose_name=_("unit"))
    since_on = models.DateField(_("with us since"), null=True, blank=True)
    until_on = models.DateField(_("left us on"), null=True, blank=True)
    note = models.TextField(_("note"), blank=True)
    sample = models.BooleanField(_("sample data"), default=False)
    provenance = models.JSONField(default=dict, editable=False)

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        indexes = (
            GinIndex(PLACED_TOKENS, name="party_by_tokens"),
            models.Index(fields=["unit", "name_key", "id"], name="party_by_unit_name"),
            models.Index(fields=["name_key", "id"], name="party_by_name"),
        )

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("customers:party", kwargs={"public_id": self.public_id})


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
    """A document or registration that names the party; one value belongs to at most one party of the institution."""

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

    party = models.ForeignKey(Party, models.CASCADE, related_name="identifiers")
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)

    class Meta:
        verbose_name = _("identifier")
        constraints = (
            models.UniqueConstraint(fields=("kind", "blind"), name="identifier_names_one_party"),
        )
        indexes = (models.Index(fields=["tail"], name="identifier_by_tail"),)

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
    """Who looks after whom, since when and why. One main manager at a time; history is never overwritten."""

    class Role(models.TextChoices):
        MAIN = "main", _("main manager")
        ASSISTANT = "assistant", _("assistant")

    scope = Via("party")
    field_classes = classify(open="party employee role", c1="during reason")

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
    """Where a party stands on the institution's books today: what lists sort and filter by.

    A projection of scores, ratings and contacts, rewritten by `services.record_standings` only where it changed.
    Money in the institution's currency.
    """

    class ValueClass(models.TextChoices):
        """Current value × potential value (R-025)."""

        HIGH = "high", _("high value")
        SECOND = "second", _("second value")
        POTENTIAL = "potential", _("potential value")
        LOW = "low", _("low value")

    scope = Via("party")
    field_classes = classify(
        open="party tier value_class as_of",
        c1="last_contact_on contact_every_days",
        c2="balance contribution current_value potential_value",
    )

    party = models.OneToOneField(Party, models.CASCADE, related_name="standing")
    tier = models.ForeignKey(Tier, models.PROTECT, null=True, related_name="standings")
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
        indexes = (
            models.Index(fields=["balance", "party"], name="standing_by_balance"),
            models.Index(fields=["contribution", "party"], name="standing_by_contribution"),
            models.Index(fields=["last_contact_on", "party"], name="standing_by_contact"),
            models.Index(fields=["tier", "balance"], name="standing_by_tier"),
        )


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
    """One contact by any channel, or one change worth telling. Partitioned by month; append-only."""

    class Kind(models.TextChoices):
        CONTACT = "contact", _("contact")
        CHANGE = "change", _("change")
        DECISION = "decision", _("decision")
        NOTE = "note", _("note")

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
    title = models.CharField(_("title"), max_length=200)
    body = models.TextField(_("content"), blank=True)
    result = models.CharField(_("result"), max_length=200, blank=True)
    employee = models.ForeignKey(Employee, models.PROTECT, null=True, related_name="+")
    source = models.CharField(_("source"), max_length=40, blank=True)
    source_key = models.CharField(max_length=80, blank=True)

    objects: ClassVar[ScopedManager[Self]] = ScopedManager()

    class Meta:
        verbose_name = _("timeline entry")
        indexes = (models.Index(fields=["party", "-at"], name="timeline_by_party"),)
