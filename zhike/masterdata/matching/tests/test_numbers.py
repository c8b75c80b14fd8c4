"""Documents and ways to reach somebody: python-stdnum as oracle."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import date

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from stdnum.cn import ric, uscc

from zhike.masterdata.matching.normalise import (
    Implausible,
    Ranges,
    credit_code,
    documents,
    email,
    mobile,
    passport,
    phone,
    phone_facts,
    reach,
    records,
    resident_id,
    resident_id_facts,
)
from zhike.masterdata.matching.normalise.areas import area_name, areas, plausible_codes
from zhike.masterdata.matching.tests.given import SAMPLE, public

AREAS = sorted(code for code in areas() if not code.endswith("0000"))
DAYS = st.dates(date(1900, 1, 1), date(2026, 6, 30))


@st.composite
def ids(draw: st.DrawFn) -> str:
    body = draw(st.sampled_from(AREAS)) + f"{draw(DAYS):%Y%m%d}" + f"{draw(st.integers(0, 999)):03}"
    return body + documents.id_check(body)


@st.composite
def written(draw: st.DrawFn, text: str) -> str:
    """The same as people type it: full width, blanks, dashes, small letters."""
    wide = {ord(c): ord(c) + 0xFEE0 for c in "0123456789XABCDEFGHJ"}
    signs = [
        draw(st.sampled_from([c, c.translate(wide), c.lower(), f"{c} ", f"-{c}", f"\u200b{c}"]))
        for c in text
    ]
    return "".join(signs)


typed_ids = ids().flatmap(written)
nearly_ids = st.one_of(
    typed_ids,
    ids(),
    ids().map(lambda text: text[:6] + text[8:17]),
    st.from_regex(r"[0-9]{6}(18|19|20)[0-9]{2}[01][0-9][0-3][0-9]{4}[0-9X]", fullmatch=True),
    st.from_regex(r"29[0-9]{15}[0-9X]", fullmatch=True),
    st.text("0123456789xX０１ -()", max_size=20),
)


def accepted(read: Callable[[str], str], raw: str) -> str | None:
    try:
        return read(raw)
    except Implausible:
        return None


@settings(deadline=None)
@given(typed_ids)
def test_identity_numbers_are_read_however_they_are_typed(raw: str) -> None:
    value = resident_id(raw)
    assert ric.calc_check_digit(value) == value[17]
    assert ric.get_birth_date(value) == resident_id_facts(value)[0]


@settings(deadline=None)
@given(nearly_ids)
def test_one_identity_number_and_a_column_of_them_say_the_same(raw: str) -> None:
    column = documents.completed_column(documents.plain_column(pa.array([raw, None], pa.string())))
    found = documents.resident_id_column(column, SAMPLE).to_pylist()
    assert found == [accepted(lambda text: resident_id(text, SAMPLE), raw), None]
    born, sex = documents.facts_columns(pa.array(found, pa.string()))
    if found[0]:
        assert (born[0].as_py(), sex[0].as_py()) == resident_id_facts(found[0])[:2]


def oracle_accepts(number: str) -> bool:
    """It breaks on the provinces it knows no counties of (71, 81, 82, 83)."""
    with suppress(KeyError):
        return bool(ric.is_valid(number))
    return False


@settings(deadline=None)
@given(nearly_ids)
@example("710004180007140000")
def test_the_oracle_accepts_nothing_that_is_refused(raw: str) -> None:
    if accepted(resident_id, raw) is None and oracle_accepts(documents.plain(raw)):
        assert not 1850 <= ric.get_birth_date(documents.plain(raw)).year < 2100


def test_old_numbers_are_completed_and_broken_ones_refused() -> None:
    assert resident_id("110105491231002") == "11010519491231002X"
    for broken, reason in {
        "11010519491231002": "18 characters",
        "110105194913310024": "birth date",
        "110105174912310024": "nobody",
        "110105194912310021": "check character",
    }.items():
        with pytest.raises(Implausible, match=reason):
            resident_id(broken)


def test_areas_nobody_lives_in_are_refused_unless_named() -> None:
    body = "29010519491231002"
    number = body + documents.id_check(body)
    with pytest.raises(Implausible, match="area"):
        resident_id(number)
    assert resident_id(number, SAMPLE) == number
    assert resident_id_facts(number)[2] is None


def test_area_names_follow_the_years() -> None:
    assert area_name("110103", 1990) == "崇文区"
    assert area_name("330184", 1996) == "余杭市"
    assert area_name("999999", 1996) is None


@pytest.mark.data
def test_area_codes_are_known_abolished_ones_too() -> None:
    timeline = public("cn_id_area_codes/id_area_codes_timeline.csv.gz")
    current = public("cn_id_area_codes/id_area_codes_current.csv.gz")
    unknown = {row["code"] for row in current if not plausible_codes()[int(row["code"])]}
    assert unknown == set()
    # Identity numbers were first given out in 1984.
    given_out = {row["code"] for row in timeline if int(row["end_year"] or 9999) >= 1984}
    known = {code for code in given_out if plausible_codes()[int(code)]}
    assert len(known) / len(given_out) > 0.995
    named = {code for code in given_out if code in areas()}
    assert len(named) / len(given_out) > 0.95


codes = st.text(documents.CREDIT_ALPHABET, min_size=17, max_size=17).map(
    lambda body: body + uscc.calc_check_digit(body)
)


@settings(deadline=None)
@given(st.one_of(codes.flatmap(written), st.text("0123456789ABCIOSVZ", min_size=18, max_size=18)))
def test_credit_codes_agree_with_the_oracle(raw: str) -> None:
    ours = accepted(credit_code, raw)
    column = documents.credit_code_column(documents.plain_column(pa.array([raw])))
    assert column.to_pylist() == [ours]
    plain = documents.plain(raw)
    # The oracle looks at the form of the registry's digits too.
    assert ours == plain or not uscc.is_valid(plain)


phones = st.one_of(
    st.from_regex(r"(\+86|0086|86)?[ -]?1[3-9][0-9]{9}", fullmatch=True),
    st.from_regex(r"0[1-9][0-9]{1,2}[- ]?[1-9][0-9]{6,7}", fullmatch=True),
    st.from_regex(r"(\+86|86)[ -]?0?[1-9][0-9]{1,2}[- ]?[1-9][0-9]{6,7}", fullmatch=True),
    st.from_regex(r"\(0[0-9]{2,3}\)[0-9]{7,8}(转|-|ext)[0-9]{1,4}", fullmatch=True),
    st.from_regex(r"[48]00-?[0-9]{3}-?[0-9]{4}", fullmatch=True),
    st.from_regex(r"(1540|1542|0300)-?[0-9]{7}", fullmatch=True),
    st.from_regex(
        r"(\+?86)?1[3-9][0-9]{9}([/、 ]?1[3-9][0-9]{9,10}|（微信同号）|@qq.com)", fullmatch=True
    ),
    st.text("0123456789０１+- ()", max_size=16),
)


@settings(deadline=None)
@given(phones)
def test_one_telephone_number_and_a_column_of_them_say_the_same(raw: str) -> None:
    column = documents.plain_column(pa.array([raw]))
    for also in (Ranges(), SAMPLE):
        for one, many in ((mobile, reach.mobile_column), (phone, reach.phone_column)):
            expected = accepted(lambda text, one=one, also=also: one(text, also), raw)  # type: ignore[misc]
            assert many(column, also).to_pylist() == [expected], (raw, one)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("0571-88881234", "057188881234"),
        ("+86 571 8888 1234", "057188881234"),
        ("+86 (0571) 88881234", "057188881234"),
        ("021 62345678转801", "02162345678"),
        ("400-820-8820", "4008208820"),
        ("88881234", "88881234"),
        ("13812345679", None),
        ("0571-18881234", None),
        ("12345", None),
    ],
)
def test_landlines(raw: str, expected: str | None) -> None:
    assert accepted(phone, raw) == expected


@pytest.mark.parametrize(
    "raw",
    [
        "13857112345（微信同号）",
        "13857112345/13957112346",
        "138 5711 2345、0571-88881234",
        "86-13857112345 13957112346",
        "手机13857112345",
    ],
)
def test_of_several_numbers_the_first(raw: str) -> None:
    assert accepted(mobile, raw) == "13857112345"


@pytest.mark.parametrize(
    "raw",
    [
        "13857112345@139.com",
        "1385711234501",
        "330106138571123450",
        "13800000000",
        "13912345678",
        "19412340000",
        "15412340011",
        "138****1234",
    ],
)
def test_no_mobile(raw: str) -> None:
    assert accepted(mobile, raw) is None


@pytest.mark.data
def test_assigned_ranges_are_accepted() -> None:
    """A range counts as in use where at least a tenth of its thousand-blocks is listed."""
    blocks: dict[str, int] = {}
    for row in public("cn_phone_segments/phone_segments.csv.gz"):
        blocks[row["prefix7"][:3]] = blocks.get(row["prefix7"][:3], 0) + 1
    for prefix, count in blocks.items():
        assert (accepted(mobile, f"{prefix}12340056") is not None) == (count > 1_000), prefix


@pytest.mark.data
def test_place_and_carrier_are_those_of_the_register() -> None:
    """phonenumbers' tables against a register of 2023."""
    carriers = {"1": "移动", "2": "联通", "3": "电信"}
    rows = [
        (*phone_facts(f"{row['prefix7']}1234"), row)
        for row in public("cn_phone_segments/phone_segments.csv.gz")[::997]
        if row["carrier_type"] in carriers
    ]
    carried = [carrier and carriers[row["carrier_type"]] in carrier for _, carrier, row in rows]
    placed = [(place, row["province"]) for place, _, row in rows if place]
    assert carried.count(True) / len(rows) > 0.9
    assert len(placed) / len(rows) > 0.6
    assert sum(place.startswith(true) for place, true in placed) / len(placed) > 0.95


