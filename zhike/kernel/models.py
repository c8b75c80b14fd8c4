"""The base of every table and the audit trail."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Hashable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from django.contrib.postgres.functions import RandomUUID
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.db.models.base import ModelState
from django.db.models.functions import Now
from django.utils.encoding import force_str
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from zhike.kernel import clock
from zhike.kernel.classes import FieldClass, classify
from zhike.kernel.keeping import NOBODY, OWN, TRAIL, keep
from zhike.kernel.prepared import Value, prepared
from zhike.kernel.scope import NO_ROWS, Holders, Scope, SystemOnly, doors

if TYPE_CHECKING:
    from zhike.kernel.actor import Actor

M = TypeVar("M", bound=models.Model)
R = TypeVar("R")


class ScopedManager(models.Manager[M]):
    """`visible_to` is the one door to read on somebody's behalf."""

    def visible_to(self, actor: Actor, **of: models.Model) -> models.QuerySet[M]:
        """The rows in the actor's scope; none for an actor without one.

        `of` names a row that they hang on (`party=party`). Where the scope follows that row and it was
        found for the actor (`scope.found`), the database is not asked once more whether they see it.
        """
        rows = self.get_queryset().filter(**of)
        condition = self._condition(actor, of)
        return rows.none() if condition == NO_ROWS else rows.filter(condition)

    def visible_through(self, actor: Actor) -> list[tuple[Q, models.QuerySet[M]]]:
        """`visible_to` taken apart: each of `scope.doors` with the rows behind it; a row may stand behind several."""
        return [(door, self.get_queryset().filter(door)) for door in doors(actor, self.model)]

    def _condition(self, actor: Actor, of: Mapping[str, models.Model]) -> Q:
        if actor.system:
            return Q()
        scope: Scope = self.model.scope  # type: ignore[attr-defined]
        condition = scope.rows_of(actor, of)
        return scope.rows(actor, self.model) if condition is None else condition

    def visible_rows(
        self,
        actor: Actor,
        then: Callable[..., models.QuerySet[M, R]],
        *constants: int | str,
        given: Mapping[str, Value] | None = None,
        **of: models.Model,
    ) -> list[R]:
        """`then(visible_to(actor, **of), *constants, **given)` with its SQL kept for the next time.

        `then` is a function of a module that joins, narrows, sorts and cuts; see `kernel.prepared` for
        what it may do with what is `given`. It is kept for everybody where the scope says nothing or a
        key (`employee_id=4`), else for this actor and day.
        """
        given = given or {}
        condition = self._condition(actor, of)
        if condition == NO_ROWS:
            return []
        keys = {f"{name}_id": row.pk for name, row in of.items()}
        whose: tuple[Hashable, ...] = ()
        if (narrowing := _keys(condition)) is None:
            whose = (actor, clock.today())
        else:
            keys |= narrowing

        def build(**values: Value) -> models.QuerySet[M, R]:
            rows = self.get_queryset().filter(**{name: values[name] for name in keys})
            rows = rows.filter(condition) if whose else rows
            return then(rows, *constants, **{name: values[name] for name in given})

        return prepared((self.model, then, constants, *keys, *whose), build, {**keys, **given})


def _keys(condition: Q) -> dict[str, int] | None:
    """The condition as keys that must all hold; None where it is anything else."""
    if condition.negated or condition.connector != Q.AND:
        return None
    keys = {
        each[0]: each[1]
        for each in condition.children
        if isinstance(each, tuple) and type(each[1]) is int
    }
    return keys if len(keys) == len(condition.children) else None


