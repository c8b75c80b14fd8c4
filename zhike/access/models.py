"""What this room keeps of its own: counters of failed sign-ins, tokens of the API, second factors."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, ClassVar, Self

from django.contrib.postgres.fields import ArrayField, DateRangeField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from zhike.access.roles import PERMISSIONS
from zhike.kernel import clock, crypto, wall
from zhike.kernel.actor import Actor
from zhike.kernel.classes import FieldClass, classify
from zhike.kernel.keeping import NOBODY, STAFF, keep
from zhike.kernel.models import Base, ScopedManager
from zhike.kernel.scope import NO_ROWS, Holders, Scope, SignedIn, SystemOnly
from zhike.organisation.models import Appointment, Employee, Role, Team, Unit, User


class SignInTries(Base):
    """Failed tries of one login from one address; the key is a keyed digest of both, never in clear."""

    scope = SystemOnly()
    field_classes = classify(open="key failures last_at")

    key = models.BinaryField(unique=True, max_length=16, editable=False)
    failures = models.PositiveSmallIntegerField(default=0)
    last_at = models.DateTimeField()

    class Meta:
        verbose_name = _("tries to sign in")


class OwnCredentials(Scope):
    """One's own; all of them for whoever administers access."""

    def rows(self, actor: Actor, model: type[models.Model]) -> Q:
        if actor.may("access.administer"):
            return Q()
        return NO_ROWS if actor.user_id is None else Q(user_id=actor.user_id)

    def wall(self, model: type[models.Model]) -> str:
        return wall.either(wall.may("access.administer"), f"user_id = {wall.USER}")


