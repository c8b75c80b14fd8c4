"""Source systems, what was read from them, and which customer each record became."""

from __future__ import annotations

import json
from typing import Any, ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from zhike.customers.models import Merge, Party
from zhike.kernel import crypto
from zhike.kernel.classes import classify
from zhike.kernel.keeping import NOBODY, OWN, QUALITY, keep
from zhike.kernel.models import Base, ScopedManager
from zhike.kernel.scope import Holders, SystemOnly, Via
from zhike.masterdata.quality import models as quality_models  # noqa: F401  Django looks for them here
from zhike.masterdata.scopes import Own, PairScope, RecordScope
from zhike.organisation.models import User


class SourceSystem(Base):
    """A system we read from; `trust` (0 to 100) ranks its word against another system's."""

    scope = Holders("masterdata.view", named=True)
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
        REVERTED = "reverted", _("taken back")

    scope = Holders("masterdata.view", named=True)
    field_classes = classify(
        open="system state mapping mapping_digest started_at ended_at counts", c1="actor_name error"
    )
    keeping = keep(NOBODY, OWN)

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
        REVERTED = "reverted", _("taken back")

    scope = Holders("masterdata.view", named=True)
    field_classes = classify(
        open="run name table digest state rows_read rows_accepted rows_rejected rows_unchanged "
        "values_left_out reject_file sums bytes seconds",
        c1="error",
    )
    keeping = keep(NOBODY, OWN)

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

    scope = RecordScope()
    field_classes = classify(
        open="system table key digest party file line observed_on",
        c1="stamps",
        c2="values sealed keys",
    )
    keeping = keep("party", QUALITY, derived="keys")

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


class Barred(models.Model):
    """A record that is not read any more: its customer's data was restricted or erased. Known by a keyed digest."""

    scope = SystemOnly()
    field_classes = classify(open="digest since")

    digest = models.BinaryField(primary_key=True, max_length=16)
    since = models.DateField()

    objects: ClassVar[ScopedManager[Self]] = ScopedManager()

    class Meta:
        verbose_name = _("barred record")


class Pin(Base):
    """A person chose whose word stands in one field of a customer, whatever the rules say."""

    scope = Via("party")
    field_classes = classify(open="party field record at", c1="by reason")
    keeping = keep("party", QUALITY)

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

    scope = Holders("masterdata.view", named=True)
    field_classes = classify(open="field criteria")

    field = models.CharField(_("field"), max_length=40, unique=True)
    criteria: ArrayField[Any, Any] = ArrayField(
        models.CharField(max_length=10), verbose_name=_("order")
    )

    class Meta:
        verbose_name = _("survivorship rule")


class KeptMapping(Base):
    """A mapping made on the screen, kept by name for the next file of that shape; `header` are its columns."""

    scope = Holders("masterdata.load")
    field_classes = classify(open="name header", c1="text by")
    keeping = keep(NOBODY, OWN)

    name = models.CharField(pgettext_lazy("of a mapping", "name"), max_length=60, unique=True)
    text = models.TextField()
    header: ArrayField[Any, Any] = ArrayField(models.CharField(max_length=80))
    by = models.CharField(pgettext_lazy("person", "by"), max_length=80, blank=True)

    class Meta:
        verbose_name = _("kept mapping")

    def __str__(self) -> str:
        return self.name


