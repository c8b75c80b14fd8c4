"""The shell in a real browser: search, commands, keys, notices as they happen, a session that ends politely."""

from __future__ import annotations

import re
from collections.abc import Iterator

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import SignIn, Site

pytestmark = pytest.mark.browser


@pytest.fixture
def database(site: Site) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with psycopg.connect(site.database, autocommit=True) as connection:
        yield connection


@pytest.fixture
def manager(site: Site, browser: Browser) -> Iterator[Page]:
    """A browser of its own, whose console may complain of the 401 that these tests want."""
    context = browser.new_context(base_url=site.url, locale="zh-CN")
    page = context.new_page()
    page.goto("/sign-in/")
    enter(page, site, "main")
    expect(page).to_have_url(re.compile("/today/$"))
    yield page
    context.close()


def enter(page: Page, site: Site, where: str, role: str = "customer_manager") -> None:
    form = page.locator(where)
    form.locator("[name=login]").fill(site.logins[role])
    form.locator("[name=password]").fill(site.password)
    form.locator("button[type=submit]").click()


def end_session(page: Page, database: psycopg.Connection[tuple[object, ...]]) -> None:
    """As the clock would, for this browser alone."""
    (key,) = [each["value"] for each in page.context.cookies() if each["name"] == "sessionid"]
    database.execute("DELETE FROM django_session WHERE session_key = %s", [key])


def test_the_box_finds_records_pages_and_commands(sign_in: SignIn) -> None:
    page = sign_in("branch_head")
    page.keyboard.press("Control+k")
    box, found = page.locator("[data-search]"), page.locator("#found")
    expect(box).to_be_focused()
    expect(found.get_by_role("option", name="客户", exact=False).first).to_be_visible()
    box.press_sequentially("xzkh")  # 新增客户
    expect(found.get_by_role("option", name="今日")).to_have_count(0)
    option = found.get_by_role("option", name="新增客户")
    box.press("ArrowDown")
    expect(box).to_have_attribute("aria-activedescendant", str(option.get_attribute("id")))
    with page.expect_navigation():
        box.press("Enter")
    expect(page).to_have_url(re.compile("/customers/new/$"))


def test_what_is_typed_leaves_no_trace(sign_in: SignIn) -> None:
    page = sign_in("branch_head")
    number = "13800000000"
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.keyboard.press("/")
    page.locator("[data-search]").press_sequentially(number)
    expect(page.locator("#found .found-none")).to_be_visible()
    assert number not in page.content()
    assert not [url for url in asked if number in url]
    page.keyboard.press("Escape")
    expect(page.locator("#found-box")).to_be_hidden()
    expect(page.locator("[data-search]")).to_have_value("")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()


def test_a_command_of_the_screen_and_keys_that_go(sign_in: SignIn) -> None:
    page = sign_in("branch_head")
    page.keyboard.press("Control+k")
    page.keyboard.type(">深色")
    expect(page.locator("#found [role=option]").first).to_contain_text("深色")
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.keyboard.press("g")
    with page.expect_navigation():
        page.keyboard.press("c")
    expect(page).to_have_url(re.compile("/customers/$"))
    page.keyboard.press("?")
    page.locator("[data-single-keys]").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_hidden()


def test_enter_before_the_commands_are_there_takes_the_first_of_them(sign_in: SignIn) -> None:
    page = sign_in("branch_head")
    page.wait_for_load_state()
    page.keyboard.press("Control+k")
    page.keyboard.insert_text(">深色")
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    expect(page).to_have_url(re.compile("/today/"))


def test_on_a_phone_the_box_is_the_screen_and_pages_are_under_the_thumb(sign_in: SignIn) -> None:
    page = sign_in("branch_head", width=390, height=844)
    page.locator("[data-find]").click()
    box = page.locator("#finder").bounding_box()
    assert box is not None
    assert (box["width"], box["height"]) == (390, 844)
    assert page.locator("main").evaluate("main => main.inert")
    page.locator(".finder-close").click()
    expect(page.locator("#finder")).to_be_hidden()
    with page.expect_navigation():
        page.locator(".thumbs a").nth(1).click()
    expect(page.locator(".thumbs a").nth(1)).to_have_attribute("aria-current", "page")
    for thumb in page.locator(".thumb").all():
        size = thumb.bounding_box()
        assert size is not None
        assert size["height"] >= 44


