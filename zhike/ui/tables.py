"""Tables: columns say what a cell holds; the table says which rows, in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import Any, Literal

from django import forms
from django.db.models import prefetch_related_objects
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from zhike.kernel import clock
from zhike.ui import format
from zhike.ui.paging import Order

Kind = Literal[
    "text",
    "words",
    "money",
    "number",
    "percent",
    "date",
    "datetime",
    "age",
    "badge",
    "link",
    "progress",
]
Align = Literal["start", "center", "end"]

_RIGHT = {"money", "number", "percent"}


@dataclass(frozen=True)
class Edit:
    """A cell that may be changed in place: the model's field, who may, and the form field it is given in."""

    field: str
    permission: str
    form_field: Callable[[], forms.Field]


@dataclass(frozen=True, eq=False)
class Column:
    """One column; `name` is a dotted path from the row (`owner.name`) unless `value` reads it.

    Values can be told apart by `==` and hash; where they have `choices`, their labels are shown.
    `url(row)` makes the cell a link; `tone(row)` names the colour of a badge (`green`, `red`,
    `yellow`, `blue`, `secondary`…); a `progress` cell holds a share of one. `sort_field` is the
    model field to sort by when it is not the name with `__` for dots. `minor` columns are left out
    on a phone; `optional` ones stand there only when chosen. `total` is the path of a
    figure that may be summed over the whole list. `words` are whole sentences, which want width.
    `needs` is a relation of the row, read for all rows of a page at once where the column is shown.
    """

    name: str
    label: str | Promise
    kind: Kind = "text"
    sortable: bool = False
    align: Align | None = None
    value: Callable[[Any], Any] | None = None
    choices: Iterable[tuple[Any, str | Promise]] = ()
    url: Callable[[Any], str] | None = None
    tone: Callable[[Any], str] | None = None
    sort_field: str = ""
    minor: bool = False
    optional: bool = False
    total: str = ""
    edit: Edit | None = None
    needs: str = ""

    @property
    def order_by(self) -> str:
        return self.sort_field or self.name.replace(".", "__")

    @property
    def side(self) -> Align:
        return self.align or ("end" if self.kind in _RIGHT else "start")

    def read(self, row: Any) -> Any:
        """The cell's value, a choice as its label; None where the path ends in nothing."""
        value = self.value(row) if self.value else self._found(row)
        return self._labels.get(value, value) if self._labels else value

    @cached_property
    def _path(self) -> list[str]:
        return self.name.split(".")

    @cached_property
    def _labels(self) -> dict[Any, str | Promise]:
        return dict(self.choices)

    def _found(self, row: Any) -> Any:
        found = row
        for part in self._path:
            if found is None:
                return None
            found = found[part] if isinstance(found, Mapping) else getattr(found, part)
        return found

    def html(self, row: Any) -> SafeString:
        """The cell as escaped HTML."""
        return mark_safe(self.drawer()(row))  # noqa: S308  drawn escaped

    def drawer(self) -> Callable[[Any], str]:
        """Draws the cells of one table, in Python, for a list has hundreds; equal ones once."""
        labels = {value: str(label) for value, label in self.choices}
        read = self.value or self._found
        tone, url, language = self.tone, self.url, get_language() or "en"
        drawn: dict[Any, str] = {}

        def draw(row: Any) -> str:
            value = read(row)
            colour = tone(row) if tone else "secondary"
            shown = drawn.get((value, colour))
            if shown is None:
                shown = drawn[value, colour] = self._shown(
                    labels.get(value, value), colour, language
                )
            return f'<a href="{escape(url(row))}">{shown}</a>' if url else shown

        return draw

    def _shown(self, value: Any, tone: str, language: str) -> str:
        if value is None or value == "":
            return format_html('<span class="text-secondary">{}</span>', format.NOTHING)
        match self.kind:
            case "money":
                # Digits and the names of scales: nothing in them to escape.
                short = format.money_short(value, language)
                return f'<span title="{format.money_exact(value)}">{short}</span>'
            case "number":
                return escape(format.number(value))
            case "percent":
                return escape(format.percent(value))
            case "date":
                return escape(format.iso_date(value))
            case "datetime":
                return escape(format.iso_minute(value))
            case "age":
                return format_html(
                    '<span title="{}">{}</span>',
                    format.iso_date(value),
                    format.age(value, clock.now()),
                )
            case "badge":
                return format_html('<span class="badge bg-{}-lt">{}</span>', tone, value)
            case "progress":
                return format_html(
                    '<progress value="{}" max="1">{}</progress>', value, format.percent(value)
                )
            case _:
                return value.__html__() if hasattr(value, "__html__") else escape(str(value))


