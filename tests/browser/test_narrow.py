"""No page is wider than a phone, in the language with the longest words."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import SignIn
from tests.browser.test_accessibility import IDENTITY, reached
from zhike.organisation.models import Role

pytestmark = pytest.mark.browser
PHONE = 390
TALL = 12_000
"""Every panel of the longest page is in sight, or it would wait to be scrolled to."""
ROLES = (Role.BRANCH_HEAD, Role.SECURITY_ADMINISTRATOR, Role.AUDITOR)
"""Who between them reach what all others do."""
WIDE = "document.documentElement.scrollWidth"
OVER = """() => [...document.querySelectorAll('.thumb, main .btn')].filter(each => each.checkVisibility()
    && each.scrollWidth > each.clientWidth + 1).map(each => each.innerText.trim())"""
"""What is pressed and does not hold its own words."""


@pytest.mark.parametrize("role", [role.value for role in ROLES])
def test_every_page_fits_a_phone(sign_in: SignIn, role: str) -> None:
    page = sign_in(role, width=PHONE, height=TALL, locale="en-GB")
    page.emulate_media(reduced_motion="reduce")
    found = {}
    for address in reached(page, "/today/"):
        wide, over = page.evaluate(WIDE), page.evaluate(OVER)
        if wide > PHONE or over:
            found[IDENTITY.sub("*", address)] = (wide, over)
    assert found == {}


WORD = "Donaudampfschifffahrtselektrizitaetenhauptbetriebswerkbauunterbeamtengesellschaft" * 2


@pytest.mark.parametrize("width", [PHONE, 1280])
def test_a_name_without_a_gap_does_not_widen_a_page(sign_in: SignIn, width: int) -> None:
    page = sign_in("customer_manager", width=width, height=TALL)
    page.goto("/customers/new/")
    page.fill("[name=name]", WORD[:120])
    page.select_option("[name=type]", "individual")
    page.locator("form.edit-form button[type=submit]").click()
    page.wait_for_url("**/customers/*-*/")
    expect(page.locator("#panel-customersparticulars [data-fact=name]")).to_contain_text(WORD[:120])
    expect(page.locator("main [aria-busy=true]")).to_have_count(0)
    assert page.evaluate(WIDE) <= width
    row = page.url
    for address in (
        f"{row}edit/",
        "/customers/?kind=person&sort=name_key",
        "/customers/?show=board&by=stage",
    ):
        page.goto(address)
        assert page.evaluate(WIDE) <= width, address
