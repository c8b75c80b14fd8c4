"""Passkeys in a real browser, with Chromium's virtual authenticator: made, signed in by, and asked for over a page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import SignIn, Site
from tests.browser.steps import addresses, masked_mobile
from tests.browser.test_accessibility import THEMES, findings
from tests.browser.test_second_factor import age_proof

pytestmark = pytest.mark.browser
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def context(site: Site, browser: Browser) -> Iterator[BrowserContext]:
    """Under a name: WebAuthn knows no numbers."""
    named = f"http://localhost:{urlsplit(site.url).port}"
    context = browser.new_context(base_url=named, locale="zh-CN")
    yield context
    context.close()
    with psycopg.connect(site.database, autocommit=True) as database:
        database.execute("DELETE FROM access_passkey")


def well_drawn(page: Page) -> None:
    """Nothing that axe minds on a telephone, in both themes; and nothing wider than it."""
    page.set_viewport_size({"width": 390, "height": 844})
    for theme in THEMES:
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        expect(page.locator("html")).to_have_attribute("data-bs-theme", theme)
        assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.emulate_media(color_scheme="light")


def test_made_signed_in_by_and_asked_for(site: Site, context: BrowserContext) -> None:
    page = context.new_page()
    tools = context.new_cdp_session(page)
    tools.send("WebAuthn.enable")
    device = tools.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})["authenticatorId"]
    page.goto("/sign-in/")
    well_drawn(page)
    page.fill("[name=login]", site.logins["branch_head"])
    page.fill("[name=password]", site.password)
    page.click("main button[type=submit]")
    page.goto("/me/second-factor/")
    page.fill("main [name=name]", "办公电脑")
    page.click("main [value=begin-passkey]")
    expect(page.locator("main tbody th")).to_have_text("办公电脑")
    well_drawn(page)
    (kept,) = tools.send("WebAuthn.getCredentials", {"authenticatorId": device})["credentials"]
    assert kept["rpId"] == "localhost"
    assert kept["isResidentCredential"]

    context.clear_cookies()
    page.goto("/sign-in/")
    page.click("main a[href*=passkey]")
    expect(page).to_have_url(re.compile("/today/$"))
    (used,) = tools.send("WebAuthn.getCredentials", {"authenticatorId": device})["credentials"]
    assert used["signCount"] > kept["signCount"]

    # A reveal with an old proof: the dialog asks the device, and the same request goes on.
    for _name, address in addresses(page, "/customers/?kind=person"):
        page.goto(address)
        if masked_mobile(page).count():
            break
    (key,) = [each["value"] for each in context.cookies() if each["name"] == "sessionid"]
    with psycopg.connect(site.database, autocommit=True) as database:
        age_proof(key, site, database)
    value = masked_mobile(page).locator("..")
    value.locator("summary").click()
    value.locator("[name=purpose]").fill("回访")
    value.locator("[name=purpose]").press("Enter")
    expect(page.locator("#prove")).to_be_visible()
    assert findings(page) == []
    page.locator("#prove [data-passkey-by]").click()
    expect(page.locator("#prove")).to_be_hidden()
    expect(page.locator("main")).to_contain_text(re.compile(r"\b1[0-9]{10}\b"))

    # With the password the passkey is the second half. A device without it gives none, an old copy does not open.
    (now,) = tools.send("WebAuthn.getCredentials", {"authenticatorId": device})["credentials"]
    context.clear_cookies()
    tools.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": device})
    page.goto("/sign-in/")
    page.fill("[name=login]", site.logins["branch_head"])
    page.fill("[name=password]", site.password)
    page.click("main button[type=submit]")
    expect(page).to_have_url(re.compile("/sign-in/second/"))
    device = tools.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})["authenticatorId"]
    page.reload()
    expect(page.locator("[data-passkey-failed]")).to_be_visible()
    well_drawn(page)
    for copy, said in ((kept, "422"), (now, "200")):
        held = {"authenticatorId": device, "credential": copy}
        tools.send("WebAuthn.addCredential", held)
        page.click("[data-passkey-ask]")
        if said == "422":
            expect(page.locator("main [role=alert]:visible")).to_contain_text("通行密钥")
            expect(page.locator("[data-passkey-failed]")).to_be_hidden()
        tools.send("WebAuthn.clearCredentials", {"authenticatorId": device})
    expect(page).to_have_url(re.compile("/today/$"))


@pytest.mark.parametrize("address", ["/groups/", "/me/tokens/", "/me/password/", "/me/"])
def test_pages_of_access_on_a_telephone(sign_in: SignIn, address: str) -> None:
    page = sign_in("security_administrator", width=390, height=844)
    page.goto(address)
    well_drawn(page)
