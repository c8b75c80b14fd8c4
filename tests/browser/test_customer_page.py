"""The customer page in a real browser: a field at its place, the panels arranged, a day gone by, the phone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import SignIn
from tests.browser.steps import addresses, opened, panel

pytestmark = pytest.mark.browser

MINE = "/customers/?who=mine&kind=person"


def test_a_field_is_edited_at_its_place_by_keyboard(sign_in: SignIn) -> None:
    page = sign_in("customer_manager")
    page.goto(addresses(page, MINE)[0][1])
    fact = opened(page, "customers.particulars").locator("[data-fact=education]")
    fact.locator("[data-edit]").focus()
    page.keyboard.press("e")
    box = fact.locator("input[name=education]")
    expect(box).to_be_focused()
    page.keyboard.press("Escape")
    expect(box).to_have_count(0)
    fact.locator(".fact-value").dblclick()
    box.fill("夜大")
    page.keyboard.press("Enter")
    expect(fact.locator(".fact-value")).to_contain_text("夜大")
    expect(fact.locator("[data-edit]")).to_be_focused()
    story = opened(page, "customers.timeline").locator(".timeline-list li").first
    expect(story).to_contain_text("夜大")


def test_panels_are_moved_hidden_and_put_back_by_keys(sign_in: SignIn) -> None:
    page = sign_in("customer_manager")
    page.goto(addresses(page, MINE)[1][1])
    order = page.locator(".panels-main > .page-panel:visible h2")
    before = order.all_inner_texts()

    def arrange() -> None:
        page.locator(".page-actions [data-bs-toggle=dropdown]").click()
        page.locator("[data-arrange]").click()

    arrange()
    panel(page, "customers.timeline").locator("[data-move=up]").press("Enter")
    panel(page, "products.holdings").locator("[data-move=hide]").press("Enter")
    with page.expect_navigation():
        page.locator("[data-arrange-done]").click()
    expect(order.first).to_have_text(before[1])
    expect(panel(page, "products.holdings")).to_be_hidden()
    page.reload()
    expect(order.first).to_have_text(before[1])
    arrange()
    with page.expect_navigation():
        page.locator("[data-arrange-reset]").click()
    expect(order.first).to_have_text(before[0])
    expect(panel(page, "products.holdings")).to_be_visible()


def test_the_page_goes_back_to_a_day_and_forth(sign_in: SignIn) -> None:
    page = sign_in("customer_manager")
    address = addresses(page, MINE)[0][1]
    page.goto(f"{address}?as_of=2026-06-30")
    banner = page.locator(".as-of-banner")
    expect(banner).to_contain_text("2026-06-30")
    expect(opened(page, "customers.particulars").locator("[data-fact]").first).to_be_visible()
    expect(page.locator("[data-edit]")).to_have_count(0)
    days = opened(page, "customers.timeline").locator(".story-day")
    assert all(day[:10] <= "2026-06-30" for day in days.all_inner_texts())
    banner.locator("a").click()
    expect(banner).to_have_count(0)
    expect(opened(page, "customers.particulars").locator("[data-edit]").first).to_be_visible()


def test_the_phone_has_note_and_call_under_the_thumb(sign_in: SignIn) -> None:
    page = sign_in("customer_manager", width=390, height=844)
    page.goto(addresses(page, MINE)[0][1])
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    bar = page.locator(".thumb-bar")
    bar.locator("[data-open=note-dialog]").click()
    expect(page.locator("#note-dialog")).to_be_visible()
    page.locator("#note-dialog [data-close]").first.click()
    bar.locator("[data-goto]").first.click()
    expect(panel(page, "customers.facts")).to_be_in_viewport()


def test_the_brief_is_one_sheet(sign_in: SignIn) -> None:
    page = sign_in("customer_manager")
    page.goto(f"{addresses(page, MINE)[0][1]}brief/")
    expect(page.locator(".sheet h1")).not_to_be_empty()
    expect(page.locator(".sheet footer")).to_contain_text(re.compile(r"20\d\d-\d\d-\d\d"))
    page.emulate_media(media="print")
    expect(page.locator("[data-print]")).to_be_hidden()
    # 273 mm of A4 at 96 points an inch.
    assert page.locator(".sheet").evaluate("sheet => sheet.offsetHeight") <= 1032


def test_paper_shows_what_nobody_scrolled_to(sign_in: SignIn) -> None:
    page = sign_in("customer_manager")
    page.goto(addresses(page, MINE)[0][1])
    waiting = page.locator(".page-panel:not([hidden]) .panel-waiting")
    expect(waiting).not_to_have_count(0)
    page.evaluate("() => { window.print = () => document.body.classList.add('on-paper') }")
    page.keyboard.press("Control+p")
    expect(page.locator("body.on-paper")).to_be_attached()
    expect(waiting).to_have_count(0)
    expect(
        page.locator(".page-panel:not([hidden]) [data-chart]:not(:has(canvas, svg))")
    ).to_have_count(0)
