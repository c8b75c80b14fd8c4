"""Tokens of names: what is stored is what is asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhike.customers import names

CHINESE = st.text(
    "张王李赵单曾仇区长孙欧阳伟明芳娜银行农机有限公司青禾红柳", min_size=2, max_size=8
)
MIXED = st.text("张王李单农机有限公司青禾 abcxyz019（）·", min_size=2, max_size=12)


@given(MIXED)
def test_folding_is_done_once(name: str) -> None:
    assert names.folded(names.folded(name)) == names.folded(name)


@given(MIXED, st.data(), st.booleans())
def test_every_fragment_of_a_name_is_found(name: str, data: st.DataObject, person: bool) -> None:
    text = names.folded(name)
    if len(text) < 2:
        assert names.query_tokens(name) == []
        return
    start = data.draw(st.integers(0, len(text) - 2))
    end = data.draw(st.integers(start + 2, len(text)))
    stored = set(names.search_tokens(name, person=person))
    assert any(stored.issuperset(way) for way in names.query_tokens(text[start:end]))


@given(CHINESE, st.booleans(), st.data())
def test_initials_and_pinyin_from_the_front_find_a_name(
    name: str, person: bool, data: st.DataObject
) -> None:
    read = names.syllables(name, person=person)
    stored = set(names.search_tokens(name, person=person))
    count = data.draw(st.integers(2, min(len(read), names.LONGEST_INITIALS)))
    for query in ("".join(each[:1] for each in read[:count]), "".join(read[: min(count, 4)])):
        assert any(stored.issuperset(way) for way in names.query_tokens(query))


@pytest.mark.parametrize(
    ("name", "reading"),
    [
        ("单雄", "shan xiong"),
        ("曾巩", "zeng gong"),
        ("尉迟恭", "yu chi gong"),
        ("仇英", "qiu ying"),
        ("区建国", "ou jian guo"),
    ],
)
def test_surnames_are_read_as_surnames(name: str, reading: str) -> None:
    assert " ".join(names.syllables(name)) == reading
    assert names.sort_key(name) == f"{reading} {name}"


def test_names_sort_by_sound_and_then_by_character() -> None:
    people = ["赵敏", "安平", "李四", "李斯", "王五"]
    assert sorted(people, key=names.sort_key) == ["安平", "李四", "李斯", "王五", "赵敏"]


@given(st.text(max_size=300))
def test_any_text_has_tokens_and_a_key(name: str) -> None:
    tokens = names.search_tokens(name)
    assert tokens == sorted(set(tokens))
    assert len(names.sort_key(name)) <= 200
