"""The review on the screen: pairs judged, customers merged and split, words pinned and ruled."""

from __future__ import annotations

import re
import uuid
from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_django.fixtures import DjangoAssertNumQueries

from zhike.customers.models import Merge, Party, TimelineEntry
from zhike.customers.services import add_contact_point, add_timeline_entry, update_party
from zhike.customers.tests import factories as people
from zhike.desk.models import BulkRun
from zhike.kernel import clock
from zhike.kernel.models import AuditEntry
from zhike.masterdata.models import (
    Approval,
    MatchRun,
    Pair,
    Pin,
    SourceRecord,
    SourceSystem,
    SurvivorRule,
)
from zhike.masterdata.services.reviewing import ALONE, merge_customers
from zhike.masterdata.services.surviving import survive
from zhike.organisation.models import Role, Unit

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def system(code: str = "core", trust: int = 80) -> SourceSystem:
    return SourceSystem.objects.get_or_create(
        code=code, defaults={"name": f"{code} 系统", "trust": trust}
    )[0]


def record(party: Party, code: str = "core", trust: int = 80, **values: Any) -> SourceRecord:
    made: SourceRecord = SourceRecord.objects.create(
        system=system(code, trust),
        table="people",
        key=f"{code}{party.pk}",
        digest=bytes(16),
        party=party,
        values={"name": party.name, **values},
        observed_on=date(2026, 5, 1),
    )
    return made


def pair_of(left: SourceRecord, right: SourceRecord, **fields: Any) -> Pair:
    one, other = sorted((left, right), key=lambda each: each.pk)
    made: Pair = Pair.objects.create(
        left=one,
        right=other,
        found_at=clock.now(),
        prior=-12.0,
        weights={"name": [7, 9.5], "mobile": [0, -2.5]},
        match_weight=-5.0,
        **{"probability": 0.7, **fields},
    )
    return made


def pair_in(unit: Unit, name: str = "张伟明", **fields: Any) -> Pair:
    return pair_of(
        record(people.person(name, unit=unit)),
        record(people.person(name, unit=unit), "card"),
        **fields,
    )


@pytest.fixture
def unit() -> Unit:
    return people.unit("城东支行")


@pytest.fixture
def head(unit: Unit) -> Client:
    return people.signed_in_client(Role.BRANCH_HEAD, unit)


@pytest.fixture
def analyst() -> Client:
    return people.signed_in_client(Role.ANALYST)


def text(answer: Any) -> str:
    found: str = answer.content.decode()
    return found


def at(name: str, *rows: Any) -> str:
    return reverse(f"review:{name}", args=[row.public_id for row in rows])


def test_the_queue_holds_open_pairs_of_customers_in_sight(head: Client, unit: Unit) -> None:
    mine = pair_in(unit)
    pair_in(unit, "李思远", state=Pair.State.DIFFERENT)
    pair_in(people.unit("城西支行"), "王秀英")
    queue = text(head.get(at("pairs")))
    assert str(mine.public_id) in queue
    assert "李思远" not in queue
    assert "王秀英" not in queue
    assert "李思远" in text(head.get(at("pairs"), {"state": "different"}))
    badge = re.search(r'href="/pairs/".*?<span class="count">(\d+)</span>', queue, re.DOTALL)
    assert badge is not None
    assert badge[1] == "1"


def test_half_a_pair_out_of_sight_is_out_of_sight(head: Client, unit: Unit) -> None:
    far = people.person("张伟明", unit=people.unit("城西支行"))
    pair = pair_of(record(people.person("张伟明", unit=unit)), record(far, "card"))
    assert str(pair.public_id) not in text(head.get(at("pairs")))
    for name in ("pair", "judge", "reopen"):
        answer = head.post(at(name, pair)) if name != "pair" else head.get(at(name, pair))
        assert answer.status_code == 404
    pair.refresh_from_db()
    assert pair.state == Pair.State.OPEN


