"""Lines handed over within a team: who gets them, who sees them, what stays, and back again."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from zhike.activities import services
from zhike.activities.models import Handing, WorkItem
from zhike.activities.services import hand_over_lines, replace_findings, take_lines_back
from zhike.activities.tests import factories
from zhike.activities.tests.factories import SYSTEM, Person
from zhike.customers.models import Assignment
from zhike.customers.services import hand_over
from zhike.desk.models import Notice
from zhike.kernel import clock
from zhike.kernel.errors import Refused, UserError
from zhike.kernel.models import AuditEntry
from zhike.organisation.models import Role, Unit

pytestmark = pytest.mark.django_db


@pytest.fixture
def branch() -> Unit:
    return factories.unit()


@pytest.fixture
def head(branch: Unit) -> Person:
    return factories.person(Role.TEAM_LEAD, branch)


@pytest.fixture
def giver(branch: Unit) -> Person:
    return factories.person(place=branch)


@pytest.fixture
def receiver(branch: Unit) -> Person:
    return factories.person(place=branch)


@pytest.fixture
def line(giver: Person) -> WorkItem:
    return factories.item(giver, factories.party(giver, name="张伟明"))


def given(head: Person, line: WorkItem, to: Person) -> Handing:
    [made] = hand_over_lines(actor=head.actor, items=[line], to=to.employee, reason="休假两周")
    line.refresh_from_db()
    return made


def mains(line: WorkItem) -> list[int]:
    rows = Assignment.objects.filter(party=line.party, role="main", during__contains=clock.today())
    return list(rows.values_list("employee", flat=True))


def test_a_line_stands_on_the_other_list_and_the_main_manager_stays(
    head: Person, giver: Person, receiver: Person, line: WorkItem
) -> None:
    assert "张伟明" not in receiver.client.get("/today/mine/").content.decode()
    made = given(head, line, receiver)
    assert line.employee == receiver.employee
    assert mains(line) == [giver.employee.pk]
    shown = receiver.client.get("/today/mine/").content.decode()
    assert "张伟明" in shown
    assert "休假两周" in shown
    assert "张伟明" not in giver.client.get("/today/mine/").content.decode()
    assert (made.giver, made.receiver, made.by) == (
        giver.employee,
        receiver.employee,
        head.employee,
    )
    entry = AuditEntry.objects.get(action="activities.item.hand_over")
    assert (entry.reason, entry.party_id) == ("休假两周", line.party_id)


def test_who_gets_lines_is_told_and_who_gives_them_is_not(
    head: Person, giver: Person, receiver: Person, line: WorkItem
) -> None:
    given(head, line, receiver)
    notice = Notice.objects.get(kind="activities.handed_over")
    assert notice.user == receiver.user
    assert notice.params["reason"] == "休假两周"
    other = factories.item(giver, factories.party(giver))
    given(head, other, receiver)
    notice.refresh_from_db()
    assert notice.params == {"count": 2}


def test_the_daily_run_leaves_the_line_where_it_was_put(
    head: Person, receiver: Person, line: WorkItem
) -> None:
    given(head, line, receiver)
    found = factories.found(line.party, priority=99)
    replace_findings(actor=SYSTEM, found=[found], as_of=clock.today())
    line.refresh_from_db()
    assert (line.employee, line.priority) == (receiver.employee, 99)


def test_another_main_manager_leaves_it_too(
    head: Person, branch: Unit, receiver: Person, line: WorkItem
) -> None:
    given(head, line, receiver)
    next_one = factories.person(place=branch)
    hand_over(actor=head.actor, party=line.party, to=next_one.employee, reason="轮岗")
    services.follow_managers(actor=SYSTEM, party_ids=[line.party_id])
    line.refresh_from_db()
    assert line.employee == receiver.employee


def test_back_is_as_it_was(head: Person, giver: Person, receiver: Person, line: WorkItem) -> None:
    made = given(head, line, receiver)
    assert made.assists
    take_lines_back(actor=head.actor, handing=made)
    line.refresh_from_db()
    assert line.employee == giver.employee
    assert "张伟明" not in receiver.client.get("/today/mine/").content.decode()
    assert not Assignment.objects.filter(party=line.party, employee=receiver.employee).exists()
    with pytest.raises(UserError):
        take_lines_back(actor=head.actor, handing=made)
    replace_findings(actor=SYSTEM, found=[factories.found(line.party)], as_of=clock.today())
    line.refresh_from_db()
    assert line.employee == giver.employee


def test_help_goes_on_while_another_line_needs_it(
    head: Person, giver: Person, receiver: Person, line: WorkItem
) -> None:
    other = factories.item(giver, line.party, rule="maturing")
    made = given(head, line, receiver)
    given(head, other, receiver)
    take_lines_back(actor=head.actor, handing=made)
    assert Assignment.objects.filter(party=line.party, employee=receiver.employee).exists()
    assert "张伟明" in receiver.client.get("/today/mine/").content.decode()


def test_what_is_done_meanwhile_is_not_taken_back(
    head: Person, receiver: Person, line: WorkItem
) -> None:
    made = given(head, line, receiver)
    services.complete(actor=receiver.actor, item=line, result="已回访", channel="phone")
    with pytest.raises(UserError):
        take_lines_back(actor=head.actor, handing=made)
    line.refresh_from_db()
    assert (line.state, line.employee) == ("done", receiver.employee)


def test_nobody_else_hands_lines_over(
    head: Person, giver: Person, receiver: Person, line: WorkItem
) -> None:
    stranger = factories.person(Role.TEAM_LEAD)
    teller = factories.person(Role.TELLER, giver.employee.unit)
    for actor, to, reason in (
        (giver.actor, receiver, "休假"),
        (stranger.actor, receiver, "休假"),
        (stranger.actor, stranger, "休假"),
        (head.actor, stranger, "休假"),
        (head.actor, teller, "休假"),
        (head.actor, giver, "休假"),
        (head.actor, receiver, " "),
    ):
        with pytest.raises((Refused, UserError)):
            hand_over_lines(actor=actor, items=[line], to=to.employee, reason=reason)
    line.refresh_from_db()
    assert line.employee == giver.employee
    assert not Handing.objects.exists()
    assert not Notice.objects.exists()


def test_the_page_hands_over_what_is_ticked(
    head: Person, giver: Person, receiver: Person, line: WorkItem
) -> None:
    kept = factories.item(giver, factories.party(giver, name="王小芳"))
    address = f"/today/people/{giver.employee.public_id}/hand-over/"
    assert address in head.client.get("/today/team/").content.decode()
    lines = head.client.get(address).context["lines"]
    assert [(each.party.name, ticked) for each, ticked in lines] == [
        ("张伟明", True),
        ("王小芳", True),
    ]
    sent = {"to": str(receiver.employee.public_id), "reason": "休假两周"}
    assert head.client.post(address, sent).status_code == 422
    assert not Handing.objects.exists()
    stranger = factories.item(factories.person())
    answer = head.client.post(
        address, sent | {"line": [str(line.public_id), str(stranger.public_id)]}
    )
    assert answer.status_code == 303
    assert [each.item for each in Handing.objects.all()] == [line]
    kept.refresh_from_db()
    assert kept.employee == giver.employee
    where = answer.headers["Location"]
    assert "张伟明" in head.client.get(where).content.decode()
    assert head.client.post(where).status_code == 303
    line.refresh_from_db()
    assert line.employee == giver.employee
    assert head.client.get(where).context["back"] == 0


def test_pages_of_others_are_not_there(
    head: Person, giver: Person, receiver: Person, line: WorkItem
) -> None:
    made = given(head, line, receiver)
    stranger = factories.person(Role.TEAM_LEAD).client
    for address in (
        f"/today/people/{giver.employee.public_id}/hand-over/",
        f"/today/handed/{made.public_id}/",
        f"/today/handed/{uuid4()}/",
    ):
        assert stranger.get(address).status_code == 404
        assert stranger.post(address).status_code == 404
        assert receiver.client.get(address).status_code == 403
    assert "/hand-over/" not in giver.client.get("/today/mine/").content.decode()


def test_the_list_of_work_offers_it_to_heads(
    head: Person, giver: Person, receiver: Person, line: WorkItem
) -> None:
    from zhike.activities.records import WORK
    from zhike.activities.records import hand_over as one
    from zhike.ui.lists.bulk import actions_for

    offered = {each.id for each in actions_for(WORK, head.actor)}
    assert "activities.hand_over" in offered
    assert "activities.hand_over" not in {each.id for each in actions_for(WORK, giver.actor)}
    one(head.actor, line, {"to": receiver.employee.pk, "reason": "休假"})
    line.refresh_from_db()
    assert line.employee == receiver.employee
    with pytest.raises(UserError):
        one(head.actor, line, {"to": factories.person().employee.pk, "reason": "休假"})


@pytest.mark.parametrize("size", [2, 20])
def test_the_page_costs_the_same_whatever_the_number(
    size: int, head: Person, giver: Person, django_assert_max_num_queries: Any
) -> None:
    for _each in range(size):
        factories.item(giver, factories.party(giver))
    client = head.client
    with django_assert_max_num_queries(16):
        client.get(f"/today/people/{giver.employee.public_id}/hand-over/")