class Base(models.Model):
    """A bigint inside, an opaque public id outside, a version that tells one edit from the next.

    Every concrete model says `scope` (which rows an actor may see) and `field_classes` (what each field may
    be shown as); a model that lacks either does not start (see `zhike.kernel.checks`).
    """

    scope: ClassVar[Scope]
    field_classes: ClassVar[Mapping[str, FieldClass]]

    id = models.BigAutoField(primary_key=True)
    public_id = models.UUIDField(
        default=uuid.uuid4, db_default=RandomUUID(), unique=True, editable=False
    )
    version = models.PositiveIntegerField(default=1, db_default=1, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    changed_at = models.DateTimeField(db_default=Now(), editable=False)

    objects: ClassVar[ScopedManager[Self]] = ScopedManager()

    class Meta:
        abstract = True

    @classmethod
    def from_db(
        cls,
        db: str | None,
        field_names: Collection[str],
        values: Collection[Any],
        **_kwargs: object,
    ) -> Self:
        """As Django does it, but for its signals, which nobody hears: a list makes hundreds of rows."""
        row = cls.__new__(cls)
        row.__dict__.update(zip(field_names, values, strict=True))
        row._state = ModelState()
        row._state.adding = False
        row._state.db = db
        return row

    def _get_FIELD_display(self, field: models.Field[Any, Any]) -> Any:
        """As Django does it, but that a field's choices are laid out once, not for each word shown."""
        value = getattr(self, field.attname)
        return force_str(_labels(field).get(value, value), strings_only=True)


@cache
def _labels(field: models.Field[Any, Any]) -> dict[Any, Any]:
    return dict(field.flatchoices)


class AuditEntry(models.Model):
    """Who did what to which row, when, why and from where. Append-only; partitioned by month.

    `changes` maps a field to [before, after]; class C2 values stand there as keyed digests, never in clear.
    """

    scope: ClassVar[Scope] = Holders("access.read_audit")
    field_classes: ClassVar[Mapping[str, FieldClass]] = {
        **classify(open="at action outcome object_type object_id origin"),
        **dict.fromkeys(
            "actor_user_id actor_name object_public_id party_id changes reason".split(),
            FieldClass.C1,
        ),
    }
    keeping = keep("party_id", TRAIL)

    class Outcome(models.TextChoices):
        DONE = "done", _("done")
        REFUSED = "refused", _("refused")

    pk = models.CompositePrimaryKey("at", "id")
    id = models.BigIntegerField(
        db_default=models.Func(models.Value("kernel_auditentry_id_seq"), function="nextval"),
        editable=False,
    )
    at = models.DateTimeField()
    actor_user_id = models.BigIntegerField(null=True)
    actor_name = models.TextField()
    action = models.TextField()
    outcome = models.TextField(choices=Outcome.choices, default=Outcome.DONE)
    object_type = models.TextField(blank=True)
    object_id = models.BigIntegerField(null=True)
    object_public_id = models.UUIDField(null=True)
    party_id = models.BigIntegerField(null=True)
    changes = models.JSONField(default=dict)
    reason = models.TextField(blank=True)
    origin = models.TextField(blank=True)

    objects: ClassVar[ScopedManager[Self]] = ScopedManager()

    class Meta:
        indexes = (
            models.Index(fields=["party_id", "-at"], name="audit_by_party"),
            models.Index(fields=["actor_user_id", "-at"], name="audit_by_actor"),
            BrinIndex(fields=["id"], name="audit_by_id", pages_per_range=32),
            models.Index(
                fields=["-at"], name="audit_verified", condition=Q(action="audit.verified")
            ),
        )
        verbose_name = _("audit entry")


class AuditSeal(models.Model):
    """What seals the entries after the seal before, up to `last_id`. See `zhike.kernel.sealing`."""

    scope: ClassVar[Scope] = Holders("access.read_audit")
    field_classes: ClassVar[Mapping[str, FieldClass]] = classify(
        open="number last_id count root head at"
    )

    number = models.BigIntegerField(primary_key=True)
    last_id = models.BigIntegerField()
    count = models.IntegerField()
    root = models.BinaryField()
    head = models.BinaryField()
    at = models.DateTimeField(db_default=Now())

    objects: ClassVar[ScopedManager[Self]] = ScopedManager()

    class Meta:
        verbose_name = _("audit seal")


class AuditPurge(models.Model):
    """What was purged of the trail: every entry of the seals up to `number`, and all that are older than `before`.

    See `zhike.kernel.retention`. Signed by the key of the seals.
    """

    scope: ClassVar[Scope] = Holders("access.read_audit")
    field_classes: ClassVar[Mapping[str, FieldClass]] = classify(
        open="number last_id before at signature"
    )

    number = models.BigIntegerField()
    last_id = models.BigIntegerField()
    before = models.DateTimeField()
    at = models.DateTimeField(db_default=Now())
    signature = models.BinaryField()

    objects: ClassVar[ScopedManager[Self]] = ScopedManager()

    class Meta:
        verbose_name = _("purge of the trail")


class AuditLeaf(models.Model):
    """The digest of an entry that was purged out of a seal of which other entries stay."""

    scope: ClassVar[Scope] = SystemOnly()
    field_classes: ClassVar[Mapping[str, FieldClass]] = classify(open="entry digest")

    entry = models.BigIntegerField(primary_key=True)
    digest = models.BinaryField()

    objects: ClassVar[ScopedManager[Self]] = ScopedManager()

    class Meta:
        verbose_name = _("digest of a purged entry")


class AuditMark(models.Model):
    """The newest entry's id at a moment, for the next sealing. One row."""

    scope: ClassVar[Scope] = SystemOnly()
    field_classes: ClassVar[Mapping[str, FieldClass]] = classify(open="last_id at")

    last_id = models.BigIntegerField()
    at = models.DateTimeField()

    objects: ClassVar[ScopedManager[Self]] = ScopedManager()

    class Meta:
        verbose_name = _("audit mark")


class Reaction(models.Model):
    """What a subscriber is still to do about an event; gone once it did. See `zhike.kernel.events`."""

    scope: ClassVar[Scope] = SystemOnly()
    field_classes: ClassVar[Mapping[str, FieldClass]] = classify(open="to by event at")

    id = models.BigAutoField(primary_key=True)
    to = models.CharField(max_length=200)
    by = models.CharField(max_length=200)
    event = models.JSONField()
    at = models.DateTimeField(db_default=Now())

    objects: ClassVar[ScopedManager[Self]] = ScopedManager()

    class Meta:
        verbose_name = _("reaction to an event")


class Outgoing(Base):
    """Something to be said outside, put down in the transaction of the deed it tells of. See `zhike.kernel.outbox`.

    The public id is what the other side knows it by. `sealed` is emptied once it was said.
    """

    class State(models.TextChoices):
        WAITING = "waiting", pgettext_lazy("a message", "waiting")
        SENDING = "sending", pgettext_lazy("a message", "being sent")
        SENT = "sent", pgettext_lazy("a message", "sent")
        UNKNOWN = "unknown", pgettext_lazy("a message", "not known whether sent")
        DROPPED = "dropped", pgettext_lazy("a message", "given up")

    scope: ClassVar[Scope] = SystemOnly()
    field_classes = classify(open="carrier state tries next_at claimed_at said", c2="sealed")
    keeping = keep(NOBODY, OWN)

    carrier = models.CharField(max_length=20)
    sealed = models.BinaryField(null=True, editable=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True)
    said = models.CharField(max_length=80, blank=True)

    class Meta:
        verbose_name = _("outgoing message")
        indexes = (
            models.Index(
                fields=["id"],
                name="outgoing_unsettled",
                condition=Q(state__in=("waiting", "sending", "unknown")),
            ),
        )

    @property
    def place(self) -> str:
        return f"kernel_outgoing.sealed:{self.public_id}"


class Answered(Base):
    """What a request with an idempotency key was answered, for a day. See `zhike.kernel.idempotency`."""

    scope: ClassVar[Scope] = SystemOnly()
    field_classes = classify(open="user_id key digest status kind", c2="sealed")
    keeping = keep(NOBODY, OWN)

    user_id = models.BigIntegerField()
    key = models.CharField(max_length=200)
    digest = models.BinaryField()
    status = models.PositiveSmallIntegerField(default=0)
    kind = models.CharField(max_length=80, blank=True)
    sealed = models.BinaryField(null=True, editable=False)

    class Meta:
        verbose_name = _("kept answer")
        constraints = (models.UniqueConstraint(fields=("user_id", "key"), name="answered_once"),)
        indexes = (models.Index(fields=["created_at"], name="answered_by_age"),)

    @property
    def place(self) -> str:
        return f"kernel_answered.sealed:{self.public_id}"
