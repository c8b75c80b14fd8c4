"""Tables: columns say what a cell holds; the table says which rows, in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from django.utils.functional import Promise
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.translation import get_language

from zhike.kernel import clock
from zhike.ui import format
from zhike.ui.paging import Order

Kind = Literal[
    "text", "money", "number", "percent", "date", "datetime", "age", "badge", "link", "progress"
]
Align = Literal["start", "center", "end"]

_RIGHT = {"money", "number", "percent"}


@dataclass(frozen=True)
class Column:
    """One column; `name` is a dotted path from the row (`owner.name`) unless `value` reads it.

    `url(row)` makes the cell a link; `tone(row)` names the colour of a badge (`green`, `red`,
    `yellow`, `blue`, `secondary`…); a `progress` cell holds a share of one. `sort_field` is the
    model field to sort by when it is not the name with `__` for dots. `minor` columns are left out
    on a phone.
    """

    name: str
    label: str | Promise
    kind: Kind = "text"
    sortable: bool = False
    align: Align | None = None
    value: Callable[[Any], Any] | None = None
    url: Callable[[Any], str] | None = None
    tone: Callable[[Any], str] | None = None
    sort_field: str = ""
    minor: bool = False

    @property
    def order_by(self) -> str:
        return self.sort_field or self.name.replace(".", "__")

    @property
    def side(self) -> Align:
        return self.align or ("end" if self.kind in _RIGHT else "start")

    def read(self, row: Any) -> Any:
        """The cell's value; None where the path ends in nothing."""
        if self.value is not None:
            return self.value(row)
        found = row
        for part in self.name.split("."):
            if found is None:
                return None
            found = found[part] if isinstance(found, Mapping) else getattr(found, part)
        return found

    def html(self, row: Any) -> str:
        """The cell as escaped HTML; in Python, for a list has hundreds of cells."""
        shown = self._shown(row, self.read(row))
        return format_html('<a href="{}">{}</a>', self.url(row), shown) if self.url else shown

    def _shown(self, row: Any, value: Any) -> str:
        if value is None or value == "":
            return format_html('<span class="text-secondary">{}</span>', format.NOTHING)
        match self.kind:
            case "money":
                exact = format.money_exact(value)
                short = format.money_short(value, get_language() or "en")
                return format_html('<span title="{}">{}</span>', exact, short)
            case "number":
                return conditional_escape(format.number(value))
            case "percent":
                return conditional_escape(format.percent(value))
            case "date":
                return conditional_escape(format.iso_date(value))
            case "datetime":
                return conditional_escape(format.iso_minute(value))
            case "age":
                return format_html(
                    '<span title="{}">{}</span>',
                    format.iso_date(value),
                    format.age(value, clock.now()),
                )
            case "badge":
                tone = self.tone(row) if self.tone else "secondary"
                return format_html('<span class="badge bg-{}-lt">{}</span>', tone, value)
            case "progress":
                return format_html(
                    '<progress value="{}" max="1">{}</progress>', value, format.percent(value)
                )
            case _:
                return conditional_escape(value)


@dataclass(frozen=True)
class Header:
    column: Column
    sort: str
    """The order a click asks for; empty where the column is not sortable."""
    direction: Literal["ascending", "descending", "none"]


@dataclass(frozen=True)
class Line:
    cells: str
    url: str


@dataclass(frozen=True)
class Table:
    """Rows under columns. `order` None draws no sort links; `row_url` makes Enter open the row."""

    columns: tuple[Column, ...]
    rows: Iterable[Any]
    order: Order | None = None
    row_url: Callable[[Any], str] | None = None
    caption: str | Promise = ""

    @property
    def headers(self) -> Iterator[Header]:
        for column in self.columns:
            if self.order is None or not column.sortable:
                yield Header(column, "", "none")
            elif column.order_by != self.order.field:
                # Figures are looked at from the largest down, words from the first on.
                first = Order(column.order_by, column.side == "end")
                yield Header(column, str(first), "none")
            else:
                turned = Order(column.order_by, not self.order.descending)
                yield Header(
                    column, str(turned), "descending" if self.order.descending else "ascending"
                )

    @property
    def lines(self) -> Iterator[Line]:
        opened = [
            format_html(
                '<td class="at-{} is-{}{}" data-label="{}">',
                column.side,
                column.kind,
                " minor" if column.minor else "",
                column.label,
            )
            for column in self.columns
        ]
        for row in self.rows:
            cells = (
                (td, column.html(row)) for td, column in zip(opened, self.columns, strict=True)
            )
            line = format_html_join("", "{}{}</td>", cells)
            yield Line(line, self.row_url(row) if self.row_url else "")
