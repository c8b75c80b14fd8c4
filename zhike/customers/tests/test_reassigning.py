"""Customers handed over, in bulk or one by one: few alone, many with a second person's word, never half of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError, transaction
from django.http import Http404
from django.test import Client
from procrastinate.contrib.django import app

from zhike.access.models import ApprovalLevel
from zhike.customers import services
from zhike.customers.bulk_actions import ALONE
from zhike.customers.models import Assignment, Party
from zhike.customers.tests import factories
from zhike.desk.models import BulkRun, Notice
from zhike.desk.services import agreeing, bulk
from zhike.kernel import clock
from zhike.kernel.actor import system
from zhike.kernel.errors import Refused, UserError
from zhike.kernel.models import AuditEntry
from zhike.organisation.models import Employee, Role, Unit
from zhike.organisation.services import leave

pytestmark = pytest.mark.django_db
run_bulk = app.tasks["zhike.desk.tasks.run_bulk"]
State = BulkRun.State


@pytest.fixture
def unit() -> Unit:
    return factories.unit()


@pytest.fixture
def lead(unit: Unit) -> Employee:
    return factories.employee_with_role(Role.TEAM_LEAD, unit)


@pytest.fixture
def head(unit: Unit) -> Employee:
    return factories.employee_with_role(Role.BRANCH_HEAD, unit)


@pytest.fixture
def successor(unit: Unit) -> Employee:
    return factories.employee_with_role(Role.CUSTOMER_MANAGER, unit)


@pytest.fixture
def customers(unit: Unit) -> list[Party]:
    return [factories.person(f"赵{chr(0x4E00 + n)}", unit=unit) for n in range(ALONE + 1)]


def ask(who: Employee, successor: Employee, parties: list[Party]) -> BulkRun:
    return bulk.start_run(
        actor=factories.actor_of(who),
        action="customers.hand_over",
        params={"employee": successor.pk, "reason": "轮岗"},
        public_ids=[each.public_id for each in parties],
    )


def agree(who: Employee, run: BulkRun) -> BulkRun:
    return agreeing.approve(actor=factories.actor_of(who), public_id=run.public_id)


def worked(run: BulkRun) -> BulkRun:
    run_bulk.func(run=run.pk)
    run.refresh_from_db()
    return run


def waits_untouched(run: BulkRun) -> bool:
    """Also when a worker takes it up: as it was asked for, and nobody has another manager."""
    worked(run)
    return run.state == State.ASKED and not run.done and not Assignment.objects.exists()


def test_as_many_as_one_does_alone_begin_at_once(
    lead: Employee, successor: Employee, customers: list[Party]
) -> None:
    run = worked(ask(lead, successor, customers[:ALONE]))
    assert (run.state, run.done, run.approval) == (State.DONE, ALONE, "")
    assert Assignment.objects.filter(employee=successor).count() == ALONE


def test_one_more_waits_and_goes_with_the_word_of_another(
    lead: Employee, head: Employee, successor: Employee, customers: list[Party]
) -> None:
    run = ask(lead, successor, customers)
    assert waits_untouched(run)
    asked = Notice.objects.get(kind="desk.run_asked")
    assert asked.user.employee == head
    run = worked(agree(head, run))
    assert (run.state, run.done) == (State.DONE, ALONE + 1)
    assert Assignment.objects.filter(employee=successor).count() == ALONE + 1
    assert run.answered_name == head.name
    told = AuditEntry.objects.filter(action__startswith="desk.bulk.").order_by("id")
    assert [(each.action, each.actor_name) for each in told] == [
        ("desk.bulk.ask", lead.name),
        ("desk.bulk.approve", head.name),
    ]
    handed = AuditEntry.objects.filter(action="customers.assignment.begin")
    assert {each.actor_name for each in handed} == {lead.name}, "the asker answers for what is done"


def test_many_small_jobs_are_a_large_one(
    lead: Employee, successor: Employee, customers: list[Party]
) -> None:
    first = ask(lead, successor, customers[:30])
    assert first.state == State.WAITING
    bulk.stop_run(actor=factories.actor_of(lead), public_id=first.public_id)
    assert ask(lead, successor, customers[30:]).state == State.ASKED, "a stopped one may go on"
    BulkRun.objects.filter(pk=first.pk).update(created_at=clock.now() - timedelta(hours=25))
    assert ask(lead, successor, customers[30:]).state == State.WAITING


def one_by_one(who: Employee, successor: Employee, parties: list[Party], **how: Any) -> None:
    for each in parties:
        services.hand_over(
            actor=factories.actor_of(who), party=each, to=successor, reason="轮岗", **how
        )


def test_singles_are_a_large_one_too(
    lead: Employee, head: Employee, successor: Employee, customers: list[Party], unit: Unit
) -> None:
    """Alone fifty within a day, in whatever pieces; the rest waits, and goes with the word of another."""
    *few, last = customers
    assert worked(ask(lead, successor, few[:30])).state == State.DONE
    one_by_one(lead, successor, few[30:])
    other = factories.employee_with_role(Role.CUSTOMER_MANAGER, unit)
    one_by_one(lead, other, few[30:31])  # who went already goes once more
    with pytest.raises(Refused) as refused:
        one_by_one(lead, other, [last])
    assert refused.value.way_out
    with pytest.raises(Refused):
        services.assign(actor=factories.actor_of(lead), party=last, employee=other, reason="轮岗")
    assert not Assignment.objects.filter(party=last).exists()
    one_by_one(head, other, [few[0]])  # of another's fifty nothing is gone
    run = ask(lead, other, [last])
    assert run.state == State.ASKED
    assert worked(agree(head, run)).done == 1
    assert Assignment.objects.get(party=last).employee == other
    with pytest.raises(Refused):
        one_by_one(lead, successor, [factories.person("钱", unit=unit)])


def test_after_a_day_one_gives_away_alone_again(
    lead: Employee, successor: Employee, customers: list[Party]
) -> None:
    with clock.stopped_at(clock.now() - timedelta(hours=25)):
        one_by_one(lead, successor, customers[:-1])
        with pytest.raises(Refused):
            one_by_one(lead, successor, customers[-1:])
    one_by_one(lead, successor, customers[-1:])
    assert Assignment.objects.filter(employee=successor).count() == ALONE + 1


def test_what_one_lets_see_is_not_handed_over(
    lead: Employee, successor: Employee, customers: list[Party]
) -> None:
    one_by_one(lead, successor, customers[:-1])
    services.assign(
        actor=factories.actor_of(lead),
        party=customers[-1],
        employee=successor,
        role=Assignment.Role.ASSISTANT,
        reason="代班",
    )
    assert Assignment.objects.filter(party=customers[-1]).count() == 1


def test_nobody_agrees_to_their_own_nor_beyond_their_level_nor_from_elsewhere(
    lead: Employee, head: Employee, successor: Employee, customers: list[Party], unit: Unit
) -> None:
    run = ask(head, successor, customers)
    colleague = factories.employee_with_role(Role.TEAM_LEAD, unit)
    elsewhere = factories.employee_with_role(Role.BRANCH_HEAD, factories.unit("别处"))
    manager = factories.employee_with_role(Role.CUSTOMER_MANAGER, unit)
    ApprovalLevel.objects.filter(kind="reassign", role=Role.TEAM_LEAD).update(up_to=ALONE)
    for who, wanted in (
        (head, Refused),
        (colleague, Refused),
        (elsewhere, Http404),
        (manager, Http404),
    ):
        with pytest.raises(wanted):
            agree(who, run)
    with pytest.raises(IntegrityError), transaction.atomic():
        BulkRun.objects.filter(pk=run.pk).update(state=State.WAITING)
    with pytest.raises(IntegrityError), transaction.atomic():
        BulkRun.objects.filter(pk=run.pk).update(state=State.RUNNING, answered_by=run.user)
    assert waits_untouched(run)
    ApprovalLevel.objects.filter(kind="reassign", role=Role.TEAM_LEAD).update(up_to=ALONE + 1)
    assert worked(agree(colleague, run)).done == ALONE + 1


@pytest.mark.parametrize(
    ("amount", "roles"),
    [
        (500, {"team_lead", "branch_head", "security_administrator"}),
        (501, {"branch_head", "security_administrator"}),
        (2_000, {"branch_head", "security_administrator"}),
        (2_001, {"security_administrator"}),
    ],
)
def test_who_agrees_to_how_many(amount: int, roles: set[str]) -> None:
    from zhike.access.models import ApprovalKind
    from zhike.access.queries import roles_agreeing

    assert roles_agreeing(ApprovalKind.REASSIGN, amount) == roles


def test_a_security_administrator_answers_without_seeing_a_customer(
    head: Employee, successor: Employee, customers: list[Party]
) -> None:
    run = ask(head, successor, customers)
    guard = factories.employee_with_role(Role.SECURITY_ADMINISTRATOR)
    page = factories.client_of(guard).get(f"/jobs/{run.public_id}/").content.decode()
    assert head.name in page
    assert successor.name in page
    assert "轮岗" in page
    assert not any(each.name in page for each in customers)
    assert worked(agree(guard, run)).done == ALONE + 1


def test_a_refusal_changes_nothing_and_is_told(
    lead: Employee, head: Employee, successor: Employee, customers: list[Party]
) -> None:
    run = ask(lead, successor, customers)
    with pytest.raises(UserError):
        agreeing.refuse(actor=factories.actor_of(head), public_id=run.public_id, reason=" ")
    agreeing.refuse(actor=factories.actor_of(head), public_id=run.public_id, reason="先谈话")
    assert worked(run).state == State.REFUSED
    assert not Assignment.objects.exists()
    told = Notice.objects.get(kind="desk.run_answered")
    assert (told.user.employee, told.params) == (lead, {"reason": "先谈话"})
    with pytest.raises(UserError):
        agree(head, run)
    resumed = bulk.resume_run(actor=factories.actor_of(lead), public_id=run.public_id)
    assert resumed.state == State.REFUSED, "what was refused is not gone on with"


def test_what_is_not_wanted_or_not_answered_or_of_somebody_gone_is_over(
    lead: Employee, head: Employee, successor: Employee, customers: list[Party]
) -> None:
    back, old, gone = (ask(lead, successor, customers) for _time in range(3))
    with pytest.raises(Http404):
        agreeing.take_back(actor=factories.actor_of(head), public_id=back.public_id)
    agreeing.take_back(actor=factories.actor_of(lead), public_id=back.public_id)
    BulkRun.objects.filter(pk=old.pk).update(until=clock.now() - timedelta(minutes=1))
    with pytest.raises(UserError):
        agree(head, old)
    assert agreeing.end_old(actor=system("test")) == 1
    leave(actor=factories.SYSTEM, employee=lead, on=clock.today(), reason="离职")
    for run in (back, old, gone):
        assert worked(run).state == State.ENDED
        with pytest.raises(UserError):
            agree(head, run)
    assert not Assignment.objects.exists()


def test_rights_lost_between_the_word_and_the_work_change_nobody(
    lead: Employee, head: Employee, successor: Employee, customers: list[Party]
) -> None:
    from zhike.organisation.models import Appointment

    run = agree(head, ask(lead, successor, customers))
    Appointment.objects.filter(employee=lead).delete()
    assert worked(run).state == State.FAILED
    assert not Assignment.objects.exists()


def test_from_the_ticked_list_to_the_new_manager(
    lead: Employee, head: Employee, successor: Employee, customers: list[Party]
) -> None:
    client, answering = factories.client_of(lead), factories.client_of(head)
    sent: dict[str, Any] = {
        "page": "customers.party",
        "action": "customers.hand_over",
        "ids": ",".join(str(each.public_id) for each in customers),
        "all": "",
        "query": "",
    }
    assert f"{ALONE} 行" in client.post("/bulk/", sent).content.decode()
    few = sent | {"ids": str(customers[0].public_id)}
    assert f"{ALONE} 行" not in client.post("/bulk/", few).content.decode()
    on = clock.today() + timedelta(days=3)
    given = {"go": "1", "employee": str(successor.public_id), "reason": "轮岗", "since": str(on)}
    answer = client.post("/bulk/", sent | given)
    assert answer.status_code == 303, answer.content.decode()
    at = answer["Location"]
    own = client.get(at).content.decode()
    assert 'value="back"' in own
    assert 'value="approve"' not in own
    assert client.post(at, {"do": "approve"}).status_code == 403
    page = answering.get(at).content.decode()
    assert str(on) in page
    assert 'value="approve"' in page
    assert f"/jobs/{at.split('/')[-2]}/" in answering.get("/jobs/").content.decode()
    assert answering.post(at, {"do": "stop"}).status_code == 404, "not their job"
    assert answering.get(f"{at}?as=csv").status_code == 404, "not their report"
    assert not Assignment.objects.exists()
    assert answering.post(at, {"do": "approve"}).status_code == 303
    run = worked(BulkRun.objects.get(public_id=UUID(at.split("/")[-2])))
    assert (run.state, run.done) == (State.DONE, ALONE + 1)
    assert Assignment.objects.filter(employee=successor, during__startswith=on).count() == run.done
    stranger: Client = factories.signed_in_client(Role.TEAM_LEAD, factories.unit("别处"))
    assert stranger.get(at).status_code == 404
