"""A file on its way out, in the browser: asked for in clear, agreed to by somebody else, fetched and led back."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import SignIn, Site
from tests.browser.test_accessibility import findings

pytestmark = pytest.mark.browser


def test_a_file_in_clear_waits_for_a_second_person(
    sign_in: SignIn, site: Site, tmp_path: Path
) -> None:
    manager = sign_in("customer_manager")
    manager.goto("/customers/?kind=person")
    manager.locator("[data-keep=export] > summary").click()
    manager.locator(".pick-choice[href*='ask=1']").click()
    form = manager.locator(".take-form")
    assert findings(manager) == []
    form.locator("[name=clear]").first.check()
    form.locator("[name=go]").click()
    # In clear without a reason: nothing is asked for yet, and what was chosen stands.
    expect(form.locator("[role=alert]")).to_be_visible()
    expect(form.locator("[name=clear]").first).to_be_checked()
    form.locator("[name=why]").fill("年度对账")
    form.locator("[name=go]").click()
    expect(manager).to_have_url(re.compile("/files/"))
    expect(manager.locator("main a[download]")).to_have_count(0)

    assert findings(manager) == []
    lead = sign_in("team_lead", dark=True)
    lead.goto(manager.url)
    expect(lead.locator("#file")).to_contain_text("年度对账")
    assert findings(lead) == []
    lead.locator("[value=approve]").click()
    expect(lead.locator("[value=approve]")).to_have_count(0)
    manager.reload()
    # The page looks for itself while the file is made.
    fetch = manager.locator("main a[download]")
    expect(fetch).to_be_visible()
    with manager.expect_download() as waited:
        fetch.click()
    waited.value.save_as(tmp_path / "taken.csv")
    with (tmp_path / "taken.csv").open(encoding="utf-8-sig", newline="") as file:
        _header, *rows = csv.reader(file)
    assert len(rows) > 1
    code = rows[0][-1]

    auditor = sign_in("auditor")
    auditor.goto("/files/trace/")
    auditor.fill("main [name=code]", code)
    auditor.locator("main form button").click()
    expect(auditor.locator("main .facts")).to_contain_text(site.names["customer_manager"])
    expect(auditor.locator("main .facts")).to_contain_text(site.names["team_lead"])