class ApiToken(Base):
    """What a program signs in with instead of a person: some of that person's rights, until a day.

    The secret is shown once and kept as its SHA-256: it is long and random, so the digest needs no salt. `used_at` is
    written once a minute at most.
    """

    scope = OwnCredentials()
    field_classes = classify(
        open="digest permissions expires_on used_at revoked_at", c1="user name ending"
    )
    keeping = keep(NOBODY, STAFF)

    user = models.ForeignKey(User, models.CASCADE, related_name="tokens", verbose_name=_("person"))
    name = models.CharField(_("what for"), max_length=80)
    digest = models.BinaryField(unique=True, max_length=32, editable=False)
    ending = models.CharField(_("ends in"), max_length=4, editable=False)
    permissions: ArrayField[Any, Any] = ArrayField(
        models.CharField(max_length=60), verbose_name=_("what it may")
    )
    expires_on = models.DateField(_("valid until"))
    used_at = models.DateTimeField(_("last used"), null=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked"), null=True, editable=False)

    class Meta:
        verbose_name = _("API token")

    @property
    def is_valid(self) -> bool:
        return self.revoked_at is None and clock.today() <= self.expires_on


class SecondFactor(Base):
    """The secret that a person's authenticator shares with us, from `begin` to the day another takes its place.

    It counts once `confirmed_at` is set; until then the one before it does. `last_step` is that of the last code
    taken: none is taken twice.
    """

    scope = OwnCredentials()
    field_classes = classify(open="confirmed_at last_step", c1="user", c2="sealed")
    keeping = keep(NOBODY, STAFF)

    user = models.ForeignKey(
        User, models.CASCADE, related_name="second_factors", verbose_name=_("person")
    )
    sealed = models.BinaryField(max_length=100, editable=False)
    confirmed_at = models.DateTimeField(_("set up on"), null=True, editable=False)
    last_step = models.BigIntegerField(default=0, editable=False)

    class Meta:
        verbose_name = _("second factor")
        constraints = (
            models.UniqueConstraint(
                fields=("user",),
                condition=Q(confirmed_at__isnull=False),
                name="one_second_factor_each",
            ),
            models.UniqueConstraint(
                fields=("user",),
                condition=Q(confirmed_at__isnull=True),
                name="one_second_factor_begun",
            ),
        )

    @property
    def place(self) -> str:
        return f"access_secondfactor.sealed:{self.public_id}"

    @property
    def secret(self) -> bytes:
        return bytes.fromhex(crypto.decrypt(bytes(self.sealed), self.place))


class RecoveryCode(Base):
    """One of ten codes for whoever lost the authenticator; kept as a keyed digest, used once."""

    scope = SystemOnly()
    field_classes = classify(open="digest used_at", c1="factor")
    keeping = keep(NOBODY, STAFF)

    factor = models.ForeignKey(SecondFactor, models.CASCADE, related_name="recovery_codes")
    digest = models.BinaryField(unique=True, max_length=16, editable=False)
    used_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = _("recovery code")


class Sitting(Base):
    """One browser in which somebody is signed in; `key` is that of its session, which proofs change.

    `ended_at` once a later one took its place. Rows go a day after the longest session.
    """

    scope = SystemOnly()
    field_classes = classify(open="ended_at began_at", c1="user", c2="key")
    keeping = keep(NOBODY, STAFF)

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    key = models.CharField(max_length=40, unique=True)
    began_at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("browser signed in")


class Passkey(Base):
    """The public half of a key pair on somebody's device or stick (WebAuthn); the other half never leaves it.

    `sign_count` is the authenticator's at the last use: one that does not grow is a copy's. `answered` is the
    digest of the challenge answered last, so that none is answered twice, however many try at once.
    """

    scope = OwnCredentials()
    field_classes = classify(
        open="credential public_key sign_count transports answered used_at", c1="user name"
    )
    keeping = keep(NOBODY, STAFF)

    user = models.ForeignKey(
        User, models.CASCADE, related_name="passkeys", verbose_name=_("person")
    )
    name = models.CharField(pgettext_lazy("of a thing", "name"), max_length=60)
    credential = models.BinaryField(unique=True, max_length=1023, editable=False)
    public_key = models.BinaryField(max_length=2000, editable=False)
    sign_count = models.BigIntegerField(editable=False)
    transports: ArrayField[Any, Any] = ArrayField(
        models.CharField(max_length=20), default=list, editable=False
    )
    answered = models.BinaryField(max_length=32, default=b"", editable=False)
    used_at = models.DateTimeField(_("last used"), null=True, editable=False)

    class Meta:
        verbose_name = _("passkey")

    def __str__(self) -> str:
        return self.name


class Identity(Base):
    """Who somebody is in the institution's directory or at its provider: the name there that never changes."""

    scope = OwnCredentials()
    field_classes = classify(open="source seen_at gone_at", c1="user subject login")
    keeping = keep(NOBODY, STAFF)

    user = models.ForeignKey(
        User, models.CASCADE, related_name="identities", verbose_name=_("person")
    )
    source = models.CharField(max_length=300, editable=False)
    subject = models.CharField(max_length=300, editable=False)
    login = models.CharField(_("login"), max_length=200, editable=False)
    seen_at = models.DateTimeField(null=True, editable=False)
    gone_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = _("identity elsewhere")
        constraints = (
            models.UniqueConstraint(fields=("source", "subject"), name="one_person_an_identity"),
        )


class GroupSeat(Base):
    """A group outside that seats its members in a position here; without `unit` in their own unit.

    `maker` is not seated by it: nobody appoints themselves.
    """

    scope = Holders("access.administer")
    field_classes = classify(open="group unit role title", c1="maker")
    keeping = keep(NOBODY, STAFF)

    group = models.CharField(_("group"), max_length=300)
    unit = models.ForeignKey(Unit, models.PROTECT, null=True, blank=True, verbose_name=_("unit"))
    role = models.CharField(_("role"), max_length=30, choices=Role.choices)
    title = models.CharField(_("title"), max_length=80)
    maker = models.ForeignKey(User, models.SET_NULL, null=True, editable=False, related_name="+")

    class Meta:
        verbose_name = _("position by group")
        constraints = (
            models.UniqueConstraint(
                fields=("group", "unit", "role", "title"),
                nulls_distinct=False,
                name="group_seats_once",
            ),
        )

    def __str__(self) -> str:
        return self.group


class GroupAppointment(Base):
    """An appointment that a group gave: it ends when the person is not of the group any more."""

    scope = SystemOnly()
    field_classes = classify(open="seat appointment")

    seat = models.ForeignKey(GroupSeat, models.CASCADE, related_name="given")
    appointment = models.OneToOneField(Appointment, models.CASCADE, related_name="by_group")

    class Meta:
        verbose_name = _("appointment by group")


class Grant(Base):
    """A role or one action beside somebody's positions, for the customers of a unit or of a team, until a day.

    A role reaches as it does from a position there; an action the unit and all below it. `during` has an end.
    """

    scope = SignedIn()
    field_classes = classify(open="employee role permission unit team", c1="during reason given_by")
    keeping = keep(NOBODY, STAFF)

    employee = models.ForeignKey(
        Employee, models.PROTECT, related_name="grants", verbose_name=_("person")
    )
    role = models.CharField(_("role"), max_length=30, choices=Role.choices, blank=True)
    permission = models.CharField(_("action"), max_length=60, blank=True)
    unit = models.ForeignKey(Unit, models.PROTECT, null=True, blank=True, verbose_name=_("unit"))
    team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True, verbose_name=_("team"))
    during = DateRangeField(_("during"))
    reason = models.CharField(_("reason"), max_length=200)
    given_by = models.CharField(_("given by"), max_length=80)

    class Meta:
        verbose_name = _("grant")
        verbose_name_plural = _("grants")
        constraints = (
            models.CheckConstraint(
                condition=Q(role="") ^ Q(permission=""), name="grant_of_a_role_or_an_action"
            ),
            models.CheckConstraint(
                condition=Q(unit__isnull=True) ^ Q(team__isnull=True),
                name="grant_at_a_unit_or_a_team",
            ),
            models.CheckConstraint(
                condition=Q(during__upper_inf=False), name="grant_ends_by_itself"
            ),
        )

    @property
    def what(self) -> str:
        """In the reader's words."""
        return str(Role(self.role).label if self.role else PERMISSIONS[self.permission])

    @property
    def where(self) -> str:
        return str(self.unit or self.team)

    @property
    def last_day(self) -> date:
        day: date = self.during.upper - timedelta(days=1)
        return day


