"""Something taken away as a file: alone where it is small and masked, else once a second person has agreed."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.http.response import HttpResponseBase
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from zhike.kernel.errors import UserError
from zhike.ui.lists import drawing, files
from zhike.ui.lists.taking import Mark, Wanted, gates, sources
from zhike.ui.tables import Column, needed
from zhike.ui.views.lists import ListView
from zhike.ui.views.pages import PageView, visible

MOST = 100_000
"""Rows of one file: what a second person can answer for."""
MOST_IN_A_SHEET = 20_000
"""A workbook is put together in memory, for nothing of it may lie readable on a disk."""
LONGEST_WHY = 200
TICKED = "ticked"
"""Stands in the address kept with a file of rows that were ticked, so that whoever reads it is told so."""


class TakeView(PageView):
    """GET takes what the address says, POST what its form says; `as` is csv or xlsx.

    With `ask` the page comes that says what would leave, offers what is masked in clear, and asks what for; so it does
    where the gate wants a second person. `go` sends that page. Nothing leaves without the gate's record.
    """

    name: ClassVar[str]
    """Its id in `sources`, and what the trail calls it."""
    approval: ClassVar[str]
    """What a second person must be allowed."""
    template_name = "ui/lists/take.html"
    fragment = "form"

    def keys(self) -> list[int]:
        """The rows that are meant, in no order; at most one more than `MOST`."""
        raise NotImplementedError

    def rows_of(self, keys: Sequence[int]) -> Iterable[Any]:
        """Those of the rows the actor still sees, in the order of the file."""
        raise NotImplementedError

    def key(self, row: Any) -> int:
        return int(row.pk)

    def file_columns(self) -> Sequence[Column]:
        """As they are shown to somebody who did not ask for more: masked."""
        raise NotImplementedError

    def clear_columns(self) -> Mapping[str, Column]:
        """By the name of a masked column the one that shows its values in clear."""
        return {}

    def said(self) -> list[str]:
        """What narrows the rows, in words."""
        return []

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        if request.method == "POST":
            # What narrows the rows is read where the page of those rows reads it.
            request.GET = QueryDict(request.POST.get("query", ""))

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.actor.must(self.permission)
        # Before a hundred thousand rows are written for nothing.
        self.actor.must_have_proved()
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._taken(request.GET)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._taken(request.POST)

    def write(
        self, kind: str, keys: Sequence[int], clear: Iterable[Sequence[str]], mark: Mark
    ) -> io.BytesIO:
        """The file in memory, read under the actor's rights of now; `clear` are [name, label]."""
        chosen, known = {name for name, _label in clear}, self.clear_columns()
        columns = [
            known[each.name] if each.name in chosen & known.keys() else each
            for each in self.file_columns()
        ]
        file = io.BytesIO()
        files.write(file, kind, columns, self.rows_of(keys), mark, self.key)
        file.seek(0)
        return file

    def meant_by(self) -> QueryDict:
        """What says which rows are meant, without what says how they leave."""
        kept = self.request.GET.copy()
        for name in ("as", "ask", "go"):
            kept.pop(name, None)
        return kept

    def _taken(self, sent: QueryDict) -> HttpResponse:
        wanted, gate = self._wanted(sent), gates[0]
        obstacle = gate.obstacle(self.actor, wanted)
        if "go" not in sent and ("ask" in sent or obstacle):
            return self._ask(wanted, obstacle)
        if obstacle and len(wanted.why) < 2:
            return self._ask(wanted, obstacle, _("Say in a few words what for."))
        taken = gate.take(self.actor, wanted)
        if taken.mark is None:
            return HttpResponseRedirect(taken.url, status=303)
        file = self.write(wanted.kind, wanted.keys, wanted.clear, taken.mark)
        called = self.name.rpartition(".")[2].replace("_", "-")
        return files.answer(f"{called}-{taken.mark.number}", wanted.kind, file)  # type: ignore[return-value]

    def _wanted(self, sent: QueryDict) -> Wanted:
        keys, known = self.keys(), self.clear_columns()
        kind = sent.get("as", "csv") if sent.get("as", "csv") in files.TYPES else "csv"
        if len(keys) > MOST:
            raise UserError(
                _("More than %(n)s rows at once are too many to answer for.") % {"n": f"{MOST:,}"},
                _("Narrow the list first."),
            )
        if kind == "xlsx" and len(keys) > MOST_IN_A_SHEET:
            raise UserError(
                _("More than %(n)s rows do not go into a workbook.")
                % {"n": f"{MOST_IN_A_SHEET:,}"},
                _("Take them as CSV, or narrow the list first."),
            )
        columns, asked = self.file_columns(), sent.getlist("clear")
        return Wanted(
            source=self.name,
            kind=kind,
            query=self.meant_by().urlencode(),
            keys=keys,
            columns=tuple((each.name, str(each.label)) for each in columns),
            clear=tuple(
                (each.name, str(each.label))
                for each in columns
                if each.name in asked and each.name in known
            ),
            said=tuple(self.said()),
            why=sent.get("why", "").strip()[:LONGEST_WHY],
        )

    def _ask(self, wanted: Wanted, obstacle: str, problem: str = "") -> HttpResponse:
        sent = self.request.POST
        shown = {each.name for each in self.file_columns()}
        chosen = {name for name, _label in wanted.clear}
        known = [(name, each) for name, each in self.clear_columns().items() if name in shown]
        return self.show(
            {
                "title": sources.get(self.name).label,
                "wanted": wanted,
                "columns": [label for _name, label in wanted.columns],
                "count": len(wanted.keys),
                "obstacle": obstacle,
                "problem": problem,
                "offered": [(name, each.label, name in chosen) for name, each in known],
                "ids": sent.get("ids", ""),
                "all": "1" if self.request.method == "GET" else sent.get("all", ""),
                "action": self.request.path,
            },
            422 if problem else 200,
        )


