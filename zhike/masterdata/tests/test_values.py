"""Values and readers: what comes out is what went in, or a reason."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zhike.masterdata import readers
from zhike.masterdata.mapping import Field, Table
from zhike.masterdata.targets import Takes
from zhike.masterdata.values import convert, listed, parsed

MONEY = Takes("decimal")
SPEC = Field("x", columns=("c",))
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)


def column(
    values: list[str], spec: Field = SPEC, takes: Takes = MONEY
) -> tuple[list[object], list[int]]:
    found = convert({"c": pa.array(values, pa.string())}, len(values), spec, takes)
    return found.values.to_pylist(), [fault.row for fault in found.faults]


@settings(deadline=None)
@given(st.lists(st.decimals(min_value=-(10**15), max_value=10**15, places=2), max_size=20))
def test_amounts_are_exact(amounts: list[Decimal]) -> None:
    assert column([f"{amount:f}" for amount in amounts]) == (amounts, [])


@settings(deadline=None)
@given(st.lists(texts, max_size=20))
def test_an_amount_is_a_value_or_a_fault_or_nothing(values: list[str]) -> None:
    found, faults = column(values)
    for row, value in enumerate(values):
        if row in faults:
            assert found[row] is None
        elif found[row] is None:
            assert not value.strip()
        else:
            assert Decimal(value.strip()) == found[row]


@settings(deadline=None)
@given(st.lists(st.text("0019.+-e", min_size=1, max_size=19), min_size=1, max_size=6))
def test_all_amounts_at_once_are_read_as_each_alone(values: list[str]) -> None:
    """The cast of a whole column is looser than we are; it must not be given what it would let pass."""
    found, faults = column(values)
    for row, value in enumerate(values):
        try:
            assert found[row] == parsed(value, SPEC, MONEY)
        except ValueError:
            assert row in faults


@pytest.mark.parametrize("value", [".5", "-.5", "+.5", "1e3", "00000000000000001.00", "1.234", "."])
def test_no_amount(value: str) -> None:
    assert column(["1.00", value, "-2"]) == ([Decimal(1), None, Decimal(-2)], [1])


def test_a_column_as_a_list() -> None:
    days = [date(1850, 1, 1), None, date(2150, 12, 31)]
    assert listed(pa.array(days, pa.date32())) == days
    assert listed(pa.array(["in", None, "out"]).dictionary_encode()) == ["in", None, "out"]
    assert listed(pa.array([1, None], pa.int64())) == [1, None]
    assert listed(pa.array([Decimal("1.00"), None])) == [Decimal("1.00"), None]


def test_a_column_of_few_words_is_read_as_one_of_texts() -> None:
    takes = Takes(choices=frozenset({"in", "out"}))
    spec = Field("x", columns=("c",), codes={"+": "in", "-": "out"}, lenient=False)
    words = pa.array(["+", " -", "?", "", "+"])
    plain = convert({"c": words}, 5, spec, takes)
    coded = convert({"c": words.dictionary_encode()}, 5, spec, takes)
    assert plain.values.to_pylist() == coded.values.to_pylist() == ["in", "out", None, None, "in"]
    assert plain.faults == coded.faults
    assert [(fault.row, fault.raw) for fault in coded.faults] == [(2, "?")]


@settings(deadline=None)
@given(st.dates(min_value=date(1850, 1, 1), max_value=date(2150, 12, 31)))
def test_dates_in_both_ways_of_writing(day: date) -> None:
    takes = Takes("date")
    assert parsed(day.isoformat(), SPEC, takes) == day
    spec = Field("x", columns=("c",), formats=("%d.%m.%Y", "%Y%m%d"))
    assert parsed(f"{day:%Y%m%d}", spec, takes) == day


@pytest.mark.parametrize("text", ["2024-02-30", "20240101", "2024-1-1", "1066-10-14", "9999-12-31"])
def test_no_date(text: str) -> None:
    with pytest.raises(ValueError, match="no such date"):
        parsed(text, SPEC, Takes("date"))


def test_codes_take_the_first_pattern_that_fits() -> None:
    spec = Field("x", columns=("a", "b"), codes={"p | *": "one", "* | q": "two"})
    columns = {"a": pa.array(["p", "r", "p", "r"]), "b": pa.array(["q", "q", "", ""])}
    found = convert(columns, 4, spec, Takes())
    assert found.values.to_pylist() == ["one", "two", "one", None]
    assert [(fault.row, fault.raw) for fault in found.faults] == [(3, "r | ")]


cells = st.text(
    st.characters(exclude_characters="\0\r", exclude_categories=["Cs"], max_codepoint=0x9FFF),
    max_size=8,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(cells.filter(bool), cells, cells), min_size=1, max_size=12),
    piece=st.sampled_from([64, 1 << 20]),
)
def test_what_is_written_is_read(
    tmp_path: Path, rows: list[tuple[str, str, str]], piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Quotation marks, separators and line breaks inside values, whatever the size of the pieces."""
    monkeypatch.setattr(readers, "PIECE", piece)
    table = Table(
        name="t",
        path="*",
        into="unit",
        key=("a",),
        header=("a", "b", "c"),
        fields={"name": Field("name", columns=("b",)), "region": Field("region", columns=("c",))},
    )
    path = tmp_path / "t.csv"
    lines = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows]
    path.write_bytes(("\n".join(["a,b,c", *lines]) + "\n").encode())
    found: list[tuple[str, ...]] = []
    at: list[int] = []
    for batch in readers.read(path, table):
        assert not batch.bad
        found += zip(*(batch.columns[name].to_pylist() for name in "abc"), strict=True)
        at += batch.lines.tolist()
    assert found == rows
    starts = [2]
    for row in rows:
        starts.append(starts[-1] + 1 + sum(cell.count("\n") for cell in row))
    assert at == starts[:-1]