class Upload(Base):
    """A file somebody uploaded, on its way to being an import; its owner's alone until it is one.

    The file lies sealed in the data folder as `stored`. `look` is what it looks like (`wizard.shapes.Look`), sealed,
    for there are rows in it; `mapping` the TOML it is read with; `report` what a check or the load made of it.
    `wrote_from` and `wrote_until` are the moments between which its one transaction wrote: whatever it made was
    created then.
    """

    class State(models.TextChoices):
        ARRIVED = "arrived", pgettext_lazy("an upload", "to be mapped")
        MAPPED = "mapped", pgettext_lazy("an upload", "to be checked")
        CHECKING = "checking", pgettext_lazy("an upload", "being checked")
        CHECKED = "checked", pgettext_lazy("an upload", "ready")
        LOADING = "loading", pgettext_lazy("an upload", "being loaded")
        LOADED = "loaded", pgettext_lazy("an upload", "loaded")
        REVERTING = "reverting", pgettext_lazy("an upload", "being taken back")
        REVERTED = "reverted", pgettext_lazy("an upload", "taken back")

    scope = Own()
    field_classes = classify(
        open="user state name bytes digest stored done total run corrects wrote_from wrote_until",
        c1="mapping report error",
        c2="look",
    )
    keeping = keep(NOBODY, OWN)

    user = models.ForeignKey(User, models.CASCADE, related_name="uploads")
    state = models.CharField(
        _("state"), max_length=10, choices=State.choices, default=State.ARRIVED
    )
    name = models.CharField(_("file"), max_length=120)
    bytes = models.BigIntegerField(_("bytes"))
    digest = models.CharField(max_length=64)
    stored = models.CharField(max_length=32, blank=True)
    look = models.BinaryField(editable=False, null=True)
    mapping = models.TextField(blank=True)
    report = models.JSONField(default=dict)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    error = models.TextField(_("error"), blank=True)
    run = models.OneToOneField(ImportRun, models.SET_NULL, null=True, related_name="upload")
    corrects = models.ForeignKey(ImportRun, models.SET_NULL, null=True, related_name="+")
    wrote_from = models.DateTimeField(null=True)
    wrote_until = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("upload")
        indexes = (models.Index(fields=["user", "-created_at"], name="upload_by_time"),)

    def __str__(self) -> str:
        return self.name

    @property
    def place(self) -> str:
        return f"masterdata_upload.look:{self.public_id}"


class Displaced(Base):
    """What a record said before an import gave it new words, so that the import can be taken back.

    `words` are the columns of the record as they were, those that identify still sealed for its place.
    """

    scope = SystemOnly()
    field_classes = classify(open="file record observed_on before_file line", c2="words sealed")
    keeping = keep("record__party", QUALITY)

    file = models.ForeignKey(ImportFile, models.CASCADE, related_name="displaced")
    record = models.ForeignKey(SourceRecord, models.CASCADE, related_name="+")
    before_file = models.ForeignKey(ImportFile, models.SET_NULL, null=True, related_name="+")
    line = models.BigIntegerField(null=True)
    words = models.JSONField()
    sealed = models.BinaryField(null=True, editable=False)
    observed_on = models.DateField(null=True)

    class Meta:
        verbose_name = _("displaced words")
        constraints = (
            models.UniqueConstraint(fields=("file", "record"), name="displaced_once_a_file"),
        )


class MatchModel(Base):
    """What training found out about the records, as JSON; the newest one counts. Holds no value of a person's own."""

    scope = Holders("masterdata.view")
    field_classes = classify(open="normaliser records trained_at text")

    normaliser = models.CharField(max_length=40)
    records = models.BigIntegerField(_("records"))
    trained_at = models.DateTimeField(_("trained"))
    text = models.TextField()

    class Meta:
        verbose_name = _("matching model")


class MatchRun(Base):
    """One resolving of records into customers: everything anew (`whole`) or what is new since the last."""

    class State(models.TextChoices):
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    scope = Holders("masterdata.view")
    field_classes = classify(
        open="state whole started_at ended_at counts model seconds", c1="actor_name error"
    )
    keeping = keep(NOBODY, OWN)

    state = models.CharField(
        _("state"), max_length=10, choices=State.choices, default=State.RUNNING
    )
    whole = models.BooleanField(_("everything anew"), default=False)
    model = models.ForeignKey(MatchModel, models.PROTECT, null=True, related_name="runs")
    started_at = models.DateTimeField(_("started"))
    ended_at = models.DateTimeField(_("ended"), null=True)
    seconds = models.FloatField(_("seconds"), default=0)
    actor_name = models.CharField(pgettext_lazy("person", "by"), max_length=80, blank=True)
    counts = models.JSONField(default=dict)
    error = models.TextField(_("error"), blank=True)

    class Meta:
        verbose_name = _("matching run")


