"""The steward's work in a real browser: pairs by keyboard, a merge and its split, a word pinned, rules looked at."""

from __future__ import annotations

import re
from itertools import count
from uuid import uuid4

import psycopg
import pytest
from playwright.sync_api import Page, expect
from psycopg.types.json import Json

from tests.browser.conftest import SignIn, Site
from tests.browser.steps import addresses, opened
from tests.browser.test_accessibility import findings

pytestmark = pytest.mark.browser
WEIGHTS = {"name": [7, 9.5], "mobile": [0, -2.5]}
MADE = count()  # pairs so far: one made later stands below, whatever a test before left open


SINGLE = """
    SELECT r.id FROM masterdata_sourcerecord r JOIN customers_party p ON p.id = r.party_id
    WHERE p.kind = 'person'
      AND NOT EXISTS (SELECT 1 FROM masterdata_pair m WHERE r.id IN (m.left_id, m.right_id))
      AND (SELECT count(*) FROM masterdata_sourcerecord o WHERE o.party_id = p.id) = 1
    ORDER BY r.id LIMIT %s"""
PAIR = """
    INSERT INTO masterdata_pair (public_id, version, left_id, right_id, state, why, probability, match_weight, prior,
        weights, found_at, decided_by, note, created_at, changed_at)
    VALUES (%s, 1, %s, %s, 'open', %s, %s, -5, -12, %s, now(), '', '', now(), now())"""


def found(site: Site, wanted: int, why: str = "band") -> list[str]:
    """Pairs as a matching run would leave them, their public ids, likeliest first."""
    with psycopg.connect(site.database, autocommit=True) as connection:
        ids = [id for (id,) in connection.execute(SINGLE, [2 * wanted]).fetchall()]
        made = [str(uuid4()) for _pair in range(wanted)]
        for place, public_id in enumerate(made):
            likely = 0.949 - next(MADE) / 1_000_000
            sides = (ids[place], ids[place + wanted])
            connection.execute(PAIR, [public_id, *sides, why, likely, Json(WEIGHTS)])
    return made


@pytest.fixture
def pairs(site: Site) -> list[str]:
    return found(site, 3)


def at(page: Page, id: str) -> None:
    expect(page).to_have_url(re.compile(rf"/pairs/{id}/"))
    page.wait_for_load_state()  # a key before the page listens would be lost


def test_pairs_are_judged_by_keyboard_and_taken_back(sign_in: SignIn, pairs: list[str]) -> None:
    page = sign_in("analyst")
    page.goto(f"/pairs/{pairs[0]}/")
    expect(page.locator(".pair-table tbody tr").first).to_be_visible()
    expect(page.locator("[data-chart] canvas")).to_be_visible()
    page.keyboard.press("n")
    at(page, pairs[1])
    page.keyboard.press("d")
    at(page, pairs[2])
    page.keyboard.press("s")
    expect(page.locator("#toasts .toast")).to_have_count(2)
    expect(page).not_to_have_url(re.compile(pairs[2]))
    page.locator("#toasts .toast", has_text="同一").get_by_role("button", name="撤销").click()
    at(page, pairs[2])
    expect(page.locator("[data-key=s]")).to_be_visible()
    page.goto("/pairs/?state=different")
    expect(page.locator(f"tr[data-row='{pairs[1]}']")).to_be_visible()
    page.goto(f"/pairs/{pairs[1]}/")
    expect(page.locator("[data-key=s]")).to_have_count(0)
    page.get_by_role("button", name="撤回判定").click()
    expect(page.locator("[data-key=s]")).to_be_visible()


