"""Source systems, what was read from them, and which customer each record became."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from zhike.customers.models import Party
from zhike.kernel.classes import classify
from zhike.kernel.models import Base
from zhike.kernel.scope import Holders, SystemOnly


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
    """A record of a source system and the party it became. `digest` is over its mapped values, to see a change."""

    scope = SystemOnly()
    field_classes = classify(open="system table key digest party file line")

    system = models.ForeignKey(SourceSystem, models.PROTECT, related_name="records")
    table = models.CharField(max_length=60)
    key = models.CharField(max_length=80)
    digest = models.BinaryField(max_length=16)
    party = models.ForeignKey(Party, models.PROTECT, related_name="source_records")
    file = models.ForeignKey(ImportFile, models.PROTECT, null=True, related_name="+")
    line = models.BigIntegerField(null=True)

    class Meta:
        verbose_name = _("source record")
        constraints = (
            models.UniqueConstraint(fields=("system", "table", "key"), name="source_record_once"),
        )
