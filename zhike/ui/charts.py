"""The charts most pages draw: an ECharts option with the table of the same figures behind it.

An option is plain JSON: the page carries it in a data block and never as a script. A formatter is
given by name (`money`, `percent`, `number`) and put in by the browser code, which also gives the
colours of the theme, fewer ticks on a phone and a redraw before print. A mark whose datum has a
`url` is a link; the cell of the table is the same link for the keyboard.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any, Literal

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from zhike.ui import format

Value = Decimal | float | int | None
Unit = Literal["money", "percent", "number"]
Text = str | Promise
Links = Sequence[str] | Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Cell:
    """A figure of the table in its unit, or words where `unit` is ""."""

    value: Any
    unit: str = ""
    url: str = ""

    @property
    def text(self) -> str:
        match self.unit:
            case "money":
                return format.money_exact(None if self.value is None else Decimal(str(self.value)))
            case "percent":
                return format.percent(self.value)
            case "number":
                whole = self.value is None or self.value == int(self.value)
                return format.number(self.value, 0 if whole else 2)
            case _:
                return str(self.value)


@dataclass(frozen=True)
class Chart:
    """What is drawn, and the same as a table: headings with their unit ("" for words), and rows."""

    option: dict[str, Any]
    head: Sequence[tuple[Text, str]] = ()
    rows: Sequence[Sequence[Cell]] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is a table and not one figure in it (a graph: not one tie)."""
        measured = any(unit for _label, unit in self.head)
        return bool(self.head) and not any(
            cell.value is not None and (cell.unit or not measured)
            for row in self.rows
            for cell in row
        )


@dataclass(frozen=True)
class Node:
    """Somebody or something of a graph; `kind` groups by colour and stands in the legend."""

    id: str
    name: str
    kind: str
    url: str = ""
    centre: bool = False


@dataclass(frozen=True)
class Tie:
    """A line of a graph from one node's id to another's, with what it says."""

    source: str
    target: str
    label: str = ""


def bars(
    labels: Sequence[str],
    series: Mapping[str, Sequence[Value]],
    unit: Unit = "number",
    *,
    measure: Text = "",
    heading: Text = "",
    links: Links = (),
    stacked: bool = False,
    lying: bool = False,
) -> Chart:
    """One bar a label and series; `lying` draws them to the right, for long labels.

    `measure` are the words on the axis (what is counted, or 元); `heading` those over the labels in
    the table; `links` an address a label, or a series and label.
    """
    chart = _axes("bar", labels, series, unit, measure, heading, links, stacked=stacked)
    for each in chart.option["series"]:
        each["barMaxWidth"] = 32
    if lying:
        option = chart.option
        option["xAxis"], option["yAxis"] = option["yAxis"], option["xAxis"] | {"inverse": True}
        # The name of a lying axis of values stands below it, where its figures are.
        option["xAxis"] |= {"nameLocation": "middle", "nameGap": 26}
    return chart


def lines(
    labels: Sequence[str],
    series: Mapping[str, Sequence[Value]],
    unit: Unit = "number",
    *,
    measure: Text = "",
    heading: Text = "",
    links: Links = (),
    stacked: bool = False,
    most: int | None = None,
) -> Chart:
    """One line a series over `labels`; stacked lines are filled; values end at `most`. The rest as with `bars`."""
    chart = _axes("line", labels, series, unit, measure, heading, links, stacked=stacked)
    chart.option["yAxis"] |= _ends(most)
    for each in chart.option["series"]:
        each["showSymbol"] = len(labels) <= 31
        if stacked:
            each["areaStyle"] = {}
    return chart


def ring(
    shares: Mapping[str, Value],
    unit: Unit = "number",
    *,
    measure: Text = "",
    heading: Text = "",
    links: Sequence[str] = (),
) -> Chart:
    """Parts of a whole as a ring."""
    addresses = _addresses(links, "", len(shares))
    option = {
        "tooltip": {"trigger": "item", "valueFormatter": unit},
        "legend": {"type": "scroll", "bottom": 0},
        "series": [
            {
                "type": "pie",
                "radius": ["45%", "70%"],
                "center": ["50%", "44%"],
                "data": [
                    {"name": name, **_datum(value, url)}
                    for (name, value), url in zip(shares.items(), addresses, strict=True)
                ],
            }
        ],
    }
    total = sum((Decimal(str(value)) for value in shares.values() if value is not None), Decimal())
    rows = [
        [
            Cell(name),
            Cell(value, unit, url),
            Cell(Decimal(str(value)) / total if total and value is not None else None, "percent"),
        ]
        for (name, value), url in zip(shares.items(), addresses, strict=True)
    ]
    head = [
        (heading or pgettext("chart", "Part"), ""),
        (_measured(measure, unit), unit),
        (_("Share"), "percent"),
    ]
    return Chart(option, head, rows)


