"""Value pages: from the grid to the customers behind a number, a threshold tried out and set, phone and dark."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SignIn
from zhike.organisation.models import Role


def test_from_the_grid_down_to_the_customers(sign_in: SignIn) -> None:
    page = sign_in(Role.BRANCH_HEAD)
    page.goto("/insight/")
    expect(page.locator(".value-cell")).to_have_count(4)
    matrix = page.locator(".value-matrix").first
    moved = matrix.locator("td.is-moved a").first
    count = moved.inner_text()
    moved.click()
    expect(page.locator("tbody tr")).to_have_count(min(int(count.replace(",", "")), 50))
    page.locator("tbody tr a").first.click()
    expect(page.locator("main h1")).to_be_visible()


def test_the_points_come_when_they_are_scrolled_to(sign_in: SignIn) -> None:
    page = sign_in(Role.BRANCH_HEAD)
    page.goto("/insight/")
    page.locator(".value-waiting").scroll_into_view_if_needed()
    expect(page.locator("[data-chart] canvas")).to_be_visible()


def test_a_threshold_is_tried_out_and_set(sign_in: SignIn) -> None:
    page = sign_in(Role.ANALYST)
    page.goto("/insight/thresholds/grid/")
    page.fill("input[name='grid.current.cut']", "50")
    page.fill("input[name='reason']", "更宽的范围")
    page.click("button[name=try]")
    tried = page.locator(".stats .stat-value").first
    expect(tried).to_be_visible()
    assert int(tried.inner_text().replace(",", "")) > 0
    page.click("button[name=save]")
    expect(page.locator("input[name='grid.current.cut']")).to_have_value("50.00")
    expect(page.get_by_text("更宽的范围")).to_be_visible()
    page.fill("input[name='grid.current.cut']", "75")
    page.fill("input[name='reason']", "改回来")
    page.click("button[name=save]")
    expect(page.locator("input[name='grid.current.cut']")).to_have_value("75.00")


def test_a_head_sets_a_target_and_the_manager_sees_it(sign_in: SignIn) -> None:
    page = sign_in(Role.BRANCH_HEAD)
    page.goto("/insight/targets/")
    rows = page.locator("tbody tr")
    expect(rows.first).to_be_visible()
    before = rows.count()
    page.locator("select[name=who]").select_option(index=1)
    page.locator("select[name=period]").select_option("year")
    page.fill("input[name=amount]", "123")
    page.locator("main form.edit-form button[type=submit]").click()
    expect(rows).to_have_count(before + 1)


@pytest.mark.parametrize(
    "address",
    ["", "concentration/", "movements/", "bulletin/", "thresholds/", "targets/", "metrics/"],
)
def test_on_a_phone_nothing_runs_out_of_the_page(sign_in: SignIn, address: str) -> None:
    page = sign_in(Role.ANALYST, width=390, height=844, dark=True)
    page.goto(f"/insight/{address}")
    expect(page.locator("main h1")).to_be_visible()
    assert _overflow(page) <= 0


def _overflow(page: Page) -> int:
    wide: int = page.evaluate(
        "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return wide
