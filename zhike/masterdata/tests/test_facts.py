"""How facts are ordered before they are stored, and files without a row."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhike.kernel.warehouse import Warehouse
from zhike.masterdata.services import facts as staging
from zhike.masterdata.tests.factories import ACCOUNTS, PEOPLE, POSTINGS, read_in
from zhike.products import facts


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(24_000, 24_030), st.integers(1, 9)), min_size=1, max_size=30),
    st.sampled_from([1, 10**9, 2**58]),
    st.randoms(),
)
def test_rows_of_a_month_by_customer_then_as_in_the_file(
    found: list[tuple[int, int]], times: int, random: Random
) -> None:
    """Small numbers are packed into one, large ones are not; both end the same."""
    rows = [(month, party * times // 9, row) for row, (month, party) in enumerate(found)]
    expected = {
        month: [row for _month, _party, row in same]
        for month, same in groupby(sorted(rows), key=lambda each: each[0])
    }
    random.shuffle(rows)
    months, parties, numbers = (np.array(column) for column in zip(*rows, strict=True))
    order = staging._sorted(months, parties, numbers)
    assert {month: list(found) for month, found in order.items()} == expected


@pytest.mark.django_db
def test_a_file_without_rows(tmp_path: Path) -> None:
    files = {"people.csv": PEOPLE, "accounts.csv": ACCOUNTS, "postings.csv": POSTINGS}
    report = read_in(tmp_path, files)
    assert {(table.read, table.accepted, table.rejected) for table in report.tables} == {(0, 0, 0)}
    assert not Warehouse().exists(facts.TRANSACTIONS)