@dataclass(frozen=True)
class Header:
    column: Column
    sort: str
    """The order a click asks for; empty where the column is not sortable."""
    direction: Literal["ascending", "descending", "none"]
    also: str = ""
    """The order a click with Shift asks for: by this column too."""
    nth: int = 0
    """Its place where the table is sorted by several."""


def needed(columns: Iterable[Column]) -> list[str]:
    """The relations these columns are read from, beyond what the list itself brings."""
    return [column.needs for column in columns if column.needs]


def fetch(columns: Iterable[Column], rows: Iterable[Any]) -> None:
    """What the columns shown need of these rows, in one query a relation."""
    if relations := needed(columns):
        prefetch_related_objects(list(rows), *relations)


@dataclass(frozen=True)
class Table:
    """Rows under columns. `order` None draws no sort links; `row_url` makes Enter open the row.

    `selectable` rows have a box to tick; cells of columns in `editable` may be changed in place.
    """

    columns: tuple[Column, ...]
    rows: Iterable[Any]
    order: Order | None = None
    row_url: Callable[[Any], str] | None = None
    caption: str | Promise = ""
    selectable: bool = False
    editable: frozenset[str] = frozenset()
    peek: bool = False
    totals: str = ""
    """The address of the foot, fetched when it is scrolled to."""

    @property
    def headers(self) -> Iterator[Header]:
        order = self.order
        for column in self.columns:
            if order is None or not column.sortable:
                yield Header(column, "", "none")
                continue
            at = next((n for n, key in enumerate(order.keys) if key.field == column.order_by), None)
            # Figures are looked at from the largest down, words from the first on.
            first = Order(column.order_by, column.side == "end")
            if at is None:
                yield Header(column, str(first), "none", str(Order.joined([*order.keys, first])))
                continue
            key = order.keys[at]
            turned = Order(key.field, not key.descending)
            keys = [turned if n == at else each for n, each in enumerate(order.keys)]
            yield Header(
                column,
                str(turned),
                "descending" if key.descending else "ascending",
                str(Order.joined(keys)),
                at + 1 if order.then else 0,
            )

    @property
    def lines(self) -> Iterator[str]:
        """Each row as escaped HTML; in Python, for a list has hundreds of cells."""
        opened = [
            format_html(
                '<td class="at-{} is-{}{}" data-label="{}"{}>',
                column.side,
                column.kind,
                " minor" if column.minor else "",
                column.label,
                format_html(' data-edit="{}"', column.name) if column.name in self.editable else "",
            )
            for column in self.columns
        ]
        columns = [(td, column.drawer()) for td, column in zip(opened, self.columns, strict=True)]
        select = _("Select %(name)s") if self.selectable else ""
        for row in self.rows:
            cells = "".join([f"{td}{draw(row)}</td>" for td, draw in columns])
            url = self.row_url(row) if self.row_url else ""
            id = str(getattr(row, "public_id", ""))
            opens = f' data-href="{escape(url)}" tabindex="-1"' if url else ""
            tick = (
                f'<td class="tick"><input class="form-check-input" type="checkbox" value="{id}" '
                f'data-tick aria-label="{escape(select % {"name": row})}"></td>'
                if self.selectable
                else ""
            )
            # Every piece was escaped where it was made.
            yield mark_safe(f'<tr{opens} data-row="{id}">{tick}{cells}</tr>')  # noqa: S308  made of escaped cells
