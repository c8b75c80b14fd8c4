"""Today's list on the screen: whose lines, in which order, what closing one answers."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import translation

from zhike.activities import services
from zhike.activities.models import WorkItem
from zhike.activities.tests.factories import Person, item, party, person, unit
from zhike.kernel import clock
from zhike.kernel.models import AuditEntry
from zhike.organisation.models import Role

pytestmark = pytest.mark.django_db
TODAY = "/today/"
FRAGMENT = {"HX-Request": "true", "HX-Request-Type": "partial"}


def address_of(who: Person) -> str:
    return reverse("activities:person", args=[who.employee.public_id])


def page(who: Person, query: str = "", **headers: str) -> str:
    response = who.client.get(TODAY + query, headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def test_the_list_holds_my_lines_and_nobody_elses() -> None:
    mine, other = person(), person()
    item(mine, party(mine, name="张甲"))
    item(other, party(other, name="李乙"))
    shown = page(mine)
    assert "张甲" in shown
    assert "李乙" not in shown


def test_lines_are_grouped_by_due_and_sorted_by_priority() -> None:
    mine = person()
    for name, days, priority in (("丁", 0, 10), ("乙", -1, 10), ("丙", 0, 90), ("甲", -1, 90)):
        item(mine, party(mine, name=f"客户{name}"), days=days, priority=priority)
    shown = page(mine)
    places = [shown.index(f"客户{name}") for name in "甲乙丙丁"]
    assert places == sorted(places)


def test_a_line_says_why_with_the_figures() -> None:
    mine = person()
    mine.user.language = "en"
    mine.user.save()
    item(
        mine,
        rule="maturing",
        figures={"product": "Three years", "amount": "200000", "on": "2026-12-01"},
    )
    day = '<span class="text-nowrap">2026-12-01</span>'
    assert f"Three years over ¥200,000.00 matures on {day}." in page(mine)
    mine.user.language = "zh-hans"
    mine.user.save()
    assert '<span class="text-nowrap">20.00万元</span>' in page(mine)


def test_chips_narrow_the_list_to_one_reason() -> None:
    mine = person()
    item(mine, party(mine, name="张甲"), rule="birthday")
    item(mine, party(mine, name="李乙"), rule="maturing")
    shown = page(mine, "?rule=maturing")
    assert "李乙" in shown
    assert "张甲" not in shown


def test_a_long_group_shows_its_first_lines_and_all_when_asked() -> None:
    mine = person()
    for _ in range(33):
        item(mine)
    assert page(mine).count('class="work-line"') == 12
    assert page(mine, "?whole=today").count('class="work-line"') == 33


def test_a_line_taken_back_is_shown_wherever_it_stands() -> None:
    mine = person()
    for _ in range(20):
        item(mine, priority=90)
    line = item(mine, priority=10)
    services.dismiss(actor=mine.actor, item=line, because="wrong")
    shown = act(mine, line, "reopen", {}, **FRAGMENT).content.decode()
    assert shown.count('class="work-line"') == 13
    assert f'id="line-{line.public_id}"' in shown


def test_an_empty_list_says_what_to_do() -> None:
    assert "empty-state" in page(person())


def test_the_first_page_is_the_list() -> None:
    assert person().client.get("/").headers["Location"] == TODAY


def test_htmx_gets_the_list_alone() -> None:
    shown = page(person(), **FRAGMENT)
    assert "<html" not in shown
    assert 'id="today"' in shown


@pytest.mark.parametrize("role", [Role.TEAM_LEAD, Role.BRANCH_HEAD])
def test_a_lead_chooses_among_the_people_in_reach(role: str) -> None:
    place = unit()
    lead, mine, stranger = person(role, place), person(place=place), person()
    item(mine, party(mine, name="张甲"), days=-1)
    item(stranger, party(stranger, name="李乙"))
    shown = page(lead)
    assert mine.employee.name in shown
    assert stranger.employee.name not in shown
    theirs = lead.client.get(address_of(mine)).content.decode()
    assert "张甲" in theirs
    assert "李乙" not in theirs
    assert lead.client.get(address_of(stranger)).status_code == 404


def test_a_manager_sees_no_other_list_and_no_sign_of_one() -> None:
    place = unit()
    mine, colleague = person(place=place), person(place=place)
    item(colleague)
    assert mine.client.get(address_of(colleague)).status_code == 404
    assert mine.client.get(address_of(mine)).status_code == 200
    assert mine.client.get("/today/team/").status_code == 403
    assert "/today/team/" not in page(mine)


def test_a_branch_head_reaches_the_units_below() -> None:
    branch = unit()
    outlet = unit(branch)
    head, manager = person(Role.BRANCH_HEAD, branch), person(place=outlet)
    lead = person(Role.TEAM_LEAD, branch)
    item(manager)
    assert manager.employee.name in page(head)
    assert manager.employee.name not in page(lead)


@pytest.mark.parametrize(
    "role",
    [Role.TELLER, Role.SYSTEM_ADMINISTRATOR, Role.SECURITY_ADMINISTRATOR, Role.AUDITOR],
)
def test_whoever_has_no_lists_gets_a_home(role: str) -> None:
    place = unit()
    manager = person(place=place)
    item(manager, party(manager, name="张甲"))
    shown = page(person(role, place))
    assert "张甲" not in shown
    assert "/me/" in shown
    assert 'id="today"' not in shown


def test_without_a_position_the_page_says_so_and_the_trail_knows() -> None:
    who = person(None)
    response = who.client.get(TODAY)
    assert response.status_code == 403
    entry = AuditEntry.objects.get(outcome="refused")
    assert (entry.action, entry.actor_user_id) == ("account.use", who.user.pk)


def act(who: Person, line: WorkItem, name: str, data: dict[str, Any], **headers: str) -> Any:
    address = reverse(f"activities:{name}", args=[line.public_id])
    return who.client.post(address, data, headers=headers)


def test_done_by_htmx_answers_the_list_with_an_undo() -> None:
    mine = person()
    line = item(mine, party(mine, name="张甲"))
    data = {"result": "已联系,下周来", "channel": "phone"}
    shown = act(mine, line, "complete", data, **FRAGMENT).content.decode()
    line.refresh_from_db()
    assert line.state == WorkItem.State.DONE
    assert f"/today/{line.public_id}/reopen/" in shown
    assert "<hx-partial" in shown
    assert "work-line" not in shown
    reopened = act(mine, line, "reopen", {}, **FRAGMENT).content.decode()
    line.refresh_from_db()
    assert line.state == WorkItem.State.OPEN
    assert "work-line" in reopened


def test_dismissed_without_script_leads_back_to_the_same_list() -> None:
    mine = person()
    line = item(mine)
    address = reverse("activities:dismiss", args=[line.public_id]) + "?rule=birthday"
    response = mine.client.post(address, {"reason": "已经办过"})
    assert (response.status_code, response.headers["Location"]) == (
        302,
        f"{TODAY}mine/?rule=birthday",
    )
    line.refresh_from_db()
    assert (line.state, line.result) == (WorkItem.State.DISMISSED, "已经办过")


@pytest.mark.parametrize(("name", "data"), [("complete", {"result": ""}), ("dismiss", {})])
def test_closing_without_words_says_what_is_missing(name: str, data: dict[str, str]) -> None:
    mine = person()
    line = item(mine)
    assert act(mine, line, name, data).status_code == 422
    line.refresh_from_db()
    assert line.state == WorkItem.State.OPEN


@pytest.mark.parametrize("name", ["complete", "dismiss", "reopen"])
def test_a_line_out_of_reach_is_as_good_as_absent(name: str) -> None:
    line = item(person())
    assert act(person(), line, name, {"result": "ok", "reason": "ok"}).status_code == 404
    line.refresh_from_db()
    assert line.state == WorkItem.State.OPEN


@pytest.mark.parametrize("name", ["complete", "dismiss", "reopen"])
@pytest.mark.parametrize("role", [Role.ANALYST, Role.TELLER, Role.AUDITOR])
def test_working_off_needs_the_permission(name: str, role: str) -> None:
    manager = person()
    line = item(manager)
    who = person(role, manager.employee.unit)
    assert act(who, line, name, {"result": "ok", "reason": "ok"}).status_code == 403
    line.refresh_from_db()
    assert line.state == WorkItem.State.OPEN


def test_a_contact_on_the_customer_page_takes_the_line_off_it(
    django_capture_on_commit_callbacks: Any,
) -> None:
    mine = person()
    line = item(mine, rule="no_contact", figures={"every": "30"})
    client, customer = mine.client, line.party.get_absolute_url()
    panel = f"{customer}?panel=activities.open"
    shown = client.get(panel, headers=FRAGMENT).content.decode()
    contact = {"kind": "contact", "channel": "phone", "title": "回访", "result": "有意续存"}
    address = reverse("customers:timeline", args=[line.party.public_id])
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(address, contact, headers=FRAGMENT)
    reloads = set(json.loads(answer["HX-Trigger"])) - {"zhike:toast"}
    assert any(f"{event} from:body" in shown for event in reloads)
    assert "list-group-item" in shown
    assert "list-group-item" not in client.get(panel, headers=FRAGMENT).content.decode()
    assert "有意续存" in page(mine)


def test_actions_answer_to_post_only() -> None:
    mine = person()
    line = item(mine)
    address = reverse("activities:complete", args=[line.public_id])
    assert mine.client.get(address).status_code == 405


@pytest.mark.parametrize("lines", [1, 25])
def test_the_list_costs_the_same_whatever_its_length(
    lines: int, django_assert_max_num_queries: Any
) -> None:
    place = unit()
    lead = person(Role.TEAM_LEAD, place)
    for days in (-1, 0, 1, 9):
        for _ in range(lines):
            item(lead, days=days)
    services.dismiss(actor=lead.actor, item=WorkItem.objects.all()[0], reason="not now")
    client = lead.client
    # 4 for session and actor, 2 for whose list, 1 arrangement, 5 the week ahead, 2 the other panels,
    # 2 the list, 1 counters of the shell, 3 the session of a first visit, 6 panels of other rooms.
    with django_assert_max_num_queries(26):
        assert client.get(TODAY).status_code == 200
    # The same without panels of the list; 4 for the people.
    with django_assert_max_num_queries(14):
        assert client.get("/today/team/").status_code == 200


def test_several_lines_of_a_customer_stand_on_one_card() -> None:
    mine = person()
    customer = party(mine, name="张甲")
    for rule in ("birthday", "maturing"):
        item(mine, customer, rule=rule)
    item(mine, party(mine, name="李乙"))
    shown = page(mine)
    assert (shown.count('class="work-card"'), shown.count('class="work-line"')) == (2, 3)


def test_later_takes_the_line_away_and_offers_to_take_it_back() -> None:
    mine = person()
    line, other = item(mine), item(mine)
    until = (clock.today() + timedelta(days=3)).isoformat()
    answer = act(mine, line, "postpone", {"until": until}, **FRAGMENT)
    shown = answer.content.decode()
    assert f'hx-target="#line-{line.public_id}" hx-swap="delete"' in shown
    assert f"/today/{line.public_id}/resume/" in shown
    assert str(other.public_id) not in shown
    assert answer.headers["HX-Trigger"] == "work-changed"
    listed = page(mine)
    assert f"line-{line.public_id}" not in listed
    assert f"/today/{line.public_id}/resume/" in listed
    assert f"line-{line.public_id}" in page(mine, f"?on={until}")
    back = act(mine, line, "resume", {}, **FRAGMENT).content.decode()
    assert f'data-focus="line-{line.public_id}"' in back


@pytest.mark.parametrize("data", [{}, {"until": "soon"}, {"until": "2020-01-01"}])
def test_later_without_a_day_says_what_is_missing(data: dict[str, str]) -> None:
    mine = person()
    line = item(mine)
    assert act(mine, line, "postpone", data).status_code == 422
    line.refresh_from_db()
    assert line.postponed_until is None


def test_what_a_contact_settled_along_leaves_with_it() -> None:
    mine = person()
    customer = party(mine)
    line, along = item(mine, customer), item(mine, customer, rule="maturing")
    stranger = item(person(), rule="tier_up")
    data = {"result": "已联系", "channel": "phone", "also": [along.public_id, stranger.public_id]}
    shown = act(mine, line, "complete", data, **FRAGMENT).content.decode()
    assert "data-focus" not in shown
    states = WorkItem.objects.values_list("pk", "state")
    assert dict(states) == {line.pk: "done", along.pk: "done", stranger.pk: "open"}


def test_a_reason_that_is_none_is_refused() -> None:
    mine = person()
    line = item(mine)
    assert act(mine, line, "dismiss", {"because": "gossip"}).status_code == 422
    line.refresh_from_db()
    assert line.state == WorkItem.State.OPEN


def test_a_follow_up_is_planned_from_the_workbench_and_from_the_customer() -> None:
    mine = person()
    customer, elsewhere = party(mine, name="张甲"), party(person(), name="张乙")
    found = mine.client.post("/today/customers/", {"customer": "张"}).content.decode()
    assert str(customer.public_id) in found
    assert str(elsewhere.public_id) not in found
    data = {"on": clock.today().isoformat(), "text": "回电谈车贷"}
    shown = mine.client.post(
        "/today/plan/", data | {"party": customer.public_id}, headers=FRAGMENT
    ).content.decode()
    assert "回电谈车贷" in shown
    by_page = reverse("activities:follow_up", args=[customer.public_id])
    assert mine.client.post(by_page, data, headers=FRAGMENT).status_code == 204
    for address, more in (
        ("/today/plan/", {"party": elsewhere.public_id}),
        (reverse("activities:follow_up", args=[elsewhere.public_id]), {}),
    ):
        assert mine.client.post(address, data | more).status_code == 404
    assert mine.client.post("/today/plan/", data | {"party": "nobody"}).status_code == 422
    assert WorkItem.objects.count() == 2
    assert str(by_page) in mine.client.get(customer.get_absolute_url()).content.decode()


@pytest.mark.parametrize(
    "panel", ["activities.week", "activities.waiting", "activities.closed", "activities.days"]
)
def test_every_panel_answers_alone(panel: str) -> None:
    lead = person(Role.TEAM_LEAD)
    line = item(lead)
    services.dismiss(actor=lead.actor, item=line, because="wrong")
    where = "/today/team/" if panel == "activities.days" else "/today/mine/"
    shown = lead.client.get(f"{where}?panel={panel}", headers=FRAGMENT)
    assert shown.status_code == 200
    assert f'data-panel="{panel}"' in shown.content.decode()


def test_a_head_without_customers_sees_the_team_first() -> None:
    place = unit()
    head, mine = person(Role.BRANCH_HEAD, place), person(place=place)
    item(mine, party(mine, name="张甲"), days=-1)
    shown = page(head)
    assert 'id="team"' in shown
    assert address_of(mine) in shown
    assert "张甲" not in shown
    assert 'id="today"' in head.client.get("/today/mine/").content.decode()
    party(head)
    assert 'id="today"' in page(head)


def test_whoever_looks_after_nobody_is_told_so() -> None:
    nobody, somebody = person(), person()
    party(somebody)
    text = "Nobody is assigned to you."
    with translation.override("zh-hans"):
        told = translation.gettext(
            f"{text} Your team lead hands customers over; their lines then come by themselves."
        )
    assert told in page(nobody)
    assert told not in page(somebody)


def test_an_empty_list_says_what_comes_next_and_when() -> None:
    mine = person()
    line = item(mine, party(mine, name="张甲"))
    until = clock.today() + timedelta(days=3)
    services.postpone(actor=mine.actor, item=line, until=until)
    empty = page(mine, **FRAGMENT)
    assert "work-line" not in empty
    assert "张甲" in empty
    assert until.isoformat() in empty