def heat(
    columns: Sequence[str],
    rows: Sequence[str],
    cells: Mapping[tuple[int, int], Value],
    unit: Unit = "number",
    *,
    measure: Text = "",
    heading: Text = "",
    links: Mapping[tuple[int, int], str] | None = None,
    labelled: bool = False,
) -> Chart:
    """A value for each (column, row) position, darker for more; `labelled` writes it in the cell.

    A matrix of movements is one of these, from the rows to the columns.
    """
    addresses = links or {}
    values = [float(value) for value in cells.values() if value is not None]
    option = {
        "tooltip": {"trigger": "item", "valueFormatter": unit},
        "grid": {"bottom": 64},
        "xAxis": {"type": "category", "data": list(columns)},
        "yAxis": {"type": "category", "data": list(rows), "inverse": True},
        "visualMap": {
            "min": min(values, default=0),
            "max": max(values, default=1),
            "orient": "horizontal",
            "left": "center",
            "bottom": 0,
            "text": ["", str(_measured(measure, unit))],
            "formatter": unit,
        },
        "series": [
            {
                "type": "heatmap",
                "label": {"show": labelled, "valueFormatter": unit},
                "data": [
                    {
                        "value": [column, row, _plain(value)],
                        **({"url": addresses[column, row]} if (column, row) in addresses else {}),
                    }
                    for (column, row), value in cells.items()
                ],
            }
        ],
    }
    head = [(heading or pgettext("chart", "Row"), ""), *((column, unit) for column in columns)]
    table = [
        [
            Cell(row),
            *(
                Cell(cells.get((x, y)), unit, addresses.get((x, y), ""))
                for x in range(len(columns))
            ),
        ]
        for y, row in enumerate(rows)
    ]
    return Chart(option, head, table)


def points(
    series: Mapping[str, Sequence[tuple[Value, Value]]],
    x_label: str,
    y_label: str,
    x_unit: Unit = "number",
    y_unit: Unit = "number",
    *,
    links: Mapping[str, Sequence[str]] | None = None,
    most: int | None = None,
) -> Chart:
    """Pairs of values as points, from zero to `most` where both end there."""
    option = _plane(x_label, y_label, x_unit, y_unit, len(series) > 1, most)
    option["tooltip"] = {"trigger": "item"}
    option["series"] = [
        {
            "type": "scatter",
            "name": name,
            "symbolSize": 8,
            "data": [
                {"value": [_plain(x), _plain(y)], **({"url": url} if url else {})}
                for (x, y), url in zip(
                    pairs, _addresses(links or (), name, len(pairs)), strict=True
                )
            ],
        }
        for name, pairs in series.items()
    ]
    rows = [
        [Cell(name), Cell(x, x_unit, url), Cell(y, y_unit)]
        for name, pairs in series.items()
        for (x, y), url in zip(pairs, _addresses(links or (), name, len(pairs)), strict=True)
    ]
    return Chart(
        option, [(pgettext("chart", "Series"), ""), (x_label, x_unit), (y_label, y_unit)], rows
    )


def curve(
    series: Mapping[str, Sequence[tuple[Value, Value]]],
    x_label: str,
    y_label: str,
    *,
    mark: float | None = 0.2,
) -> Chart:
    """Cumulative shares of one against shares of one (80/20, Lorenz), with the line of equal parts.

    Each series rises in x from (0, 0) to (1, 1). At `mark` of x a line says what share lies there.
    """
    option = _plane(x_label, y_label, "percent", "percent", True, 1)
    for axis in ("xAxis", "yAxis"):
        option[axis]["interval"] = 0.2
    option["tooltip"] = {"trigger": "axis", "valueFormatter": "percent"}
    option["series"] = [
        {
            "type": "line",
            "name": name,
            "showSymbol": False,
            "data": [[_plain(x), _plain(y)] for x, y in pairs],
        }
        for name, pairs in series.items()
    ]
    if mark is not None and option["series"]:
        option["series"][0]["markLine"] = {
            "symbol": "none",
            "lineStyle": {"type": "dashed"},
            "data": [
                {
                    "xAxis": mark,
                    "label": {
                        "position": "end",
                        "formatter": f"{format.percent(mark, 0)} → "
                        f"{format.percent(share_at(next(iter(series.values())), mark))}",
                    },
                }
            ],
        }
    option["series"].append(
        {
            "type": "line",
            "name": _("Equal parts"),
            "showSymbol": False,
            "lineStyle": {"type": "dashed", "width": 1},
            "data": [[0, 0], [1, 1]],
        }
    )
    head = [(x_label, "percent"), *((f"{y_label} · {name}", "percent") for name in series)]
    tenths = [n / 10 for n in range(11)]
    rows = [
        [
            Cell(x, "percent"),
            *(Cell(share_at(pairs, x), "percent") for pairs in series.values()),
        ]
        for x in sorted({*tenths, *([] if mark is None else [mark])})
    ]
    return Chart(option, head, rows)


