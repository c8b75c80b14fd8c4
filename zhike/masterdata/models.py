"""Source systems, what was read from them, and which customer each record became."""

from __future__ import annotations

import json
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from zhike.customers.models import Party
from zhike.kernel import crypto
from zhike.kernel.classes import classify
from zhike.kernel.models import Base
from zhike.kernel.scope import Holders, SystemOnly, Via


class SourceSystem(Base):
    """A system we read from; `trust` (0 to 100) ranks its word against another system's."""

    scope = Holders("masterdata.view")
    field_classes = classify(open="code name trust")

    code = models.CharField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=120)
    trust = models.PositiveSmallIntegerField(_("trust"), default=50)

    class Meta:
        verbose_name = _("source system")

    def __str__(self) -> str:
        return self.name


class ImportRun(Base):
    """One call of a load: a mapping over some paths. `counts` maps a table to {read, accepted, rejected, unchanged}."""

    class State(models.TextChoices):
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    scope = Holders("masterdata.view")
    field_classes = classify(
        open="system state mapping mapping_digest started_at ended_at counts", c1="actor_name error"
    )

    system = models.ForeignKey(SourceSystem, models.PROTECT, related_name="runs")
    mapping = models.CharField(_("mapping"), max_length=200)
    mapping_digest = models.CharField(max_length=64)
    state = models.CharField(
        _("state"), max_length=10, choices=State.choices, default=State.RUNNING
    )
    started_at = models.DateTimeField(_("started"))
    ended_at = models.DateTimeField(_("ended"), null=True)
    actor_name = models.CharField(pgettext_lazy("person", "by"), max_length=80, blank=True)
    counts = models.JSONField(default=dict)
    error = models.TextField(_("error"), blank=True)

    class Meta:
        verbose_name = _("import run")
        verbose_name_plural = _("import runs")

    @property
    def operator(self) -> str:
        """The person who started it; without one it was the command line."""
        return self.actor_name or gettext("command line")


class ImportFile(Base):
    """One file of a run. A file whose digest was loaded under the same mapping before adds nothing."""

    class State(models.TextChoices):
        WRITING = "writing", _("being written")
        LOADED = "loaded", _("loaded")
        ALREADY = "already", _("already loaded before")
        FAILED = "failed", _("failed")

    scope = Holders("masterdata.view")
    field_classes = classify(
        open="run name table digest state rows_read rows_accepted rows_rejected rows_unchanged "
        "values_left_out reject_file sums bytes seconds",
        c1="error",
    )

    run = models.ForeignKey(ImportRun, models.CASCADE, related_name="files")
    name = models.CharField(_("file"), max_length=255)
    table = models.CharField(_("table"), max_length=60)
    digest = models.CharField(max_length=64)
    bytes = models.BigIntegerField(_("bytes"), default=0)
    state = models.CharField(_("state"), max_length=10, choices=State.choices)
    rows_read = models.BigIntegerField(_("read"), default=0)
    rows_accepted = models.BigIntegerField(_("accepted"), default=0)
    rows_rejected = models.BigIntegerField(_("rejected"), default=0)
    rows_unchanged = models.BigIntegerField(_("unchanged"), default=0)
    values_left_out = models.BigIntegerField(_("values left out"), default=0)
    reject_file = models.CharField(_("reject file"), max_length=255, blank=True)
    sums = models.JSONField(default=dict)
    seconds = models.FloatField(_("seconds"), default=0)
    error = models.TextField(_("error"), blank=True)

    class Meta:
        verbose_name = _("import file")
        constraints = (
            models.UniqueConstraint(
                fields=("table", "digest"),
                condition=models.Q(state="loaded"),
                name="file_loaded_once_a_table",
            ),
        )


class SourceRecord(Base):
    """A record of a source system, its own words, and the party it is part of.

    `values` are its words by field of the party; `sealed` those that identify, as one encrypted JSON object, as the
    source gave them. `digest` is over both, to see a change. What people enter here is a record too, of the system
    `BY_HAND`, one a party: there `stamps` maps a field to {"on", "by", "verified_on"}, for its words are of many days.
    `keys` are the record's blocking keys, null until it has been compared.
    """

    BY_HAND = "zhike"

    scope = SystemOnly()
    field_classes = classify(
        open="system table key digest party file line observed_on",
        c1="stamps",
        c2="values sealed keys",
    )

    system = models.ForeignKey(SourceSystem, models.PROTECT, related_name="records")
    table = models.CharField(max_length=60)
    key = models.CharField(max_length=80)
    digest = models.BinaryField(max_length=16)
    party = models.ForeignKey(Party, models.PROTECT, related_name="source_records")
    file = models.ForeignKey(ImportFile, models.PROTECT, null=True, related_name="+")
    line = models.BigIntegerField(null=True)
    values = models.JSONField(default=dict)
    stamps = models.JSONField(default=dict, db_default={})
    sealed = models.BinaryField(null=True, editable=False)
    observed_on = models.DateField(null=True)
    keys: ArrayField[Any, Any] = ArrayField(models.BigIntegerField(), null=True, editable=False)

    class Meta:
        verbose_name = _("source record")
        constraints = (
            models.UniqueConstraint(fields=("system", "table", "key"), name="source_record_once"),
        )
        indexes = (
            GinIndex(fields=["keys"], name="source_record_by_keys"),
            models.Index(
                fields=["id"], name="source_record_new", condition=models.Q(keys__isnull=True)
            ),
        )

    @property
    def place(self) -> str:
        return sealed_place(self.table, self.key)

    def identifying(self) -> dict[str, str]:
        """The sealed words in clear: only for the system's own matching and a comparison that is on record."""
        words: dict[str, str] = (
            json.loads(crypto.decrypt(bytes(self.sealed), self.place)) if self.sealed else {}
        )
        return words


def sealed_place(table: str, key: str) -> str:
    return f"masterdata_sourcerecord.sealed:{table}/{key}"


class Pin(Base):
    """A person chose whose word stands in one field of a customer, whatever the rules say."""

    scope = Via("party")
    field_classes = classify(open="party field record at", c1="by reason")

    party = models.ForeignKey(Party, models.CASCADE, related_name="pins")
    field = models.CharField(_("field"), max_length=40)
    record = models.ForeignKey(SourceRecord, models.CASCADE, related_name="pins")
    by = models.CharField(pgettext_lazy("person", "by"), max_length=80, blank=True)
    at = models.DateTimeField(_("at"))
    reason = models.CharField(_("reason"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("pinned value")
        constraints = (models.UniqueConstraint(fields=("party", "field"), name="one_pin_a_field"),)


class SurvivorRule(Base):
    """By which criteria, in which order, the word that stands in a field is found; others take the usual."""

    scope = Holders("masterdata.view")
    field_classes = classify(open="field criteria")

    field = models.CharField(_("field"), max_length=40, unique=True)
    criteria: ArrayField[Any, Any] = ArrayField(
        models.CharField(max_length=10), verbose_name=_("order")
    )

    class Meta:
        verbose_name = _("survivorship rule")
