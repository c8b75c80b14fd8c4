"""ECharts options for the few charts most pages draw; anything else may write its own option.

An option is plain JSON: the page carries it in a data block and never as a script. A formatter is
given by name (`money`, `percent`, `number`) and put in by the browser code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

Value = Decimal | float | int | None
Unit = Literal["money", "percent", "number"]


def bars(
    labels: Sequence[str],
    series: Mapping[str, Sequence[Value]],
    unit: Unit = "number",
    *,
    stacked: bool = False,
    lying: bool = False,
) -> dict[str, Any]:
    """One bar a label and series; `lying` draws them to the right, for long labels."""
    option = _axes("bar", labels, series, unit, stacked=stacked)
    if lying:
        option["xAxis"], option["yAxis"] = option["yAxis"], option["xAxis"] | {"inverse": True}
    return option


def lines(
    labels: Sequence[str],
    series: Mapping[str, Sequence[Value]],
    unit: Unit = "number",
    *,
    stacked: bool = False,
) -> dict[str, Any]:
    """One line a series over `labels`; stacked lines are filled."""
    option = _axes("line", labels, series, unit, stacked=stacked)
    for each in option["series"]:
        each["showSymbol"] = len(labels) <= 31
        if stacked:
            each["areaStyle"] = {}
    return option


def ring(shares: Mapping[str, Value], unit: Unit = "number") -> dict[str, Any]:
    """Parts of a whole as a ring."""
    return {
        "tooltip": {"trigger": "item", "valueFormatter": unit},
        "legend": {"type": "scroll", "bottom": 0},
        "series": [
            {
                "type": "pie",
                "radius": ["45%", "70%"],
                "center": ["50%", "44%"],
                "data": [{"name": name, "value": _plain(value)} for name, value in shares.items()],
            }
        ],
    }


def heat(
    columns: Sequence[str],
    rows: Sequence[str],
    cells: Mapping[tuple[int, int], Value],
    unit: Unit = "number",
) -> dict[str, Any]:
    """A value for each (column, row) position, darker for more."""
    values = [float(value) for value in cells.values() if value is not None]
    return {
        "tooltip": {"trigger": "item", "valueFormatter": unit},
        "grid": {"bottom": 64},
        "xAxis": {"type": "category", "data": list(columns)},
        "yAxis": {"type": "category", "data": list(rows), "inverse": True},
        "visualMap": {
            "min": min(values, default=0),
            "max": max(values, default=1),
            "calculable": True,
            "orient": "horizontal",
            "left": "center",
            "bottom": 0,
            "formatter": unit,
        },
        "series": [
            {
                "type": "heatmap",
                "data": [[column, row, _plain(value)] for (column, row), value in cells.items()],
            }
        ],
    }


def points(
    series: Mapping[str, Sequence[tuple[Value, Value]]],
    x_label: str,
    y_label: str,
    x_unit: Unit = "number",
    y_unit: Unit = "number",
) -> dict[str, Any]:
    """Pairs of values as points."""
    return {
        "tooltip": {"trigger": "item"},
        "legend": {"show": len(series) > 1, "bottom": 0},
        "xAxis": {
            "type": "value",
            "name": x_label,
            "nameLocation": "middle",
            "nameGap": 26,
            "axisLabel": {"formatter": x_unit},
        },
        "grid": {"bottom": 56 if len(series) > 1 else 28},
        "yAxis": {"type": "value", "name": y_label, "axisLabel": {"formatter": y_unit}},
        "series": [
            {
                "type": "scatter",
                "name": name,
                "symbolSize": 8,
                "data": [[_plain(x), _plain(y)] for x, y in pairs],
            }
            for name, pairs in series.items()
        ],
    }


def _axes(
    type: str,
    labels: Sequence[str],
    series: Mapping[str, Sequence[Value]],
    unit: Unit,
    *,
    stacked: bool,
) -> dict[str, Any]:
    stack = {"stack": "all"} if stacked else {}
    return {
        "tooltip": {"trigger": "axis", "valueFormatter": unit},
        "legend": {"show": len(series) > 1, "bottom": 0},
        "xAxis": {"type": "category", "data": list(labels)},
        "yAxis": {"type": "value", "axisLabel": {"formatter": unit}},
        "series": [
            {"type": type, "name": name, "data": [_plain(value) for value in values], **stack}
            for name, values in series.items()
        ],
    }


def _plain(value: Value) -> float | None:
    # A pixel needs no cents: exact figures stand in tables, charts take the nearest float.
    return None if value is None else float(value)