def graph(nodes: Iterable[Node], ties: Iterable[Tie]) -> Chart:
    """Who stands in what relation to whom; the table lists the ties."""
    everybody, lines_ = list(nodes), list(ties)
    kinds = list(dict.fromkeys(node.kind for node in everybody))
    names = {node.id: node for node in everybody}
    option = {
        "tooltip": {"trigger": "item"},
        "legend": {"data": kinds, "bottom": 0},
        "series": [
            {
                "type": "graph",
                "layout": "force",
                "roam": "move",
                # Laid out before it is shown: nothing dances, and twice the same is the same.
                "force": {
                    "repulsion": 560,
                    "edgeLength": 140,
                    "gravity": 0.12,
                    "initLayout": "circular",
                    "layoutAnimation": False,
                },
                "categories": [{"name": kind} for kind in kinds],
                "label": {"show": True, "position": "bottom", "width": 120, "overflow": "truncate"},
                "edgeLabel": {"show": True},
                "lineStyle": {"curveness": 0.08},
                "emphasis": {"focus": "adjacency"},
                "data": [
                    {
                        "id": node.id,
                        "name": node.name,
                        "category": kinds.index(node.kind),
                        "symbolSize": 38 if node.centre else 24,
                        **({"url": node.url} if node.url else {}),
                    }
                    for node in everybody
                ],
                "links": [
                    {
                        "source": tie.source,
                        "target": tie.target,
                        "label": {"show": bool(tie.label), "formatter": tie.label},
                    }
                    for tie in lines_
                ],
            }
        ],
    }
    rows = [
        [
            Cell(names[tie.source].name, url=names[tie.source].url),
            Cell(tie.label),
            Cell(names[tie.target].name, url=names[tie.target].url),
        ]
        for tie in lines_
    ]
    return Chart(
        option,
        [(pgettext("graph", "From"), ""), (_("Relation"), ""), (pgettext("graph", "To"), "")],
        rows,
    )


def share_at(pairs: Sequence[tuple[Value, Value]], x: float) -> float | None:
    """Where a curve of (x, y) rising in x stands at `x`, straight between its points."""
    known = [(float(a), float(b)) for a, b in pairs if a is not None and b is not None]
    for (x0, y0), (x1, y1) in pairwise(known):
        if x0 <= x <= x1:
            return y1 if x1 == x0 else y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    return None


def spark(values: Sequence[Value], width: int = 80, height: int = 24) -> str:
    """The points of a small line in a box of that size, for `<polyline>`; "" below two values."""
    known = [float(value) for value in values if value is not None]
    if len(known) < 2:
        return ""
    low, high = min(known), max(known)
    span = high - low or 1
    return " ".join(
        f"{at * width / (len(known) - 1):.1f},{height - 2 - (value - low) / span * (height - 4):.1f}"
        for at, value in enumerate(known)
    )


def _axes(
    type: str,
    labels: Sequence[str],
    series: Mapping[str, Sequence[Value]],
    unit: Unit,
    measure: Text,
    heading: Text,
    links: Links,
    *,
    stacked: bool,
) -> Chart:
    stack = {"stack": "all"} if stacked else {}
    words = str(_measured(measure, unit))
    addresses = {name: _addresses(links, name, len(labels)) for name in series}
    option = {
        "tooltip": {"trigger": "axis", "valueFormatter": unit},
        "legend": {"show": len(series) > 1, "bottom": 0},
        "xAxis": {"type": "category", "data": list(labels)},
        "yAxis": {"type": "value", "name": words, "axisLabel": {"formatter": unit}},
        "series": [
            {
                "type": type,
                "name": name,
                "data": [
                    _datum(value, url) if url else _plain(value)
                    for value, url in zip(values, addresses[name], strict=True)
                ],
                **stack,
            }
            for name, values in series.items()
        ],
    }
    rows = [
        [
            Cell(label),
            *(Cell(values[at], unit, addresses[name][at]) for name, values in series.items()),
        ]
        for at, label in enumerate(labels)
    ]
    return Chart(option, [(heading, ""), *((name, unit) for name in series)], rows)


def _plane(
    x_label: str, y_label: str, x_unit: Unit, y_unit: Unit, several: bool, most: int | None
) -> dict[str, Any]:
    """Two axes of values with their names."""
    return {
        "legend": {"show": several, "bottom": 0},
        "grid": {"bottom": 56 if several else 28},
        "xAxis": {
            "type": "value", "name": x_label, "nameLocation": "middle", "nameGap": 26,
            "axisLabel": {"formatter": x_unit}, **_ends(most),
        },
        "yAxis": {
            "type": "value", "name": y_label, "axisLabel": {"formatter": y_unit}, **_ends(most)
        },
    }  # fmt: skip


def _ends(most: int | None) -> dict[str, int]:
    return {} if most is None else {"min": 0, "max": most}


def _measured(measure: Text, unit: Unit) -> Text:
    """The words of an axis of values: those given, or what the unit is by itself."""
    units = {"money": _("CNY"), "percent": _("Share"), "number": pgettext("chart", "Number")}
    return measure or units[unit]


def _addresses(links: Links, name: str, count: int) -> Sequence[str]:
    found = links.get(name, ()) if isinstance(links, Mapping) else links
    return found or [""] * count


def _datum(value: Value, url: str) -> dict[str, Any]:
    return {"value": _plain(value), **({"url": url} if url else {})}


def _plain(value: Value) -> float | None:
    # A pixel needs no cents: exact figures stand in tables, charts take the nearest float.
    return None if value is None else float(value)