def test_both_records_stand_beside_each_other_masked(head: Client, unit: Unit) -> None:
    left = record(people.person("张伟明", unit=unit), occupation="教师")
    right = record(people.person("张玮明", unit=unit), "card", occupation="医生")
    page = text(head.get(at("pair", pair_of(left, right))))
    for words in ("张伟明", "张玮明", "教师", "医生", "core 系统", "card 系统", "2026-05-01"):
        assert words in page
    assert "姓名相同" in page
    assert "+9.5" in page
    assert "\\u221212.0" in page  # the prior, in the waterfall
    assert "70.0%" in page


def test_a_judgement_leads_to_the_next_pair_and_back(head: Client, unit: Unit) -> None:
    first, second = pair_in(unit, probability=0.9), pair_in(unit, "李思远", probability=0.8)
    answer = head.post(at("judge", first), {"verdict": "same", "note": "同一人"}, headers=HTMX)
    assert answer["HX-Push-Url"] == at("pair", second)
    assert at("reopen", first) in text(answer)
    first.refresh_from_db()
    assert (first.state, first.note) == (Pair.State.SAME, "同一人")
    assert first.left.party == first.right.party
    answer = head.post(at("reopen", first), headers=HTMX)
    assert answer["HX-Push-Url"] == at("pair", first)
    first = Pair.objects.get(pk=first.pk)
    assert first.state == Pair.State.OPEN
    assert first.left.party != first.right.party


def test_the_last_judgement_leaves_an_empty_queue(head: Client, unit: Unit) -> None:
    answer = head.post(at("judge", pair_in(unit)), {"verdict": "different"}, headers=HTMX)
    assert "已全部判定" in text(answer)
    assert "没有待判定的记录" in text(head.get(at("pairs")))


def test_next_keeps_to_what_the_list_was_narrowed_to(head: Client, unit: Unit) -> None:
    first = pair_in(unit, probability=0.9, why=Pair.Why.CONTRADICTION)
    other = pair_in(unit, "李思远", probability=0.8)
    third = pair_in(unit, "王秀英", probability=0.7, why=Pair.Why.CONTRADICTION)
    narrowed = text(head.get(at("pair", first), {"why": "contradiction"}))
    assert f'href="{at("pair", third)}?why=contradiction"' in narrowed
    assert f'href="{at("pair", other)}"' in text(head.get(at("pair", first)))
    # From the last one on to the first.
    assert f'href="{at("pair", first)}"' in text(head.get(at("pair", third)))


def test_who_judged_what_is_shown_and_a_second_word_refused(head: Client, unit: Unit) -> None:
    pair = pair_in(unit)
    head.post(at("judge", pair), {"verdict": "different", "note": "父子同名"})
    page = text(head.get(at("pair", pair)))
    assert head.employee.name in page  # type: ignore[attr-defined]
    assert "父子同名" in page
    assert 'name="verdict"' not in page
    assert head.post(at("judge", pair), {"verdict": "same"}).status_code == 422
    assert not Merge.objects.exists()


def test_without_the_right_nothing_is_judged(unit: Unit) -> None:
    pair = pair_in(unit)
    lead = people.signed_in_client(Role.TEAM_LEAD, unit)
    assert lead.get(at("pairs")).status_code == 403
    assert lead.post(at("judge", pair), {"verdict": "same"}).status_code == 403
    pair.refresh_from_db()
    assert pair.state == Pair.State.OPEN


def ticked(pairs: list[Pair]) -> dict[str, str]:
    ids = ",".join(str(pair.public_id) for pair in pairs)
    return {"action": "masterdata.same", "ids": ids, "go": "1", "page": "masterdata.pair"}