def test_a_merge_is_looked_at_made_and_split(sign_in: SignIn) -> None:
    page = sign_in("analyst")
    (_one, address), (other, other_address) = addresses(page, "/customers/?kind=person")[:2]
    page.goto(address)
    page.locator(".page-actions [data-bs-toggle=dropdown]").click()
    page.get_by_role("link", name="与其他客户合并…").click()
    page.locator("input[name=customer]").press_sequentially(other)
    id = other_address.strip("/").split("/")[-1]
    page.locator(f"#merge-found a[href$='{id}/']").click()
    stays = page.locator(f"input[name=stays][value='{address.strip('/').split('/')[-1]}']")
    stays.check()
    expect(page.locator("#merge")).to_contain_text(f"{other} 名下")
    page.fill("input[name=reason]", "柜面核实为同一人")
    page.get_by_role("button", name="合并", exact=True).click()
    expect(page).to_have_url(re.compile(f"{address}$"))
    page.goto(other_address)
    expect(page).to_have_url(re.compile(address))
    records = opened(page, "masterdata.records")
    expect(records).to_contain_text("柜面核实为同一人")
    records.locator("a[href*='/split/']").first.click()
    page.fill("input[name=reason]", "原来是两个人")
    page.get_by_role("button", name="拆分", exact=True).click()
    expect(page).to_have_url(re.compile(other_address))


TWICE = """
    SELECT p.public_id FROM customers_party p JOIN masterdata_sourcerecord r ON r.party_id = p.id
    WHERE NOT EXISTS (SELECT 1 FROM customers_merge m WHERE m.root_id = p.id)
    GROUP BY p.id HAVING count(*) > 1 AND count(DISTINCT r.system_id) > 1
    ORDER BY (SELECT count(*) FROM products_agreement a WHERE a.party_id = p.id) DESC, p.id LIMIT 1"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_record_is_taken_out(sign_in: SignIn, site: Site, dark: bool) -> None:
    with psycopg.connect(site.database, autocommit=True) as connection:
        row = connection.execute(TWICE).fetchone()
    assert row is not None
    page = sign_in("analyst", width=390 if dark else 1440, height=900, dark=dark)
    page.goto(f"/customers/{row[0]}/")
    records = opened(page, "masterdata.records")
    records.get_by_role("link", name="拆出…").last.click()
    expect(page.locator("#take .merge-name")).to_have_count(2)
    assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.fill("input[name=reason]", "证件号录错，另有其人")
    page.get_by_role("button", name="拆出", exact=True).click()
    expect(page).not_to_have_url(re.compile(str(row[0])))
    expect(page.locator("#toasts")).to_contain_text("独立客户")


def test_many_at_once_wait_for_somebody_else(sign_in: SignIn, site: Site) -> None:
    found(site, 26, "hand")
    page = sign_in("analyst")
    page.goto("/pairs/?why=hand")
    page.locator("[data-tick-page]").check()
    page.locator("[data-act='masterdata.different']").click()
    page.locator("#drawer [name=go]").click()
    expect(page).to_have_url(re.compile("/pairs/approvals/"))
    card = page.locator("[data-approval]").first
    expect(card.locator("[value=approve]")).to_have_count(0)
    card.locator("[name=reason]").fill("先不处理")
    card.locator("[value=decline]").click()
    expect(page.locator("[data-approval]")).to_have_count(0)
    expect(page.locator("main")).to_contain_text("先不处理")


def test_the_order_of_criteria_says_what_it_changes(sign_in: SignIn) -> None:
    page = sign_in("analyst")
    page.goto("/survivorship/occupation/")
    first = page.locator(".rule-order li").first
    words = first.inner_text().strip()
    first.locator("[data-column-by='1']").click()
    expect(page.locator(".rule-order li").nth(1)).to_contain_text(words)
    page.locator("button[name=look]").click()
    expect(page.locator("#rule [role=status]")).to_contain_text(re.compile(r"[0-9]+ 个客户"))
    page.goto("/survivorship/occupation/")
    expect(page.locator(".rule-order li").first).to_contain_text(words)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_pair_on_the_phone(sign_in: SignIn, pairs: list[str], dark: bool) -> None:
    page = sign_in("analyst", width=390, height=844, dark=dark)
    page.goto(f"/pairs/{pairs[0]}/")
    bar = page.locator(".pair-bar")
    expect(bar).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    bar.locator("[value=unsure]").click()
    expect(page).not_to_have_url(re.compile(pairs[0]))
