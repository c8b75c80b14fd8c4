"""Addresses in their parts, and how alike two are."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhike.masterdata.matching.normalise import (
    Address,
    grade,
    parse,
    records,
    same_place,
    similarity,
)
from zhike.masterdata.matching.normalise.addresses import address_columns, in_digits
from zhike.masterdata.matching.normalise.divisions import divisions, known_names
from zhike.masterdata.matching.tests.given import public

PIECES = st.sampled_from(
    "浙江省 浙江 杭州市 杭州 西湖区 义乌 沄浦县 青石镇 柳湾村 文三路 上海市 3幢 七栋 2单元 502室 12号 12-3-502 "
    "375弄 2组 5号大街 花园小区 A座 (后门) - ， 中国 null 文三路与学院路交叉口".split()
)
FRONTS = st.sampled_from(
    "文三路 浙江杭州西湖区文三路 沄浦县青石镇柳湾村 沄浦县花园小区 柳湾村幸福广场 城关镇".split()
)
HOUSES = st.from_regex(
    r"[0-9]{1,4}号([0-9]{1,3}[幢栋])?([0-9]单元)?([0-9]{1,4}室)?", fullmatch=True
)
ADDRESSES = st.one_of(
    st.lists(PIECES, max_size=7).map("".join),
    st.tuples(FRONTS, HOUSES).map("".join),
    st.text(max_size=12),
)


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), ADDRESSES), max_size=5))
def test_columns_are_cut_as_single_texts_are(values: list[str | None]) -> None:
    found = address_columns(pa.array(values, pa.string()))
    for place, value in enumerate(values):
        parts = Address() if value is None else parse(value)
        for name, column in found.items():
            assert column[place].as_py() == getattr(parts, name), (value, name)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (
            "浙江省杭州市西湖區翠苑街道文三路１２号３幢２单元502室",
            Address(
                "浙江省", "杭州市", "西湖区", "翠苑街道", None, "文三路", "12", "3", "2", "502"
            ),
        ),
        ("杭州西湖区文三路12号", Address("浙江省", "杭州市", "西湖区", road="文三路", number="12")),
        (
            "上海浦东新区世纪大道100号",
            Address("上海市", "上海市", "浦东新区", road="世纪大道", number="100"),
        ),
        (
            "岫禾市沄浦县青石镇柳湾村12号",
            Address(None, "岫禾市", "沄浦县", "青石镇", "柳湾村", number="12"),
        ),
        ("余杭区杭州市余杭区闲林街道", Address("浙江省", "杭州市", "余杭区", "闲林街道")),
        ("义乌稠州西路81号", Address("浙江省", "金华市", "义乌市", road="稠州西路", number="81")),
        ("七栋二单元1305室", Address(building="7", unit="2", room="1305")),
        ("文三路12-14号", Address(road="文三路", number="12-14")),
        ("文三路12-3-502", Address(road="文三路", number="12", building="3", room="502")),
        ("古浪路375弄2号2304室", Address(road="古浪路", number="375弄", building="2", room="2304")),
        ("", Address()),
    ],
)
def test_addresses(raw: str, expected: Address) -> None:
    assert parse(raw) == expected


def test_the_key_is_the_same_with_and_without_divisions() -> None:
    written = ("浙江省杭州市西湖区文三路12号3幢502室", "西湖区文三路12号3幢", "文三路１２號3栋501")
    assert {parse(text).key for text in written} == {"文三路12-3"}
    assert parse("杭州市西湖区").key is None


def test_short_names_that_begin_something_else_are_left() -> None:
    assert divisions("西湖大道12号").county is None
    assert divisions("中山路3号").city is None
    assert divisions("朝阳公园").county is None


def test_names_of_abolished_divisions_are_known() -> None:
    assert {"余杭市", "崇文区"} <= known_names().keys()


def test_numerals_that_count_become_digits() -> None:
    assert in_digits("七栋十二楼二十三号八一路") == "7栋12楼23号八一路"


def test_records_carry_the_parts() -> None:
    raw = pa.table({"record": [7], "kind": ["person"], "address": ["杭州西湖区文三路12号3幢502室"]})
    (found,) = records(raw).to_pylist()
    assert (found["province"], found["address_key"], found["address_room"]) == (
        "浙江省",
        "文三路12-3",
        "502",
    )


@settings(deadline=None)
@given(ADDRESSES, ADDRESSES)
def test_likeness_is_a_share_and_the_same_both_ways(one: str, other: str) -> None:
    assert 0 <= similarity(one, other) <= 1
    assert similarity(one, other) == pytest.approx(similarity(other, one))


def test_likeness_grades() -> None:
    one = "浙江省杭州市西湖区文三路12号锦绣花园3幢502室"
    assert same_place(one, "西湖区文三路12号锦绣花园3幢")
    assert grade(one, "西湖区文三路98号锦绣花园") == "partial"
    assert grade(one, "余杭区临平大道5号华联超市") == "none"


@pytest.mark.data
def test_parts_are_found_in_real_addresses() -> None:
    rows = public("cn_address_parsing/address_dev.csv.gz")
    right = told = 0
    for row in rows:
        segments = [segment.rpartition("/") for segment in row["segments"].split(" ")]
        roads = [text for text, _, label in segments if label == "road"]
        told += bool(roads)
        right += bool(roads) and parse(row["address"]).road == roads[0]
    assert right / told > 0.8


@pytest.mark.data
def test_grades_beat_saying_no() -> None:
    rows = public("cn_address_match/address_pairs_a.csv.gz")[::11]
    words = {"none": "不匹配", "partial": "部分匹配", "exact": "完全匹配"}
    right = sum(words[grade(row["query"], row["candidate"])] == row["label"] for row in rows)
    assert right / len(rows) > 0.62
