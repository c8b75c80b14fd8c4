"""Every line of work in reach, and every contact: lists to be narrowed, kept and worked through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from zhike.activities import records
from zhike.activities.models import WorkItem
from zhike.activities.queries.lists import UNREAD
from zhike.customers.models import TimelineEntry
from zhike.ui.filters import Filter
from zhike.ui.lists import conditions
from zhike.ui.views import ListView


class WorkList(ListView):
    """Open lines, the next first; those that are closed where somebody asks for a state."""

    model = WorkItem
    permission = "activities.view"
    page = records.WORK
    title = _("Work")
    columns = records.WORK_COLUMNS
    order = "plan_on"
    groupings = records.WORK_GROUPINGS
    dates = records.WORK_DATES
    peeks = True

    def chips(self) -> Sequence[Filter]:
        return records.work_filters(self.actor)

    def narrowed(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.select_related("party__unit", "employee").defer("figures", *UNREAD)

    def by_default(self, asked: conditions.Group) -> Q:
        spoken_of = {test.field for test in asked.tests}
        params = self.params
        if params.get("state") or {"state", "closed", "useless"} & spoken_of:
            return Q()
        by_state = params.get("group") == "state" or params.get("in", "").startswith("state:")
        board = params.get("show") == "board" and params.get("by", "state") == "state"
        return Q() if by_state or board else Q(state=WorkItem.State.OPEN)


class ContactList(ListView):
    """Every contact with customers in sight, the newest first."""

    model = TimelineEntry
    permission = "customers.view"
    page = records.CONTACTS
    title = _("Contacts")
    columns = records.CONTACT_COLUMNS
    order = "-at"
    groupings = records.CONTACT_GROUPINGS
    dates = records.CONTACT_DATES
    peeks = True

    def chips(self) -> Sequence[Filter]:
        return records.contact_filters(self.actor)

    def narrowed(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        contacts = rows.filter(kind=TimelineEntry.Kind.CONTACT)
        return contacts.select_related("party__unit", "employee").defer("body", *UNREAD)

    def row_url(self, row: TimelineEntry) -> str:
        return row.party.get_absolute_url()

    def row_title(self, row: TimelineEntry) -> str:
        return f"{row.party.name} · {row.get_channel_display()}"
