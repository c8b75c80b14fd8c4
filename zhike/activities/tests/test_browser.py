"""What only a browser can tell: a line is worked off and taken back, the tree opens where it is clicked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

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


def test_a_line_is_done_and_taken_back(browser: Browser, live_server: Any) -> None:
    who = person()
    for name in ("张甲", "李乙"):
        item(who, party(who, name=name))
    with at_work(browser, live_server, who) as page:
        page.goto("/")
        lines = page.locator(".work-line")
        expect(lines).to_have_count(2)
        line = lines.filter(has_text="张甲")
        line.locator("summary").first.click()
        line.locator("select").select_option("phone")
        line.locator("input[name=result]").fill("已联系,下周来")
        line.locator("button[type=submit]").first.click()
        expect(lines).to_have_count(1)
        toast = page.locator("#toasts .toast", has_text="张甲")
        toast.locator("form button").click()
        expect(lines).to_have_count(2)
        expect(page).to_have_url(f"{live_server.url}/today/")
    assert set(WorkItem.objects.values_list("state", flat=True)) == {"open"}


def test_a_refusal_is_a_toast_beside_the_untouched_list(browser: Browser, live_server: Any) -> None:
    who = person()
    item(who, party(who, name="张甲"))
    with at_work(browser, live_server, who) as page:
        page.goto("/today/")
        line = page.locator(".work-line")
        line.locator("summary").last.click()
        line.locator("input[name=reason]").fill("改打13800138000")
        line.locator("button[type=submit]").last.click()
        expect(page.locator("#toasts .toast[data-tone=danger]")).to_be_visible()
        expect(line).to_have_count(1)


def test_the_tree_opens_where_it_is_clicked(browser: Browser, live_server: Any) -> None:
    root = unit()
    below = unit(root)
    who = person(Role.TELLER, unit(below))
    with at_work(browser, live_server, who) as page:
        page.goto("/organisation/")
        for name in (below.name, who.employee.unit.name):
            page.locator("summary", has_text=name).locator(".badge").click()
        expect(page.locator("#main").get_by_text(who.employee.name, exact=True)).to_be_visible()
