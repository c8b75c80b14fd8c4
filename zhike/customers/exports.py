"""The customer list as a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from zhike.access.masks import band_words
from zhike.customers import tables
from zhike.customers.views.lists import PartyList
from zhike.ui.tables import Column
from zhike.ui.views.exports import FileView


class Export(FileView, PartyList):
    """The list, or what was ticked in it: mobiles masked and amounts in bands unless asked for in clear."""

    permission = "customers.export"
    approval = "desk.approve_files"
    name = "customers"
    file_order = ("name_key", "pk")
    beside = (tables.MOBILE,)

    def bands(self) -> Callable[[Decimal], str]:
        return band_words

    def narrowed(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return super().narrowed(rows).prefetch_related("contact_points")

    def clear_columns(self) -> Mapping[str, Column]:
        """A number in clear only for those who may see one on the page."""
        reveals = {"mobile": tables.MOBILE_IN_CLEAR} if self.actor.may("customers.reveal") else {}
        return {**super().clear_columns(), **reveals}
