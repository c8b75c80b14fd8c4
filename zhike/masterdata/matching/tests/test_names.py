"""Names of people: characters, titles, pinyin and the two orders."""

from __future__ import annotations

import unicodedata

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from zhike.masterdata.matching.normalise import (
    Name,
    folded,
    person_name,
    pinyin,
    records,
    simplified,
)
from zhike.masterdata.matching.normalise.characters import folded_column, simplified_column
from zhike.masterdata.matching.normalise.names import (
    TITLES,
    name_columns,
    syllables,
)
from zhike.masterdata.matching.tests.given import public

PARTS = ("text", "pinyin", "rotated", "surname", "given", "sex")
texts = st.lists(
    st.one_of(
        st.none(), st.text(), st.text("張张欧陽阳 　ａＢ·*ﬁΣ\u0301先生女士总小王某", max_size=6)
    ),
    max_size=6,
)


@settings(deadline=None)
@given(texts)
@example(["\x00", "张\x00"])
def test_columns_fold_as_single_texts_do(values: list[str | None]) -> None:
    column = pa.array(values, pa.string())
    assert folded_column(column).to_pylist() == [v if v is None else folded(v) for v in values]
    assert simplified_column(column).to_pylist() == [
        v if v is None else simplified(v) for v in values
    ]


@settings(deadline=None)
@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    once = folded(text)
    assert folded(once) == once or unicodedata.normalize("NFKC", once) != once


@settings(deadline=None)
@given(texts)
def test_columns_read_names_as_single_texts_are_read(values: list[str | None]) -> None:
    found = name_columns(pa.array(values, pa.string()))
    read = [Name() if value is None else person_name(value) for value in values]
    for part in PARTS:
        assert found[part].to_pylist() == [getattr(name, part) for name in read]


@pytest.mark.parametrize(
    ("raw", "text", "read", "rotated"),
    [
        ("張 偉", "张伟", "zhang wei", "wei zhang"),
        ("单　单", "单单", "shan dan", "dan shan"),
        ("曾国藩", "曾国藩", "zeng guo fan", "guo fan zeng"),
        ("尉遲敬德", "尉迟敬德", "yu chi jing de", "jing de yu chi"),
        ("欧阳修", "欧阳修", "ou yang xiu", "xiu ou yang"),
        ("吕布", "吕布", "lv bu", "bu lv"),
        ("马云（董事长）", "马云", "ma yun", "yun ma"),
        ("张伟先生", "张伟", "zhang wei", "wei zhang"),
        ("阿不都·热合曼", "阿不都热合曼", "a bu dou re he man", "a bu dou re he man"),
        ("Xiaoming ZHANG", "xiaomingzhang", "xiao ming zhang", "zhang xiao ming"),
        ("ZHANG, Xiaoming", "zhangxiaoming", "zhang xiao ming", "xiao ming zhang"),
        ("Lü Bu", "lvbu", "lv bu", "bu lv"),
        ("LYU Bu", "lyubu", "lv bu", "bu lv"),
        ("Zhāng Wěi", "zhangwei", "zhang wei", "wei zhang"),
        ("John Smith", "johnsmith", "john smith", "smith john"),
    ],
)
def test_names(raw: str, text: str, read: str, rotated: str) -> None:
    found = person_name(raw)
    assert (found.text, found.pinyin, found.rotated) == (text, read, rotated)


@pytest.mark.parametrize(
    ("raw", "surname", "sex"),
    [
        ("先生", None, "M"),
        ("欧阳女士", "欧阳", "F"),
        ("李老师", "李", None),
        ("张总", "张", None),
        ("小王", "王", None),
        ("张*", "张", None),
        ("王*明", "王", None),
        ("*明", None, None),
        ("李某", "李", None),
        ("无", None, None),
        ("123", None, None),
        ("", None, None),
        ("公孙", "公孙", None),
    ],
)
def test_titles_and_masks_are_no_names(raw: str, surname: str | None, sex: str | None) -> None:
    assert person_name(raw) == Name(surname=surname, sex=sex)


@settings(deadline=None)
@given(
    st.sampled_from("张李欧"), st.sampled_from(sorted(title for title in TITLES if len(title) > 1))
)
def test_a_surname_with_any_title_is_no_name(surname: str, title: str) -> None:
    if not title.isascii():
        assert person_name(surname + title).text is None


def test_surname_and_given() -> None:
    found = person_name("诸葛孔明")
    assert (found.surname, found.given) == ("诸葛", "孔明")


def test_latin_words_are_cut_into_syllables() -> None:
    assert syllables("xiaoming") == ("xiao", "ming")
    assert syllables("zhuangyuan") == ("zhuang", "yuan")
    assert syllables("smith") == ()


@pytest.mark.data
def test_real_names_are_all_read() -> None:
    given = [row["name"] for row in public("cn_names/ancient_names.csv.gz")]
    found = name_columns(pa.array(given))
    read = [text is not None for text in found["text"].to_pylist()]
    assert read.count(True) / len(given) > 0.995
    plain = [text for text in found["pinyin"].to_pylist() if text]
    assert sum(text.replace(" ", "").isascii() for text in plain) / len(plain) > 0.99


@pytest.mark.data
def test_every_surname_has_a_syllable() -> None:
    rows = public("cn_names/familyname.csv.gz")
    single = [row["surname"] for row in rows if len(row["surname"]) == 1]
    assert [s for s in single if not syllables(pinyin(s))] == []


def test_an_organisation_has_no_surname_and_sounds_as_its_core() -> None:
    raw = pa.table({"record": [1], "kind": ["organisation"], "name": ["王記 食品（杭州）有限公司"]})
    (found,) = records(raw).to_pylist()
    assert found["name"] == "王记食品杭州有限公司"
    assert (found["surname"], found["name_pinyin"]) == (None, "wang ji shi pin")
    assert (found["company_core"], found["company_place"]) == ("王记食品", "杭州")
