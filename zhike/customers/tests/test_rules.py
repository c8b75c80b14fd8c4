"""Rules of customers, by property and against reference models."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from stdnum import luhn as oracle

from zhike.customers import rules
from zhike.customers.identifiers import id_check

TODAY = date(2026, 11, 22)
DIGITS = st.text("0123456789", min_size=1, max_size=19)
WORDS = st.text(st.characters(categories=["Lo", "Ll", "Lu", "Po", "Zs"]), max_size=20)
FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


@given(DIGITS)
def test_luhn_is_the_standard_s(digits: str) -> None:
    assert rules.luhn(digits) == oracle.is_valid(digits)


@st.composite
def mobiles(draw: st.DrawFn) -> str:
    digits = (
        f"1{draw(st.sampled_from('3456789'))}{draw(st.text('0123456789', min_size=9, max_size=9))}"
    )
    separator = draw(st.sampled_from(["", " ", "-", ".", "\u200b", " - "[:2]]))
    country = draw(st.sampled_from(["", "+86", "+86 ", "86", "0086 "]))
    number = country + separator.join((digits[:3], digits[3:7], digits[7:]))
    return number.translate(FULL_WIDTH) if draw(st.booleans()) else number


@st.composite
def identity_numbers(draw: st.DrawFn) -> str:
    born = draw(st.dates(date(1920, 1, 1), date(2020, 1, 1)))
    area = draw(st.integers(110000, 829999))
    first = f"{area}{born:%Y%m%d}{draw(st.integers(0, 999)):03d}"
    number = first + id_check(first)
    separator = draw(st.sampled_from(["", " ", "-"]))
    return separator.join((number[:6], number[6:14], number[14:]))


@st.composite
def cards(draw: st.DrawFn) -> str:
    body = draw(st.text("0123456789", min_size=14, max_size=18))
    number = body + oracle.calc_check_digit(body)
    if draw(st.booleans()):
        return " ".join(number[i : i + 4] for i in range(0, len(number), 4))
    return number


@given(WORDS, mobiles(), WORDS)
def test_a_mobile_is_seen_however_it_is_written(before: str, number: str, after: str) -> None:
    assert "mobile" in rules.sealed_kinds_in(f"{before}号{number}，{after}")


@given(WORDS, identity_numbers(), WORDS)
def test_an_identity_number_is_seen(before: str, number: str, after: str) -> None:
    assert "resident_id" in rules.sealed_kinds_in(f"{before}证{number}，{after}")


@given(WORDS, cards(), WORDS)
def test_a_card_number_is_seen(before: str, number: str, after: str) -> None:
    found = rules.sealed_kinds_in(f"{before}卡{number}，{after}")
    assert found & {"card", "resident_id", "mobile"}


@given(identity_numbers())
def test_a_wrong_check_character_is_no_identity_number(number: str) -> None:
    plain = number.replace(" ", "").replace("-", "")
    wrong = plain[:-1] + ("1" if plain[-1] != "1" else "2")
    assert "resident_id" not in rules.sealed_kinds_in(wrong)


@given(WORDS)
def test_text_without_numbers_is_let_through(text: str) -> None:
    assume(not any(character.isdigit() for character in text))
    assert rules.sealed_kinds_in(text) == set()


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22 14:05 到访，谈 1,234,567.89 元的存款",
        "电话 0300-6543210 转 12",
        "合同 2026112200017 号，期限 36 个月，利率 3.85%",
        "2026.11.22 至 2027.11.21，共 365 天",
        "13 12 2026 123",
    ],
)
def test_everyday_figures_are_let_through(text: str) -> None:
    assert rules.sealed_kinds_in(text) == set()


# What can be


@given(st.dates(), st.dates(), st.dates())
def test_dates_stand_in_their_order(birth_on: date, since_on: date, until_on: date) -> None:
    party = rules.Particulars(
        kind="organisation",
        type="company",
        name="青禾农机有限公司",
        birth_on=birth_on,
        since_on=since_on,
        until_on=until_on,
    )
    assert (rules.implausible(party, TODAY) == {}) == (
        birth_on <= since_on <= until_on and since_on <= TODAY
    )


def test_a_person_is_no_company() -> None:
    person = rules.Particulars(kind="person", type="individual", name="李清和", sex="F")
    assert rules.implausible(person, TODAY) == {}
    assert set(rules.implausible(replace(person, kind="organisation"), TODAY)) == {"type", "sex"}
    assert set(rules.implausible(replace(person, birth_on=date(1800, 1, 1)), TODAY)) == {"birth_on"}
    assert rules.implausible(replace(person, type="dealer"), TODAY) == {}


# What is missing

FIELDS = ("birth_on", "sex", "occupation", "education", "industry", "employees_count")
KNOWN = st.builds(
    rules.Known,
    kind=st.sampled_from(["person", "organisation"]),
    fields=st.frozensets(st.sampled_from(FIELDS)),
    identifiers=st.frozensets(st.sampled_from(["resident_id", "passport", "credit_code"])),
    contact_points=st.frozensets(st.sampled_from(["mobile", "email"])),
    has_address=st.booleans(),
    has_manager=st.booleans(),
    has_decision_maker=st.booleans(),
)


@given(KNOWN)
def test_complete_means_nothing_is_missing(known: rules.Known) -> None:
    result = rules.completeness(known)
    assert 0 <= result.percent <= 100
    assert (result.percent == 100) == (result.missing == ())
    assert len(result.missing) == len(set(result.missing))


@given(KNOWN, st.sampled_from(FIELDS))
def test_one_fact_more_never_makes_it_less_complete(known: rules.Known, field: str) -> None:
    more = rules.completeness(replace(known, fields=known.fields | {field}))
    assert set(more.missing) == set(rules.completeness(known).missing) - {field}


def test_a_person_of_whom_half_is_known() -> None:
    known = rules.Known(
        kind="person",
        fields=frozenset({"birth_on", "sex"}),
        identifiers=frozenset({"resident_id"}),
        contact_points=frozenset({"mobile"}),
        has_address=False,
        has_manager=False,
    )
    assert rules.completeness(known) == rules.Completeness(
        50, ("address", "manager", "occupation", "education")
    )


# Consent

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
STEPS = st.lists(
    st.builds(
        lambda purpose, channel, given, day, id: rules.ConsentStep(
            purpose, channel, given, BEGAN + timedelta(days=day), id
        ),
        st.sampled_from(["marketing", "sharing"]),
        st.sampled_from(["any", "sms", "phone"]),
        st.booleans(),
        st.integers(0, 5),
        st.integers(1, 1000),
    ),
    unique_by=lambda step: step.id,
    max_size=12,
)


@given(STEPS, st.randoms(use_true_random=False))
def test_the_last_word_counts_in_whatever_order_it_is_read(
    steps: list[rules.ConsentStep], chance: object
) -> None:
    """The model: replay all steps by time; "any" overwrites every channel, a channel only itself."""
    model: dict[tuple[str, str], rules.ConsentStep] = {}
    for step in sorted(steps, key=lambda step: (step.at, step.id)):
        for channel in ("any", "sms", "phone") if step.channel == "any" else (step.channel,):
            model[step.purpose, channel] = step
    chance.shuffle(steps)  # type: ignore[attr-defined]
    state = rules.consent_state(steps, ["marketing", "sharing"], ["any", "sms", "phone"])
    assert {key: step for key, step in state.items() if step is not None} == model
    for (purpose, channel), last in state.items():
        assert rules.may_contact(steps, purpose, channel) == (last is not None and last.given)


# When the next contact is due


@given(
    st.none() | st.dates(max_value=TODAY),
    st.none() | st.dates(max_value=TODAY),
    st.integers(1, 365),
)
def test_the_next_contact_is_a_period_after_the_last(
    last: date | None, since: date | None, days: int
) -> None:
    due = rules.next_contact_due(last, since, days)
    start = last or since
    assert due == (start + timedelta(days) if start else None)
    assert rules.next_contact_due(last, since, None) is None
