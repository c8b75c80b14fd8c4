"""A manager's morning and a head's ten minutes, on the sample institution as it is served."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SignIn
from tests.browser.steps import opened, panel

pytestmark = pytest.mark.browser


def focused(page: Page) -> str:
    """The id of the line in the focus."""
    id: str = page.evaluate("document.activeElement.closest('.work-line')?.id ?? ''")
    assert id, "no line is in the focus"
    return id


def test_a_morning_by_keyboard_alone(sign_in: SignIn) -> None:
    """Done with a result, put off, of no use with why; each taken back or found again; no mouse."""
    page = sign_in("customer_manager")
    keys = page.keyboard

    keys.press("j")
    keys.press("j")
    keys.press("k")
    first = focused(page)
    expect(page.locator(f"#{first} .work-next")).not_to_be_empty()
    said = f"已约好 {uuid4().hex[:6]}"
    keys.press("d")
    keys.type(said)
    keys.press("Enter")
    expect(page.locator(f"#{first}")).to_have_count(0)
    expect(panel(page, "activities.closed")).to_contain_text(said)
    keys.press("u")
    expect(page.locator(f"#{first}")).to_be_focused()
    expect(panel(page, "activities.closed")).not_to_contain_text(said)

    keys.press("l")
    keys.press("ArrowRight")
    keys.press("Enter")
    expect(page.locator(f"#{first}")).to_have_count(0)
    waiting = panel(page, "activities.waiting")
    expect(waiting.locator("time")).to_have_count(1)
    until = str(waiting.locator("time").get_attribute("datetime"))

    second = focused(page)
    keys.press("n")
    keys.press("ArrowRight")
    keys.press("Enter")
    expect(page.locator(f"#{second}")).to_have_count(0)
    expect(panel(page, "activities.closed")).to_contain_text("客户不需要")

    page.goto(f"/today/?on={until}")
    expect(page.locator(f"#{first}")).to_be_visible()
    page.goto("/today/")
    expect(page.locator(f"#{first}, #{second}")).to_have_count(0)
    keys.press("u")
    expect(page.locator(f"#{second}")).to_be_focused()
    waiting.locator("form button").click()
    expect(page.locator(f"#{first}")).to_be_focused()


def test_a_day_of_the_week_shows_what_falls_on_it(sign_in: SignIn) -> None:
    page = sign_in("customer_manager")
    week = panel(page, "activities.week")
    expect(week.locator(".week-day")).to_have_count(7)
    busy = week.locator(".week-day:has(.week-count)").last
    busy.click()
    expect(busy).to_have_attribute("aria-current", "date")
    expect(page).to_have_url(re.compile(r"/today/\?on=\d{4}-\d{2}-\d{2}$"))
    expect(page.locator("#today :is(.work-card, .work-coming)").first).to_be_visible()
    page.locator("#today .work-day a").click()
    expect(page.locator("#today .work-day")).to_have_count(0)


def test_the_drawer_goes_along_the_lines(sign_in: SignIn) -> None:
    page = sign_in("customer_manager")
    names = page.locator(".work-card .work-who > a:first-child").all_inner_texts()
    page.keyboard.press("j")
    page.keyboard.press("p")
    drawer = page.locator("#drawer")
    expect(drawer).to_contain_text(names[0])


def test_a_head_sees_what_is_wrong_then_whose_it_is(sign_in: SignIn) -> None:
    page = sign_in("branch_head")
    if not page.locator("#team").count():
        page.goto("/today/team/")
    concerns = page.locator(".work-concern")
    expect(concerns.first).to_be_visible()
    rows = page.locator(".work-team tbody tr")
    overdue = [int(each) for each in rows.locator("td:nth-child(3)").all_inner_texts()]
    assert overdue == sorted(overdue, reverse=True)
    name = rows.first.locator("th").inner_text()
    expect(opened(page, "activities.days").locator("[data-chart]")).to_be_visible()
    rows.first.locator("th a").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(name)
    expect(page.locator(".work-card").first).to_be_visible()


def test_one_thumb_is_enough(sign_in: SignIn) -> None:
    """At 390 px every button of a line is at least 44 by 44, and the call leads to the number."""
    page = sign_in("customer_manager", width=390, height=844)
    line = page.locator(".work-line").first
    for button in line.locator(".work-acts button").all():
        box = button.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 44
    line.locator("[data-do=later]").click()
    expect(line.locator(".work-form")).to_be_visible()
    line.locator("[data-cancel]").click()
    page.locator(".work-call").first.click()
    expect(page).to_have_url(re.compile("/customers/.*#panel-customersfacts$"))
    expect(panel(page, "customers.facts").locator(".masked").first).to_be_visible()