def test_few_at_once_are_a_job_and_many_wait_for_a_second_person(
    analyst: Client, unit: Unit
) -> None:
    pairs = [pair_in(unit, f"张伟{n}") for n in range(ALONE // 2 + 1)]
    answer = analyst.post(reverse("desk:bulk"), ticked(pairs[:2]), headers=HTMX)
    assert answer.status_code == 200
    assert not Approval.objects.exists()
    answer = analyst.post(reverse("desk:bulk"), ticked(pairs), headers=HTMX)
    assert answer["HX-Redirect"] == at("approvals")
    assert not Pair.objects.exclude(state=Pair.State.OPEN).exists()
    approval = Approval.objects.get()
    own = text(analyst.get(at("approvals")))
    assert 'value="approve"' not in own
    assert analyst.post(at("answer", approval), {"answer": "approve"}).status_code == 403
    second = people.signed_in_client(Role.ANALYST)
    assert 'value="approve"' in text(second.get(at("approvals")))
    job = second.post(at("answer", approval), {"answer": "approve"})
    run = BulkRun.objects.latest("pk")
    assert job.headers["Location"] == reverse("desk:run", args=[run.public_id])
    assert run.total == len(pairs)
    assert second.post(at("answer", approval), {"answer": "approve"}).status_code == 422


def test_the_queue_goes_out_as_a_file_under_the_same_rights(head: Client, unit: Unit) -> None:
    pair_in(unit)
    pair_in(people.unit("城西支行"), "王秀英")
    answer: Any = head.get(at("export"))
    file = b"".join(answer.streaming_content).decode("utf-8-sig")
    assert file.count("张伟明") == 2
    assert "王秀英" not in file
    assert AuditEntry.objects.get(action="export.pairs").changes["rows"][1] == 1
    for role in (Role.TEAM_LEAD, Role.ANALYST):
        assert people.signed_in_client(role, unit).get(at("export")).status_code == 403


def test_a_request_is_declined_with_a_reason(analyst: Client) -> None:
    approval = Approval.objects.create(
        verdict="same", pairs=[], records=60, asked_by_id=analyst.actor.user_id,  # type: ignore[attr-defined]
        asked_name="王芳", asked_at=clock.now(),
    )  # fmt: skip
    second = people.signed_in_client(Role.ANALYST)
    assert second.post(at("answer", approval), {"answer": "no"}).status_code == 422
    second.post(at("answer", approval), {"answer": "no", "reason": "逐对再看"})
    approval.refresh_from_db()
    assert approval.state == Approval.State.DECLINED
    assert "逐对再看" in text(analyst.get(at("approvals")))


def test_a_merge_is_looked_at_done_and_split_again(head: Client, unit: Unit) -> None:
    stays = people.person("张伟明", unit=unit, since_on=date(2010, 1, 1), sex="M")
    goes = people.person("张玮明", unit=unit, since_on=date(2020, 1, 1), sex="F")
    record(stays)
    record(goes, "card", 90, occupation="教师")
    look = head.get(at("merge-with", goes, stays))
    page = text(look)
    assert "教师" in page
    assert "性别" in page  # the contradiction
    assert Party.objects.filter(pk=goes.pk).exists()  # a look changes nothing
    refused = head.post(at("merge-with", goes, stays), {"reason": ""})
    assert refused.status_code == 422
    assert Party.objects.filter(pk=goes.pk).exists()
    done = head.post(at("merge-with", goes, stays), {"reason": "本人确认"})
    assert done.headers["Location"] == stays.get_absolute_url()
    assert not Party.objects.filter(pk=goes.pk).exists()
    old = head.get(goes.get_absolute_url())
    assert (old.status_code, old.headers["Location"]) == (302, stays.get_absolute_url())
    merge = Merge.objects.get()
    panel = text(head.get(f"{stays.get_absolute_url()}?panel=masterdata.records", headers=HTMX))
    assert "本人确认" in panel
    assert at("split", merge) in panel
    with clock.stopped_at(clock.now()):
        entry = add_timeline_entry(
            actor=people.SYSTEM, party=stays, kind="note", channel="system", title="来电"
        )
    split = at("split", merge)
    assert f'value="customers_timelineentry.party_id:{entry.id}"' in text(head.get(split))
    assert head.post(split, {"reason": "x"}).status_code == 422
    chosen = [f"customers_timelineentry.party_id:{entry.id}", "masterdata_pin.party_id:1"]
    head.post(split, {"reason": "两人同名", "along": chosen})
    assert Party.objects.filter(pk=goes.pk).exists()
    assert TimelineEntry.objects.get(id=entry.id).party_id == goes.pk
    assert "两人同名" in text(head.get(split))


def test_which_one_stays_is_chosen(head: Client, unit: Unit) -> None:
    one = people.person("张伟明", unit=unit, since_on=date(2010, 1, 1))
    other = people.person("张玮明", unit=unit, since_on=date(2020, 1, 1))
    head.post(at("merge-with", one, other), {"reason": "本人确认", "stays": str(other.public_id)})
    assert Merge.objects.get().root == other


def test_a_person_and_a_firm_are_never_one(head: Client, unit: Unit) -> None:
    person, firm = people.person("张伟明", unit=unit), people.organisation(unit=unit)
    assert head.get(at("merge-with", person, firm)).status_code == 422
    assert head.post(at("merge-with", person, firm), {"reason": "同一"}).status_code == 422
    assert not Merge.objects.exists()


def test_the_other_one_is_found_within_sight_only(head: Client, unit: Unit) -> None:
    one, near = people.person("张伟明", unit=unit), people.person("张伟民", unit=unit)
    far = people.person("张伟民", unit=people.unit("城西支行"))
    found = text(head.post(at("merge", one), {"customer": "张伟民"}, headers=HTMX))
    assert at("merge-with", one, near) in found
    assert str(far.public_id) not in found
    assert head.get(at("merge-with", one, far)).status_code == 404


def test_an_old_link_out_of_sight_is_not_there(unit: Unit) -> None:
    stays, goes = people.person("张伟明", unit=unit), people.person("张玮明", unit=unit)
    merge_customers(actor=people.SYSTEM, absorbed=goes, into=stays, reason="同一人")
    elsewhere = people.signed_in_client(Role.BRANCH_HEAD, people.unit("城西支行"))
    assert elsewhere.get(goes.get_absolute_url()).status_code == 404


def test_where_a_value_came_from_is_said_by_the_name_of_the_system(unit: Unit) -> None:
    lead = people.signed_in_client(Role.TEAM_LEAD, unit)
    party = people.person("张伟明", unit=unit)
    record(party)
    for source, address in (("core", "a@example.com"), ("gone", "b@example.com")):
        add_contact_point(
            actor=people.SYSTEM, party=party, kind="email", value=address, source=source
        )
    shown = text(lead.get(f"{party.get_absolute_url()}?panel=customers.facts", headers=HTMX))
    name = SourceSystem.objects.get(code="core").name
    assert name != "core"
    assert f"{name} ·" in shown
    assert "core ·" not in shown
    assert "gone ·" in shown  # nobody knows it any more: its code is better than nothing


def words_panel(client: Client, party: Party) -> str:
    return text(client.get(f"{party.get_absolute_url()}?panel=masterdata.words", headers=HTMX))


def test_words_are_shown_with_their_reason_and_pinned(unit: Unit) -> None:
    lead = people.signed_in_client(Role.TEAM_LEAD, unit)
    party = people.person("张伟明", unit=unit)
    record(party, occupation="教师")
    weak = record(party, "card", 20, occupation="医生")
    survive([party.pk])
    shown = words_panel(lead, party)
    assert "来源更可信" in shown
    assert "医生" in shown
    pin = reverse("review:pin", args=[party.public_id, "occupation"])
    assert lead.post(pin, {"record": weak.pk, "reason": ""}).status_code == 422
    assert lead.post(pin, {"record": "0", "reason": "本人"}).status_code == 404
    assert not Pin.objects.exists()
    answer = lead.post(pin, {"record": weak.pk, "reason": "本人告知"}, headers=HTMX)
    assert "customer-facts" in answer["HX-Trigger"]
    party.refresh_from_db()
    assert party.occupation == "医生"
    assert "本人告知" in words_panel(lead, party)
    lead.post(pin, {"unpin": "1"}, headers=HTMX)
    party.refresh_from_db()
    assert party.occupation == "教师"


def test_what_people_enter_stands_in_the_panel(unit: Unit) -> None:
    lead = people.signed_in_client(Role.TEAM_LEAD, unit)
    party = people.person("张伟明", unit=unit)
    update_party(actor=people.SYSTEM, party=party, changes={"occupation": "店主"})
    assert "店主" in words_panel(lead, party)


def test_a_rule_says_first_how_many_it_changes(analyst: Client, unit: Unit) -> None:
    party = people.person("张伟明", unit=unit)
    record(party, occupation="教师")
    newer = record(party, "card", 20, occupation="医生")
    SourceRecord.objects.filter(pk=newer.pk).update(observed_on=date(2026, 9, 1))
    survive([party.pk])
    rule = reverse("review:rule", args=["occupation"])
    order = ["fresh", "trust", "verified", "complete"]
    look = text(analyst.post(rule, {"criteria": order, "look": "1"}, headers=HTMX))
    assert "将有 1 个客户的取值改变" in look
    assert not SurvivorRule.objects.exists()
    analyst.post(rule, {"criteria": order})
    party.refresh_from_db()
    assert party.occupation == "医生"
    assert SurvivorRule.objects.get().criteria == order
    analyst.post(rule, {"usual": "1"})
    party.refresh_from_db()
    assert party.occupation == "教师"
    assert not SurvivorRule.objects.exists()


def test_only_who_sees_all_customers_rules(head: Client, analyst: Client) -> None:
    rule = reverse("review:rule", args=["occupation"])
    assert head.get(at("rules")).status_code == 403
    order = ["fresh", "trust", "verified", "complete"]
    assert head.post(rule, {"criteria": order}).status_code == 403
    assert not SurvivorRule.objects.exists()
    assert analyst.post(rule, {"criteria": ["fresh", "fresh"]}).status_code == 404
    assert analyst.get(reverse("review:rule", args=["unit"])).status_code == 404


def test_runs_of_the_matching_and_who_begins_one(analyst: Client) -> None:
    run = MatchRun.objects.create(
        started_at=clock.now(), state=MatchRun.State.DONE, counts={"compared": 1234, "merged": 7}
    )
    listed = text(analyst.get(at("matching")))
    assert "1,234" in listed
    assert at("start-matching") not in listed
    assert "1,234" in text(analyst.get(at("matching-run", run)))
    assert analyst.post(at("start-matching")).status_code == 403
    operator = people.signed_in_client(Role.SYSTEM_ADMINISTRATOR)
    assert at("start-matching") in text(operator.get(at("matching")))
    for _twice in range(2):  # the second waits behind nothing: one is asked for already
        assert operator.post(at("start-matching")).status_code == 303
    asked = ProcrastinateJob.objects.filter(task_name="zhike.masterdata.tasks.run_matching")
    assert asked.count() == 1


def test_how_many_questions_a_page_asks(
    head: Client, unit: Unit, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    pairs = [pair_in(unit, f"张伟{n}") for n in range(8)]
    for address, most in ((at("pairs"), 16), (at("pair", pairs[0]), 22), (at("approvals"), 14)):
        head.get(address)
        with django_assert_max_num_queries(most):
            head.get(address)


def test_a_pair_that_is_not_there(head: Client) -> None:
    assert head.get(reverse("review:pair", args=[uuid.uuid4()])).status_code == 404
