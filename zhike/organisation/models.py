"""Units, positions, employees and users."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from zhike.kernel.classes import classify
from zhike.kernel.keeping import NOBODY, STAFF, keep
from zhike.kernel.models import Base, ScopedManager
from zhike.kernel.scope import Holders, SignedIn


class Unit(Base):
    """A place in the institution's tree; `path` is "/1/5/9/", the ids from the root to itself."""

    class Kind(models.TextChoices):
        HEAD_OFFICE = "head_office", _("head office")
        BRANCH = "branch", _("branch")
        SUB_BRANCH = "sub_branch", _("sub-branch")
        OUTLET = "outlet", _("outlet")
        DEPARTMENT = "department", _("department")

    scope = SignedIn()
    field_classes = classify(open="code name kind parent path region opened_on closed_on")

    code = models.CharField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children"
    )
    path = models.TextField(editable=False, default="")
    region = models.CharField(_("region"), max_length=80, blank=True)
    opened_on = models.DateField(_("opened on"), null=True, blank=True)
    closed_on = models.DateField(_("closed on"), null=True, blank=True)

    class Meta:
        verbose_name = _("unit")
        verbose_name_plural = _("units")
        indexes = (
            models.Index(fields=["path"], name="unit_by_path", opclasses=["text_pattern_ops"]),
        )

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("organisation:unit", args=[self.public_id])

    @property
    def depth(self) -> int:
        """0 for the head office."""
        return self.path.count("/") - 2


class Employee(Base):
    scope = SignedIn()
    field_classes = classify(open="code name unit", c1="hired_on left_on")
    keeping = keep(NOBODY, STAFF)

    code = models.CharField(_("code"), max_length=40, unique=True)
    name = models.CharField(pgettext_lazy("of a person", "name"), max_length=80)
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="employees", verbose_name=_("unit"))
    hired_on = models.DateField(_("hired on"), null=True, blank=True)
    left_on = models.DateField(_("left on"), null=True, blank=True)

    class Meta:
        verbose_name = _("employee")
        verbose_name_plural = _("employees")

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("organisation:person", args=[self.public_id])


class Role(models.TextChoices):
    """What a position is for; what each may do stands in `zhike.access.roles`."""

    CUSTOMER_MANAGER = "customer_manager", _("customer manager")
    TEAM_LEAD = "team_lead", _("team lead")
    BRANCH_HEAD = "branch_head", _("branch head")
    ANALYST = "analyst", _("head-office analyst")
    TELLER = "teller", _("teller / service")
    SYSTEM_ADMINISTRATOR = "system_administrator", _("system administrator")
    SECURITY_ADMINISTRATOR = "security_administrator", _("security administrator")
    AUDITOR = "auditor", _("auditor")


class Position(Base):
    """A chair in a unit. Who sits in it, and since when, is an `Appointment`."""

    scope = SignedIn()
    field_classes = classify(open="unit role title")

    unit = models.ForeignKey(Unit, models.PROTECT, related_name="positions", verbose_name=_("unit"))
    role = models.CharField(_("role"), max_length=30, choices=Role.choices)
    title = models.CharField(_("title"), max_length=80)

    class Meta:
        verbose_name = _("position")
        verbose_name_plural = _("positions")
        constraints = (
            models.UniqueConstraint(
                fields=("unit", "role", "title"), name="position_once_in_a_unit"
            ),
        )

    def __str__(self) -> str:
        return f"{self.unit} {self.title}"


class Appointment(Base):
    """An employee holds a position over a range of dates; `during` is [from, to)."""

    scope = SignedIn()
    field_classes = classify(open="employee position", c1="during reason")
    keeping = keep(NOBODY, STAFF)

    employee = models.ForeignKey(Employee, models.PROTECT, related_name="appointments")
    position = models.ForeignKey(Position, models.PROTECT, related_name="appointments")
    during = DateRangeField(_("during"))
    reason = models.CharField(_("reason"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("appointment")
        verbose_name_plural = _("appointments")
        constraints = (
            ExclusionConstraint(
                name="appointment_does_not_overlap",
                expressions=(
                    ("employee", RangeOperators.EQUAL),
                    ("position", RangeOperators.EQUAL),
                    ("during", RangeOperators.OVERLAPS),
                ),
            ),
        )


class Team(Base):
    """People of several units who look after customers together, such as those of one trade or one large group."""

    scope = SignedIn()
    field_classes = classify(open="name purpose")

    name = models.CharField(pgettext_lazy("of a thing", "name"), max_length=80, unique=True)
    purpose = models.CharField(_("what for"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("team")
        verbose_name_plural = _("teams")

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("organisation:team", args=[self.public_id])


class TeamMember(Base):
    """An employee is of a team over a range of dates, or leads it and sees whom its members look after."""

    scope = SignedIn()
    field_classes = classify(open="team employee leads", c1="during reason")
    keeping = keep(NOBODY, STAFF)

    team = models.ForeignKey(Team, models.PROTECT, related_name="members", verbose_name=_("team"))
    employee = models.ForeignKey(
        Employee, models.PROTECT, related_name="teams", verbose_name=_("person")
    )
    leads = models.BooleanField(_("leads the team"), default=False)
    during = DateRangeField(_("during"))
    reason = models.CharField(_("reason"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("team member")
        verbose_name_plural = _("team members")
        constraints = (
            ExclusionConstraint(
                name="team_member_does_not_overlap",
                expressions=(
                    ("team", RangeOperators.EQUAL),
                    ("employee", RangeOperators.EQUAL),
                    ("during", RangeOperators.OVERLAPS),
                ),
            ),
            ExclusionConstraint(
                name="one_lead_of_a_team_at_a_time",
                expressions=(
                    ("team", RangeOperators.EQUAL),
                    ("during", RangeOperators.OVERLAPS),
                ),
                condition=models.Q(leads=True),
            ),
        )


class UserManager(BaseUserManager["User"], ScopedManager["User"]):
    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(login=username)


class User(AbstractBaseUser, Base):
    """An account to sign in with. A user without an employee holds no position and sees nothing."""

    scope = Holders("organisation.administer", named=True)
    field_classes = classify(open="login is_active language", c1="employee password last_login")
    keeping = keep(NOBODY, STAFF)

    login = models.CharField(_("login"), max_length=60, unique=True)
    employee = models.OneToOneField(
        Employee, models.PROTECT, null=True, blank=True, related_name="user"
    )
    is_active = models.BooleanField(_("may sign in"), default=True)
    language = models.CharField(_("language"), max_length=10, blank=True)

    USERNAME_FIELD = "login"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")

    def __str__(self) -> str:
        return self.login

    def get_full_name(self) -> str:
        return self.employee.name if self.employee else self.login

    def has_perm(self, permission: str, obj: Any = None) -> bool:
        """Django's own permissions are not used; see `zhike.access`."""
        return False
