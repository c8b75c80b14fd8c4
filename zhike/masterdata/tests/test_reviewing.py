from __future__ import annotations

import pytest
from django.db import transaction

from zhike.customers.models import ContactPoint, Merge, Party
from zhike.customers.services import add_contact_point, add_identifier, create_party, remove_value
from zhike.customers.tests import factories as people
from zhike.desk.services import bulk
from zhike.kernel import clock
from zhike.kernel.actor import Actor, system
from zhike.kernel.errors import Refused, UserError
from zhike.masterdata.matching.model import Model
from zhike.masterdata.models import Approval, MatchModel, MatchRun, Pair, SourceRecord
from zhike.masterdata.queries import sides, waterfall, words_of
from zhike.masterdata.services import match, reviewing
from zhike.masterdata.services.looking import preview_merge, preview_split
from zhike.masterdata.services.reviewing import (
    approve,
    decline,
    judge,
    judge_many,
    reopen,
)
from zhike.organisation.models import Role, Unit

pytestmark = pytest.mark.django_db

SYSTEM = system("test")
ID_ONE = "11010519491231002X"


@pytest.fixture
def unit() -> Unit:
    return people.unit()


@pytest.fixture
def head(unit: Unit) -> Actor:
    return people.actor_with_role(Role.BRANCH_HEAD, unit)


def customer(name: str, unit: Unit, mobile: str = "", **fields: object) -> Party:
    party = create_party(
        actor=SYSTEM, kind="person", type="individual", name=name, unit=unit, fields=fields
    )
    if mobile:
        add_contact_point(actor=SYSTEM, party=party, kind="mobile", value=mobile)
    return party


def pair_of(one: Party, other: Party) -> Pair:
    left, right = sorted(
        SourceRecord.objects.filter(party__in=(one, other)), key=lambda record: record.pk
    )
    return Pair.objects.create(
        left=left,
        right=right,
        probability=0.8,
        match_weight=2.0,
        prior=-10.0,
        weights={"name": [7, 8.0], "mobile": [2, 4.5], "sex": [0, -0.5]},
        found_at=clock.now(),
    )


def test_same_makes_one_customer_and_can_be_taken_back(unit: Unit, head: Actor) -> None:
    one = customer("张伟明", unit, "13900000001", occupation="教师")
    two = customer("张伟明", unit, "13900000002", education="本科")
    pair = judge(actor=head, pair=pair_of(one, two), verdict="same")
    one.refresh_from_db()
    assert (one.occupation, one.education) == ("教师", "本科")
    assert not Party.objects.filter(pk=two.pk).exists()
    assert (pair.state, pair.decided_by) == ("same", head.name)
    reopen(actor=head, pair=pair)
    one.refresh_from_db()
    two = Party.objects.get(pk=two.pk)
    assert (one.education, two.education) == ("", "本科")
    assert Pair.objects.get().state == "open"


def test_judged_twice_is_told(unit: Unit, head: Actor) -> None:
    pair = pair_of(customer("张伟明", unit), customer("张伟明", unit))
    judge(actor=head, pair=pair, verdict="different")
    with pytest.raises(UserError):
        judge(actor=head, pair=pair, verdict="same")
    assert not Merge.objects.exists()


def test_who_does_not_see_both_judges_nothing(unit: Unit, head: Actor) -> None:
    pair = pair_of(customer("张伟明", unit), customer("张伟明", people.unit()))
    assert not Pair.objects.visible_to(head).exists()
    for actor in (head, people.actor_with_role(Role.CUSTOMER_MANAGER, unit)):
        with pytest.raises(Refused), transaction.atomic():
            judge(actor=actor, pair=pair, verdict="same")
    pair.refresh_from_db()
    assert pair.state == "open"
    assert not Merge.objects.exists()


def test_a_run_joins_what_is_alike_and_a_judgement_parts_it_for_good(unit: Unit) -> None:
    one = customer(
        "欧阳建国", unit, "13812345678", birth_on=clock.today().replace(year=1980, day=1)
    )
    two = customer(
        "欧阳建国", unit, "13812345678", birth_on=clock.today().replace(year=1980, day=1)
    )
    for number in range(30):
        customer(
            f"{'王李张刘陈杨黄赵吴周'[number % 10]}{'伟芳娜敏静'[number % 5]}{'丽强磊'[number % 3]}",
            unit,
            f"139{number:08}",
        )
    report = match(actor=SYSTEM)
    assert report.merged >= 1
    root = SourceRecord.objects.get(key=str(two.public_id)).party
    assert root == one
    link = Pair.objects.get(state="joined", left__party=one)
    judge(actor=SYSTEM, pair=link, verdict="different")
    assert SourceRecord.objects.get(key=str(two.public_id)).party_id == two.pk
    again = match(actor=SYSTEM, whole=True)
    assert again.merged == 0
    assert SourceRecord.objects.get(key=str(two.public_id)).party_id == two.pk
    assert MatchRun.objects.filter(state="done").count() == 2


def test_judgements_teach_the_model(unit: Unit) -> None:
    for number in range(12):
        for _twice in range(2):
            customer(
                f"{'王李张刘陈杨'[number % 6]}{'伟芳娜敏'[number % 4]}{'丽强磊'[number % 3]}",
                unit,
                f"1385612{number:04}",
            )
    match(actor=SYSTEM)
    untaught = Model.from_json(MatchModel.objects.latest("pk").text, b"").kinds["person"]
    for pair in Pair.objects.filter(state="joined"):
        judge(actor=SYSTEM, pair=pair, verdict="different")
    match(actor=SYSTEM, whole=True)
    taught = Model.from_json(MatchModel.objects.latest("pk").text, b"").kinds["person"]
    assert Pair.objects.filter(state="different").exists()
    assert taught.offset < untaught.offset


