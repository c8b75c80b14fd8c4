from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from zhike.customers.models import Merge, Party
from zhike.customers.services import (
    confirm_fields,
    create_party,
    merge_parties,
    split_party,
    update_party,
)
from zhike.customers.tests import factories as people
from zhike.kernel import clock
from zhike.kernel.actor import system
from zhike.kernel.errors import Refused, UserError
from zhike.masterdata.models import Pin, SourceRecord, SurvivorRule
from zhike.masterdata.services.surviving import pin_value, survive, unpin_value
from zhike.masterdata.survivorship import USUAL, Criterion, Word, survivor
from zhike.masterdata.tests.factories import MAPPING, read_in
from zhike.organisation.models import Role

SYSTEM = system("test")
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
PEOPLE = "no,name,id_no,mobile,born,colour\n"

said = st.lists(
    st.builds(
        Word,
        record=st.integers(1, 9),
        source=st.sampled_from(["core", "card"]),
        value=st.sampled_from(["", "教师", "医生", "高级教师"]),
        trust=st.integers(0, 3),
        seen_at=st.integers(0, 3).map(lambda days: BEGIN + timedelta(days)),
        verified_on=st.none() | st.integers(1, 3).map(lambda day: date(2026, 1, day)),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda word: word.record,
)


@given(said, st.permutations(list(Criterion)), st.randoms())
def test_the_order_of_words_does_not_matter(
    words: list[Word], criteria: list[Criterion], random: Random
) -> None:
    mixed = list(words)
    random.shuffle(mixed)
    assert survivor(words, criteria) == survivor(mixed, criteria)


@given(said, st.permutations(list(Criterion)))
def test_no_word_stands_against_its_first_criterion(
    words: list[Word], criteria: list[Criterion]
) -> None:
    ranks: dict[Criterion, Callable[[Word], Any]] = {
        Criterion.TRUST: lambda word: word.trust,
        Criterion.FRESH: lambda word: word.seen_at,
        Criterion.VERIFIED: lambda word: word.verified_on or date.min,
        Criterion.COMPLETE: lambda word: len(word.value),
    }
    best = survivor(words, criteria).word
    assert ranks[criteria[0]](best) == max(map(ranks[criteria[0]], words))


@given(said)
def test_what_is_pinned_stands(words: list[Word]) -> None:
    for word in words:
        assert survivor(words, USUAL, pinned=word.record).word == word


@given(said)
def test_why_tells_what_decided(words: list[Word]) -> None:
    found = survivor(words)
    others = [word for word in words if word.value != found.word.value]
    assert (found.why in {"only", "agreed"}) == (not others)
    if found.why == "trust":
        assert found.word.trust > max(word.trust for word in others)


@pytest.mark.django_db
def test_a_record_keeps_its_own_words_and_what_identifies_stays_sealed(tmp_path: Path) -> None:
    read_in(tmp_path, {"people.csv": PEOPLE + "1,张三,,15400000001,1980-01-01,\n"})
    record = SourceRecord.objects.get()
    assert record.values["name"] == "张三"
    assert record.values["birth_on"] == "1980-01-01"
    assert "15400000001" not in str(record.values)
    assert b"15400000001" not in bytes(record.sealed or b"")
    assert record.identifying() == {"mobile": "15400000001"}


@pytest.mark.django_db
def test_what_people_enter_is_a_record_of_its_own_and_stands(tmp_path: Path) -> None:
    read_in(tmp_path, {"people.csv": PEOPLE + "1,张三,,,1980-01-01,\n"})
    party = Party.objects.get()
    update_party(actor=SYSTEM, party=party, changes={"name": "张山"})
    read_in(tmp_path, {"people.csv": PEOPLE + "1,张三丰,,,1980-01-02,\n"})
    party.refresh_from_db()
    assert party.name == "张山"
    assert party.birth_on == date(1980, 1, 2)
    hand = SourceRecord.objects.get(system__code="zhike")
    assert hand.values == {"name": "张山"}
    update_party(actor=SYSTEM, party=party, changes={"birth_on": None})
    survive([party.pk])
    party.refresh_from_db()
    assert party.birth_on is None


@pytest.mark.django_db
def test_words_of_both_stand_for_one_and_part_again() -> None:
    with clock.stopped_at(date(2026, 1, 1)):
        one = create_party(
            actor=SYSTEM,
            kind="person",
            type="individual",
            name="张三",
            unit=people.unit(),
            fields={"occupation": "教师", "education": "本科"},
        )
    with clock.stopped_at(date(2026, 2, 1)):
        two = create_party(
            actor=SYSTEM,
            kind="person",
            type="individual",
            name="张三",
            unit=one.unit,
            fields={"occupation": "医生"},
        )
    merge_parties(actor=SYSTEM, absorbed=two, into=one, reason="同一人")
    survive([one.pk])
    one.refresh_from_db()
    assert (one.occupation, one.education) == ("医生", "本科")
    assert one.provenance["occupation"]["why"] == "fresh"
    split_party(actor=SYSTEM, merge=Merge.objects.get(), reason="两个人")
    survive([one.pk, two.pk])
    one.refresh_from_db()
    two.refresh_from_db()
    assert (one.occupation, one.education) == ("教师", "本科")
    assert (two.occupation, two.education) == ("医生", "")


@pytest.mark.django_db
def test_rules_are_data_and_a_pin_stands_before_them(tmp_path: Path) -> None:
    read_in(tmp_path, {"people.csv": PEOPLE + "1,张三,,,1980-01-01,\n"})
    party = Party.objects.get()
    feed = SourceRecord.objects.get()
    update_party(actor=SYSTEM, party=party, changes={"name": "张山"})
    pin_value(actor=SYSTEM, party=party, field="name", record=feed, reason="身份证为准")
    party.refresh_from_db()
    assert (party.name, party.provenance["name"]["why"]) == ("张三", "pinned")
    unpin_value(actor=SYSTEM, party=party, field="name")
    party.refresh_from_db()
    assert party.name == "张山"
    SurvivorRule.objects.create(field="name", criteria=["complete"])
    SourceRecord.objects.filter(pk=feed.pk).update(values={"name": "张三丰三"})
    survive([party.pk])
    party.refresh_from_db()
    assert (party.name, party.provenance["name"]["why"]) == ("张三丰三", "complete")


@pytest.mark.django_db
def test_pin_out_of_scope_or_without_a_word_is_refused(tmp_path: Path) -> None:
    read_in(tmp_path, {"people.csv": PEOPLE + "1,张三,,,,\n"})
    party, record = Party.objects.get(), SourceRecord.objects.get()
    stranger = people.actor_with_role(Role.CUSTOMER_MANAGER)
    for actor, field, reason in (
        (stranger, "name", "身份证为准"),
        (SYSTEM, "occupation", "身份证为准"),
        (SYSTEM, "name", " "),
    ):
        with pytest.raises((Refused, UserError)), transaction.atomic():
            pin_value(actor=actor, party=party, field=field, record=record, reason=reason)
        assert not Pin.objects.exists()


@pytest.mark.django_db
def test_confirming_a_field_is_a_word_too(tmp_path: Path) -> None:
    read_in(tmp_path, {"people.csv": PEOPLE + "1,张三,,,1980-01-01,\n"})
    party = Party.objects.get()
    with clock.stopped_at(date(2026, 3, 1)):
        confirm_fields(actor=SYSTEM, party=party, fields=["birth_on"])
    survive([party.pk])
    party.refresh_from_db()
    assert party.provenance["birth_on"]["verified_on"] == "2026-03-01"


@pytest.mark.django_db
def test_nobody_loads_under_the_name_of_what_people_enter(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="what people enter"):
        read_in(tmp_path, {"people.csv": PEOPLE}, MAPPING.replace('"small"', '"zhike"'))
    assert not SourceRecord.objects.exists()
