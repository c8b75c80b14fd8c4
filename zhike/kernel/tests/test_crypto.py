"""Sealed values: what goes in comes out, in its own place and nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhike.kernel import crypto, keys

values = st.text(min_size=0, max_size=60)
places = st.text(min_size=1, max_size=40)


@given(values, places)
def test_what_is_sealed_opens_in_its_place(value: str, place: str) -> None:
    assert crypto.decrypt(crypto.encrypt(value, place), place) == value


@given(values, places, places)
def test_a_value_moved_to_another_row_does_not_open(value: str, here: str, there: str) -> None:
    sealed = crypto.encrypt(value, here)
    if here != there:
        with pytest.raises(crypto.Undecipherable):
            crypto.decrypt(sealed, there)


@given(values, st.data())
def test_one_flipped_bit_is_noticed(value: str, data: st.DataObject) -> None:
    sealed = bytearray(crypto.encrypt(value, "t.c:1"))
    position = data.draw(st.integers(0, len(sealed) - 1))
    sealed[position] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(crypto.Undecipherable):
        crypto.decrypt(bytes(sealed), "t.c:1")


def test_the_same_value_never_looks_the_same_twice() -> None:
    assert crypto.encrypt("x", "t.c:1") != crypto.encrypt("x", "t.c:1")


def test_another_key_opens_nothing(settings: Any, tmp_path: Path) -> None:
    sealed = crypto.encrypt("secret", "t.c:1")
    settings.ZHIKE_DATA_KEYS = keys.Ring(tmp_path, "data")
    with pytest.raises(crypto.Undecipherable):
        crypto.decrypt(sealed, "t.c:1")


def test_the_blind_index_tells_kinds_apart_and_hides_the_value() -> None:
    mobile = crypto.blind_index("mobile", "13800000000")
    assert mobile == crypto.blind_index("mobile", "13800000000")
    assert mobile != crypto.blind_index("phone", "13800000000")
    assert len(mobile) == crypto.INDEX_BYTES
    assert b"138" not in mobile


@given(st.text(alphabet="0123456789X", min_size=4, max_size=18))
def test_the_tail_index_depends_on_the_last_four_alone(value: str) -> None:
    assert crypto.tail_index("card", value) == crypto.tail_index("card", "9" * 5 + value[-4:])
    assert crypto.tail_index("card", value) != crypto.blind_index("card", value[-4:])


def test_a_tail_is_told_under_the_key_of_the_moment(settings: Any) -> None:
    settings.ZHIKE_INDEX_KEY = b"one" * 10
    first = crypto.tail_index("card", "1234")
    settings.ZHIKE_INDEX_KEY = b"two" * 10
    assert crypto.tail_index("card", "1234") != first


@given(st.lists(st.tuples(values, places), max_size=5))
def test_many_are_sealed_as_one_is(pairs: list[tuple[str, str]]) -> None:
    sealed = crypto.encrypt_each(pairs)
    assert [
        crypto.decrypt(each, place) for each, (_, place) in zip(sealed, pairs, strict=True)
    ] == [value for value, _place in pairs]
    assert len({each[2:14] for each in sealed}) == len(pairs)
