"""The steward's work by keyboard alone, in a real browser: no pointer, and no focus but what keys gave."""

from __future__ import annotations

import re
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import SignIn, Site
from tests.browser.steps import addresses, panel
from tests.browser.test_review import at, found

pytestmark = pytest.mark.browser
FARTHEST = 150  # the longest way by Tab on these pages, with the navigation
HERE = "element => [element === document.activeElement, element.matches(':focus-visible')]"
ROWS = "编号,姓名,性别,出生日期\n" + "".join(f"{n},禾键{n},女,1980/01/1{n}\n" for n in range(1, 5))


def reach(page: Page, target: Locator, *, back: bool = False) -> None:
    """Tab until the target has the focus, and whoever looks can see that it has."""
    page.wait_for_load_state()
    expect(target).to_be_visible()
    for _step in range(FARTHEST):
        here, seen = target.evaluate(HERE)  # in one question: a panel may be filled between two
        if here:
            assert seen
            return
        page.keyboard.press("Shift+Tab" if back else "Tab")
    raise AssertionError(f"{FARTHEST} times Tab did not lead to {target}")


def enter(page: Page, target: Locator) -> None:
    reach(page, target)
    page.keyboard.press("Enter")


def write(page: Page, target: Locator, text: str) -> None:
    reach(page, target)
    page.keyboard.insert_text(text)


def test_a_queue_is_judged_and_customers_are_merged_and_split(sign_in: SignIn, site: Site) -> None:
    pairs = found(site, 3)
    page = sign_in("analyst")
    page.keyboard.press("g")
    page.keyboard.press("d")
    expect(page).to_have_url(re.compile(r"/pairs/"))
    page.wait_for_load_state()
    for _row in range(FARTHEST):
        page.keyboard.press("j")
        if page.evaluate("document.activeElement.dataset.row") == pairs[0]:
            break
    else:
        raise AssertionError(f"{FARTHEST} times j did not lead to {pairs[0]}")
    page.keyboard.press("Enter")
    at(page, pairs[0])
    page.keyboard.press("n")
    at(page, pairs[1])
    page.keyboard.press("u")
    at(page, pairs[2])
    page.keyboard.press("z")
    at(page, pairs[1])
    expect(page.locator("[data-key=d]")).to_be_visible()
    write(page, page.locator("input[name=note]"), "证件不同")
    enter(page, page.locator("[value=different]"))
    at(page, pairs[2])
    page.keyboard.press("s")
    expect(page).not_to_have_url(re.compile(pairs[2]))
    page.keyboard.press("z")
    at(page, pairs[2])
    expect(page.locator("[data-key=s]")).to_be_visible()

    (_one, address), (other, other_address) = addresses(
        page, "/customers/?kind=person&sort=-since_on"
    )[:2]
    ids = [each.strip("/").split("/")[-1] for each in (address, other_address)]
    page.goto(address)
    enter(page, page.locator(".page-actions [data-bs-toggle=dropdown]"))
    enter(page, page.get_by_role("link", name="与其他客户合并…"))
    expect(page.locator("input[name=customer]")).to_be_focused()
    page.wait_for_load_state()  # a letter before the page listens would not be looked for
    page.keyboard.insert_text(other)
    enter(page, page.locator(f"#merge-found a[href$='{ids[1]}/']"))
    write(page, page.locator("input[name=reason]"), "柜面核实为同一人")
    stays = page.locator("#merge input[type=radio]:checked")
    reach(page, stays, back=True)
    for id in reversed(ids):
        if stays.get_attribute("value") != id:
            page.keyboard.press("ArrowDown")
            expect(page.locator(f"#stays-{id}")).to_be_focused()
            expect(page.locator("#merge input[type=hidden][name=stays]")).to_have_value(id)
    expect(page.locator(f"#stays-{ids[0]}")).to_be_checked()
    expect(page.locator("input[name=reason]")).to_have_value("柜面核实为同一人")
    enter(page, page.locator("#merge [type=submit]"))
    expect(page).to_have_url(re.compile(f"{address}$"))
    records = panel(page, "masterdata.records")
    reach(page, records.get_by_role("button", name="展开或收起"))
    expect(records.locator("[aria-busy=true]")).to_have_count(0)
    made = records.locator("li", has_text="柜面核实为同一人")
    enter(page, made.locator("a[href*='/split/']"))
    write(page, page.locator("input[name=reason]"), "原来是两个人")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(other_address))


def test_a_file_is_brought_in_and_taken_back(sign_in: SignIn, tmp_path: Path) -> None:
    file = tmp_path / "键盘名册.csv"
    file.write_bytes(ROWS.encode("gb18030"))
    page = sign_in("system_administrator")
    page.keyboard.press("g")
    page.keyboard.press("i")
    expect(page).to_have_url(re.compile(r"/imports/"))
    enter(page, page.locator(".page-actions a[href$='/imports/new/']"))
    # Expected before the walk, for the browser hears of it in its own time.
    with page.expect_file_chooser() as chosen:
        reach(page, page.locator("#id_file"))
        page.keyboard.press("Space")
    chosen.value.set_files(file)
    enter(page, page.locator("main button[type=submit]"))
    reach(page, page.locator(".wizard-reading input").first)
    page.keyboard.press("Space")
    expect(page.locator(".wizard-reading", has_text="禾键1").locator("input")).to_be_checked()
    enter(page, page.locator("#wizard button[value=read]"))
    write(page, page.locator("[name=source_name]"), f"键盘 {uuid4().hex[:6]}")
    becomes = page.locator("[name=field_3]")
    reach(page, becomes)
    expect(becomes).to_have_value("birth_on")
    for key, value in (("ArrowUp", "sex"), ("ArrowDown", "birth_on")):
        page.keyboard.press(key)
        expect(page.locator("[hx-sync].htmx-request")).to_have_count(0)
        expect(becomes).to_have_value(value)
        expect(becomes).to_be_focused()
    enter(page, page.locator("#wizard button[value=map]"))
    enter(page, page.locator("#wizard button[value=load]"))
    enter(page, page.locator("#wizard a.btn-primary"))
    enter(page, page.locator("[data-open=revert]"))
    expect(page.locator("#revert_reason")).to_be_focused()
    page.keyboard.insert_text("演练")
    page.keyboard.press("Enter")
    expect(page.locator("#wizard")).to_contain_text("已撤销 4 行；0 行")
