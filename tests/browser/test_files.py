"""A number shown and a file on its way out, in the browser: asked for in clear, agreed to by somebody else, fetched,
led back to who took it; and the auditor finds each step."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import SignIn, Site
from tests.browser.steps import customer_with_mobile, masked_mobile, opened, panel
from tests.browser.test_accessibility import findings

pytestmark = pytest.mark.browser


def test_a_file_in_clear_waits_for_a_second_person(
    sign_in: SignIn, site: Site, tmp_path: Path
) -> None:
    manager = sign_in("customer_manager")
    customer_with_mobile(manager)
    masked = masked_mobile(manager).inner_text()
    sealed = opened(manager, "customers.facts").locator("li", has_text=masked).first
    sealed.locator(".masked summary").click()
    purpose = f"回电 {uuid4().hex[:6]}"
    sealed.locator("input[name=purpose]").fill(purpose)
    sealed.locator(".masked form button").click()
    clear = panel(manager, "customers.facts").locator(
        ".figure", has_text=re.compile(r"^1[0-9]{10}$")
    )
    expect(clear).to_have_count(1)

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
    auditor.locator("main form .btn-primary").click()
    expect(auditor.locator("main .facts")).to_contain_text(site.names["customer_manager"])
    expect(auditor.locator("main .facts")).to_contain_text(site.names["team_lead"])
    for action, who, said in (
        ("reveal", "customer_manager", purpose),
        ("export.ask", "customer_manager", "年度对账"),
        ("export.approve", "team_lead", site.names["team_lead"]),
    ):
        auditor.goto(f"/audit/?person={site.names[who]}&action={action}")
        expect(auditor.locator("tbody")).to_contain_text(said)