class FileView(TakeView, ListView):
    """Stands before a list among the bases: `class Export(FileView, PartyList)`.

    GET answers the list of the address; POST `ids` (public ids, joined by commas) or `all`, with the list's `query`.
    The rights, filters and columns are those of the list; amounts stand in their bands unless asked for in clear.
    """

    file_order: ClassVar[tuple[str, ...]]
    key_field: ClassVar[str] = "pk"
    beside: ClassVar[Sequence[Column]] = ()
    """Columns that a file has beside those of the list."""
    template_name = "ui/lists/take.html"
    fragment = "form"

    def listed(self) -> Sequence[Column]:
        """The columns of the list, as they were chosen, and those beside them."""
        return (*self.shown()[0], *self.beside)

    def bands(self) -> Callable[[Decimal], str] | None:
        """How an amount is said by its band; None for a list whose amounts are nobody's secret."""
        return None

    def file_columns(self) -> Sequence[Column]:
        words = self.bands()
        return [
            banded(each, words) if words is not None and each.kind == "money" else each
            for each in self.listed()
        ]

    def clear_columns(self) -> Mapping[str, Column]:
        if self.bands() is None:
            return {}
        return {each.name: each for each in self.listed() if each.kind == "money"}

    @cached_property
    def _ticked(self) -> list[UUID] | None:
        """The rows that were ticked; None for all that the list stands for."""
        sent = self.request.POST
        if self.request.method != "POST" or sent.get("all"):
            return None
        try:
            ids = [UUID(each) for each in sent.get("ids", "").split(",") if each]
        except ValueError as error:
            raise Http404 from error
        if not ids:
            raise UserError(_("No row is selected."), _("Tick some rows first."))
        return ids

    def keys(self) -> list[int]:
        rows = (
            self.rows().rows
            if self._ticked is None
            else self._seen().filter(public_id__in=self._ticked)
        )
        return list(rows.order_by().values_list(self.key_field, flat=True)[: MOST + 1])

    def rows_of(self, keys: Sequence[int]) -> Iterable[Any]:
        rows = self._seen().filter(**{f"{self.key_field}__in": keys}).order_by(*self.file_order)
        return rows.prefetch_related(*needed(self.listed())).iterator(chunk_size=2000)

    def key(self, row: Any) -> int:
        return int(getattr(row, self.key_field))

    def said(self) -> list[str]:
        ticked = self._ticked is not None or TICKED in self.request.GET
        return [_("ticked rows")] if ticked else drawing.said(self)

    def meant_by(self) -> QueryDict:
        address = super().meant_by()
        if self._ticked is not None:
            address[TICKED] = "1"
        return address

    def _seen(self) -> QuerySet[Any]:
        return self.narrowed(visible(self.model, self.actor))


def banded(column: Column, words: Callable[[Decimal], str]) -> Column:
    """The column with its amounts as the words of their bands."""

    def value(row: Any) -> str:
        amount = column.read(row)
        return "" if amount is None else words(amount)

    return Column(column.name, column.label, value=value)
