"""A second factor in a real browser: set up, and asked for over the page when the last proof is old."""

from __future__ import annotations

import base64
import re
from time import time

import psycopg
import pytest
from django.core import signing
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Site
from tests.browser.steps import addresses, masked_mobile
from zhike.access import rules

pytestmark = pytest.mark.browser
SALT = "django.contrib.sessions.SessionStore"


def age_proof(key: str, site: Site, database: psycopg.Connection[tuple[object, ...]]) -> None:
    """As the clock would: the last proof of this session is twenty minutes old."""
    secret = (site.home / "keys" / "session").read_bytes().hex()
    query = "SELECT session_data FROM django_session WHERE session_key = %s"
    row = database.execute(query, [key]).fetchone()
    assert row is not None
    data = signing.loads(str(row[0]), key=secret, salt=SALT)
    data["proved"] -= 20 * 60
    kept = signing.dumps(data, key=secret, salt=SALT, compress=True)
    database.execute(
        "UPDATE django_session SET session_data = %s WHERE session_key = %s", [kept, key]
    )


def test_it_is_set_up_and_asked_for_where_it_matters(site: Site, browser: Browser) -> None:
    with psycopg.connect(site.database, autocommit=True) as database:
        context = browser.new_context(base_url=site.url, locale="zh-CN")
        page = context.new_page()
        try:
            page.goto("/sign-in/")
            page.fill("[name=login]", site.logins["branch_head"])
            page.fill("[name=password]", site.password)
            page.click("main button[type=submit]")
            page.goto("/me/second-factor/")
            page.locator("main button[value=begin]").click()
            typed = page.locator("#secret").input_value().replace(" ", "")
            code = rules.code_at(base64.b32decode(typed), int(time()) // 30)
            page.fill("main [name=code]", code)
            page.locator("main form.edit-form button").click()
            expect(page.locator(".recovery-codes li")).to_have_count(10)
            recovery = page.locator(".recovery-codes code").first.text_content() or ""

            # A reveal with an old proof: the dialog asks, and the same request goes on.
            for _name, address in addresses(page, "/customers/?kind=person"):
                page.goto(address)
                if masked_mobile(page).count():
                    break
            (key,) = [each["value"] for each in context.cookies() if each["name"] == "sessionid"]
            age_proof(key, site, database)
            value = masked_mobile(page).locator("..")
            value.locator("summary").click()
            value.locator("[name=purpose]").fill("回访")
            value.locator("[name=purpose]").press("Enter")
            expect(page.locator("#prove")).to_be_visible()
            page.fill("#prove-code", "000000")
            page.keyboard.press("Enter")
            expect(page.locator("#prove [role=alert]")).to_be_visible()
            page.fill("#prove-code", recovery)
            page.keyboard.press("Enter")
            expect(page.locator("#prove")).to_be_hidden()
            expect(page.locator("main")).to_contain_text(re.compile(r"\b1[0-9]{10}\b"))
        finally:
            database.execute("DELETE FROM access_recoverycode")
            database.execute("DELETE FROM access_secondfactor")
            context.close()
