"""A list taken away as a file: all that its address finds, or the rows that were ticked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from zhike.kernel.errors import UserError
from zhike.ui.lists import files
from zhike.ui.tables import Column
from zhike.ui.views.lists import ListView
from zhike.ui.views.pages import visible


class FileView(ListView):
    """Stands before a list among the bases: `class Export(FileView, PartyList)`.

    GET answers the list of the address; POST `ids` (public ids, joined by commas) or `all`, with the list's `query`.
    `as` is csv or xlsx. The rights, filters, columns and masks are those of the list.
    """

    name: ClassVar[str]
    file_order: ClassVar[tuple[str, ...]]

    def note(self, count: int) -> None:
        """Put on record how many rows left."""
        raise NotImplementedError(f"{type(self).__name__} leaves nothing on the trail")

    def file_columns(self) -> Sequence[Column]:
        return self.shown()[0]

    @cached_property
    def params(self) -> QueryDict:
        sent = self.request.POST
        return (
            QueryDict(sent.get("query", "")) if self.request.method == "POST" else self.request.GET
        )

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.actor.must(self.permission)
        # Before a hundred thousand rows are written for nothing.
        self.actor.must_have_proved()
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._file(self.rows().rows, request.GET.get("as", ""))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.POST.get("all"):
            rows = self.rows().rows
        elif ids := self._ids(request.POST.get("ids", "")):
            rows = self.narrowed(visible(self.model, self.actor)).filter(public_id__in=ids)
        else:
            raise UserError(_("No row is selected."), _("Tick some rows first."))
        return self._file(rows, request.POST.get("as", ""))

    def _ids(self, text: str) -> list[UUID]:
        try:
            return [UUID(each) for each in text.split(",") if each]
        except ValueError as error:
            raise Http404 from error

    def _file(self, rows: QuerySet[Any], kind: str) -> HttpResponse:
        rows = rows.order_by(*self.file_order)
        return files.answer(  # type: ignore[return-value]
            self.name, kind, self.file_columns(), rows.iterator(chunk_size=2000), self.note
        )
