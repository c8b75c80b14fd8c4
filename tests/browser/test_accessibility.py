"""Every page a role reaches, looked at by axe in both themes: nothing serious, nothing critical."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import pytest
from django.urls import resolve
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import SignIn, Site
from zhike.organisation.models import Role

pytestmark = pytest.mark.browser

AXE = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"
RUN = """async colours => {
    const all = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
    const { violations } = await axe.run(document, {
        runOnly: colours ? { type: 'rule', values: ['color-contrast'] } : all,
        resultTypes: ['violations'],
    })
    return violations.filter(({ impact }) => ['serious', 'critical'].includes(impact)).flatMap(
        ({ id, impact, nodes }) => nodes.map(({ target, any, html }) =>
            `${impact} ${id}: ${target.join(' ')} ${any[0]?.message ?? ''} ${html.slice(0, 160)}`))
}"""
Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")
IDENTITY = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")


def findings(page: Page, *, colours: bool = False) -> list[str]:
    """What axe finds serious or critical on the page as it stands, or in its colours alone."""
    if not page.evaluate("'axe' in window"):
        # Told to the page from outside, where its content security policy has no say.
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[str] = page.evaluate(RUN, colours)
    return found


def reached(page: Page, start: str) -> Iterator[str]:
    """Walks every link from `start`, one address a route; the page stands at what is yielded."""
    waiting, routes = [start], {resolve(start).route}
    while waiting:
        address = waiting.pop(0)
        answer = page.goto(address)
        assert answer is not None
        if "text/html" not in answer.headers.get("content-type", ""):
            continue
        # Seen from far above, each part that loads when scrolled to is in sight.
        expect(page.locator("main [aria-busy=true]")).to_have_count(0)
        yield address
        for link in page.locator("a[href]:not([download])").evaluate_all(
            "all => all.map(a => a.getAttribute('href'))"
        ):
            target = urlsplit(link)
            if target.netloc or not target.path.startswith("/") or "export" in target.path:
                continue
            if target.path.endswith((".csv", ".xlsx", ".pdf")):
                continue
            if (route := resolve(target.path).route) not in routes:
                routes.add(route)
                waiting.append(link)


@pytest.mark.parametrize("role", [role.value for role in Role])
def test_no_page_shuts_anybody_out(sign_in: SignIn, role: str) -> None:
    page = sign_in(role, height=4000)
    page.emulate_media(reduced_motion="reduce")
    found = {}
    for address in reached(page, "/today/"):
        for theme in THEMES:
            page.emulate_media(color_scheme=theme)
            expect(page.locator("html")).to_have_attribute("data-bs-theme", theme)
            # The other theme changes colours and nothing else.
            if wrong := findings(page, colours=theme != THEMES[0]):
                found[f"{IDENTITY.sub('*', address)} {theme}"] = wrong
    assert found == {}


@pytest.mark.parametrize("theme", THEMES)
def test_the_way_in_shuts_nobody_out(browser: Browser, site: Site, theme: Theme) -> None:
    with browser.new_page(color_scheme=theme) as page:
        page.goto(f"{site.url}/sign-in/")
        assert findings(page) == []


def test_axe_would_tell(browser: Browser) -> None:
    with browser.new_page() as page:
        page.set_content("<html lang='en'><title>x</title><main><h1>x</h1><img src='/x'></main>")
        assert [line for line in findings(page) if "image-alt" in line]
