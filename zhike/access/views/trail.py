"""The audit trail."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Q, QuerySet
from django.shortcuts import resolve_url
from django.utils.translation import gettext, pgettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from zhike.access.deeds import name_of, reason_in_words
from zhike.access.forms import TrailForm
from zhike.access.queries import Seals, seals, trail
from zhike.kernel import clock
from zhike.kernel.actor import NOBODY, SYSTEM, origin_in_words, permissions_in_words, system
from zhike.kernel.models import AuditEntry
from zhike.kernel.wording import labelled, listed
from zhike.ui.filters import Filter
from zhike.ui.lists.bulk import bulk_actions
from zhike.ui.lists.taking import sources
from zhike.ui.tables import Column
from zhike.ui.views import ListView

OTHERS = {
    "action": pgettext_lazy("audit", "Action"),
    "clear": _("columns in clear"),
    "closed_with": _("closed along with"),
    "login": _("login"),
    "sealed": pgettext_lazy("a field", "value, sealed"),
    "sessions": _("sessions"),
    "source": _("source"),
    "timeline": _("timeline"),
    "total": _("rows"),
}
"""What an entry names beside the fields of its row."""

_IDENTITY = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:")


def drawn_moment(text: str) -> str:
    """An instant as the trail keeps it, on the clock of the business; other text as it is."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return at.astimezone(clock.BUSINESS_ZONE).strftime("%Y-%m-%d %H:%M") if at.tzinfo else text


def _changes(entry: AuditEntry) -> str:
    return pgettext("between words", "; ").join(
        labelled(
            _called(entry, name), f"{_worded(entry, name, before)} → {_worded(entry, name, after)}"
        )
        for name, (before, after) in entry.changes.items()
    )


ELSEWHERE = {
    ("customers.timeline.add", "kind"): "customers.TimelineEntry",
    ("customers.timeline.withdraw", "kind"): "customers.TimelineEntry",
}
"""Fields that an entry about one row names of another."""


def _field(entry: AuditEntry, name: str) -> Any:
    model = ELSEWHERE.get((entry.action, name), entry.object_type)
    try:
        return apps.get_model(model)._meta.get_field(name)
    except (LookupError, ValueError, FieldDoesNotExist):
        return None


def _called(entry: AuditEntry, name: str) -> str:
    """What the reader calls the field; its name where it is none of the row's own."""
    if name in OTHERS:
        return str(OTHERS[name])
    return str(getattr(_field(entry, name), "verbose_name", name))


def _worded(entry: AuditEntry, name: str, value: Any) -> str:
    """The value in the reader's words: a choice, a right or a yes by its name."""
    if isinstance(value, list):
        if name == "clear":
            labels = _columns(entry)
            value = [labels.get(each, each) for each in value]
        return listed(_worded(entry, name, each) for each in value) or "—"
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if value is None or value == "":
        return "—"
    if name == "source" and value in sources:
        return str(sources.get(value).label)
    if name == "action" and value in bulk_actions:
        return str(bulk_actions.get(value).label)
    choices = dict(getattr(_field(entry, name), "flatchoices", ()))
    words = str(choices.get(value) or permissions_in_words(str(value)))
    if words.startswith("digest:"):
        return gettext("digest %(code)s") % {"code": words.removeprefix("digest:")[:8]}
    if _IDENTITY.fullmatch(words):
        return words[:8]
    if name == "timeline":  # when, and the number of the entry among those of the same moment
        words = words.rpartition(" ")[0]
    return drawn_moment(words) if _INSTANT.match(words) else words


def _columns(entry: AuditEntry) -> dict[str, str]:
    """The columns of the file an entry is about, as its list is headed in the reader's language."""
    _before, source = entry.changes.get("source", (None, ""))
    if source not in sources:
        return {}
    # Some lists have columns by who asks: the system has them all. What only a file has stands beside them.
    view = sources.get(source).opened(system("trail"), "")
    known = (*getattr(view, "columns", ()), *getattr(view, "beside", ()))
    return {column.name: str(column.label) for column in known}


def _who(entry: AuditEntry) -> str:
    if entry.actor_name == NOBODY.name:
        return gettext("nobody signed in")
    return gettext("the system") if entry.actor_name == SYSTEM else entry.actor_name


def _object(entry: AuditEntry) -> str:
    """What it is in the reader's words, and the beginning of its id: enough to tell rows apart."""
    try:
        kind = str(apps.get_model(entry.object_type)._meta.verbose_name)
    except (LookupError, ValueError):  # a thing that is no row, or a model that is gone
        kind = entry.object_type
    return f"{kind} {_object_id(entry)[:8]}".strip()


def _object_id(entry: AuditEntry) -> str:
    return str(entry.object_public_id or entry.object_id or "")


def _code(entry: AuditEntry) -> str:
    return entry.action


def _outcome_tone(entry: AuditEntry) -> str:
    return "red" if entry.outcome == AuditEntry.Outcome.REFUSED else "green"


class TrailView(ListView):
    """The trail, newest first: who did what to whom, from where, and what was refused."""

    model = AuditEntry
    permission = "access.read_audit"
    page = "access.trail"
    title = _("Audit trail")
    template_name = "access/auditentry_list.html"
    order = "-at"
    keeps = False
    columns = (
        Column("at", _("When"), "datetime", sortable=True, sort_field="at"),
        Column("actor_name", _("Who"), value=_who),
        Column("action", pgettext_lazy("audit", "Action"), value=lambda e: name_of(e.action)),
        Column(
            "outcome",
            _("Outcome"),
            "badge",
            value=lambda entry: entry.get_outcome_display(),
            tone=_outcome_tone,
        ),
        Column("object", _("Of what"), value=_object),
        Column("code", _("Code of the action"), value=_code, minor=True, optional=True),
        Column("object_id", _("Full id"), value=_object_id, minor=True, optional=True),
        Column("changes", _("Changed"), value=_changes),
        Column("reason", _("Why"), value=reason_in_words, minor=True),
        Column("origin", _("From where"), value=lambda e: origin_in_words(e.origin), minor=True),
    )
    filters = (
        Filter(
            "outcome",
            _("Outcome"),
            AuditEntry.Outcome.choices,
            lambda value: Q(outcome=value),
        ),
    )

    def narrowed(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        form = self.asked()
        return trail(self.actor, rows, **form.cleaned_data) if form.is_valid() else rows.none()

    def asked(self) -> TrailForm:
        return TrailForm(self.request.GET)

    def seals(self) -> Seals:
        return seals(self.actor)

    def export_url(self) -> str:
        return resolve_url("access:export")

    def row_url(self, row: Any) -> str:
        return ""
