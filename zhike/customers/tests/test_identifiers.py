"""Normal forms of identifiers, with python-stdnum as the oracle of check digits."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from stdnum.cn import ric, uscc

from zhike.customers import identifiers
from zhike.customers.identifiers import Implausible

FIRST_17 = st.builds(
    lambda area, born, order: f"{area}{born:%Y%m%d}{order:03d}",
    st.integers(110000, 659999),
    st.dates(date(1900, 1, 1), date(2026, 1, 1)),
    st.integers(0, 999),
)
NOISE = st.sampled_from(["", " ", "-", "\u200b", "\u3000"])


@given(FIRST_17, NOISE)
def test_an_identity_number_has_the_oracle_s_check_character(first: str, noise: str) -> None:
    number = first + ric.calc_check_digit(first + "0")
    written = noise.join((number[:6], number[6:14], number[14:].lower()))
    assert identifiers.resident_id(written) == number
    born, sex = identifiers.born_and_sex(number)
    assert f"{born:%Y%m%d}" == number[6:14]
    assert sex == ("M" if int(number[16]) % 2 else "F")
    for wrong in set("0123456789X") - {number[-1]}:
        with pytest.raises(Implausible):
            identifiers.resident_id(first + wrong)


@given(FIRST_17.filter(lambda first: first[10:14] != "0229"))
def test_a_number_of_before_1999_becomes_the_one_of_today(first: str) -> None:
    old = first[:6] + first[8:]
    number = identifiers.resident_id(old)
    assert number[:17] == f"{old[:6]}19{old[6:]}"
    assert identifiers.resident_id(number) == number


@given(st.text(identifiers.CREDIT_ALPHABET, min_size=17, max_size=17))
def test_a_credit_code_has_the_oracle_s_check_character(first: str) -> None:
    code = first + uscc.calc_check_digit(first)
    assert identifiers.credit_code(f" {code.lower()} ") == code
    for wrong in set(identifiers.CREDIT_ALPHABET) - {code[-1]}:
        with pytest.raises(Implausible):
            identifiers.credit_code(first + wrong)


@pytest.mark.parametrize(
    ("kind", "raw", "normal"),
    [
        ("mobile", "+86 154-0000-1234", "15400001234"),
        ("mobile", "８６１５４００００１２３４", "15400001234"),
        ("phone", "(0300) 654 3210", "03006543210"),
        ("email", " Li.QH@Example.com ", "li.qh@example.com"),
        ("address", "柳河县 青石镇　一号", "柳河县青石镇一号"),
        ("account", "9000 1234 5678", "900012345678"),
        ("passport", "e12345678", "E12345678"),
        ("wechat", "li_qh", "li_qh"),
    ],
)
def test_one_normal_form(kind: str, raw: str, normal: str) -> None:
    assert identifiers.NORMAL_FORMS[kind](raw) == normal


@given(st.sampled_from(sorted(identifiers.NORMAL_FORMS)), st.text(max_size=70))
@example("source_number", "A¯")
@example("passport", "ß" * 40)
def test_a_normal_form_is_its_own_normal_form_and_a_refusal_does_not_repeat(
    kind: str, raw: str
) -> None:
    told, normal = "", ""
    try:
        normal = identifiers.NORMAL_FORMS[kind](raw)
    except Implausible as error:
        told = str(error)
    assert len(raw) < 4 or raw not in told
    assert told or identifiers.NORMAL_FORMS[kind](normal) == normal
