"""What a person keeps on their own screens."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from zhike.desk.scopes import Lent, Own, TakenBy
from zhike.kernel.classes import classify
from zhike.kernel.keeping import NOBODY, OWN, TRAIL, Subject, keep
from zhike.kernel.models import Base
from zhike.organisation.models import Unit, User


class SavedView(Base):
    """A list as somebody left it: `query` is the whole state as it stands in the address bar."""

    class Sharing(models.TextChoices):
        PRIVATE = "private", pgettext_lazy("a view", "only me")
        TEAM = "team", pgettext_lazy("a view", "my unit")
        EVERYONE = "everyone", pgettext_lazy("a view", "everyone")

    scope = Lent()
    field_classes = classify(open="user page sharing unit position", c1="name query")
    keeping = keep(NOBODY, OWN)

    user = models.ForeignKey(User, models.CASCADE, related_name="saved_views")
    page = models.CharField(max_length=60)
    name = models.CharField(_("name"), max_length=60)
    query = models.TextField(blank=True)
    sharing = models.CharField(
        _("shown to"), max_length=10, choices=Sharing.choices, default=Sharing.PRIVATE
    )
    unit = models.ForeignKey(Unit, models.CASCADE, null=True, blank=True, related_name="+")
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = _("saved view")
        indexes = (models.Index(fields=["page", "position"], name="view_by_page"),)
        constraints = (
            models.UniqueConstraint(fields=("user", "page", "name"), name="view_once_by_name"),
            models.CheckConstraint(
                condition=models.Q(unit__isnull=False) | ~models.Q(sharing="team"),
                name="a_team_view_has_a_unit",
            ),
        )

    def __str__(self) -> str:
        return self.name


class Arrangement(Base):
    """How one person keeps one page: the order of its panels, those hidden, the view a list opens with.

    `panels` is a list of {"id": …, "hidden": bool}; panels it does not name stand at their own place.
    `pinned` are the public ids of the views that stand as tabs.
    """

    scope = Own()
    field_classes = classify(open="user page panels view pinned")

    user = models.ForeignKey(User, models.CASCADE, related_name="arrangements")
    page = models.CharField(max_length=60)
    panels = models.JSONField(default=list, blank=True)
    view = models.ForeignKey(
        SavedView, models.SET_NULL, null=True, blank=True, related_name="default_of"
    )
    pinned = models.JSONField(default=list, blank=True)

    class Meta:
        verbose_name = _("arrangement")
        constraints = (
            models.UniqueConstraint(fields=("user", "page"), name="arrangement_once_a_page"),
        )


def _opened(subject: Subject) -> models.Q:
    return models.Q(subject="customer", object_id__in=subject.keys)


def _led_to(subject: Subject) -> models.Q:
    """Notices name a customer by the address of their page."""
    found = models.Q(pk__in=())
    for public_id in subject.public_ids:
        found |= models.Q(url__contains=str(public_id))
    return found


class Remembered(Base):
    """A record somebody opened or pinned; what it is called is asked of its own room, in scope."""

    scope = Own()
    field_classes = classify(open="user subject object_id opened_at pinned_at")
    keeping = keep(_opened, OWN)

    user = models.ForeignKey(User, models.CASCADE, related_name="remembered")
    subject = models.CharField(max_length=60)
    object_id = models.BigIntegerField()
    opened_at = models.DateTimeField()
    pinned_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("remembered record")
        indexes = (models.Index(fields=["user", "-opened_at"], name="remembered_by_time"),)
        constraints = (
            models.UniqueConstraint(
                fields=("user", "subject", "object_id"), name="remembered_once"
            ),
        )


class Notice(Base):
    """Something a person should know: `text` is an English msgid filled with `params`, `url` leads to it."""

    scope = Own()
    field_classes = classify(open="user kind url read_at at", c1="text params")
    keeping = keep(_led_to, OWN)

    user = models.ForeignKey(User, models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=40)
    text = models.CharField(max_length=300)
    params = models.JSONField(default=dict, blank=True)
    url = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("notice")
        indexes = (
            models.Index(fields=["user", "-at"], name="notice_by_time"),
            models.Index(
                fields=["user"], name="notice_unread", condition=models.Q(read_at__isnull=True)
            ),
        )


class Answered(Base):
    """What waits for a second person until a time, who answered it, and why it was refused or ended."""

    until = models.DateTimeField(null=True)
    answered_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    answered_name = models.CharField(max_length=80, blank=True)
    answered_at = models.DateTimeField(null=True)
    reason = models.CharField(_("reason"), max_length=200, blank=True)

    class Meta:
        abstract = True


class BulkRun(Answered):
    """One action on many rows, done as a job on its owner's behalf, with a line for each row refused.

    The rows are those of `ids`, or all that `query` finds when `ids` is null. `report` is a list of
    [what the row is called, why it was refused]. With `approval`, the right a second person must hold over `unit`,
    nothing is done before somebody agreed; `said` is what narrowed the rows, in the asker's words.
    """

    class State(models.TextChoices):
        ASKED = "asked", pgettext_lazy("a job", "waits for a second person")
        REFUSED = "refused", pgettext_lazy("a job", "refused")
        ENDED = "ended", pgettext_lazy("a job", "ended")
        WAITING = "waiting", pgettext_lazy("a job", "waiting")
        RUNNING = "running", pgettext_lazy("a job", "running")
        DONE = "done", pgettext_lazy("a job", "done")
        FAILED = "failed", pgettext_lazy("a job", "failed")
        STOPPED = "stopped", pgettext_lazy("a job", "stopped")

    scope = TakenBy()
    field_classes = classify(
        open="user page action ids state total done refused started_at finished_at unit approval"
        " until answered_by answered_at",
        c1="params query report said answered_name reason",
    )
    keeping = keep(NOBODY, OWN)

    user = models.ForeignKey(User, models.CASCADE, related_name="bulk_runs")
    page = models.CharField(max_length=60)
    action = models.CharField(max_length=60)
    params = models.JSONField(default=dict, blank=True)
    query = models.TextField(blank=True)
    ids = models.JSONField(null=True, blank=True)
    state = models.CharField(
        _("state"), max_length=10, choices=State.choices, default=State.WAITING
    )
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    report = models.JSONField(default=list, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    unit = models.ForeignKey(Unit, models.PROTECT, null=True, related_name="+")
    approval = models.CharField(max_length=60, blank=True)
    said = models.JSONField(default=list, blank=True)

    class Meta:
        verbose_name = _("bulk job")
        indexes = (models.Index(fields=["user", "-created_at"], name="bulk_run_by_time"),)
        constraints = (
            # Whatever code runs: what needs a second person is worked on only with the word of one.
            models.CheckConstraint(
                condition=models.Q(approval="", unit__isnull=True)
                | models.Q(state__in=("asked", "refused", "ended"))
                | (models.Q(answered_by__isnull=False) & ~models.Q(answered_by=models.F("user"))),
                name="a_second_person_agreed_to_the_job",
            ),
        )


def _in_file(subject: Subject) -> models.Q:
    found = models.Q(pk__in=())
    for key in subject.keys:
        found |= models.Q(source="customers", keys__contains=key)
    return found


class TakenFile(Answered):
    """Rows that somebody took away, or asks to: who, which, how many, what for, and who agreed.

    `id` is what the code of each row hides (`desk.marks`); `keys` are those of the rows, kept so
    that a leaked one is recognised; `clear` are [name, label] of the columns in clear. `path` names the sealed file
    while it is kept for its owner.
    """

    class State(models.TextChoices):
        TAKEN = "taken", pgettext_lazy("a file", "taken")
        WAITING = "waiting", pgettext_lazy("a file", "waits for a second person")
        APPROVED = "approved", pgettext_lazy("a file", "being made")
        READY = "ready", pgettext_lazy("a file", "ready")
        REFUSED = "refused", pgettext_lazy("a file", "refused")
        ENDED = "ended", pgettext_lazy("a file", "ended")
        FAILED = "failed", pgettext_lazy("a file", "failed")

    scope = TakenBy()
    field_classes = classify(
        open="user unit source kind keys rows clear state approval until taken times path answered_by answered_at",
        c1="query said columns why reason answered_name",
    )
    keeping = keep(_in_file, TRAIL)

    user = models.ForeignKey(User, models.PROTECT, related_name="taken_files")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+")
    source = models.CharField(max_length=60)
    kind = models.CharField(max_length=4)
    query = models.TextField(blank=True)
    said = models.JSONField(default=list, blank=True)
    columns = models.JSONField(default=list)
    clear = models.JSONField(default=list, blank=True)
    keys = models.JSONField(default=list)
    rows = models.PositiveIntegerField(_("rows"))
    why = models.CharField(_("what for"), max_length=200, blank=True)
    approval = models.CharField(max_length=60)
    state = models.CharField(_("state"), max_length=10, choices=State.choices)
    path = models.CharField(max_length=40, blank=True)
    taken = models.DateTimeField(null=True)
    times = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = _("file taken")
        indexes = (
            models.Index(fields=["user", "-created_at"], name="taken_file_by_time"),
            models.Index(
                fields=["until"],
                name="taken_file_ending",
                condition=models.Q(state__in=("waiting", "approved", "ready")),
            ),
        )
        constraints = (
            # Whatever code runs: what waited leaves only with the word of somebody else.
            models.CheckConstraint(
                condition=~models.Q(state__in=("approved", "ready"))
                | (models.Q(answered_by__isnull=False) & ~models.Q(answered_by=models.F("user"))),
                name="a_second_person_agreed",
            ),
        )

    @property
    def number(self) -> str:
        """What people call it by; a number in a row would tell how many others take."""
        return f"F{self.public_id.hex[:8].upper()}"