def test_a_run_over_what_is_new_ends_as_one_over_everything(unit: Unit) -> None:
    for number in range(40):
        customer(
            f"{'王李张刘陈杨黄赵吴周'[number % 10]}{'伟芳娜敏静'[number % 5]}{'丽强磊军'[number % 4]}",
            unit,
            f"139{number:08}",
        )
    match(actor=SYSTEM)
    late = customer("王伟丽", unit, "13900000000")
    first = Party.objects.order_by("pk")[0]
    for party in (late, first):
        add_contact_point(actor=SYSTEM, party=party, kind="email", value="w.weili@example.com")
    report = match(actor=SYSTEM)
    assert report.compared == 2
    partition = dict(SourceRecord.objects.values_list("pk", "party_id"))
    match(actor=SYSTEM, whole=True)
    assert dict(SourceRecord.objects.values_list("pk", "party_id")) == partition
    assert partition[SourceRecord.objects.get(key=str(late.public_id)).pk] != late.pk
    assert match(actor=SYSTEM).compared == 0


def test_a_look_at_a_merge_changes_nothing(unit: Unit, head: Actor) -> None:
    one = customer("张伟明", unit, "13900000001", sex="M")
    two = customer("张伟明", unit, "13900000001", sex="F", education="本科")
    add_contact_point(actor=SYSTEM, party=two, kind="mobile", value="13900000002")
    found = preview_merge(actor=head, absorbed=two, into=one)
    assert {change.field: change.after for change in found.fields}["education"] == "本科"
    assert ContactPoint._meta.verbose_name in found.moved
    assert ContactPoint._meta.verbose_name in found.left
    assert len(found.contradictions) == 1
    assert Party.objects.filter(pk=two.pk).exists()
    assert not Merge.objects.exists()
    merge = reviewing.merge_customers(actor=head, absorbed=two, into=one, reason="同一人")
    back = preview_split(actor=head, merge=merge)
    assert {change.field for change in back.fields} >= {"education"}
    assert Merge.objects.get().undone_at is None


def test_many_at_once_need_a_second_person(unit: Unit, head: Actor) -> None:
    pairs = [
        pair_of(customer(f"张{number}", unit), customer(f"张{number}", unit))
        for number in range(26)
    ]
    assert judge_many(actor=head, pairs=pairs[:2], verdict="unsure") == 2
    approval = judge_many(actor=head, pairs=pairs, verdict="same")
    assert isinstance(approval, Approval)
    assert not Merge.objects.exists()
    stranger = people.actor_with_role(Role.BRANCH_HEAD, people.unit())
    for actor in (head, stranger):
        with pytest.raises(Refused), transaction.atomic():
            approve(actor=actor, approval=approval)
    assert not Merge.objects.exists()
    other = people.actor_with_role(Role.BRANCH_HEAD, unit)
    judge(actor=head, pair=pairs[0], verdict="different")
    run = approve(actor=other, approval=approval)
    assert not Merge.objects.exists()
    while bulk.work_on(actor=other, run_id=run.pk):
        pass
    run.refresh_from_db()
    assert (run.done, run.refused) == (25, 1)
    assert run.report[0][0] == str(pairs[0].public_id)
    assert Merge.objects.count() == 25
    with pytest.raises(UserError), transaction.atomic():
        decline(actor=head, approval=approval, reason="太多")


def test_sides_are_masked_and_the_waterfall_adds_up(unit: Unit, head: Actor) -> None:
    pair = pair_of(customer("张伟明", unit, "13900000001"), customer("张伟明", unit, "13900000001"))
    found = {side.name: side for side in sides(head, pair)}
    assert found["mobile"].left == "139****0001"
    assert (found["mobile"].agrees, found["mobile"].weight) == (True, 4.5)
    assert found["name"].level == "same name"
    assert sum(weight for _label, weight in waterfall(pair)) == pytest.approx(pair.match_weight)


def test_words_of_a_customer_say_what_lost(unit: Unit, head: Actor) -> None:
    with clock.stopped_at(clock.today().replace(year=2020, day=1)):
        one = customer("张伟明", unit, occupation="教师")
    two = customer("张伟明", unit, occupation="医生")
    reviewing.merge_customers(actor=head, absorbed=two, into=one, reason="同一人")
    found = {each.field: each for each in words_of(head, one)}
    assert found["occupation"].survivor.word.value == "医生"
    assert [word.value for word in found["occupation"].others] == ["教师"]


def test_what_identifies_is_kept_sealed_in_the_record_by_hand(unit: Unit) -> None:
    party = customer("张伟明", unit, "13900000001")
    add_identifier(actor=SYSTEM, party=party, kind="resident_id", value=ID_ONE)
    record = SourceRecord.objects.get(party=party)
    assert record.identifying() == {"mobile": "13900000001", "resident_id": ID_ONE}
    remove_value(actor=SYSTEM, row=ContactPoint.objects.get(), reason="空号")
    record.refresh_from_db()
    assert record.identifying() == {"resident_id": ID_ONE}
    assert ID_ONE.encode() not in bytes(record.sealed or b"")
