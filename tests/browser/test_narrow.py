"""No page is wider than a phone, in the language with the longest words."""

from __future__ import annotations

import pytest

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
