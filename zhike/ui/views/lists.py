"""A list: the rows of one model, narrowed, sorted, grouped, drawn as a table, a board or a calendar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django.contrib import messages
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from zhike.kernel import clock
from zhike.kernel.asking import Rows
from zhike.ui import paging
from zhike.ui.filters import Chosen, Filter, choose
from zhike.ui.lists import builder, conditions, criteria, drawing, groups, kept, state
from zhike.ui.lists.bulk import actions_for
from zhike.ui.lists.groups import Dated, Grouping
from zhike.ui.navigation import Action
from zhike.ui.tables import Column, Table, fetch
from zhike.ui.views.pages import PageView, visible, wants_fragment


@dataclass(frozen=True)
class Found:
    """What a list stands for: its rows, and what narrowed them.

    `asks` are the rows with the SQL of what a page asks of them. `problems` are the things the address asks for
    that are not there; the list came without them.
    """

    asks: Rows[Any]
    chosen: list[Chosen]
    text: str
    asked: conditions.Group
    problems: list[str]

    @property
    def rows(self) -> QuerySet[Any]:
        return self.asks.queryset


class ListView(PageView):
    """Rows of one model; all there is to know about the list stands in the address.

    A subclass sets `model`, `permission`, `columns`, `order` and `title`; it may set `filters`,
    `searchable` (then it overrides `search`), `page_size`, `groupings` and `dates`, and override
    `narrowed` to join and annotate, `actions` for the page's buttons. Where `narrowed` asks nothing but the
    actor and the day, the list `keeps` the SQL of its rows. With a `page` ("room.model") it has
    conditions, kept views and bulk actions. `peeks` says that the page of a row answers `?peek=1`.
    """

    model: ClassVar[type[Model]]
    columns: ClassVar[tuple[Column, ...]]
    order: ClassVar[str]
    page: ClassVar[str] = ""
    filters: ClassVar[tuple[Filter, ...]] = ()
    groupings: ClassVar[tuple[Grouping, ...]] = ()
    dates: ClassVar[tuple[Dated, ...]] = ()
    searchable: ClassVar[bool] = False
    keeps: ClassVar[bool] = True
    peeks: ClassVar[bool] = False
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

    def row_title(self, row: Any) -> str:
        """What a row is called as a card of a board or on a day of a calendar."""
        return str(row)

    def actions(self) -> list[Action]:
        """Buttons of the page head, the first one the main one."""
        return []

    def export_url(self) -> str:
        """Where the list is taken away as a file; "" where it is not."""
        return ""

    def chips(self) -> Sequence[Filter]:
        """The quick filters this actor has use for."""
        return self.filters

    @property
    def params(self) -> QueryDict:
        return self.request.GET

    def by_default(self, asked: conditions.Group) -> Q:
        """What is left as long as nobody asks for the rest."""
        return Q()

    def rows(self) -> Found:
        """All rows the list stands for."""
        chosen = choose(self.chips(), self.params)
        asked, condition, problems = self._asked()
        within = self._within()
        rows = Rows(
            self.model,
            lambda: self.narrowed(visible(self.model, self.actor)),
            (type(self), self.actor, clock.today()) if self.keeps else None,
        ).narrowed(
            *(each.condition for each in chosen),
            self.by_default(asked),
            condition,
            *(narrowing for narrowing, _problem in within),
        )
        problems += [each for _narrowing, problem in within for each in problem]
        text = self.params.get("q", "").strip() if self.searchable else ""
        if text:
            rows = Rows.of(self.search(rows.queryset, text))
        return Found(rows, chosen, text, asked, problems)

    def _asked(self) -> tuple[conditions.Group, Q, list[str]]:
        """The conditions of the address, as words and as a condition, with what cannot be asked."""
        text = self.params.get("where", "")
        if not text:
            return conditions.NOTHING, Q(), []
        try:
            group = conditions.read(text)
        except conditions.Unreadable:
            return conditions.NOTHING, Q(), [_("The conditions in the address cannot be read.")]
        condition, problems = criteria.condition(group, self.criteria(), self.actor)
        return group, condition, problems

    def criteria(self) -> dict[str, criteria.Criterion]:
        return criteria.criteria_for(self.page, self.actor) if self.page else {}

    def _within(self) -> list[tuple[Q, list[str]]]:
        """One group (`in=tier:gold`), one day (`on=birthday:2026-11-22`)."""
        found = []
        for parameter, known in (("in", self.groupings), ("on", self.dates)):
            name, _colon, value = self.params.get(parameter, "").partition(":")
            if not name:
                continue
            each = next((each for each in known if each.id == name), None)
            condition: Q | None = None
            if isinstance(each, Grouping):
                names = each.names(self.actor)
                condition = groups.of_group(self.model, each, value, names)
            elif isinstance(each, Dated) and (day := groups.on_day(each, value)):
                condition = day[0]
            gone = [] if condition is not None else [_("This group or day is not there any more.")]
            found.append((condition or Q(), gone))
        return found

    def sorted_by(self) -> paging.Order:
        """The order asked for in the address as far as columns allow it, else the list's own."""
        sortable = {column.order_by for column in self.columns if column.sortable}
        asked = paging.Order.parse(self.params.get("sort", ""))
        keys = [key for key in asked.keys if key.field in sortable][:3]
        return paging.Order.joined(keys) if keys else paging.Order.parse(self.order)

    def shown(self) -> tuple[tuple[Column, ...], list[str]]:
        """The columns the address chooses, and what it names that is not there."""
        columns, gone = state.columns_of(self.columns, self.params)
        return columns, [
            _("There is no column called “%(name)s” here.") % {"name": name[:60]} for name in gone
        ]

    def table(
        self, columns: tuple[Column, ...], rows: Sequence[Any], order: Any, totals: str = ""
    ) -> Table:
        fetch(columns, rows)
        return Table(
            columns,
            rows,
            order,
            self.row_url,
            self.title,
            selectable=bool(self.page and actions_for(self.page, self.actor)),
            editable=self.editable(),
            peek=self.peeks,
            totals=totals,
        )

    @cached_property
    def shelf(self) -> kept.Shelf | None:
        """The reader's views of this list; None where nobody keeps any."""
        if not self.page or not kept.keepers or self.actor.user_id is None:
            return None
        return kept.keepers[0].shelf(self.actor, self.page)

    def editable(self) -> frozenset[str]:
        """The columns whose cells this actor may change in place."""
        return frozenset()

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        part = self.params.get("part", "")
        if part == "builder" and wants_fragment(request):
            return self._builder()
        if part == "columns" and wants_fragment(request):
            columns, _gone = self.shown()
            return self._part("columns_form", {"bar": drawing.columns_form(self, columns)})
        if part == "totals" and wants_fragment(request):
            return self._totals()
        if part == "group" and wants_fragment(request):
            return self._group()
        if (moved := self._moved()) is not None:
            return moved
        found = self.rows()
        columns, gone = self.shown()
        context = {
            "found": found,
            "problems": [*found.problems, *gone],
            "search_text": found.text,
            "actions": self.actions(),
            "bar": drawing.bar(self, found),
            **drawing.body(self, found, columns),
        }
        if "page" in context and context["page"] is None:
            first = request.GET.copy()
            del first["cursor"]
            messages.info(request, _("That page of the list is gone; here is the first one."))
            return HttpResponseRedirect(f"{request.path}?{first.urlencode()}")
        answer = self.show(context)
        if wants_fragment(request):
            answer["HX-Push-Url"] = request.get_full_path()
        return answer

    def _moved(self) -> HttpResponse | None:
        """A form of the list leads to the address that says the same; a bare address to one's own view."""
        where = None
        if "build" in self.params:
            where = conditions.write(builder.finished(builder.sent(self.params)))
        new = state.settled(self.params, [column.name for column in self.columns], where)
        if new is not None:
            return HttpResponseRedirect(f"{self.request.path}{state.address(new)}")
        if not self.params and self.page:
            for view in self.shelf.views if self.shelf else ():
                if view.default:
                    return HttpResponseRedirect(f"{self.request.path}{view.address}")
        return None

    def _builder(self) -> HttpResponse:
        known = self.criteria()
        held = "build" not in self.params
        draft = builder.drafted(self._asked()[0]) if held else builder.sent(self.params)
        return self._part("builder", {"box": builder.drawn(draft, known, self.actor)})

    def _totals(self) -> HttpResponse:
        columns, _gone = self.shown()
        sums = [column for column in columns if column.total]
        found = groups.summed(self.rows().rows, sums, self.actor)
        cells = drawing.total_cells(columns, sums, found)
        ticks = self.table(columns, (), None).selectable
        return self._part("totals", {"cells": cells, "ticks": ticks})

    def _group(self) -> HttpResponse:
        """The first rows of one group of the list."""
        columns, _gone = self.shown()
        order = self.sorted_by()
        page = paging.page(self.rows().rows, order, groups.CARDS)
        return self._part(
            "group_rows",
            {
                "table": self.table(columns, page.rows, None),
                "more": state.address(self.params, part=None, group=None) if page.next else "",
                "width": len(columns) + 2,
            },
        )

    def _part(self, fragment: str, context: dict[str, Any]) -> HttpResponse:
        self.fragment = fragment  # this request's own
        self.template_name = "ui/list.html"  # type: ignore[misc]
        return self.show(context)
