"""Products, agreements and holdings."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.utils.translation import gettext_lazy as _

from zhike.access.masks import MASKS
from zhike.customers.models import Party
from zhike.kernel import crypto
from zhike.kernel.classes import classify
from zhike.kernel.keeping import CONTRACT, keep
from zhike.kernel.models import Base
from zhike.kernel.money import MoneyField
from zhike.kernel.scope import SignedIn, Via
from zhike.organisation.models import Employee, Unit


class Product(Base):
    """One line of the catalogue. `side` is the institution's: a deposit is a liability, a loan an asset."""

    class Category(models.TextChoices):
        DEPOSIT = "deposit", _("deposit")
        LOAN = "loan", _("loan")
        CARD = "card", _("card")
        WEALTH = "wealth", _("wealth management")
        FUND = "fund", _("fund")
        INSURANCE = "insurance", _("insurance")
        PAYMENT = "payment", _("payment")

    class Side(models.TextChoices):
        ASSET = "asset", _("asset")
        LIABILITY = "liability", _("liability")
        INTERMEDIARY = "intermediary", _("intermediary")

    class Status(models.TextChoices):
        DEVELOPING = "developing", _("in development")
        OFFERED = "offered", _("offered")
        WITHDRAWN = "withdrawn", _("withdrawn")

    scope = SignedIn()
    field_classes = classify(open="code name category side status owner term_months rate")

    code = models.CharField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=120)
    category = models.CharField(_("category"), max_length=12, choices=Category.choices)
    side = models.CharField(_("side"), max_length=12, choices=Side.choices)
    status = models.CharField(
        _("status"), max_length=12, choices=Status.choices, default=Status.OFFERED
    )
    owner = models.ForeignKey(
        Employee, models.PROTECT, null=True, blank=True, verbose_name=_("product manager")
    )
    term_months = models.PositiveSmallIntegerField(_("term, months"), null=True, blank=True)
    rate = models.DecimalField(
        _("rate, percent a year"), max_digits=8, decimal_places=4, null=True, blank=True
    )

    class Meta:
        verbose_name = _("product")
        verbose_name_plural = _("products")

    def __str__(self) -> str:
        return self.name


class Agreement(Base):
    """An account, card, policy or contract. `number` is sealed; `source_key` is the source's own surrogate key.

    `party` is the owner: the one customer the agreement resolves to (R-003). Others stand in `Holding`.
    `principal` is the agreed amount (loan, term deposit, wealth) or credit limit (card), in `currency`.
    """

    class Status(models.TextChoices):
        ACTIVE = "active", _("active")
        DORMANT = "dormant", _("dormant")
        OVERDUE = "overdue", _("overdue")
        CLOSED = "closed", _("closed")
        LOSS = "loss", _("closed with loss")

    scope = Via("party")
    field_classes = classify(
        open="product unit party source source_key currency",
        c1="opened_on closed_on matures_on status rate terms",
        c2="sealed_number blind tail principal",
    )
    keeping = keep("party", CONTRACT, derived="blind tail")

    party = models.ForeignKey(Party, models.PROTECT, related_name="agreements")
    product = models.ForeignKey(Product, models.PROTECT, related_name="agreements")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="agreements")
    source = models.CharField(_("source"), max_length=40)
    source_key = models.CharField(_("key in the source"), max_length=80)
    sealed_number = models.BinaryField(null=True, editable=False)
    blind = models.BinaryField(null=True, editable=False, max_length=16)
    tail = models.BinaryField(null=True, editable=False, max_length=16)
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    principal = MoneyField(_("principal or limit"), null=True, blank=True)
    rate = models.DecimalField(
        _("rate, percent a year"), max_digits=8, decimal_places=4, null=True, blank=True
    )
    opened_on = models.DateField(_("opened on"))
    matures_on = models.DateField(_("matures on"), null=True, blank=True)
    closed_on = models.DateField(_("closed on"), null=True, blank=True)
    status = models.CharField(
        _("status"), max_length=10, choices=Status.choices, default=Status.ACTIVE
    )
    terms = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name = _("agreement")
        verbose_name_plural = _("agreements")
        constraints = (
            models.UniqueConstraint(
                fields=("source", "source_key"), name="agreement_once_in_a_source"
            ),
        )
        indexes = (
            models.Index(fields=["blind"], name="agreement_by_blind"),
            models.Index(fields=["tail"], name="agreement_by_tail"),
            models.Index(fields=["matures_on", "id"], name="agreement_by_maturity"),
            models.Index(fields=["opened_on", "id"], name="agreement_by_opening"),
        )

    def __str__(self) -> str:
        return f"{self.product.name} · {self.party.name}"

    def get_absolute_url(self) -> str:
        """The page of its customer, where what they hold is told."""
        return self.party.get_absolute_url()

    @property
    def place(self) -> str:
        return f"products_agreement.sealed_number:{self.public_id}"

    def number_in_clear(self) -> str:
        """Only for a reveal that is on record or the system's own matching."""
        return crypto.decrypt(bytes(self.sealed_number), self.place) if self.sealed_number else ""

    @property
    def masked_number(self) -> str:
        return MASKS["account"](self.number_in_clear()) if self.sealed_number else ""


class Holding(Base):
    """How a party stands in an agreement: its owner, an authorised user, a guarantor."""

    class Role(models.TextChoices):
        OWNER = "owner", _("owner")
        AUTHORISED_USER = "authorised_user", _("authorised user")
        GUARANTOR = "guarantor", _("guarantor")

    scope = Via("party")
    field_classes = classify(open="party agreement role source source_key", c1="during")
    keeping = keep("party", CONTRACT)

    party = models.ForeignKey(Party, models.PROTECT, related_name="holdings")
    agreement = models.ForeignKey(Agreement, models.CASCADE, related_name="holdings")
    role = models.CharField(_("role"), max_length=20, choices=Role.choices)
    during = DateRangeField(_("during"))
    source = models.CharField(_("source"), max_length=40, blank=True)
    source_key = models.CharField(_("key in the source"), max_length=80, blank=True)

    class Meta:
        verbose_name = _("holding")
        constraints = (
            ExclusionConstraint(
                name="holding_does_not_overlap",
                expressions=(
                    ("party", RangeOperators.EQUAL),
                    ("agreement", RangeOperators.EQUAL),
                    ("role", RangeOperators.EQUAL),
                    ("during", RangeOperators.OVERLAPS),
                ),
            ),
        )
