"""What people do all day, in a real browser on the real server."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SignIn, Site

pytestmark = pytest.mark.browser

ROLES = [
    "customer_manager",
    "team_lead",
    "branch_head",
    "analyst",
    "teller",
    "system_administrator",
    "security_administrator",
    "auditor",
]
MOST_PAGES = 40


@pytest.mark.parametrize("role", ROLES)
def test_every_link_a_role_is_shown_leads_somewhere(sign_in: SignIn, role: str) -> None:
    """A crawl from the home page: no broken link, no identifier in an address."""
    page = sign_in(role)
    seen: set[str] = set()
    waiting = ["/today/"]
    shapes: dict[str, int] = {}
    while waiting and len(seen) < MOST_PAGES:
        address = waiting.pop(0)
        seen.add(address)
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 200, f"{role} follows a link to {address}: {answer.status}"
        if "text/html" not in answer.headers.get("content-type", ""):
            continue
        for link in page.locator("a[href]").all():
            target = urlsplit(link.get_attribute("href") or "")
            if target.netloc or not target.path.startswith("/") or "export" in target.path:
                continue
            assert not re.search(
                r"[0-9]{11,18}", re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "", target.path)
            )
            shape = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "*", target.path)
            where = target.path + (f"?{target.query}" if target.query else "")
            if where not in seen and where not in waiting and shapes.get(shape, 0) < 3:
                shapes[shape] = shapes.get(shape, 0) + 1
                waiting.append(where)
    assert len(seen) > 2


@pytest.mark.parametrize("width", [390, 1280, 1440])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_no_page_is_wider_than_the_screen(sign_in: SignIn, width: int, dark: bool) -> None:
    page = sign_in("branch_head", width=width, dark=dark)
    first = _first_customer(page)
    for address in ("/today/", "/customers/", first, "/organisation/", "/products/", "/insight/"):
        page.goto(address)
        wide, room = page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        assert wide <= room, f"{address} is {wide} wide on {room}"


def test_three_languages(sign_in: SignIn, site: Site) -> None:
    page = sign_in("customer_manager")
    expect(page.locator("html")).to_have_attribute("lang", re.compile("zh-hans", re.I))
    for code, title in (("en", "Customers"), ("zh-hant", "客戶"), ("zh-hans", "客户")):
        page.goto("/customers/")
        with page.expect_navigation():
            page.locator(f"form[action*=language] button[value='{code}']").first.evaluate(
                "button => button.click()"
            )
        expect(page.get_by_role("heading", level=1)).to_contain_text(title)


def _first_customer(page: Page) -> str:
    page.goto("/customers/")
    address = page.locator("table tbody tr a").first.get_attribute("href")
    assert address
    return address
