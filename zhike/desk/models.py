"""What a person keeps on their own screens."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from zhike.desk.scopes import Lent, Own
from zhike.kernel.classes import classify
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


class Remembered(Base):
    """A record somebody opened or pinned; what it is called is asked of its own room, in scope."""

    scope = Own()
    field_classes = classify(open="user subject object_id opened_at pinned_at")

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


class BulkRun(Base):
    """One action on many rows, done as a job on its owner's behalf, with a line for each row refused.

    The rows are those of `ids`, or all that `query` finds when `ids` is null. `report` is a list of
    [what the row is called, why it was refused].
    """

    class State(models.TextChoices):
        WAITING = "waiting", pgettext_lazy("a job", "waiting")
        RUNNING = "running", pgettext_lazy("a job", "running")
        DONE = "done", pgettext_lazy("a job", "done")
        FAILED = "failed", pgettext_lazy("a job", "failed")
        STOPPED = "stopped", pgettext_lazy("a job", "stopped")

    scope = Own()
    field_classes = classify(
        open="user page action ids state total done refused started_at finished_at",
        c1="params query report",
    )

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

    class Meta:
        verbose_name = _("bulk job")
        indexes = (models.Index(fields=["user", "-created_at"], name="bulk_run_by_time"),)
