"""The customer list as a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet

from zhike.customers import services, tables
from zhike.customers.views.lists import PartyList
from zhike.ui.tables import Column
from zhike.ui.views.exports import FileView


class Export(FileView, PartyList):
    """The list, or what was ticked in it, under the same rights and masks; on the trail with its number of rows."""

    permission = "customers.export"
    name = "customers"
    file_order = ("name_key", "pk")

    def narrowed(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return super().narrowed(rows).prefetch_related("contact_points")

    def file_columns(self) -> Sequence[Column]:
        return (*super().file_columns(), tables.MOBILE)

    def note(self, count: int) -> None:
        services.note_export(actor=self.actor, name="customers", count=count)
