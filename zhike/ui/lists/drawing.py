"""What the page of a list draws: its bar of filters and tools, and its rows in one of three renderings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.http import QueryDict
from django.utils import formats
from django.utils.html import format_html
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from zhike.kernel import clock
from zhike.kernel.scope import doors
from zhike.kernel.wording import labelled
from zhike.ui import calendars, format, paging
from zhike.ui.boards import Board, BoardCard, BoardColumn, move_of
from zhike.ui.lists import builder, conditions, criteria, groups, kept
from zhike.ui.lists.bulk import BulkAction, actions_for
from zhike.ui.lists.groups import Dated, Grouping, Sums
from zhike.ui.lists.state import SIZES, Choice, Pick, Pill, address, chosen_first, size_of
from zhike.ui.tables import Column, fetch

if TYPE_CHECKING:
    from zhike.ui.views.lists import Found, ListView

MOST_FACTS = 3


def bar(view: ListView, found: Found) -> dict[str, Any]:
    """Kept views, filters, tools and pills; each choice with the address it leads to."""
    params = view.params
    known = view.criteria()
    return {
        "shelf": _shelf(view),
        "picks": tuple(
            Pick(
                each.filter.name,
                str(each.filter.label),
                tuple(
                    Choice(
                        str(label),
                        address(params, **{each.filter.name: each.toggled(key)}),
                        key in each.values,
                        f"chip-{each.filter.name}-{key}",
                    )
                    for key, label in each.filter.choices
                ),
            )
            for each in found.chosen
            if each.filter.choices
        ),
        "pills": _pills(view, found, known),
        "clear": _clear(view, found),
        "asks": bool(known),
        "asked": len(list(found.asked.tests)),
        "builder_url": address(params, part="builder"),
        "columns_url": address(params, part="columns"),
        "group": _grouping_pick(view),
        "renderings": _renderings(view),
        "kept_params": _kept_params(params),
        "sort": params.get("sort", ""),
        "cols": params.get("cols", ""),
        "sizes": tuple(
            Choice(
                str(size), address(params, size=str(size)), size == size_of(params, view.page_size)
            )
            for size in SIZES
        ),
        "bulk": _bulk(view),
        "export": f"{url}{address(params)}" if (url := view.export_url()) else "",
        "narrowed": bool(
            found.text or any(each.values for each in found.chosen) or found.asked.parts
        ),
    }


def columns_form(view: ListView, columns: Sequence[Column]) -> dict[str, Any]:
    """The form of columns and order: every column, the chosen ones first, and three selects."""
    params = view.params
    return {
        "columns": chosen_first(view.columns, columns),
        "orders": _orders(view.columns, view.sorted_by()),
        "kept_params": _kept_params(params),
        "where": params.get("where", ""),
    }


def _kept_params(params: QueryDict) -> tuple[tuple[str, str], ...]:
    """What a form of the list does not set itself and must send along."""
    set_by_forms = ("cols", "sort", "where", "cursor", "part")
    return tuple(
        (key, value)
        for key in params
        for value in params.getlist(key)
        if key not in set_by_forms and not builder.is_ours(key)
    )


def said(view: ListView) -> list[str]:
    """What narrows the list, in words; of what was searched for only that it was."""
    found = view.rows()
    pills = _pills(view, found, view.criteria())
    return [*(str(pill.words) for pill in pills), *([_("found by a search")] if found.text else ())]


def body(view: ListView, found: Found, columns: tuple[Column, ...]) -> dict[str, Any]:
    """The rows as a table, its groups, a board or a calendar; `page` None where a cursor is of no use."""
    params, order = view.params, view.sorted_by()
    if (grouping := _named(view.groupings, params.get("group", ""))) is not None:
        return {"grouped": _grouped(view, found, columns, grouping)}
    shown = params.get("show", "")
    by = params.get("by", "")
    boards = [each for each in view.groupings if each.board]
    if shown == "board" and boards:
        return {"board": _board(view, found, columns, _named(boards, by) or boards[0], order)}
    if shown == "calendar" and view.dates:
        return {"calendar": _calendar(view, found, _named(view.dates, by) or view.dates[0], order)}
    try:
        size = size_of(params, view.page_size)
        page = paging.page(found.asks, order, size, params.get("cursor", ""))
    except paging.BadCursor:
        return {"page": None}
    sums = page.rows and any(column.total for column in columns)
    totals = address(params, part="totals") if sums else ""
    return {
        "table": view.table(columns, page.rows, order, totals),
        "page": page,
        "count": paging.capped_count(found.asks, doors=doors(view.actor, view.model)),
    }


def total_cells(
    columns: Sequence[Column], sums: Sequence[Column], found: Sums
) -> list[dict[str, Any]]:
    """The foot of a table: under each column that has a sum its sum and, as a title, its average."""
    totals = dict(zip((column.name for column in sums), found.totals, strict=True))
    averages = dict(zip((column.name for column in sums), found.averages, strict=True))
    counted = ngettext("%(n)s row", "%(n)s rows", found.count) % {"n": format.number(found.count)}
    return [
        {
            "side": column.side,
            "minor": column.minor,
            "label": column.label,
            "text": _sum(column, totals[column.name])
            if column.name in totals
            else (counted if n == 0 else ""),
            "average": _sum(column, averages[column.name]) if column.name in averages else "",
        }
        for n, column in enumerate(columns)
    ]


def _sum(column: Column, value: Any) -> str:
    if value is None:
        return format.NOTHING
    if column.kind == "money":
        return format_html(
            '<span title="{}">{}</span>',
            format.money_exact(value),
            format.money_short(value, get_language() or "en"),
        )
    return format.number(value, 1)


def _named(known: Sequence[Any], id: str) -> Any:
    return next((each for each in known if each.id == id), None)


def _shelf(view: ListView) -> dict[str, Any] | None:
    """Kept views as tabs; `changed` where the list differs from the view it was opened as."""
    shelf = view.shelf
    if shelf is None:
        return None
    here = view.params.get("view", "")
    current = next((each for each in shelf.views if each.id == here), None)
    state = kept.state_of(view.params)
    return {
        "views": tuple(
            (each, each is current)
            for each in shelf.views
            if each.pinned or each.mine or each is current
        ),
        "others": tuple(each for each in shelf.views if not (each.pinned or each.mine)),
        "current": current,
        "gone": bool(here) and here != "all" and current is None,
        "changed": current is not None and state != current.query,
        "state": state,
        "page": view.page,
        "save_url": shelf.save_url,
        "sharings": shelf.sharings,
        "all": "?view=all",
    }


def _pills(view: ListView, found: Found, known: dict[str, criteria.Criterion]) -> list[Pill]:
    params = view.params
    pills = [
        Pill(
            labelled(each.filter.label, dict(each.filter.choices)[value]),
            address(params, **{each.filter.name: each.toggled(value)}),
        )
        for each in found.chosen
        for value in each.values
    ]
    for n, part in enumerate(found.asked.parts):
        words = _told(part, known, view)
        if not words:
            continue
        rest = tuple(each for m, each in enumerate(found.asked.parts) if m != n)
        where = conditions.write(conditions.Group(found.asked.match, rest))
        either = _("or") if n and found.asked.match == "any" else ""
        pills.append(Pill(f"{either} {words}".strip(), address(params, where=where)))
    for parameter, of in (("in", view.groupings), ("on", view.dates)):
        name, _colon, value = params.get(parameter, "").partition(":")
        each = _named(of, name)
        if isinstance(each, Grouping):
            value = next(
                (str(label) for key, label in each.names(view.actor).items() if str(key) == value),
                _("none"),
            )
        if each is not None:
            pills.append(Pill(labelled(each.label, value), address(params, **{parameter: None})))
    return pills


def _told(
    part: conditions.Group | conditions.Test, known: dict[str, criteria.Criterion], view: ListView
) -> str:
    if isinstance(part, conditions.Group):
        words = [_told(each, known, view) for each in part.parts]
        joint = _(" or ") if part.match == "any" else _(" and ")
        return joint.join(word for word in words if word)
    try:
        return criteria.told(part, known, view.actor)
    except criteria.Wrong:
        return ""


def _clear(view: ListView, found: Found) -> str:
    narrowing = [each.filter.name for each in found.chosen]
    return address(view.params, **dict.fromkeys((*narrowing, "where", "in", "on", "q", "s")))


def _grouping_pick(view: ListView) -> Pick | None:
    now = view.params.get("group", "")
    choices = [
        Choice(
            str(each.label),
            address(view.params, group=None if each.id == now else each.id, show=None, by=None),
            each.id == now,
            f"group-{each.id}",
        )
        for each in view.groupings
    ]
    return Pick("group", _("Group by"), tuple(choices)) if choices else None


def _renderings(view: ListView) -> tuple[Choice, ...]:
    params = view.params
    shown = params.get("show", "") if not params.get("group") else ""

    def way(name: str, label: str, icon: str) -> Choice:
        leads = address(params, show=name, by=None, month=None, group=None)
        return Choice(label, leads, name == shown, f"show-{name or 'table'}", icon)

    found = [way("", _("Table"), icon="list")]
    if any(each.board for each in view.groupings):
        found.append(way("board", _("Board"), icon="layout-kanban"))
    if view.dates:
        found.append(way("calendar", _("Calendar"), icon="calendar"))
    return tuple(found) if len(found) > 1 else ()


def _orders(columns: Sequence[Column], order: paging.Order) -> list[list[tuple[str, str, bool]]]:
    """Three selects: sort by, then by, then by; each with (value, label, chosen)."""
    keys = [*map(str, order.keys), "", "", ""][:3]
    return [
        [
            (value, label, value == key)
            for column in columns
            if column.sortable
            for value, label in (
                (column.order_by, _("%(column)s, upwards") % {"column": column.label}),
                (f"-{column.order_by}", _("%(column)s, downwards") % {"column": column.label}),
            )
        ]
        for key in keys
    ]


def _bulk(view: ListView) -> dict[str, Any] | None:
    actions: list[BulkAction] = actions_for(view.page, view.actor) if view.page else []
    if not actions or not kept.keepers:
        return None
    return {
        "actions": tuple(actions),
        "url": kept.keepers[0].bulk_url(),
        "query": view.params.urlencode(),
    }


def _grouped(
    view: ListView, found: Found, columns: Sequence[Column], grouping: Grouping
) -> dict[str, Any]:
    sums = [column for column in columns if column.total]
    lines = groups.headings(found.rows, grouping, sums, view.actor)
    whole = Sums(
        sum(line.sums.count for line in lines),
        tuple(
            sum((line.sums.totals[n] or Decimal(0) for line in lines), start=Decimal(0))
            for n in range(len(sums))
        ),
    )
    return {
        "label": grouping.label,
        "sums": sums,
        "lines": [_group_line(view, grouping, sums, line, whole) for line in lines],
        "whole": _figures(sums, whole),
        "count": whole.count,
        "width": 2 + 2 * len(sums),
    }


def _group_line(
    view: ListView, grouping: Grouping, sums: Sequence[Column], line: groups.Heading, whole: Sums
) -> dict[str, Any]:
    inside = f"{grouping.id}:{line.key}"
    return {
        "key": f"{grouping.id}-{line.key}",
        "label": line.label,
        "count": line.sums.count,
        "share": format.percent(line.sums.count / whole.count) if whole.count else "",
        "figures": _figures(sums, line.sums),
        "rows": address(view.params, part="group", **{"in": inside}),
        "all": address(view.params, group=None, **{"in": inside}),
    }


def _figures(sums: Sequence[Column], found: Sums) -> list[tuple[str, str]]:
    """Sum and average of each column, under words that stand alone where no heading is above them."""
    return [
        (f"{column.label} · {words}", _sum(column, figure))
        for column, total, average in zip(sums, found.totals, found.averages, strict=True)
        for words, figure in ((_("Sum"), total), (_("Average"), average))
    ]


def _facts(view: ListView, columns: Sequence[Column], row: Any) -> list[tuple[Any, str]]:
    """Figures before words: what a card is looked at for."""
    told = [column for column in columns[1:] if column.read(row) not in (None, "")]
    told.sort(key=lambda column: (not column.total, column.kind == "badge"))
    return [(column.label, column.html(row)) for column in told[:MOST_FACTS]]


def _peek(view: ListView, row: Any) -> str:
    url = view.row_url(row)
    return f"{url}?peek=1" if url and view.peeks else ""


def _board(
    view: ListView,
    found: Found,
    columns: tuple[Column, ...],
    grouping: Grouping,
    order: paging.Order,
) -> dict[str, Any]:
    sums = [column for column in view.columns if column.total][:1]
    others = [column for column in columns if column.name != grouping.id]
    piles = groups.piles(found.rows, grouping, sums, order, view.actor)
    fetch(others, [row for pile in piles for row in pile.rows])
    return {
        "by": Pick(
            "by",
            _("Columns by"),
            tuple(
                Choice(str(each.label), address(view.params, by=each.id), each is grouping)
                for each in view.groupings
                if each.board
            ),
        ),
        "board": Board(
            [
                BoardColumn(
                    pile.heading.key,
                    pile.heading.label,
                    format.number(pile.heading.sums.count),
                    [
                        BoardCard(
                            str(row.public_id),
                            view.row_title(row),
                            view.row_url(row),
                            _facts(view, others, row),
                            peek=_peek(view, row),
                        )
                        for row in pile.rows
                    ],
                    _sum(sums[0], pile.heading.sums.totals[0]) if sums else "",
                    more_url=address(
                        view.params,
                        show=None,
                        by=None,
                        **{"in": f"{grouping.id}:{pile.heading.key}"},
                    )
                    if pile.more > 0
                    else "",
                )
                for pile in piles
            ],
            view.title,
            _move_url(view, grouping),
        ),
    }


def _move_url(view: ListView, grouping: Grouping) -> str:
    if not kept.keepers or move_of(view.page, grouping.id, view.actor) is None:
        return ""
    return kept.keepers[0].move_url(view.page, grouping.id)


def _calendar(view: ListView, found: Found, dated: Dated, order: paging.Order) -> dict[str, Any]:
    params, today = view.params, clock.today()
    month = groups.month_of(params.get("month", ""), today)
    events = []
    for busy in groups.days(found.rows, dated, month, order, view.actor):
        events += [
            calendars.Event(busy.on, view.row_title(row), view.row_url(row), peek=_peek(view, row))
            for row in busy.rows
        ]
        if busy.count > len(busy.rows):
            more = busy.count - len(busy.rows)
            all_of_day = {"on": f"{dated.id}:{busy.on.isoformat()}"}
            events.append(
                calendars.Event(
                    busy.on,
                    # Behind the names, whatever the alphabet.
                    ngettext("%(n)s more", "%(n)s more", more) % {"n": format.number(more)},
                    address(params, show=None, by=None, month=None, **all_of_day),
                    tone="secondary",
                    rest=True,
                )
            )
    grid = calendars.month_of(month, events, today, most=groups.DAY_CARDS + 1)
    before, after = (address(params, month=f"{each:%Y-%m}") for each in (grid.previous, grid.next))
    return {
        "by": Pick(
            "by",
            _("Days by"),
            tuple(
                Choice(str(each.label), address(params, by=each.id), each is dated)
                for each in view.dates
            ),
        ),
        "grid": grid,
        "heading": formats.date_format(month, "YEAR_MONTH_FORMAT"),
        "ways": [
            ("previous", _("Previous month"), before),
            ("today", _("Today"), address(params, month=None)),
            ("next", _("Next month"), after),
        ],
        "last": month + timedelta(days=31),
    }
