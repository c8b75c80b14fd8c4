"""A file's way into the site in a real browser, by keyboard: read, mapped, checked, loaded, corrected, taken back."""

from __future__ import annotations

import csv
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SignIn
from tests.browser.test_accessibility import THEMES, findings
from zhike.masterdata.tests.factories import ID_ONE, ID_TWO

pytestmark = pytest.mark.browser
HEADER = "编号,姓名,身份证号,性别,出生日期\n"
ROWS = (
    f"1,禾一,{ID_ONE},男,1980/01/01\n2,禾二,,女,1980/13/41\n3,,,男,\n4,禾一,{ID_ONE},男,\n"
    + "".join(f"{number},禾氏{number},,女,1980/01/{number}\n" for number in range(11, 16))
)
CORRECTED = f"2,禾二,{ID_TWO},女,1980/11/01\n3,禾三,,男,\n5,禾一,{ID_ONE},男,\n"


def shuts_nobody_out(page: Page) -> None:
    for theme in THEMES:
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        expect(page.locator("html")).to_have_attribute("data-bs-theme", theme)
        assert findings(page) == []


def press(page: Page, value: str) -> None:
    """A button of the wizard, by keyboard alone."""
    button = page.locator(f"#wizard button[value={value}]")
    button.focus()
    page.keyboard.press("Enter")


def figures(page: Page, *labels: str) -> str:
    stats = (page.locator(".stat", has_text=label).locator(".figure") for label in labels)
    return " ".join(stat.inner_text().strip() for stat in stats)


def taken_back(page: Page, rows: int) -> None:
    """The import whose page stands open, taken back."""
    page.locator("#wizard a.btn-primary").press("Enter")
    page.locator("[data-open=revert]").press("Enter")
    page.locator("#revert_reason").press_sequentially("演练")
    page.keyboard.press("Enter")
    expect(page.locator("#wizard")).to_contain_text(f"已撤销 {rows} 行；0 行")


def test_a_file_is_read_mapped_checked_loaded_corrected_and_taken_back(
    sign_in: SignIn, tmp_path: Path
) -> None:
    first, second = tmp_path / "城东支行.csv", tmp_path / "更正.csv"
    first.write_bytes((HEADER + ROWS).encode("gb18030"))
    second.write_bytes((HEADER + CORRECTED).encode("gb18030"))
    page = sign_in("system_administrator")

    page.goto("/imports/new/")
    page.locator("#id_file").set_input_files(first)
    page.locator("#id_file").focus()
    page.keyboard.press("Tab")
    expect(page.locator("main button[type=submit]")).to_be_focused()
    page.keyboard.press("Enter")

    reading = page.locator(".wizard-reading", has_text="禾二")
    expect(reading).to_contain_text("GB18030")
    expect(page.locator(".wizard-reading input:checked")).to_have_count(0)
    shuts_nobody_out(page)
    reading.locator("input").press("Space")
    press(page, "read")

    expect(page.locator("[name=field_4]")).to_have_value("birth_on")
    expect(page.locator("[name=format_4]")).to_have_value("%Y/%m/%d")
    page.locator("[name=field_4]").select_option("since_on")
    expect(page.locator("[name=field_4]")).to_have_value("since_on")
    page.locator("[name=field_4]").select_option("birth_on")
    page.locator("[name=source_name]").fill(f"城东支行 {uuid4().hex[:6]}")
    page.locator("[name=keep_as]").fill("城东支行")
    shuts_nobody_out(page)
    press(page, "map")

    expect(page.locator("#wizard [value=load]")).to_be_visible()
    assert figures(page, "读取行数", "新客户", "文件内同一客户") == "9 6 1"
    expect(page.locator("#wizard")).to_contain_text("日期不存在")
    assert ID_ONE not in page.content()
    shuts_nobody_out(page)
    press(page, "load")
    expect(page.locator("#wizard [aria-live=polite]")).to_be_visible()
    address = page.url
    page.goto("/today/")
    page.goto(address)
    expect(page.locator("#wizard a.btn-primary")).to_be_visible()
    shuts_nobody_out(page)
    with page.expect_download() as taken:
        page.locator("#wizard a[href$='as=rejects']").press("Enter")
    taken.value.save_as(tmp_path / "rejects.csv")
    with (tmp_path / "rejects.csv").open(encoding="utf-8-sig", newline="") as file:
        assert sorted(row["line"] for row in csv.DictReader(file)) == ["3", "4"]

    page.locator("#wizard a[href*='?for=']").press("Enter")
    page.locator("#id_file").set_input_files(second)
    page.locator("main button[type=submit]").press("Enter")
    # Read and mapped as the file it corrects was.
    press(page, "map")
    joins = page.get_by_role("table", name="已有的客户")
    expect(joins.locator("tbody tr")).to_have_count(1)
    press(page, "load")
    expect(page.locator("#wizard a.btn-primary")).to_be_visible()
    assert figures(page, "新客户", "并入已有客户") == "2 1"

    taken_back(page, 3)
    page.goto(address)
    taken_back(page, 7)
    shuts_nobody_out(page)
