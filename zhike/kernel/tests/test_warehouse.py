"""The warehouse: atomic, versioned, a batch once, and closed to everything but its own folder."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from zhike.kernel.errors import UserError
from zhike.kernel.warehouse import Parts, Warehouse


def rows(*amounts: str, month: str = "2026-01") -> pa.Table:
    return pa.table(
        {
            "party_id": pa.array(range(len(amounts)), pa.int64()),
            "amount": pa.array([Decimal(a) for a in amounts], pa.decimal128(18, 2)),
            "month": pa.array([month] * len(amounts)),
        }
    )


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path / "warehouse")


def total(warehouse: Warehouse) -> Any:
    with warehouse.reading("facts/x") as db:
        return db.table("x").amount.sum().to_pyarrow().as_py()


def test_a_batch_is_added_once(warehouse: Warehouse) -> None:
    assert warehouse.append("facts/x", rows("1.10", "2.20"), batch="a", partition_by=["month"])
    assert not warehouse.append("facts/x", rows("1.10", "2.20"), batch="a")
    assert warehouse.append("facts/x", rows("0.01"), batch="b")
    assert total(warehouse) == Decimal("3.31")
    assert warehouse.holds_batch("facts/x", "b")
    assert not warehouse.holds_batch("facts/x", "c")


def parts(**amounts: str) -> Parts:
    whole = rows("1")
    make = {
        month.replace("_", "-"): partial(rows(amount).drop_columns, ["month"])
        for month, amount in amounts.items()
    }
    return Parts(whole.schema, "month", make)


def test_parts_are_added_in_one_commit_and_once(warehouse: Warehouse) -> None:
    first = parts(**{"2026_01": "1.10", "2026_02": "2.20"})
    assert warehouse.append("facts/x", first, batch="a")
    assert warehouse.version("facts/x") == 0
    assert not warehouse.append("facts/x", first, batch="a")
    assert warehouse.append("facts/x", parts(**{"2026_02": "0.01"}), batch="b")
    assert warehouse.version("facts/x") == 1
    assert total(warehouse) == Decimal("3.31")
    warehouse.tidy("facts/x")
    warehouse.overwrite("facts/x", rows("7", month="2026-02"), where="month = '2026-02'")
    assert total(warehouse) == Decimal("8.10")


def test_a_part_that_cannot_be_made_adds_nothing(warehouse: Warehouse) -> None:
    warehouse.append("facts/x", parts(**{"2026_01": "1"}), batch="a")
    sound = parts(**{"2026_02": "2"})
    faulty = Parts(sound.schema, "month", {**sound.make, "2026-03": lambda: rows("a")})
    with pytest.raises(ArithmeticError):
        warehouse.append("facts/x", faulty, batch="b")
    assert total(warehouse) == Decimal(1)
    assert not warehouse.holds_batch("facts/x", "b")


def test_a_month_is_replaced_alone(warehouse: Warehouse) -> None:
    warehouse.append("facts/x", rows("1", "2"), batch="a", partition_by=["month"])
    warehouse.append("facts/x", rows("5", month="2026-02"), batch="b", partition_by=["month"])
    warehouse.overwrite("facts/x", rows("7"), where="month = '2026-01'")
    assert total(warehouse) == Decimal(12)


def test_an_earlier_version_can_still_be_read(warehouse: Warehouse) -> None:
    warehouse.overwrite("facts/x", rows("1"))
    first = warehouse.version("facts/x")
    warehouse.overwrite("facts/x", rows("2"))
    assert warehouse.files("facts/x", first) != warehouse.files("facts/x")
    assert total(warehouse) == Decimal(2)


def test_a_folder_may_be_called_anything(tmp_path: Path) -> None:
    odd = Warehouse(tmp_path / "数据 100% a+b")
    odd.append("facts/moves", pa.table({"n": [1, 2]}), batch="a")
    with odd.reading("facts/moves") as facts:
        assert facts.table("moves").count().to_pyarrow().as_py() == 2
    assert all(path.exists() for path in odd.kept())


def test_a_missing_table_says_what_to_do(warehouse: Warehouse) -> None:
    assert warehouse.version("facts/x") is None
    assert not warehouse.exists("facts/x")
    with pytest.raises(UserError, match="no table facts/x"):
        warehouse.files("facts/x")


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_csv('/etc/hostname')",
        "COPY (SELECT 1) TO '/tmp/zhike-escape.csv'",
        "ATTACH '/tmp/zhike-escape.db'",
        "INSTALL httpfs",
        "SET memory_limit = '1GB'",
        "SET enable_external_access = true",
    ],
)
def test_a_query_reaches_nothing_else(warehouse: Warehouse, statement: str) -> None:
    warehouse.overwrite("facts/x", rows("1"))
    with warehouse.reading("facts/x") as db, pytest.raises(duckdb.Error):
        db.con.execute(statement)


def test_an_unwritable_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        Warehouse(tmp_path / "file" / "warehouse").overwrite("facts/x", rows("1"))
