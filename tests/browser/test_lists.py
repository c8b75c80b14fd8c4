"""The list as it is used: conditions, a view of one's own, many rows at once, cells, the drawer."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.conftest import SignIn
from zhike.organisation.models import Role

ROWS = "#rows tr[data-row]"


def test_conditions_become_a_view(sign_in: SignIn) -> None:
    page = sign_in(Role.BRANCH_HEAD)
    page.goto("/customers/?view=all")
    page.locator("#open-conditions").click()
    page.locator("[id='w0.field']").select_option("balance")
    page.locator("[name='w0.value']").fill("50000")
    page.locator("#builder button", has_text=re.compile("条件组|Group")).click()
    page.locator("[id='w1.0.field']").select_option("value_class")
    page.locator("[name='w1.0.value']").first.check()
    page.locator("#builder-form .form-actions button").click()
    expect(page).to_have_url(re.compile(r"where=balance\.over\.50000,any\(value_class\.is\.high\)"))
    expect(page.locator(".pill")).to_have_count(2)
    page.locator("#view-save-as").click()
    page.locator("#view-name").fill("大额客户")
    page.locator("#view-new .form-actions button").click()
    tab = page.locator(".view-tab", has_text="大额客户")
    expect(tab).to_have_attribute("aria-current", "page")
    page.locator("#pick-kind").click()
    page.locator("#chip-kind-person").click()
    expect(page.locator("#view-keep")).to_be_visible()
    expect(page.locator("#chip-kind-person.active")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#chip-kind-person")).to_be_hidden()
    page.locator("#clear-all").click()
    expect(page.locator(".pill")).to_have_count(0)


def test_many_rows_at_once_with_their_report(sign_in: SignIn) -> None:
    page = sign_in(Role.BRANCH_HEAD)
    page.goto("/customers/?view=all&size=20")
    page.locator("[data-tick]").nth(1).click()
    page.locator("[data-tick]").nth(4).click(modifiers=["Shift"])
    page.locator("#page-next").click()
    expect(page.locator("#page-previous")).to_be_visible()
    page.locator(ROWS).first.focus()
    page.keyboard.press("x")
    expect(page.locator(".bulk-count")).to_contain_text("5")
    page.locator("[data-act='customers.note']").click()
    page.locator("#drawer [name=title]").fill("批量回访")
    page.locator("#drawer button[name=go]").click()
    expect(page.locator("#drawer .run")).to_contain_text("100%")
    expect(page.locator("[data-bulk]")).to_be_hidden()


def test_a_cell_and_the_drawer_by_key(sign_in: SignIn) -> None:
    page = sign_in(Role.BRANCH_HEAD)
    page.goto("/customers/?view=all&kind=person&cols=name,occupation")
    cell = page.locator("td[data-edit=occupation]").nth(1)
    before = cell.inner_text()
    page.locator(ROWS).nth(1).focus()
    page.keyboard.press("e")
    cell.locator("input[name=value]").fill("农机手")
    page.keyboard.press("Escape")
    expect(cell).to_have_text(before)
    page.keyboard.press("e")
    cell.locator("input[name=value]").fill("农机手")
    page.keyboard.press("Enter")
    expect(cell).to_have_text("农机手")
    names = page.locator(f"{ROWS} td[data-label] > a")
    page.locator(ROWS).nth(2).focus()
    page.keyboard.press(" ")
    expect(page.locator("#drawer .peek")).to_contain_text(names.nth(2).inner_text())
    page.keyboard.press("ArrowDown")
    expect(page.locator("#drawer .peek")).to_contain_text(names.nth(3).inner_text())
    page.keyboard.press("Escape")
    expect(page.locator("dialog.drawer")).to_be_hidden()


def test_a_card_is_moved_by_key_and_taken_back(sign_in: SignIn) -> None:
    page = sign_in(Role.CUSTOMER_MANAGER)
    page.goto("/lines/?show=board&by=state")
    card = page.locator("[data-column=open] [data-card]").first
    key = card.get_attribute("data-card")
    card.locator("summary").focus()
    page.keyboard.press("Shift+ArrowRight")
    page.locator("#drawer [name=result]").fill("已电话回访")
    page.locator("#drawer button[name=go]").click()
    moved = page.locator(f"[data-column=done] [data-card='{key}']")
    expect(moved).to_be_visible()
    expect(moved.locator("summary")).to_be_focused()
    page.locator("#toasts .told-moved form button").click()
    expect(page.locator(f"[data-column=open] [data-card='{key}']")).to_be_visible()
    expect(moved).to_have_count(0)


def test_a_refused_card_goes_back_with_the_reason(sign_in: SignIn) -> None:
    page = sign_in(Role.CUSTOMER_MANAGER, width=1440, height=900)
    page.goto("/lines/?show=board&by=state")
    card = page.locator("[data-column=open] [data-card]").first
    key = card.get_attribute("data-card")
    card.drag_to(page.locator("[data-column=lapsed] [data-cards]"))
    expect(page.locator("#toasts .toast")).to_contain_text("自动失效")
    expect(page.locator("[data-column=open] [data-card]").first).to_have_attribute(
        "data-card", str(key)
    )
    expect(page.locator("[data-column=lapsed] [data-card]")).to_have_count(0)


def test_groups_boards_and_calendars_on_a_phone(sign_in: SignIn) -> None:
    page = sign_in(Role.BRANCH_HEAD, width=390, height=844)
    page.goto("/customers/?view=all&group=value")
    page.locator(".group-line button").first.click()
    expect(page.locator(".group-rows tr[data-row]").first).to_be_visible()
    page.locator("#show-board").click()
    expect(page.locator(".board-card").first).to_be_visible()
    page.locator("#show-calendar").click()
    expect(page.locator(".calendar-grid")).to_be_visible()
    wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert not wide, "the page scrolls sideways"
