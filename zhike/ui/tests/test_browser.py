"""What only a browser can tell: the policy holds, keys, theme, fragments, charts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.test.testcases import LiveServerThread
from playwright.sync_api import Browser, Page, expect

from zhike.ui.tests.conftest import some_things
from zhike.ui.tests.sample import Thing

pytestmark = [pytest.mark.browser, pytest.mark.django_db]


@pytest.fixture(scope="module")
def address(thing_table: None, sample_site: None, django_db_blocker: Any) -> Iterator[str]:
    """The sample site served to a browser, with things committed for it."""
    with django_db_blocker.unblock():
        Thing.objects.bulk_create(some_things(70))
        server = LiveServerThread("127.0.0.1", StaticFilesHandler)
        server.daemon = True
        server.start()
        server.is_ready.wait()
        if server.error:
            raise server.error
        yield f"http://127.0.0.1:{server.port}"
        server.terminate()
        Thing.objects.all().delete()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that fails its test when anything was written to the console as an error."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="zh-CN")
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda line: said.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    context.close()
    # The browser notes each failed answer itself; those the tests ask for.
    assert [line for line in said if "the server responded with a status of" not in line] == []


def test_the_policy_holds_and_charts_are_drawn(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator("[data-chart]:has(canvas)")).to_have_count(5)
    page.locator("[data-chart]").first.hover()
    page.locator("[data-theme-menu]").click()
    page.locator("[data-theme=dark]").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    expect(page.locator("[data-chart]:has(canvas)")).to_have_count(5)
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")


@pytest.mark.parametrize(
    ("markup", "directive"),
    [
        ('<p style="color:red">x</p>', "style-src-attr"),
        ('<img src="/no" onerror="window.ran = 1">', "script-src-attr"),
        ('<img src="https://elsewhere.example/a.png">', "img-src"),
    ],
)
def test_the_browser_refuses_what_slips_in(
    browser: Browser, address: str, markup: str, directive: str
) -> None:
    page = browser.new_page()
    page.goto(f"{address}/sign-in/")
    refused = page.evaluate(
        """markup => new Promise(tell => {
            addEventListener('securitypolicyviolation', event => tell(event.effectiveDirective))
            document.getElementById('main').innerHTML = markup
        })""",
        markup,
    )
    assert refused == directive
    assert page.evaluate("window.ran") is None
    page.close()


def test_the_library_of_charts_comes_only_with_a_chart(page: Page, address: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{address}/things/")
    page.wait_for_load_state("networkidle")
    assert not [url for url in asked if "echarts" in url]


def test_a_list_by_keyboard_and_by_fragment(page: Page, address: str) -> None:
    page.goto(f"{address}/things/")
    names = page.locator("#rows tbody td:first-child a")
    before = names.first.inner_text()
    page.get_by_role("link", name="下一页").or_(page.locator("[rel=next]")).first.click()
    page.wait_for_url("**cursor=**")
    expect(names.first).not_to_have_text(before)
    page.go_back()
    expect(names.first).to_have_text(before)
    page.locator("th a.sort", has_text="名称").click()
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("名称")
    expect(page.locator("th[aria-sort=ascending] a")).to_be_focused()
    page.keyboard.press("/")
    expect(page.locator("[data-search]").first).to_be_focused()
    page.locator("[data-search]").first.blur()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(page.locator("#rows tbody tr").first).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/things/*-*/")


def test_panels_come_when_seen_and_say_when_they_fail(page: Page, address: str) -> None:
    asked: list[str] = []
    page.on(
        "request",
        lambda request: asked.append(request.url) if "panel=broken" in request.url else None,
    )
    page.goto(f"{address}/things/")
    page.locator("#rows tbody td:first-child a").first.click()
    expect(page.locator("#panel-history")).to_contain_text("上门拜访")
    expect(page.locator("#panel-curve canvas")).to_be_visible()
    broken = page.locator("#panel-broken")
    expect(broken.get_by_role("status")).to_be_visible()
    before = len(asked)
    with page.expect_response("**panel=broken**"):
        broken.locator("[data-fetch]").click()
    expect(broken.get_by_role("status")).to_be_visible()
    assert before <= 1, "one that failed is asked for again by the person alone"
    assert len(asked) == before + 1
    page.locator(".masked button").click()
    expect(page.locator("#panel-facts")).to_contain_text("13800001111")


def test_an_action_tells_its_outcome(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_role("button", name="更新").click()
    expect(page.locator("#toasts .toast[data-tone=success]")).to_contain_text("已更新。")
    page.get_by_role("button", name="出错").click()
    expect(page.locator("#toasts .toast[data-tone=danger]")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("组件")


@pytest.mark.parametrize("width", [390, 1280, 1440])
@pytest.mark.parametrize("where", ["/", "/things/", "/things/new/", "/sign-in/"])
def test_no_page_is_wider_than_its_window(page: Page, address: str, where: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(address + where)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_on_a_phone_the_navigation_unfolds(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{address}/things/")
    link = page.locator("#navigation").get_by_role("link", name="物品")
    expect(link).not_to_be_visible()
    page.locator(".navbar-toggler").click()
    expect(link).to_be_visible()
