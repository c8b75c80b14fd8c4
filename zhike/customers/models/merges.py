"""Customers that turned out to be one: who was absorbed, into whom, and all that a split needs to undo it."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from zhike.customers.models.parties import Party
from zhike.kernel.classes import classify
from zhike.kernel.keeping import QUALITY, Subject, keep
from zhike.kernel.models import Base
from zhike.kernel.scope import SystemOnly, Via


class Merge(Base):
    """One party absorbed by another; in force until `undone_at`.

    Merges in force form a forest: `into` is the id of the party it went into, `root` the customer that both are
    part of today. The absorbed party leaves its table, so that no list, count or search can meet it: `row` is its
    own row. `moved` maps "table.column" to the ids of the rows whose home it is; they stand with the root meanwhile.
    `left` counts, by table, the rows that had to be set aside.

    A party that a record was only ever a part of by its key, and which was taken out of it, has one too: by RECORD,
    since the record came, never in force.
    """

    class How(models.TextChoices):
        HAND = "hand", pgettext_lazy("how customers became one", "by hand")
        RULE = "rule", pgettext_lazy("how customers became one", "by rule")
        LIKENESS = "likeness", pgettext_lazy("how customers became one", "by likeness")
        RECORD = "record", pgettext_lazy("how customers became one", "by a record's key")

    scope = Via("root")
    field_classes = classify(
        open="root absorbed absorbed_public_id into how at undone_at moved left",
        c1="reason by undone_by undone_because",
        c2="name row",
    )
    keeping = keep("root absorbed", QUALITY)

    absorbed = models.BigIntegerField(db_index=True)
    absorbed_public_id = models.UUIDField(db_index=True)
    name = models.CharField(pgettext_lazy("of a customer", "name"), max_length=200)
    into = models.BigIntegerField(db_index=True)
    root = models.ForeignKey(Party, models.PROTECT, related_name="merges")
    how = models.CharField(_("how"), max_length=10, choices=How.choices)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    by = models.CharField(pgettext_lazy("person", "by"), max_length=80, blank=True)
    at = models.DateTimeField(_("at"))
    undone_at = models.DateTimeField(_("undone"), null=True)
    undone_by = models.CharField(max_length=80, blank=True)
    undone_because = models.CharField(_("undone because"), max_length=200, blank=True)
    row = models.JSONField(default=dict)
    moved = models.JSONField(default=dict)
    left = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("merge")
        constraints = (
            models.UniqueConstraint(
                fields=("absorbed",),
                condition=models.Q(undone_at__isnull=True),
                name="absorbed_once_at_a_time",
            ),
        )

    @property
    def party_id(self) -> int:
        """Whom the trail is to find it under."""
        return self.root_id


def _at_home(subject: Subject) -> models.Q:
    return models.Q(homes__overlap=list(subject.keys))


class SetAside(Base):
    """A row that cannot stand beside what its customer has since a merge; it comes back as soon as it can again.

    `homes` are the parties it was written for, one a key. `row` is the row with its homes in place of roots,
    `beside` what hung on it (table → rows), `links` what pointed at it ([table, column, id]).
    """

    scope = SystemOnly()
    field_classes = classify(open="table homes links", c2="row beside")
    keeping = keep(_at_home, QUALITY)

    table = models.CharField(max_length=63)
    homes: ArrayField[Any, Any] = ArrayField(models.BigIntegerField())
    row = models.JSONField()
    beside = models.JSONField(default=dict)
    links = models.JSONField(default=list)

    class Meta:
        verbose_name = _("row set aside")
        indexes = (GinIndex(fields=["homes"], name="set_aside_by_home"),)
