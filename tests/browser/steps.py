"""What several journeys do on the way."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect
from pypinyin import Style, pinyin

MASKED_MOBILE = re.compile(r"1[0-9]{2}\*{4}[0-9]{4}")


def addresses(page: Page, list_address: str) -> list[tuple[str, str]]:
    """The customers of a list: name and address of each row."""
    page.goto(list_address)
    links = page.locator("tbody tr[data-row] td[data-label] > a")
    found: list[tuple[str, str]] = links.evaluate_all(
        "links => links.map(link => [link.textContent.trim(), link.getAttribute('href')])"
    )
    assert found, f"nobody in {list_address}"
    return found


def panel(page: Page, id: str) -> Locator:
    """A panel of the page by its id, `room.name`."""
    return page.locator(f"#panel-{id.replace('.', '')}")


def opened(page: Page, id: str) -> Locator:
    """A panel that is filled when it is seen, seen and filled."""
    found = panel(page, id)
    found.evaluate("panel => panel.scrollIntoView({ block: 'center', behavior: 'instant' })")
    expect(found.locator("[aria-busy=true]")).to_have_count(0)
    return found


def masked_mobile(page: Page) -> Locator:
    """The first mobile number of the customer page as it stands there, masked."""
    figures = opened(page, "customers.facts").locator(".masked > .figure")
    return figures.filter(has_text=MASKED_MOBILE).first


def customer_with_mobile(page: Page) -> tuple[str, str]:
    """A customer named by two characters which are read in one way; their page is left open.

    Answers name and address.
    """
    for name, address in addresses(page, "/customers/?kind=person"):
        if len(name) == 2 and all(len(each) == 1 for each in first_letters(name)):
            page.goto(address)
            if masked_mobile(page).count():
                return name, address
    raise AssertionError("no customer of two characters has a mobile")


def first_letters(name: str) -> list[set[str]]:
    """The letters with which the readings of each character begin."""
    return [
        {syllable[0] for syllable in pinyin(each, style=Style.NORMAL, heteronym=True)[0]}
        for each in name
    ]


def search(page: Page, text: str) -> None:
    """Type into the box of the head and send it."""
    box = page.locator("[data-search]")
    box.fill(text)
    with page.expect_navigation():
        box.press("Enter")


def asked_for_many(page: Page) -> None:
    """Two hundred customers to be handed over, which waits for a second person."""
    page.goto("/customers/?kind=person&size=200")
    ticks = page.locator("tbody [data-tick]")
    ticks.first.click()
    ticks.last.click(modifiers=["Shift"])
    page.locator("[data-act='customers.hand_over']").click()
    page.locator("#drawer [name=employee]").select_option(index=1)
    page.locator("#drawer [name=reason]").fill("调岗，客户移交接任经理")
    page.locator("#drawer button[name=go]").click()
    expect(page.locator("#drawer [value=back]")).to_be_visible()


def save(page: Page) -> None:
    with page.expect_navigation():
        page.locator("form.edit-form button[type=submit]").click()


def head_fact(page: Page, label: str) -> Locator:
    """A fact of the customer page, in the head or among the particulars, by its label."""
    opened(page, "customers.particulars")
    facts = page.locator(".party-figures > div, [data-fact]")
    return facts.filter(has=page.locator("dt", has_text=label)).locator("dd")
