"""Cards of a board put into another column: by the service, asked for what it needs, taken back, refused."""

from __future__ import annotations

import json
from html import unescape
from typing import Any

import pytest

from zhike.activities.models import WorkItem
from zhike.activities.tests import factories
from zhike.activities.tests.factories import Person
from zhike.customers.models import Party
from zhike.kernel.models import AuditEntry
from zhike.organisation.models import Role

pytestmark = pytest.mark.django_db
HTMX = {"hx-request": "true", "hx-request-type": "partial"}
LINES, STAGES = "/moves/?page=activities.item&by=state", "/moves/?page=customers.party&by=stage"


@pytest.fixture
def manager() -> Person:
    return factories.person()


@pytest.fixture
def line(manager: Person) -> WorkItem:
    return factories.item(manager, factories.party(manager, name="张伟明"))


def move(who: Person, url: str, row: Any, column: str, **more: str) -> Any:
    return who.client.post(
        url, {"card": str(row.public_id), "column": column, **more}, headers=HTMX
    )


def told(answer: Any) -> dict[str, str]:
    assert answer.status_code == 204, answer.content.decode()
    said: dict[str, str] = json.loads(answer["HX-Trigger"])["zhike:moved"]
    return said


def test_a_board_says_whether_its_cards_may_be_moved(manager: Person, line: WorkItem) -> None:
    board = "show=board&by=state"
    assert 'data-move-url="/moves/' in unescape(
        manager.client.get(f"/lines/?{board}").content.decode()
    )
    by_reason = manager.client.get("/lines/?show=board&by=rule").content.decode()
    assert "data-move-url" not in by_reason
    analyst = factories.person(Role.ANALYST)
    assert "data-move-url" not in analyst.client.get(f"/lines/?{board}").content.decode()


def test_a_line_is_done_with_its_result_and_taken_back(manager: Person, line: WorkItem) -> None:
    asked = move(manager, LINES, line, "done")
    assert asked.status_code == 200
    assert 'name="result"' in asked.content.decode()
    wrong = move(manager, LINES, line, "done", go="1", result="")
    assert wrong.status_code == 422
    line.refresh_from_db()
    assert line.state == WorkItem.State.OPEN
    said = told(move(manager, LINES, line, "done", go="1", result="已回访", channel="phone"))
    line.refresh_from_db()
    assert (line.state, line.result) == ("done", "已回访")
    assert said["undo"] == "open"
    again = told(move(manager, LINES, line, said["undo"], undo="1"))
    line.refresh_from_db()
    assert line.state == WorkItem.State.OPEN
    assert again["undo"] == ""


@pytest.mark.parametrize(("column", "status"), [("lapsed", 422), ("elsewhere", 404)])
def test_what_no_person_decides_is_refused(
    manager: Person, line: WorkItem, column: str, status: int
) -> None:
    answer = move(manager, LINES, line, column, go="1")
    assert answer.status_code == status
    line.refresh_from_db()
    assert line.state == WorkItem.State.OPEN


def test_a_card_out_of_scope_is_not_there(manager: Person, line: WorkItem) -> None:
    stranger = factories.person()
    assert move(stranger, LINES, line, "done", go="1", result="已回访").status_code == 404
    analyst = factories.person(Role.ANALYST)
    assert move(analyst, LINES, line, "done", go="1", result="已回访").status_code == 403
    # A step that cannot be taken back is not taken back.
    assert move(manager, LINES, line, "lapsed", undo="1").status_code == 404
    line.refresh_from_db()
    assert line.state == WorkItem.State.OPEN


def test_a_customer_is_moved_through_the_stages(manager: Person, line: WorkItem) -> None:
    party = line.party
    Party.objects.filter(pk=party.pk).update(stage="prospect")
    said = told(move(manager, STAGES, party, "customer"))
    party.refresh_from_db()
    assert party.stage == Party.Stage.CUSTOMER
    # Nobody becomes a prospect again, neither by hand nor by taking back.
    assert said["undo"] == ""
    assert move(manager, STAGES, party, "prospect").status_code == 422
    assert 'name="reason"' in move(manager, STAGES, party, "former").content.decode()
    WorkItem.objects.all().delete()
    said = told(move(manager, STAGES, party, "former", go="1", reason="已销户"))
    assert said["undo"] == "customer"
    told(move(manager, STAGES, party, "customer", undo="1"))
    party.refresh_from_db()
    assert party.stage == Party.Stage.CUSTOMER
    actions = AuditEntry.objects.filter(party_id=party.pk, action__startswith="customers.party.")
    assert [each.action for each in actions.order_by("at", "id")] == [
        *("customers.party.convert", "customers.party.close", "customers.party.reopen"),
    ]
