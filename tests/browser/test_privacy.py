"""A customer asks what is held about them, in the browser: taken, decided on by another, handed over."""

from __future__ import annotations

import json
from zipfile import ZipFile

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import SignIn
from tests.browser.steps import addresses
from tests.browser.test_accessibility import findings

pytestmark = pytest.mark.browser


def test_a_customer_gets_a_copy_of_everything_held(sign_in: SignIn) -> None:
    manager = sign_in("customer_manager")
    name, address = addresses(manager, "/customers/?who=mine&kind=person")[0]
    manager.goto(f"{address}privacy/")
    assert findings(manager) == []
    manager.locator("[name=kind]").select_option("access")
    manager.locator("main form.edit-form button").click()
    expect(manager.locator("[formaction$='/refuse/']")).to_have_count(0)
    expect(manager.locator("main [role=status]")).to_be_visible()  # somebody else decides

    decider = sign_in("security_administrator", dark=True)
    decider.goto(manager.url)
    expect(decider.locator("main")).to_contain_text(name)
    assert findings(decider) == []
    approve = decider.locator("form[action$='/approve/'] button")
    approve.click()
    expect(approve).to_have_count(0)
    manager.reload()
    # The page looks for itself while the copy is made.
    copy = manager.locator("form[action$='/copy/']")
    expect(copy).to_be_visible()
    with manager.expect_download() as waited:
        copy.locator("[value=zip]").click()
    with ZipFile(waited.value.path()) as packed:
        told = json.loads(packed.read("data.json"))
        assert name in packed.read("data.html").decode()
    assert len(told["tables"]) > 3
    copy.locator("[value=page]").click()
    expect(manager.locator("main .card").first).to_contain_text(name)
    assert findings(manager) == []
