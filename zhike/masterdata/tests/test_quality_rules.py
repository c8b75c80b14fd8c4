"""The rules of data quality: figures of their own cases, and what holds for any customer."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhike.customers.rules import Known, Particulars, implausible, required
from zhike.masterdata.quality.rules import (
    EXTRA,
    RULES,
    SEALED,
    USUAL,
    WORDED,
    Dimension,
    Facts,
    Judged,
    Judgement,
    Terms,
    judge,
)

TODAY = date(2026, 11, 22)
SINCE = date(2020, 1, 1)


@dataclass(frozen=True)
class Stamp:
    """When a fact was last said and last checked."""

    seen_on: date | None = None
    verified_on: date | None = None


@dataclass(frozen=True)
class One:
    """What is known of one customer, in the words of the customers' own rules."""

    particulars: Particulars
    stage: str
    known: Known
    stamps: Mapping[str, Stamp] = field(default_factory=dict)
    disputed: Collection[str] = frozenset()
    identity: tuple[date, str] | None = None
    unsound: Collection[str] = frozenset()
    named: bool = True


def columns(rows: Sequence[One]) -> Facts:
    said = [row.particulars for row in rows]

    def days(found: Sequence[date | None]) -> np.ndarray:
        return np.array(found, "M8[D]")

    def known(fact: str) -> np.ndarray:
        return np.array([fact in row.stamps for row in rows])

    def latest(stamp: Stamp) -> date | None:
        return max(filter(None, (stamp.seen_on, stamp.verified_on)), default=None)

    stamps = {fact: [row.stamps.get(fact, Stamp()) for row in rows] for fact in FACTS}
    return Facts(
        person=np.array([each.kind == "person" for each in said]),
        type=np.array([each.type for each in said]),
        stage=np.array([row.stage for row in rows]),
        long_name=np.array([len(each.name.strip()) >= 2 for each in said]),
        named=np.array([row.named for row in rows]),
        sex=np.array([each.sex for each in said]),
        birth_on=days([each.birth_on for each in said]),
        since_on=days([each.since_on for each in said]),
        until_on=days([each.until_on for each in said]),
        employees=np.array([each.employees_count for each in said], np.float64),
        known={fact: known(fact) for fact in FACTS},
        enough={
            fact: np.array([required(row.known).get(fact, False) for row in rows])
            for fact in (*PERSON_FACTS, *ASKED)
        },
        latest={fact: days([*map(latest, each)]) for fact, each in stamps.items()},
        checked={
            fact: np.array([stamp.verified_on is not None for stamp in each])
            for fact, each in stamps.items()
        },
        disputed={fact: np.array([fact in row.disputed for row in rows]) for fact in FACTS},
        unsound={fact: np.array([fact in row.unsound for row in rows]) for fact in FACTS},
        identity_born=days([row.identity and row.identity[0] for row in rows]),
        identity_sex=np.array([row.identity[1] if row.identity else "" for row in rows]),
    )


def judge_one(one: One, terms: Mapping[str, Terms], today: date) -> Judged:
    return judge(columns([one]), terms, today)[0]


FACTS = (*WORDED, *SEALED, *EXTRA)
ASKED = (
    *("birth_on", "contact_point", "address", "manager", "identifier", "decision_maker"),
    *("industry", "employees_count"),
)
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


def person(**changes: object) -> One:
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
    return One(particulars=Particulars(**(said | particulars)), **(facts | changes))  # type: ignore[arg-type]


def broken(facts: One, today: date = TODAY) -> set[str]:
    return {*judge_one(facts, USUAL, today).broken}


def test_who_is_known_whole_has_a_hundred() -> None:
    judged = judge_one(person(), USUAL, TODAY)
    assert (judged.score, judged.broken) == (100, ())


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        (person(birth_on=date(2027, 1, 1), identity=None, since_on=None), "plausible.birth_on"),
        (person(birth_on=date(1905, 1, 1), identity=None), "plausible.birth_on.age"),
        (person(birth_on=date(1980, 1, 2)), "plausible.birth_on.identity"),
        (person(sex="F"), "plausible.sex.identity"),
        (person(named=False), "plausible.name.title"),
        (person(type="company"), "plausible.type"),
        (person(employees_count=3), "plausible.employees_count"),
        (person(unsound={"contact_point"}), "plausible.contact_point.form"),
        (person(unsound={"identifier"}), "plausible.identifier.form"),
        (person(known=known(has_address=False)), "complete.address"),
        (person(known=known(identifiers=frozenset({"credit_code"}))), "complete.identifier"),
        (person(disputed={"occupation"}), "consistent.occupation"),
    ],
)
def test_one_fault_breaks_its_rule_alone(facts: One, code: str) -> None:
    assert broken(facts) == {code}


@pytest.mark.parametrize(("days", "old"), [(365, False), (366, True)])
def test_a_fact_is_old_after_its_days(days: int, old: bool) -> None:
    stamps = dict(person().stamps) | {"occupation": Stamp(TODAY - timedelta(days=days), None)}
    judged = judge_one(person(stamps=stamps), USUAL, TODAY)
    assert ("fresh.occupation" in judged.broken) is old


def test_a_fact_of_no_day_is_old() -> None:
    stamps = dict(person().stamps) | {"occupation": Stamp()}
    assert broken(person(stamps=stamps)) == {"fresh.occupation"}


