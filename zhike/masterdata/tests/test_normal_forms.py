"""The matching's normal forms beside those that blind indexes and name searches are computed over."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhike.customers import identifiers, names
from zhike.masterdata.matching import normalise

BLANKS = st.sampled_from(["", " ", "-", "\u200b", "　", "（"])


def typed(text: str) -> st.SearchStrategy[str]:
    """The same in half and full width, with blanks and dashes between."""
    wide = {code: code + 0xFEE0 for code in range(0x30, 0x5B)}
    signs = [st.tuples(BLANKS, st.sampled_from([c, c.translate(wide), c.lower()])) for c in text]
    return st.tuples(*signs).map(lambda pairs: "".join(blank + sign for blank, sign in pairs))


def numbers(pattern: str) -> st.SearchStrategy[str]:
    return st.from_regex(pattern, fullmatch=True).flatmap(typed)


@st.composite
def resident_ids(draw: st.DrawFn) -> str:
    body = draw(
        st.from_regex(
            r"(110101|330184|510103)(19[0-9]{2}|20[01][0-9])(0[1-9]|1[0-2])[0-2][0-9]{4}",
            fullmatch=True,
        )
    )
    return draw(
        typed(draw(st.sampled_from([body + identifiers.id_check(body), body[:6] + body[8:]])))
    )


FORMS: dict[str, tuple[Callable[[str], str], Callable[[str], str], st.SearchStrategy[str]]] = {
    "resident_id": (normalise.resident_id, identifiers.resident_id, resident_ids()),
    "credit_code": (
        normalise.credit_code,
        identifiers.credit_code,
        st.one_of(st.just("91110000100006485K").flatmap(typed), numbers(r"[0-9A-Z]{18}")),
    ),
    "mobile": (
        normalise.mobile,
        identifiers.mobile,
        numbers(r"(\+86|0086|86)?1[3-9][0-9]{9}"),
    ),
    "phone": (
        normalise.phone,
        identifiers.phone,
        numbers(
            r"(0(10|2[0-9]|[3-9][0-9]{2})|\+86(10|2[0-9]|[3-9][0-9]{2}))?[2-8][0-9]{6,7}|[48]00[0-9]{7}"
        ),
    ),
    "email": (normalise.email, identifiers.email, st.one_of(st.emails(), st.text(max_size=9))),
    "passport": (normalise.passport, identifiers.passport, numbers(r"[A-Z]?[0-9]{3,9}[A-Z]?")),
}


@settings(deadline=None)
@pytest.mark.parametrize("form", FORMS)
@given(data=st.data())
def test_what_both_accept_has_one_form(form: str, data: st.DataObject) -> None:
    ours, theirs, values = FORMS[form]
    raw = data.draw(values)
    try:
        found = ours(raw)
    except normalise.Implausible:
        return
    assert found == theirs(raw)


def test_some_of_each_are_accepted() -> None:
    """Else the test above would pass on nothing."""
    good = {
        "resident_id": "11010519491231002X",
        "credit_code": "91110000100006485K",
        "mobile": "13812345670",
        "phone": "057188881234",
        "email": "a@b.cn",
        "passport": "E12345678",
    }
    for form, (ours, theirs, _) in FORMS.items():
        assert ours(good[form]) == theirs(good[form]) == good[form]


def test_surnames_are_read_as_the_search_reads_them() -> None:
    for character, reading in names.SURNAME_READINGS.items():
        assert normalise.pinyin(f"{character}明").split()[0] == reading
    for double, readings in names.DOUBLE_SURNAME_READINGS.items():
        assert tuple(normalise.pinyin(f"{double}明").split()[:2]) == readings
