"""Clock, money, registries, classes, keys: the small things everything stands on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhike.kernel import clock, keys
from zhike.kernel.classes import FieldClass, classify
from zhike.kernel.errors import UserError
from zhike.kernel.money import rounded
from zhike.kernel.partitions import months
from zhike.kernel.registry import Registry


def test_the_business_day_is_shanghais() -> None:
    with clock.stopped_at(datetime(2026, 11, 22, 16, 30, tzinfo=UTC)):
        assert clock.today() == date(2026, 11, 23)
    with clock.stopped_at(date(2026, 11, 22)):
        assert clock.today() == date(2026, 11, 22)


def test_the_clock_runs_again_afterwards() -> None:
    with clock.stopped_at(date(1994, 3, 31)):
        pass
    assert clock.today().year > 2000


@given(st.decimals(min_value=-(10**12), max_value=10**12, places=4))
def test_money_rounds_half_away_from_zero(amount: Decimal) -> None:
    cents = rounded(amount)
    assert cents == amount.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
    assert abs(cents - amount) <= Decimal("0.005")
    assert rounded(-amount) == -cents


@dataclass(frozen=True)
class Item:
    id: str


def test_a_registry_keeps_order_refuses_twins_and_closes() -> None:
    registry: Registry[Item] = Registry("items")
    first, second = registry.register(Item("b")), registry.register(Item("a"))
    assert list(registry) == [first, second]
    assert registry.get("a") is second
    with pytest.raises(ValueError, match="already has a"):
        registry.register(Item("a"))
    registry.close()
    with pytest.raises(ValueError, match="closed"):
        registry.register(Item("c"))
    assert len(registry) == 2


def test_a_field_has_one_class() -> None:
    classes = classify(open="code", c1="opened_on", c2="name")
    assert classes["name"] is FieldClass.C2
    assert classes["public_id"] is FieldClass.OPEN
    with pytest.raises(ValueError, match="two classes"):
        classify(open="code", c2="code")


def test_keys_are_made_once_private_and_checked(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    first = keys.load(folder, "data")
    assert keys.load(folder, "data") == first != keys.load(folder, "index")
    assert (folder / "data").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    (folder / "data").write_bytes(b"short")
    with pytest.raises(UserError, match="5 bytes instead of 32"):
        keys.load(folder, "data")


def test_a_key_folder_that_cannot_be_used_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be used"):
        keys.load(tmp_path / "file" / "keys", "data")


@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)), st.integers(0, 40))
def test_months_are_whole_and_without_gaps(first: date, further: int) -> None:
    count = first.year * 12 + first.month - 1 + further
    last = date(count // 12, count % 12 + 1, 28)
    found = months(first, last)
    assert len(found) == further + 1
    assert found[0] == first.replace(day=1)
    assert found[-1] == last.replace(day=1)
    assert all((b - a).days in (28, 29, 30, 31) for a, b in pairwise(found))
