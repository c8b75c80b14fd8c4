"""Data quality in a real browser: an owner confirms what grew old, a steward weighs a rule and looks before saving."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import SignIn
from tests.browser.steps import addresses, opened

pytestmark = pytest.mark.browser
PANEL = "masterdata.quality"


def test_an_owner_confirms_what_still_holds(sign_in: SignIn) -> None:
    page = sign_in("customer_manager")
    _name, address = addresses(page, "/quality/verify/")[0]
    page.goto(address)
    lines = opened(page, PANEL).locator(".quality-lines li")
    before = lines.count()
    button = opened(page, PANEL).get_by_role("button", name="确认").first
    button.click()
    expect(page.locator("#toasts .toast")).to_be_visible()
    expect(lines).not_to_have_count(before)


def test_a_steward_looks_at_what_a_rule_would_change(sign_in: SignIn) -> None:
    page = sign_in("analyst", width=390, height=800)
    page.goto("/quality/rules/fresh.contact_point/")
    page.fill("input[name=days]", "30000")
    page.get_by_role("button", name="预览").click()
    expect(page.locator(".quality-preview")).to_contain_text(re.compile("调整后为"))
    expect(page.locator("input[name=days]")).to_have_value("30000")
    page.get_by_role("button", name="保存").click()
    expect(page).to_have_url(re.compile("/quality/rules/$"))
    page.goto("/quality/rules/fresh.contact_point/")
    page.locator("button[name=usual]").click()
    expect(page).to_have_url(re.compile("/quality/rules/$"))