@settings(deadline=None)
@given(st.one_of(st.emails(), st.from_regex(r" ?[A-Za-zＡ.@ ]{1,12}@[a-z.]{1,8}", fullmatch=True)))
def test_one_email_and_a_column_of_them_say_the_same(raw: str) -> None:
    assert reach.email_column(pa.array([raw])).to_pylist() == [accepted(email, raw)]


@settings(deadline=None)
@given(st.one_of(st.text("0AB１e- *", max_size=22), st.text(max_size=6)))
def test_one_passport_and_a_column_of_them_say_the_same(raw: str) -> None:
    column = documents.passport_column(documents.plain_column(pa.array([raw])))
    assert column.to_pylist() == [accepted(passport, raw)]


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), st.text()), max_size=5))
def test_plain_column_is_plain(values: list[str | None]) -> None:
    found = documents.plain_column(pa.array(values, pa.string())).to_pylist()
    assert found == [
        documents.plain(value) or None if value is not None else None for value in values
    ]


def test_strayed_values_are_found_and_what_a_number_tells_fills_the_gaps() -> None:
    raw = pa.table(
        {
            "record": [1, 2, 3],
            "kind": ["person", "person", "organisation"],
            "resident_id": ["11010519491231002X", None, "91110000100006485K"],
            "birth_on": pa.array([None, date(1990, 1, 1), None]),
            "mobile": ["u1@example.com", "0571-88881234", None],
            "phone": ["13812345679", None, "15401234567"],
            "email": [None, "138 1234 5670", None],
        }
    )
    first, second, third = records(raw, SAMPLE).to_pylist()
    assert (first["sex"], first["birth_on"]) == ("F", date(1949, 12, 31))
    assert (first["mobile"], first["email"]) == ("13812345679", "u1@example.com")
    assert (second["mobile"], second["phone"]) == ("13812345670", "057188881234")
    assert second["birth_on"] == date(1990, 1, 1)
    assert third["mobile"] == "15401234567"
    assert (third["resident_id"], third["credit_code"]) == (None, "91110000100006485K")
    assert records(raw)["mobile"].to_pylist()[2] is None


def test_wrong_numbers_are_kept_as_given() -> None:
    raw = pa.table({"record": [1], "kind": ["person"], "resident_id": ["1101０5 194912310021"]})
    assert records(raw).select(["resident_id", "resident_id_raw"]).to_pylist() == [
        {"resident_id": None, "resident_id_raw": "110105194912310021"}
    ]
