"""Many customers handed over at once: asked for by one, answered by another, and told to who asked."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import SignIn
from tests.browser.steps import asked_for_many
from tests.browser.test_accessibility import findings

pytestmark = pytest.mark.browser


def test_many_customers_wait_for_a_second_person(sign_in: SignIn) -> None:
    lead = sign_in("team_lead")
    asked_for_many(lead)
    lead.goto("/jobs/")
    at = lead.locator("tbody a[href^='/jobs/']").first.get_attribute("href")
    assert at
    lead.goto(at)
    expect(lead.locator("main [value=back]")).to_be_visible()
    expect(lead.locator("main [value=approve]")).to_have_count(0)
    assert findings(lead) == []

    head = sign_in("branch_head", dark=True)
    head.goto(at)
    expect(head.locator("main")).to_contain_text("调岗")
    assert findings(head) == []
    head.fill("main [name=reason]", "先谈话再移交")
    head.locator("main [value=refuse]").click()
    expect(head.locator("main [value=refuse]")).to_have_count(0)
    lead.reload()
    expect(lead.locator("main")).to_contain_text("先谈话再移交")
    expect(lead.locator("main [value=resume]")).to_have_count(0)
