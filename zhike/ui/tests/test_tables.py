from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.template import Context, Template
from django.utils import translation

from zhike.kernel import clock
from zhike.ui.paging import Order
from zhike.ui.tables import Column, Kind, Table

HOSTILE = """<img src=x onerror="alert('1')">&"""


@dataclass(frozen=True)
class Row:
    value: Any = HOSTILE
    inner: Any = None


@pytest.mark.parametrize("kind", ["text", "badge", "link"])
def test_a_cell_never_lets_markup_through(kind: Kind) -> None:
    for url in (None, lambda row: row.value):
        html = Column("value", "", kind, url=url).html(Row())
        assert "<img" not in html
        assert '="alert' not in html


@pytest.mark.parametrize(
    ("tag", "context"),
    [
        ("{% badge value %}", {}),
        ("{% person value value %}", {}),
        ("{% facts rows %}", {"rows": [(HOSTILE, HOSTILE)]}),
        ("{% masked value value %}", {}),
        ("{% toast value %}", {}),
        ("{% empty_state value value action_url=value action_label=value %}", {}),
        ("{% panel title=value %}{{ value }}{% endpanel %}", {}),
        ("{% chart option value %}", {"option": {"title": f"</script>{HOSTILE}"}}),
    ],
)
def test_a_component_never_lets_markup_through(tag: str, context: dict[str, Any]) -> None:
    html = Template("{% load ui %}" + tag).render(Context({"value": HOSTILE, **context}))
    assert "<img" not in html
    assert '="alert' not in html
    assert "</script>&" not in html


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("money", Decimal("1234567.891"), '<span title="1,234,567.89">123.46万</span>'),
        ("number", 12345, "12,345"),
        ("percent", Decimal("0.125"), "12.5%"),
        ("datetime", datetime(2026, 11, 22, 16, 5, tzinfo=UTC), "2026-11-23 00:05"),
        ("progress", 0.5, '<progress value="0.5" max="1">50.0%</progress>'),
        ("text", 0, "0"),
    ],
)
def test_kinds_of_cells(kind: Kind, value: Any, shown: str) -> None:
    with translation.override("zh-hans"):
        assert Column("value", "", kind).html(Row(value)) == shown


def test_an_age_has_its_date_as_title() -> None:
    with translation.override("en"), clock.stopped_at(datetime(2026, 11, 22, 4, tzinfo=UTC)):
        html = Column("value", "", "age").html(Row(datetime(2026, 11, 19, 4, tzinfo=UTC)))
    assert html == '<span title="2026-11-19">3 days ago</span>'


def test_a_path_that_ends_in_nothing_is_a_dash() -> None:
    assert Column("inner.value", "").read(Row()) is None
    assert Column("inner.value", "").read(Row(inner=Row(7))) == 7
    assert Column("inner.key", "").read(Row(inner={"key": 8})) == 8
    assert "—" in Column("inner.value", "").html(Row())


def test_a_click_turns_the_order_or_begins_with_the_useful_end() -> None:
    columns = (
        Column("name", "", sortable=True),
        Column("balance", "", "money", sortable=True),
        Column("owner.name", "", sortable=True),
        Column("note", ""),
    )
    headers = list(Table(columns, [], Order("name")).headers)
    assert [header.sort for header in headers] == ["-name", "-balance", "owner__name", ""]
    assert [header.direction for header in headers] == ["ascending", "none", "none", "none"]
    assert [header.sort for header in Table(columns, []).headers] == ["", "", "", ""]