class OfOnesPeople(Scope):
    """Of the people of the units one sees, for whoever lets them go on; of everybody for security administrators."""

    def rows(self, actor: Actor, model: type[models.Model]) -> Q:
        if not actor.may("access.release_pace"):
            return NO_ROWS
        if actor.roles & {Role.SECURITY_ADMINISTRATOR}:
            return Q()
        return Q(user__employee__unit__in=sorted(actor.units)) if actor.units else NO_ROWS

    def wall(self, model: type[models.Model]) -> str:
        people = (
            "SELECT u.id FROM organisation_user u JOIN organisation_employee e ON e.id = u.employee_id "  # noqa: S608
            f"WHERE e.unit_id = ANY {wall.UNITS}"
        )
        theirs = wall.both(
            wall.may("access.release_pace"),
            wall.either(wall.holds_one_of({Role.SECURITY_ADMINISTRATOR}), f"user_id IN ({people})"),
        )
        # One's own are counted while one reads.
        return wall.either(f"user_id = {wall.USER}", theirs)


class HoneyRow(Base):
    """A customer who was invented, and whom nobody has a reason to open: the key of their row.

    Nothing shows which rows these are; the wall lets whoever is signed in compare a key, as each customer page does.
    """

    scope = SignedIn()
    field_classes = classify(open="key")

    key = models.BigIntegerField(unique=True)

    class Meta:
        verbose_name = _("invented customer")


class SeenKind(models.TextChoices):
    """What is counted of what somebody sees."""

    VIEW = "view", _("customers opened")
    REVEAL = "reveal", _("values seen in clear")
    PROGRAM = "program", _("customers read by a program")