def test_a_notice_appears_in_every_open_tab_without_a_reload(
    manager: Page, site: Site, database: psycopg.Connection[tuple[object, ...]]
) -> None:
    second = manager.context.new_page()
    second.goto("/notices/")
    manager.goto("/customers/")
    manager.wait_for_function("async () => (await navigator.locks.query()).held.length == 1")
    manager.locator(".bell").click()
    expect(manager.locator("#bell-list .notices")).to_be_visible()
    database.execute(
        "INSERT INTO desk_notice (user_id, kind, text, params, url, at) "
        "SELECT id, 'test', 'Everything is read', '{}', '', now() FROM organisation_user WHERE login = %s",
        [site.logins["customer_manager"]],
    )
    database.execute(
        "SELECT pg_notify('zhike_desk', json_build_object("
        "'user', id, 'event', 'notices', 'data', '{}'::json)::text) "
        "FROM organisation_user WHERE login = %s",
        [site.logins["customer_manager"]],
    )
    for page in (manager, second):
        expect(page.locator("#unread")).to_be_visible()
    expect(manager.locator("#bell-list")).to_contain_text("全部已读")
    expect(second.locator("#notices")).to_contain_text("全部已读")
    unread = second.locator("#notices .unread")
    before = unread.count()
    unread.first.locator("button[hx-post]").click()
    expect(unread).to_have_count(before - 1)


def test_the_end_is_told_before_it_comes_and_put_off(sign_in: SignIn) -> None:
    page = sign_in("customer_manager")
    # Before the page's own scripts read it.
    page.add_init_script(
        "document.addEventListener('readystatechange', () => { document.body.dataset.idle = '185' })"
    )
    page.goto("/me/")
    look = "document.dispatchEvent(new Event('visibilitychange'))"
    warning = page.locator("#toasts .toast", has_text="两分钟")
    page.evaluate(look)
    expect(warning).to_have_count(0)
    page.evaluate(f"localStorage.setItem('zhike-seen', Date.now() - 40_000); {look}")
    expect(warning).to_be_visible()
    with page.expect_response("**/session/") as told:
        warning.get_by_role("button", name="保持登录").click()
    assert told.value.ok
    assert told.value.request.method == "POST"
    expect(warning).to_have_count(0)
    page.wait_for_function("Date.now() - localStorage.getItem('zhike-seen') < 30_000")
    page.evaluate(look)
    expect(warning).to_have_count(0)


def test_an_action_after_the_end_asks_for_the_password_and_is_done(
    manager: Page, site: Site, database: psycopg.Connection[tuple[object, ...]]
) -> None:
    # As in the next journey: what still asks by itself would tell of the end before the person does.
    manager.route("**/events/", lambda route: route.abort())
    manager.set_viewport_size({"width": 1280, "height": 4000})
    manager.goto("/customers/")
    with manager.expect_navigation():
        manager.locator("tbody a").first.click()
    star = manager.locator(".star[data-htmx-powered]")
    expect(star).to_have_attribute("aria-pressed", "false")
    expect(manager.locator("main [aria-busy=true]")).to_have_count(0)
    end_session(manager, database)
    star.click()
    expect(manager.locator("#signed-out")).to_be_visible()
    enter(manager, site, "#signed-out")
    expect(manager.locator("#signed-out")).to_be_hidden()
    expect(star).to_have_attribute("aria-pressed", "true")


def test_a_form_sent_after_the_end_comes_back_filled(
    manager: Page, site: Site, database: psycopg.Connection[tuple[object, ...]]
) -> None:
    # A page that has not heard of the end: the stream would ask for the password before the form is sent.
    manager.route("**/events/", lambda route: route.abort())
    manager.goto("/customers/new/")
    manager.locator("main [name=name]").fill("周样例")
    end_session(manager, database)
    with manager.expect_navigation():
        manager.locator("form.edit-form button[type=submit]").click()
    expect(manager.locator("[role=status]").first).to_contain_text("已保留")
    enter(manager, site, "main")
    expect(manager.locator("main [name=name]")).to_have_value("周样例")
    expect(manager.locator("#toasts")).to_contain_text("已恢复")
