"""Bulk jobs: as their owner, each row once, refusals with their reason, stopped and gone on with."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from django.test import Client
from procrastinate.contrib.django import app

from zhike.customers.models import Assignment, Party, TimelineEntry
from zhike.customers.tests import factories
from zhike.desk.models import BulkRun, Notice
from zhike.desk.services import bulk
from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.kernel.errors import Refused, UserError
from zhike.organisation.models import Appointment, Role, Unit, User

pytestmark = pytest.mark.django_db

# By its name on the queue, as the worker finds it.
run_bulk = app.tasks["zhike.desk.tasks.run_bulk"]

NOTE = {"title": "回访安排", "body": ""}


@pytest.fixture
def unit() -> Unit:
    return factories.unit()


@pytest.fixture
def lead(unit: Unit) -> Client:
    return factories.signed_in_client(Role.TEAM_LEAD, unit)


@pytest.fixture
def customers(unit: Unit) -> list[Party]:
    return [factories.person(f"赵{chr(0x4E00 + n)}", unit=unit) for n in range(120)]


def start(client: Client, action: str = "customers.note", **given: Any) -> BulkRun:
    return bulk.start_run(
        actor=client.actor,  # type: ignore[attr-defined]
        action=action,
        params=given.pop("params", NOTE),
        **given,
    )


def work(run: BulkRun) -> BulkRun:
    run_bulk.func(run=run.pk)
    run.refresh_from_db()
    return run


def notes() -> int:
    return TimelineEntry.objects.filter(title="回访安排").count()


def test_all_that_match_are_done_and_nobody_else(
    lead: Client, customers: list[Party], unit: Unit
) -> None:
    factories.organisation(unit=unit)
    factories.person("王小芳")
    run = work(start(lead, query="kind=person"))
    assert (run.state, run.total, run.done, run.refused) == ("done", 120, 120, 0)
    assert notes() == 120
    assert not TimelineEntry.objects.exclude(party__in=customers).exists()
    notice = Notice.objects.get(user=run.user)
    assert notice.params == {"done": 120, "refused": 0}
    assert str(run.public_id) in notice.url


class Killed(BaseException):
    """What the death of a worker is to the code: nothing below catches it."""


def test_a_job_killed_in_the_middle_ends_the_same(
    lead: Client, customers: list[Party], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start(lead)
    from zhike.ui.lists.bulk import bulk_actions

    action = bulk_actions.get("customers.note")
    calls: Iterator[int] = iter(range(1000))

    def dies_at_70(actor: Actor, row: Any, params: Mapping[str, Any]) -> object:
        if next(calls) == 70:
            raise Killed
        return action.run_one(actor, row, params)

    from dataclasses import replace

    monkeypatch.setitem(bulk_actions._items, action.id, replace(action, run_one=dies_at_70))
    with pytest.raises(Killed):
        run_bulk.func(run=run.pk)
    run.refresh_from_db()
    assert (run.state, run.done, notes()) == ("running", 50, 50)
    monkeypatch.undo()
    work(run)
    assert (run.state, run.done, notes()) == ("done", 120, 120)
    run_bulk.func(run=run.pk)
    assert notes() == 120, "a job that is done is done"


def test_refused_rows_are_in_the_report_and_the_rest_is_done(lead: Client, unit: Unit) -> None:
    successor = factories.employee_with_role(Role.CUSTOMER_MANAGER, unit)
    his = factories.person("钱已有", unit=unit, manager=successor)
    free = factories.person("孙无人", unit=unit)
    run = start(
        lead,
        "customers.hand_over",
        params={"employee": successor.pk, "reason": "轮岗"},
        public_ids=[his.public_id, free.public_id],
    )
    work(run)
    assert (run.state, run.done, run.refused) == ("done", 1, 1)
    main = Assignment.objects.get(party=free, during__contains=clock.today())
    assert main.employee == successor
    (refusal,) = run.report
    assert refusal[0] == str(his.public_id)
    assert successor.name in refusal[1]
    assert "钱已有" not in str(run.report), "names stand where they are looked up, in scope"
    text = lead.get(f"/jobs/{run.public_id}/").content.decode()
    assert "钱已有" in text
    file = lead.get(f"/jobs/{run.public_id}/?as=csv").content.decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(file)))[1] == ["钱已有", refusal[1]]
    stranger = factories.signed_in_client(Role.TEAM_LEAD, unit)
    assert stranger.get(f"/jobs/{run.public_id}/").status_code == 404
    assert stranger.post(f"/jobs/{run.public_id}/", {"do": "stop"}).status_code == 404


def test_rights_lost_meanwhile_refuse(lead: Client, customers: list[Party]) -> None:
    run = start(lead)
    Appointment.objects.filter(employee=lead.employee).delete()  # type: ignore[attr-defined]
    work(run)
    assert (run.state, run.done, notes()) == ("failed", 0, 0)
    assert run.report


def test_rows_out_of_sight_meanwhile_are_refused(lead: Client, customers: list[Party]) -> None:
    run = start(lead)
    Party.objects.filter(pk=customers[0].pk).update(unit=factories.unit("别处"))
    work(run)
    assert (run.state, run.done, run.refused) == ("done", 119, 1)
    assert not TimelineEntry.objects.filter(party=customers[0]).exists()


def test_a_closed_account_works_no_more(lead: Client, customers: list[Party]) -> None:
    run = start(lead)
    User.objects.filter(pk=run.user_id).update(is_active=False)
    assert work(run).state == "failed"
    assert notes() == 0


def test_stopping_and_going_on(lead: Client, customers: list[Party]) -> None:
    run = start(lead)
    actor = lead.actor  # type: ignore[attr-defined]
    assert bulk.work_on(actor=actor, run_id=run.pk)
    assert lead.post(f"/jobs/{run.public_id}/", {"do": "stop"}).status_code == 303
    assert work(run).state == "stopped"
    assert (run.done, notes()) == (50, 50)
    assert lead.post(f"/jobs/{run.public_id}/", {"do": "resume"}).status_code == 303
    assert work(run).done == notes() == 120


def test_what_cannot_begin_writes_nothing(lead: Client, unit: Unit) -> None:
    hidden = factories.person("王小芳")
    with pytest.raises(UserError):
        start(lead, public_ids=[hidden.public_id])
    with pytest.raises(UserError):
        start(lead, "customers.no_such", public_ids=[hidden.public_id])
    teller = factories.signed_in_client(Role.TELLER, unit)
    mine = factories.person("李清和", unit=unit)
    with pytest.raises(Refused):
        start(teller, "customers.hand_over", public_ids=[mine.public_id])
    assert not BulkRun.objects.exists()


def test_the_form_asks_and_begins(lead: Client, customers: list[Party]) -> None:
    ids = ",".join(str(each.public_id) for each in customers[:3])
    sent = {
        "page": "customers.party",
        "action": "customers.note",
        "ids": ids,
        "all": "",
        "query": "",
    }
    asked = lead.post("/bulk/", sent)
    assert asked.status_code == 200
    assert 'name="title"' in asked.content.decode()
    assert not BulkRun.objects.exists()
    assert lead.post("/bulk/", sent | {"go": "1", "title": ""}).status_code == 422
    answer = lead.post("/bulk/", sent | {"go": "1", "title": "回访安排"})
    run = BulkRun.objects.get()
    assert answer["Location"] == f"/jobs/{run.public_id}/"
    assert work(run).done == 3
    assert "/jobs/" in lead.get("/jobs/").content.decode()