class SeenRow(models.Model):
    """One row that somebody saw on a day, and in which of its hours (bit 0 is the one after midnight).

    Narrow, and a month long: written once a row and hour, counted by its key.
    """

    scope: ClassVar[Scope] = OfOnesPeople()
    field_classes: ClassVar[Mapping[str, FieldClass]] = classify(open="user day kind key hours")
    keeping = keep(NOBODY, STAFF)

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    day = models.DateField()
    kind = models.CharField(max_length=10, choices=SeenKind.choices)
    key = models.BigIntegerField()
    hours = models.IntegerField()

    objects: ClassVar[ScopedManager[Self]] = ScopedManager()

    class Meta:
        verbose_name = _("row seen")
        constraints = (
            models.UniqueConstraint(fields=("user", "day", "kind", "key"), name="seen_once_a_day"),
        )


class PaceLimit(Base):
    """How many different rows a role sees in an hour and a day before somebody is told, and before it stops."""

    scope = Holders("access.administer", named=True)
    field_classes = classify(open="role kind hour_told hour_stop day_told day_stop")
    keeping = keep(NOBODY, STAFF)

    role = models.CharField(_("role"), max_length=30, choices=Role.choices)
    kind = models.CharField(_("what is counted"), max_length=10, choices=SeenKind.choices)
    hour_told = models.PositiveIntegerField(_("an hour: told at"))
    hour_stop = models.PositiveIntegerField(_("an hour: stopped at"))
    day_told = models.PositiveIntegerField(_("a day: told at"))
    day_stop = models.PositiveIntegerField(_("a day: stopped at"))

    class Meta:
        verbose_name = _("limit of what is seen")
        constraints = (
            models.UniqueConstraint(fields=("role", "kind"), name="one_pace_limit_each"),
            models.CheckConstraint(
                condition=Q(hour_told__gt=0)
                & Q(day_told__gt=0)
                & Q(hour_stop__gte=models.F("hour_told"))
                & Q(day_stop__gte=models.F("day_told")),
                name="told_before_stopped",
            ),
        )


class PaceRelease(Base):
    """Somebody's head lets them see as much once more on this day."""

    scope = OfOnesPeople()
    field_classes = classify(open="user day kind", c1="by reason")
    keeping = keep(NOBODY, STAFF)

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    day = models.DateField()
    kind = models.CharField(max_length=10, choices=SeenKind.choices)
    by = models.CharField(_("released by"), max_length=80)
    reason = models.CharField(_("reason"), max_length=200)

    class Meta:
        verbose_name = _("release")
        indexes = (models.Index(fields=["user", "day", "kind"], name="release_by_day"),)


class ApprovalKind(models.TextChoices):
    """What a second person agrees to, and by what its amount is counted."""

    FILE = "file", _("files of masked values, by rows")
    CLEAR = "clear", _("files with values in clear, by rows")
    MERGE = "merge", _("judgements on many pairs at once, by records")
    REASSIGN = "reassign", _("customers handed over at once, by customers")


class ApprovalLevel(Base):
    """Up to which amount of a kind a role may agree; without `up_to` to any, a role without a line to none."""

    scope = Holders("access.administer", named=True)
    field_classes = classify(open="role kind up_to")

    role = models.CharField(_("role"), max_length=30, choices=Role.choices)
    kind = models.CharField(_("what is agreed to"), max_length=10, choices=ApprovalKind.choices)
    up_to = models.PositiveIntegerField(_("up to"), null=True, blank=True)

    class Meta:
        verbose_name = _("approval level")
        constraints = (
            models.UniqueConstraint(fields=("role", "kind"), name="one_approval_level_each"),
        )


class PastPassword(Base):
    """A password somebody had, as its hash: it does not come back too soon, and its age is known."""

    scope = SystemOnly()
    field_classes = classify(open="set_at", c1="user", c2="hashed")
    keeping = keep(NOBODY, STAFF)

    user = models.ForeignKey(User, models.CASCADE, related_name="past_passwords")
    hashed = models.CharField(max_length=200, editable=False)
    set_at = models.DateTimeField(editable=False)

    class Meta:
        verbose_name = _("past password")
