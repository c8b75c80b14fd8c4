"""The rules of data quality: figures of their own cases, and what holds for any customer."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhike.customers.rules import Known, Particulars
from zhike.masterdata.quality.rules import (
    RULES,
    SEALED,
    USUAL,
    WORDED,
    Dimension,
    Facts,
    Stamp,
    Terms,
    identity_of,
    is_sound,
    judge,
)

TODAY = date(2026, 11, 22)
SINCE = date(2020, 1, 1)
NEW = Stamp(TODAY, TODAY)
PERSON_FACTS = ("birth_on", "sex", "occupation", "education")


def known(kind: str = "person", **changes: object) -> Known:
    """Everything that is required is there."""
    whole: dict[str, object] = {
        "kind": kind,
        "fields": frozenset((*PERSON_FACTS, "industry", "employees_count")),
        "identifiers": frozenset({"resident_id", "credit_code"}),
        "contact_points": frozenset({"mobile"}),
        "has_address": True,
        "has_manager": True,
        "has_decision_maker": True,
    }
    return Known(**(whole | changes))  # type: ignore[arg-type]


def person(**changes: object) -> Facts:
    """Somebody of whom all is known, new and checked, but for `changes` of the facts or the particulars."""
    said: dict[str, object] = {
        "kind": "person",
        "type": "individual",
        "name": "张伟明",
        "sex": "M",
        "birth_on": date(1980, 1, 1),
        "since_on": SINCE,
    }
    particulars = {
        name: changes.pop(name) for name in tuple(changes) if name in vars(Particulars("", "", ""))
    }
    facts: dict[str, object] = {
        "stage": "customer",
        "known": known(),
        "stamps": dict.fromkeys((*PERSON_FACTS, "name", "since_on", *SEALED), NEW),
        "identity": (date(1980, 1, 1), "M"),
    }
    return Facts(particulars=Particulars(**(said | particulars)), **(facts | changes))  # type: ignore[arg-type]


def broken(facts: Facts, today: date = TODAY) -> set[str]:
    return {*judge(facts, USUAL, today).broken}


def test_who_is_known_whole_has_a_hundred() -> None:
    judged = judge(person(), USUAL, TODAY)
    assert (judged.score, judged.broken) == (100, ())


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        (person(birth_on=date(2027, 1, 1), identity=None, since_on=None), "plausible.birth_on"),
        (person(birth_on=date(1905, 1, 1), identity=None), "plausible.birth_on.age"),
        (person(birth_on=date(1980, 1, 2)), "plausible.birth_on.identity"),
        (person(sex="F"), "plausible.sex.identity"),
        (person(name="王先生"), "plausible.name.title"),
        (person(name="张*明"), "plausible.name.title"),
        (person(type="company"), "plausible.type"),
        (person(employees_count=3), "plausible.employees_count"),
        (person(unsound={"contact_point"}), "plausible.contact_point.form"),
        (person(unsound={"identifier"}), "plausible.identifier.form"),
        (person(known=known(has_address=False)), "complete.address"),
        (person(known=known(identifiers=frozenset({"credit_code"}))), "complete.identifier"),
        (person(disputed={"occupation"}), "consistent.occupation"),
    ],
)
def test_one_fault_breaks_its_rule_alone(facts: Facts, code: str) -> None:
    assert broken(facts) == {code}


@pytest.mark.parametrize(("days", "old"), [(365, False), (366, True)])
def test_a_fact_is_old_after_its_days(days: int, old: bool) -> None:
    stamps = dict(person().stamps) | {"occupation": Stamp(TODAY - timedelta(days=days), None)}
    judged = judge(person(stamps=stamps), USUAL, TODAY)
    assert ("occupation" in judged.to_verify) is old


def test_a_fact_of_no_day_is_old() -> None:
    stamps = dict(person().stamps) | {"occupation": Stamp()}
    assert broken(person(stamps=stamps)) == {"fresh.occupation"}


def test_checked_lately_is_fresh_though_said_long_ago() -> None:
    stamps = dict(person().stamps) | {"occupation": Stamp(SINCE, TODAY)}
    assert broken(person(stamps=stamps)) == set()


def test_a_firm_is_asked_for_its_own_facts() -> None:
    bare = Known("organisation", frozenset(), frozenset(), frozenset(), False, False)
    facts = Facts(Particulars("organisation", "company", "样例有限公司"), "customer", bare)
    found = broken(facts)
    assert {"complete.decision_maker", "complete.employees_count"} <= found
    assert not {"complete.sex", "complete.occupation"} & found


def test_a_former_customer_is_asked_only_what_can_be() -> None:
    bare = Known("person", frozenset(), frozenset(), frozenset(), False, False)
    facts = person(stage="former", known=bare, stamps={"name": Stamp()})
    assert broken(facts) == set()
    assert broken(person(stage="former", sex="F")) == {"plausible.sex.identity"}


def test_terms_say_for_whom_a_rule_is() -> None:
    facts = person(known=known(has_address=False))
    only = {**USUAL, "complete.address": Terms(5, types=frozenset({"company"}))}
    assert judge(facts, only, TODAY).broken == ()
    off = {**USUAL, "complete.address": Terms(0)}
    assert judge(facts, off, TODAY).broken == ()
    asked = {**USUAL, "complete.marital_status": Terms(3)}
    assert judge(person(), asked, TODAY).broken == ("complete.marital_status",)


@pytest.mark.parametrize(
    ("kind", "value", "sound"),
    [
        ("resident_id", "11010519491231002X", True),
        ("resident_id", "110105194912310021", False),
        ("mobile", "10000000000", False),
        ("credit_code", "91350100M000100Y43", True),
        ("credit_code", "91350100M000100Y44", False),
        ("wechat", "anything", True),
    ],
)
def test_what_a_sealed_value_can_be(kind: str, value: str, sound: bool) -> None:
    assert is_sound(kind, value) is sound


def test_what_an_identity_number_tells() -> None:
    assert identity_of("11010519491231002X") == (date(1949, 12, 31), "F")
    assert identity_of("110105194912310021") is None


days = st.dates(date(1900, 1, 1), date(2027, 12, 31))
stamps = st.builds(Stamp, st.none() | days, st.none() | days)
facts_of_anybody = st.builds(
    Facts,
    st.builds(
        Particulars,
        kind=st.sampled_from(["person", "organisation"]),
        type=st.sampled_from(["individual", "farmer", "company", "dealer"]),
        name=st.sampled_from(["张伟明", "王先生", "样例有限公司", ""]),
        sex=st.sampled_from(["", "F", "M"]),
        birth_on=st.none() | days | st.just(date(1904, 2, 29)),
        since_on=st.none() | days,
        until_on=st.none() | days,
        employees_count=st.none() | st.integers(0, 10**8),
    ),
    st.sampled_from(["customer", "former", "prospect"]),
    st.builds(
        Known,
        st.sampled_from(["person", "organisation"]),
        st.frozensets(st.sampled_from(WORDED)),
        st.frozensets(st.sampled_from(["resident_id", "credit_code"])),
        st.frozensets(st.sampled_from(["mobile", "email"])),
        st.booleans(),
        st.booleans(),
        st.booleans(),
    ),
    st.dictionaries(st.sampled_from([*WORDED, *SEALED]), stamps),
    st.frozensets(st.sampled_from(WORDED)),
    st.none() | st.tuples(days, st.sampled_from("FM")),
    st.frozensets(st.sampled_from(SEALED)),
)
terms_of_any_kind = st.fixed_dictionaries(
    {code: st.builds(Terms, st.integers(0, 20), st.integers(1, 4000)) for code in RULES}
)


@given(facts_of_anybody, terms_of_any_kind)
def test_a_hundred_means_that_nothing_is_broken(facts: Facts, terms: dict[str, Terms]) -> None:
    judged = judge(facts, terms, TODAY)
    assert 0 <= judged.score <= 100
    assert (judged.score == 100) is (judged.broken == ())
    for dimension, score in judged.by_dimension.items():
        faults = [code for code in judged.broken if RULES[code].dimension is dimension]
        assert (score == 100) is (not faults)


@given(facts_of_anybody)
def test_off_says_nothing(facts: Facts) -> None:
    assert judge(facts, dict.fromkeys(RULES, Terms(0)), TODAY).broken == ()


@given(facts_of_anybody, terms_of_any_kind, st.integers(1, 5000))
def test_nothing_changes_before_the_day_it_is_due(
    facts: Facts, terms: dict[str, Terms], ahead: int
) -> None:
    judged = judge(facts, terms, TODAY)
    later = TODAY + timedelta(days=ahead)
    if judged.next_on is None or later < judged.next_on:
        assert judge(facts, terms, later).broken == judged.broken
    if judged.next_on is not None:
        assert judged.next_on > TODAY


@given(facts_of_anybody, st.sampled_from([*WORDED, *SEALED]))
def test_to_confirm_a_fact_never_makes_it_worse(facts: Facts, fact: str) -> None:
    confirmed = Facts(
        facts.particulars, facts.stage, facts.known,
        dict(facts.stamps) | ({fact: Stamp(None, TODAY)} if fact in facts.stamps else {}),
        {each for each in facts.disputed if each != fact}, facts.identity, facts.unsound,
    )  # fmt: skip
    assert {*judge(confirmed, USUAL, TODAY).broken} <= {*judge(facts, USUAL, TODAY).broken}
    assert judge(confirmed, USUAL, TODAY).score >= judge(facts, USUAL, TODAY).score


def test_every_rule_has_words_of_its_own_and_a_dimension() -> None:
    for code, rule in RULES.items():
        assert rule.dimension is Dimension(code.partition(".")[0])
        assert code.split(".")[1] == rule.fact
        assert (rule.check is None) is (rule.dimension is Dimension.FRESH)
        assert (rule.usual.days > 0) is (rule.dimension is Dimension.FRESH)