class Pair(Base):
    """Two records that may be of one customer: for a person to judge, judged, or joined without one.

    `weights` maps a comparison to [level, weight]: log2 of how much likelier the agreement is among records of one
    customer than of two; with `prior` they add up to `match_weight`. `why` says what brought the pair here.
    A judgement stands: "different" keeps the records apart for good, "same" joins them whatever the likeness, by the
    `merge` it made.
    """

    class State(models.TextChoices):
        OPEN = "open", pgettext_lazy("a pair of records", "to judge")
        SAME = "same", pgettext_lazy("a pair of records", "the same")
        DIFFERENT = "different", pgettext_lazy("a pair of records", "different")
        UNSURE = "unsure", pgettext_lazy("a pair of records", "unsure")
        JOINED = "joined", pgettext_lazy("a pair of records", "joined by likeness")

    class Why(models.TextChoices):
        BAND = "band", _("likely, but not certain")
        CONTRADICTION = "contradiction", _("alike, but their documents differ")
        MIXED = "mixed", _("alike, but of different kinds")
        LARGE = "large", _("would make a customer of too many records")
        WEAK = "weak", _("would join two groups by one weak link")
        APART = "apart", _("would join customers that somebody keeps apart")
        HAND = "hand", _("somebody asked for a comparison")
        DOCUMENT = "document", _("both claim one document")

    scope = PairScope()
    field_classes = classify(
        open="left right state why probability match_weight weights prior found_at decided_at merge",
        c1="decided_by note",
    )
    keeping = keep("left__party right__party", QUALITY)

    left = models.ForeignKey(SourceRecord, models.CASCADE, related_name="pairs_as_left")
    right = models.ForeignKey(SourceRecord, models.CASCADE, related_name="pairs_as_right")
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.OPEN)
    why = models.CharField(_("why"), max_length=14, choices=Why.choices, default=Why.BAND)
    probability = models.FloatField(_("probability"))
    match_weight = models.FloatField(_("weight"), default=0)
    prior = models.FloatField(default=0)
    weights = models.JSONField(default=dict)
    found_at = models.DateTimeField(_("found"))
    decided_at = models.DateTimeField(_("judged"), null=True)
    decided_by = models.CharField(_("judged by"), max_length=80, blank=True)
    note = models.CharField(_("note"), max_length=200, blank=True)
    merge = models.ForeignKey(Merge, models.SET_NULL, null=True, related_name="+")

    class Meta:
        verbose_name = _("pair of records")
        verbose_name_plural = _("pairs of records")
        constraints = (
            models.UniqueConstraint(fields=("left", "right"), name="pair_once"),
            models.CheckConstraint(
                condition=models.Q(left__lt=models.F("right")), name="pair_in_order"
            ),
        )
        indexes = (models.Index(fields=["state", "-probability", "id"], name="pair_to_judge"),)

    def __str__(self) -> str:
        return f"{self.left.party.name} – {self.right.party.name}"

    @property
    def question(self) -> str:
        """Why a person is asked; "" of a pair that likeness joined without asking."""
        return "" if self.state == self.State.JOINED else self.get_why_display()


class Approval(Base):
    """A judgement on many records at once, which a second person confirms before it is done."""

    class State(models.TextChoices):
        WAITING = "waiting", pgettext_lazy("an approval", "waiting")
        APPROVED = "approved", pgettext_lazy("an approval", "approved")
        DECLINED = "declined", pgettext_lazy("an approval", "declined")

    scope = Holders("customers.merge")
    field_classes = classify(
        open="state verdict pairs records asked_by asked_at answered_at",
        c1="asked_name answered_name reason",
    )
    keeping = keep(NOBODY, OWN)

    state = models.CharField(
        _("state"), max_length=10, choices=State.choices, default=State.WAITING
    )
    verdict = models.CharField(_("judgement"), max_length=10, choices=Pair.State.choices)
    pairs = models.JSONField(default=list)
    records = models.PositiveIntegerField(_("records"))
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    asked_name = models.CharField(_("asked by"), max_length=80)
    asked_at = models.DateTimeField(_("asked"))
    answered_name = models.CharField(_("answered by"), max_length=80, blank=True)
    answered_at = models.DateTimeField(_("answered"), null=True)
    reason = models.CharField(_("reason"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("approval")
