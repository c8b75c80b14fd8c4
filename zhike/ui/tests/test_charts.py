from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhike.ui import charts
from zhike.ui.charts import Cell, Chart, Node, Tie

ANY = [
    charts.bars(["甲"], {"一": [1], "二": [2]}),
    charts.lines(["甲"], {"一": [1]}),
    charts.ring({"甲": 1, "乙": 3}),
    charts.heat(["a"], ["b"], {(0, 0): 5}),
    charts.points({"甲": [(1, 2)]}, "x", "y"),
    charts.curve({"甲": [(0, 0), (1, 1)]}, "x", "y"),
    charts.graph([Node("a", "甲", "k"), Node("b", "乙", "k")], [Tie("a", "b", "配偶")]),
]


def texts(chart: Chart) -> list[list[str]]:
    return [[cell.text for cell in row] for row in chart.rows]


@pytest.mark.parametrize("chart", ANY)
def test_a_chart_is_plain_json_with_a_table_of_its_width(chart: Chart) -> None:
    json.dumps(chart.option)
    assert chart.rows
    assert {len(row) for row in chart.rows} == {len(chart.head)}
    assert not chart.is_empty


def test_scores_end_where_they_end_and_other_values_where_they_may() -> None:
    ends = {"min": 0, "max": 100}
    lines = charts.lines(["甲"], {"一": [99]}, most=100).option
    assert lines["yAxis"].items() >= ends.items()
    points = charts.points({"甲": [(99, 98)]}, "x", "y", most=100).option
    assert all(points[axis].items() >= ends.items() for axis in ("xAxis", "yAxis"))
    assert "max" not in charts.lines(["甲"], {"一": [99]}).option["yAxis"]


def test_a_lying_bar_swaps_the_axes_and_names_its_formatter() -> None:
    option = charts.bars(
        ["甲"], {"一": [Decimal("1.5")], "二": [None]}, "money", lying=True, measure="元"
    ).option
    assert option["yAxis"] == {"type": "category", "data": ["甲"], "inverse": True}
    assert option["xAxis"]["axisLabel"] == {"formatter": "money"}
    assert option["xAxis"]["name"] == "元"
    assert [each["data"] for each in option["series"]] == [[1.5], [None]]


def test_the_table_is_exact_where_the_picture_is_not() -> None:
    chart = charts.bars(["甲"], {"一": [Decimal("123456789012345678.91")]}, "money")
    assert texts(chart) == [["甲", "123,456,789,012,345,678.91"]]
    assert texts(charts.ring({"甲": 1, "乙": 3, "丙": None})) == [
        ["甲", "1", "25.0%"],
        ["乙", "3", "75.0%"],
        ["丙", "—", "—"],
    ]


def test_a_mark_and_its_cell_lead_to_the_same_rows() -> None:
    chart = charts.bars(["甲", "乙"], {"一": [1, 2]}, links=["/a/", "/b/"])
    assert [each["url"] for each in chart.option["series"][0]["data"]] == ["/a/", "/b/"]
    assert [row[1].url for row in chart.rows] == ["/a/", "/b/"]
    matrix = charts.heat(["a", "b"], ["c"], {(0, 0): 1, (1, 0): 2}, links={(1, 0): "/x/"})
    assert [each.get("url") for each in matrix.option["series"][0]["data"]] == [None, "/x/"]
    assert [cell.url for cell in matrix.rows[0]] == ["", "", "/x/"]
    by_series = charts.lines(["甲"], {"一": [1], "二": [1]}, links={"二": ["/z/"]})
    assert [cell.url for cell in by_series.rows[0]] == ["", "", "/z/"]


def test_nothing_measured_is_nothing_to_draw() -> None:
    assert charts.bars(["甲"], {"一": [None]}).is_empty
    assert charts.ring({}).is_empty
    assert charts.graph([Node("a", "甲", "k")], []).is_empty
    assert not charts.bars(["甲"], {"一": [0]}).is_empty
    assert not Chart({"series": []}).is_empty, "a bare option may draw anything"


def test_the_curve_says_what_lies_at_its_mark() -> None:
    chart = charts.curve({"余额": [(0, 0), (0.1, 0.6), (0.3, 0.8), (1, 1)]}, "客户", "余额")
    [line] = chart.option["series"][0]["markLine"]["data"]
    assert line["xAxis"] == 0.2
    assert line["label"]["formatter"] == "20% → 70.0%"
    assert ["20.0%", "70.0%"] in texts(chart)
    assert [each["data"] for each in chart.option["series"]][1] == [[0, 0], [1, 1]]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.floats(0, 1))
def test_a_rising_curve_stays_between_its_ends(steps: list[float], x: float) -> None:
    total = sum(steps) or 1.0
    heights = [sum(steps[:n]) / total for n in range(len(steps) + 1)]
    pairs = [(n / len(steps), height) for n, height in enumerate(heights)]
    found = charts.share_at(pairs, x)
    assert found is not None
    assert 0 <= found <= 1 + 1e-9


def test_beyond_the_curve_is_nothing() -> None:
    assert charts.share_at([(0, 0), (0.5, 1)], 0.6) is None
    assert charts.share_at([], 0) is None


@given(st.lists(st.one_of(st.none(), st.integers(-(10**12), 10**12)), max_size=30))
def test_a_spark_stays_in_its_box(values: list[int | None]) -> None:
    drawn = charts.spark(values)
    known = [value for value in values if value is not None]
    if len(known) < 2:
        assert drawn == ""
        return
    points = [tuple(map(float, point.split(","))) for point in drawn.split()]
    assert len(points) == len(known)
    assert all(0 <= x <= 80 and 2 <= y <= 22 for x, y in points)
    assert (points[0][0], points[-1][0]) == (0, 80)


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        (Cell("甲"), "甲"),
        (Cell(None, "number"), "—"),
        (Cell(1234, "number"), "1,234"),
        (Cell(1.255, "number"), "1.26"),
        (Cell(0.1, "percent"), "10.0%"),
        (Cell(1.005, "money"), "1.01"),
    ],
)
def test_a_cell_is_written_in_its_unit(cell: Cell, shown: str) -> None:
    assert cell.text == shown
