"""One small sample bank for all tests of this folder, and a strict reader that shares no code with it."""

from __future__ import annotations

import csv
import datetime
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pa_dataset
import pytest

from zhike.packs.bank.sample import Manifest, generate

AS_OF = datetime.date(2025, 11, 22)


@dataclass(frozen=True)
class Sample:
    """A generated sample and where it lies."""

    folder: Path
    manifest: Manifest

    def table(self, path: str) -> pa.Table:
        """A Parquet file, or a folder of them."""
        return pa_dataset.dataset(self.folder / path).to_table()

    def transactions(self, kind: str) -> list[dict[str, Any]]:
        """Transactions of one kind, without their keys and balances."""
        table = pa_dataset.dataset(self.folder / "core/transactions").to_table(
            columns=["account_key", "booked_on", "direction", "amount"],
            filter=pc.field("kind").cast("string") == kind,
        )
        rows: list[dict[str, Any]] = table.to_pylist()
        return rows

    def lines(self, path: str) -> Iterator[list[str]]:
        """Data lines of a CSV file, broken ones among them."""
        with (self.folder / path).open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file)
            next(reader)
            yield from reader


@dataclass
class Reading:
    """What a strict reader makes of one CSV file."""

    accepted: list[dict[str, str]] = field(default_factory=list)
    rejected: list[list[str]] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)


def _is_date(text: str) -> bool:
    try:
        datetime.date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_moment(text: str) -> bool:
    try:
        return datetime.datetime.fromisoformat(text).utcoffset() == datetime.timedelta(hours=8)
    except ValueError:
        return False


def _is_number(text: str) -> bool:
    try:
        Decimal(text)
    except InvalidOperation:
        return False
    return True


_NUMBERS = {"principal", "rate", "expected_rate", "credit_limit", "term_months"}


def read_strictly(path: Path, products: set[str]) -> Reading:
    """Accept a row only with the right number of fields, real dates, numbers that are numbers and products
    that the catalogue knows; an empty field is no fault."""
    reading = Reading()
    with path.open(encoding="utf-8", newline="") as file:
        lines = csv.reader(file)
        header = next(lines)
        for line in lines:
            row = dict(zip(header, line, strict=False))
            given = {name: text for name, text in row.items() if text}
            if len(line) != len(header):
                reason = "long_line" if len(line) > len(header) else "short_line"
            elif not all(
                _is_date(text)
                for name, text in given.items()
                if name.endswith("_on") or name == "since"
            ) or ("at" in given and not _is_moment(given["at"])):
                reason = "impossible_date"
            elif not all(_is_number(text) for name, text in given.items() if name in _NUMBERS):
                reason = "bad_amount"
            elif row.get("product_code", "") not in products | {""}:
                reason = "unknown_product"
            else:
                reading.accepted.append(row)
                continue
            reading.rejected.append(line)
            reading.reasons[reason] += 1
    return reading


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """Two thousand customers over two years."""
    folder = tmp_path_factory.mktemp("sample") / "bank"
    return Sample(folder, generate(folder, customers=2_000, seed=11, as_of=AS_OF))


@pytest.fixture(scope="session")
def strict(sample: Sample) -> dict[str, Reading]:
    """All CSV files of the sample, read strictly; by path."""
    products = {line[0] for line in sample.lines("core/products.csv")}
    return {
        path.relative_to(sample.folder).as_posix(): read_strictly(path, products)
        for path in sorted(sample.folder.rglob("*.csv"))
    }