def test_checked_lately_is_fresh_though_said_long_ago() -> None:
    stamps = dict(person().stamps) | {"occupation": Stamp(SINCE, TODAY)}
    assert broken(person(stamps=stamps)) == set()


def test_a_firm_is_asked_for_its_own_facts() -> None:
    bare = Known("organisation", frozenset(), frozenset(), frozenset(), False, False)
    facts = One(Particulars("organisation", "company", "样例有限公司"), "customer", bare)
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
    assert judge_one(facts, only, TODAY).broken == ()
    off = {**USUAL, "complete.address": Terms(0)}
    assert judge_one(facts, off, TODAY).broken == ()
    asked = {**USUAL, "complete.marital_status": Terms(3)}
    assert judge_one(person(), asked, TODAY).broken == ("complete.marital_status",)


days = st.dates(date(1900, 1, 1), date(2027, 12, 31))
stamps = st.builds(Stamp, st.none() | days, st.none() | days)
facts_of_anybody = st.builds(
    One,
    st.builds(
        Particulars,
        kind=st.sampled_from(["person", "organisation"]),
        type=st.sampled_from(["individual", "farmer", "company", "dealer"]),
        name=st.sampled_from(["张伟明", " 王", ""]),
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
    st.booleans(),
)
terms_of_any_kind = st.fixed_dictionaries(
    {code: st.builds(Terms, st.integers(0, 20), st.integers(1, 4000)) for code in RULES}
)


@settings(deadline=None)
@given(facts_of_anybody, terms_of_any_kind)
def test_a_hundred_means_that_nothing_is_broken(facts: One, terms: dict[str, Terms]) -> None:
    judged = judge_one(facts, terms, TODAY)
    assert 0 <= judged.score <= 100
    assert (judged.score == 100) is (judged.broken == ())
    for dimension, score in judged.by_dimension.items():
        faults = [code for code in judged.broken if RULES[code].dimension is dimension]
        assert (score == 100) is (not faults)


@settings(deadline=None)
@given(facts_of_anybody)
def test_what_can_be_is_what_the_customers_own_rules_say(facts: One) -> None:
    own = {f"plausible.{name}" for name in implausible(facts.particulars, TODAY)}
    said = {code for code in broken(facts) if code.startswith("plausible.")}
    assert {code for code in said if code.count(".") == 1} == own


@settings(deadline=None)
@given(facts_of_anybody)
def test_what_is_missing_is_what_the_customers_own_rules_ask_for(facts: One) -> None:
    facts = replace(
        facts, stage="customer", known=replace(facts.known, kind=facts.particulars.kind)
    )
    missing = {f"complete.{name}" for name, there in required(facts.known).items() if not there}
    assert {code for code in broken(facts) if code.startswith("complete.")} == missing


@settings(deadline=None)
@given(st.lists(facts_of_anybody, min_size=2, max_size=6), terms_of_any_kind)
def test_many_are_judged_as_each_alone(rows: list[One], terms: dict[str, Terms]) -> None:
    together: Judgement = judge(columns(rows), terms, TODAY)
    for number, row in enumerate(rows):
        alone = judge_one(row, terms, TODAY)
        assert together[number] == alone
        old = [code for code in alone.broken if code.startswith("fresh.")]
        assert together.to_verify[number] == len(old)


@settings(deadline=None)
@given(facts_of_anybody)
def test_off_says_nothing(facts: One) -> None:
    assert judge_one(facts, dict.fromkeys(RULES, Terms(0)), TODAY).broken == ()


@settings(deadline=None)
@given(facts_of_anybody, terms_of_any_kind, st.integers(1, 5000))
def test_nothing_changes_before_the_day_it_is_due(
    facts: One, terms: dict[str, Terms], ahead: int
) -> None:
    judged = judge_one(facts, terms, TODAY)
    later = TODAY + timedelta(days=ahead)
    if judged.next_on is None or later < judged.next_on:
        assert judge_one(facts, terms, later).broken == judged.broken
    if judged.next_on is not None:
        assert judged.next_on > TODAY


@settings(deadline=None)
@given(facts_of_anybody, st.sampled_from([*WORDED, *SEALED]))
def test_to_confirm_a_fact_never_makes_it_worse(facts: One, fact: str) -> None:
    confirmed = One(
        facts.particulars, facts.stage, facts.known,
        dict(facts.stamps) | ({fact: Stamp(None, TODAY)} if fact in facts.stamps else {}),
        {each for each in facts.disputed if each != fact}, facts.identity, facts.unsound, facts.named,
    )  # fmt: skip
    assert {*judge_one(confirmed, USUAL, TODAY).broken} <= {*judge_one(facts, USUAL, TODAY).broken}
    assert judge_one(confirmed, USUAL, TODAY).score >= judge_one(facts, USUAL, TODAY).score


def test_every_rule_has_words_of_its_own_and_a_dimension() -> None:
    for code, rule in RULES.items():
        assert rule.dimension is Dimension(code.partition(".")[0])
        assert code.split(".")[1] == rule.fact
        assert (rule.check is None) is (rule.dimension is Dimension.FRESH)
        assert (rule.usual.days > 0) is (rule.dimension is Dimension.FRESH)
