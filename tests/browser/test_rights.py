"""A right for a week, from the page of the person to their own page of rights, and back."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import SignIn, Site
from zhike.kernel import clock

pytestmark = pytest.mark.browser


def test_a_right_is_given_for_a_time_and_taken_back(sign_in: SignIn, site: Site) -> None:
    name = site.names["teller"]
    security = sign_in("security_administrator")
    security.goto(f"/organisation/people/?q={name}")
    security.locator("main tbody a", has_text=name).first.click()
    security.locator("[href*='/grants/people/']").click()
    security.locator("[name=what]").select_option("customers.export")
    security.locator("[name=unit]").select_option(index=1)
    until = clock.today() + timedelta(days=7)
    security.locator("[name=until]").fill(until.isoformat())
    security.locator("[name=reason]").fill("代班一周")
    security.locator("main form [type=submit]").click()
    person = security.locator("main")
    expect(person).to_contain_text("代班一周")

    teller = sign_in("teller")
    teller.goto("/me/")
    expect(teller.locator("main")).to_contain_text("代班一周")

    security.goto("/grants/")
    security.locator("main a[href$='/end/']").click()
    security.locator("[name=reason]").fill("提前返岗")
    security.locator("main form [type=submit]").click()
    # Not before it is done: the page that follows is the person's.
    expect(security).to_have_url(re.compile("/organisation/people/"))
    teller.reload()
    expect(teller.locator("main")).not_to_contain_text("代班一周")
