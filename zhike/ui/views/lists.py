"""A list: the rows of one model in a table, sorted, filtered and paged by key."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from zhike.ui import paging
from zhike.ui.filters import Chosen, Filter, choose, narrow
from zhike.ui.navigation import Action
from zhike.ui.tables import Column, Table
from zhike.ui.views.pages import PageView, visible


class ListView(PageView):
    """Rows of one model in a table, sorted, filtered and paged by key.

    A subclass sets `model`, `permission`, `columns`, `order` and `title`; it may set `filters`,
    `searchable` (then it overrides `search`) and `page_size`, and override `narrowed` to join and
    annotate, `actions` for the page's buttons.
    """

    model: ClassVar[type[Model]]
    columns: ClassVar[tuple[Column, ...]]
    order: ClassVar[str]
    filters: ClassVar[tuple[Filter, ...]] = ()
    searchable: ClassVar[bool] = False
    page_size: ClassVar[int] = 50
    template_name = "ui/list.html"
    fragment = "rows"

    def narrowed(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of this list among all the actor may see, with what its columns need joined."""
        return rows

    def search(self, rows: QuerySet[Any], text: str) -> QuerySet[Any]:
        """The rows that `text` finds; asked only of a `searchable` list."""
        raise NotImplementedError(f"{type(self).__name__} is searchable and has no search")

    def row_url(self, row: Any) -> str:
        """Where a row opens; "" for nowhere."""
        return str(row.get_absolute_url()) if hasattr(row, "get_absolute_url") else ""

    def actions(self) -> list[Action]:
        """Buttons of the page head, the first one the main one."""
        return []

    def rows(self) -> tuple[QuerySet[Any], list[Chosen], str]:
        """All rows the list stands for, with the filters and the search text that made them."""
        params = self.request.GET
        rows = self.narrowed(visible(self.model, self.actor))
        chosen = choose(self.filters, params)
        rows = narrow(rows, chosen)
        text = params.get("q", "").strip() if self.searchable else ""
        return (self.search(rows, text) if text else rows), chosen, text

    def sorted_by(self) -> paging.Order:
        """The order asked for in the address when a column allows it, else the list's own."""
        asked = paging.Order.parse(self.request.GET.get("sort", ""))
        sortable = {column.order_by for column in self.columns if column.sortable}
        return asked if asked.field in sortable else paging.Order.parse(self.order)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        rows, chosen, text = self.rows()
        order = self.sorted_by()
        try:
            page = paging.page(rows, order, self.page_size, request.GET.get("cursor", ""))
        except paging.BadCursor:
            first = request.GET.copy()
            del first["cursor"]
            messages.info(request, _("That page of the list is gone; here is the first one."))
            return HttpResponseRedirect(f"{request.path}?{first.urlencode()}")
        return self.show(
            {
                "table": Table(self.columns, page.rows, order, self.row_url, self.title),
                "page": page,
                "count": paging.capped_count(rows),
                "chosen": chosen,
                "search_text": text,
                "narrowed": bool(text) or any(each.value for each in chosen),
                "actions": self.actions(),
            }
        )
