"""What only a browser can tell: a line is worked off and taken back, the tree opens where it is clicked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Route, expect

from zhike.activities.models import WorkItem
from zhike.activities.tests.factories import Person, item, party, person, unit
from zhike.organisation.models import Role

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def is_fault(line: ConsoleMessage) -> bool:
    """Chromium writes a line of its own for every answer of 422, which is no fault of the page."""
    return line.type == "error" and "status of 422" not in line.text


@contextmanager
def at_work(browser: Browser, live_server: Any, who: Person) -> Iterator[Page]:
    """A browser signed in as `who`; nothing may be written to its console as an error."""
    session = who.client.cookies["sessionid"].value
    said: list[str] = []
    context = browser.new_context(base_url=live_server.url)
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    page = context.new_page()
    page.on("console", lambda line: said.append(line.text) if is_fault(line) else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    context.close()
    assert said == []


def test_a_line_is_done_and_taken_back_by_keys_alone(browser: Browser, live_server: Any) -> None:
    who = person()
    for name in ("张甲", "李乙"):
        item(who, party(who, name=name))
    with at_work(browser, live_server, who) as page:
        page.goto("/")
        lines = page.locator(".work-line")
        expect(lines).to_have_count(2)
        page.keyboard.press("j")
        expect(lines.first).to_be_focused()
        page.keyboard.press("d")
        expect(page.locator(".work-form [name=result]")).to_be_focused()
        page.keyboard.press("Escape")
        expect(page.locator(".work-form")).to_have_count(0)
        expect(lines.first).to_be_focused()
        page.keyboard.press("d")
        page.keyboard.type("已联系,下周来")
        page.keyboard.press("Enter")
        expect(lines).to_have_count(1)
        expect(lines.first).to_be_focused()
        expect(page.locator("#toasts .toast")).to_contain_text("张甲")
        page.keyboard.press("u")
        expect(lines).to_have_count(2)
        expect(lines.first).to_be_focused()
        expect(page).to_have_url(f"{live_server.url}/today/")
    assert set(WorkItem.objects.values_list("state", flat=True)) == {"open"}


def test_a_line_leaves_before_the_server_answers(browser: Browser, live_server: Any) -> None:
    who = person()
    for name in ("张甲", "李乙"):
        item(who, party(who, name=name))
    with at_work(browser, live_server, who) as page:
        held: list[Route] = []
        page.route("**/later/**", lambda route: held.append(route))
        page.goto("/")
        lines = page.locator(".work-line")
        first = lines.first
        first.locator("[data-do=later]").click()
        page.keyboard.press("Enter")
        expect(first).to_be_hidden()
        expect(lines.nth(1)).to_be_focused()
        assert WorkItem.objects.filter(postponed_until=None).count() == 2
        held[0].continue_()
        expect(lines).to_have_count(1)
        expect(page.locator("#panel-activitieswaiting")).to_contain_text("张甲")
    assert WorkItem.objects.filter(postponed_until=None).count() == 1


def test_a_refusal_brings_the_line_and_the_words_back(browser: Browser, live_server: Any) -> None:
    who = person()
    item(who, party(who, name="张甲"))
    with at_work(browser, live_server, who) as page:
        page.goto("/today/")
        line = page.locator(".work-line")
        line.locator("[data-do=dismiss]").click()
        line.locator("[value=other]").check()
        line.locator("[name=reason]").fill("改打13800138000")
        line.locator("button[type=submit]").click()
        expect(page.locator("#toasts .toast[data-tone=danger]")).to_be_visible()
        expect(line).to_be_visible()
        expect(line.locator("[name=reason]")).to_have_value("改打13800138000")
    assert set(WorkItem.objects.values_list("state", flat=True)) == {"open"}


def test_the_last_line_leaves_an_empty_list_and_undo_fills_it(
    browser: Browser, live_server: Any
) -> None:
    who = person()
    item(who, party(who, name="张甲"))
    with at_work(browser, live_server, who) as page:
        page.goto("/today/")
        page.keyboard.press("n")
        page.keyboard.press("Enter")
        expect(page.locator("#today .empty-state")).to_be_visible()
        expect(page.locator("#panel-activitiesclosed")).to_contain_text("张甲")
        page.keyboard.press("u")
        expect(page.locator(".work-line")).to_have_count(1)
        expect(page.locator("#panel-activitiesclosed")).not_to_contain_text("张甲")


def test_one_contact_settles_both_lines_of_a_card(browser: Browser, live_server: Any) -> None:
    who = person()
    customer = party(who, name="张甲")
    for rule in ("birthday", "maturing"):
        item(who, customer, rule=rule)
    with at_work(browser, live_server, who) as page:
        page.goto("/today/")
        page.keyboard.press("d")
        page.keyboard.type("都谈好了")
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
        page.keyboard.press("Enter")
        expect(page.locator("#today .empty-state")).to_be_visible()
    assert set(WorkItem.objects.values_list("state", flat=True)) == {"done"}


def test_a_follow_up_is_planned_with_a_name_that_never_stands_in_an_address(
    browser: Browser, live_server: Any
) -> None:
    who = person()
    party(who, name="张甲")
    asked: list[str] = []
    with at_work(browser, live_server, who) as page:
        page.on("request", lambda request: asked.append(unquote(request.url)))
        page.goto("/today/")
        page.keyboard.press("f")
        expect(page.locator("#follow-up [name=customer]")).to_be_focused()
        page.keyboard.type("张")
        expect(page.locator("#follow-up-found")).to_contain_text("张甲")
        page.locator("#follow-up [name=text]").fill("回电谈车贷")
        page.keyboard.press("Enter")
        expect(page.locator("#follow-up")).to_be_hidden()
        expect(page.locator("#panel-activitieswaiting")).to_contain_text("回电谈车贷")
    assert not [url for url in asked if "张" in url]
    assert WorkItem.objects.get().rule == "promise"


def test_the_tree_opens_where_it_is_clicked(browser: Browser, live_server: Any) -> None:
    root = unit()
    below = unit(root)
    who = person(Role.TELLER, unit(below))
    with at_work(browser, live_server, who) as page:
        page.goto("/organisation/")
        for name in (below.name, who.employee.unit.name):
            page.get_by_text(name, exact=True).locator("xpath=../..").locator("summary").click()
        expect(page.locator("#main").get_by_text(who.employee.name, exact=True)).to_be_visible()
