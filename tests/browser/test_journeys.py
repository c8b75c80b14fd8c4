"""What people do all day, in a real browser on the real server."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import SignIn, Site
from tests.browser.steps import (
    addresses,
    customer_with_mobile,
    first_letters,
    head_fact,
    masked_mobile,
    opened,
    panel,
    save,
    search,
)

pytestmark = pytest.mark.browser

ROLES = [
    "customer_manager",
    "team_lead",
    "branch_head",
    "analyst",
    "teller",
    "system_administrator",
    "security_administrator",
    "auditor",
]
MOST_PAGES = 40


@pytest.mark.parametrize("role", ROLES)
def test_every_link_a_role_is_shown_leads_somewhere(sign_in: SignIn, role: str) -> None:
    """A crawl from the home page: no broken link, no identifier in an address."""
    page = sign_in(role)
    seen: set[str] = set()
    waiting = ["/today/"]
    shapes: dict[str, int] = {}
    while waiting and len(seen) < MOST_PAGES:
        address = waiting.pop(0)
        seen.add(address)
        if address.endswith((".csv", "/fetch/")):
            assert page.request.get(address).ok, f"{role} takes {address}"
            continue
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 200, f"{role} follows a link to {address}: {answer.status}"
        links = page.locator("a[href]").evaluate_all("all => all.map(a => a.getAttribute('href'))")
        for target in map(urlsplit, links):
            if target.netloc or not target.path.startswith("/") or "export" in target.path:
                continue
            assert not re.search(
                r"[0-9]{11,18}", re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "", target.path)
            )
            shape = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "*", target.path)
            where = target.path + (f"?{target.query}" if target.query else "")
            if where not in seen and where not in waiting and shapes.get(shape, 0) < 2:
                shapes[shape] = shapes.get(shape, 0) + 1
                waiting.append(where)
    assert len(seen) > 2


@pytest.mark.parametrize("width", [390, 1280, 1440])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_no_page_is_wider_than_the_screen(sign_in: SignIn, width: int, dark: bool) -> None:
    page = sign_in("branch_head", width=width, dark=dark)
    [(_name, first), *_others] = addresses(page, "/customers/")
    for address in ("/today/", "/customers/", first, "/organisation/", "/products/", "/insight/"):
        page.goto(address)
        wide, room = page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        assert wide <= room, f"{address} is {wide} wide on {room}"


def test_three_languages(sign_in: SignIn) -> None:
    page = sign_in("analyst")
    expect(page.locator("html")).to_have_attribute("lang", re.compile("zh-hans", re.I))
    for code, title in (("en", "Customers"), ("zh-hant", "客戶"), ("zh-hans", "客户")):
        page.goto("/customers/")
        with page.expect_navigation():
            page.locator(f"form[action*=language] button[value='{code}']").first.evaluate(
                "button => button.click()"
            )
        expect(page.get_by_role("heading", level=1)).to_contain_text(title)


def test_todays_list_is_worked_off(sign_in: SignIn) -> None:
    """A line says why and what to do, is done with a result, comes back, and is of no use for a reason."""
    page = sign_in("customer_manager")
    chip = page.locator("#chip-rule-maturing")
    promised = int(chip.locator(".figure").inner_text())
    lines = page.locator(".work-line")
    everything = lines.count()
    chip.click()
    expect(page.locator("#chip-rule-maturing")).to_have_attribute("aria-current", "true")
    # A card out of sight is not laid out: its text is there all the same.
    badges = list(map(str.strip, page.locator("#today .work-line .badge").all_text_contents()))
    assert 0 < len(badges) < everything
    assert len(set(badges)) == 1
    counts = page.locator("#today .card-header .badge").all_text_contents()
    assert sum(map(int, counts)) == promised

    line = page.locator(f"#{lines.first.get_attribute('id')}")
    who = page.locator(".work-card").first.locator(".work-who a").first.inner_text()
    expect(line.locator(".work-why")).to_contain_text(re.compile(r"[0-9]+\.[0-9]{2}.*[0-9]{4}-"))
    expect(line.locator(".work-next")).to_contain_text(re.compile("[一-龥]{4}.*[0-9]{4}-"))

    line.locator("[data-do=done]").click()
    line.locator("select[name=channel]").select_option("phone")
    line.locator("input[name=result]").fill("续存一年")
    line.locator("button[type=submit]").click()
    expect(line).to_have_count(0)
    toast = page.locator("#toasts .toast", has_text=who).last
    expect(toast).to_be_visible()
    expect(panel(page, "activities.closed")).to_contain_text("续存一年")
    toast.locator("form button").click()
    expect(line).to_be_visible()

    line.locator("[data-do=dismiss]").click()
    line.locator("input[value=other]").check()
    line.locator("input[name=reason]").fill("客户已转存他行")
    line.locator("button[type=submit]").click()
    expect(line).to_have_count(0)
    page.reload()
    expect(panel(page, "activities.closed")).to_contain_text("客户已转存他行")
    expect(line).to_have_count(0)


def test_search_finds_the_customer_by_whatever_is_at_hand(sign_in: SignIn) -> None:
    page = sign_in("customer_manager")
    name, address = customer_with_mobile(page)
    last_four = masked_mobile(page).inner_text()[-4:]
    [(company, firm), *_others] = addresses(page, "/customers/?who=mine&kind=organisation")
    initials = "".join(letter for [letter] in first_letters(name))
    for text, found in (
        (name, address),
        (initials, address),
        (last_four, address),
        (company[2:6], firm),
    ):
        search(page, text)
        expect(page.locator(f"tbody a[href='{found}']"), f"by {len(text)} signs").to_be_visible()

    search(page, "齉龘鱻")
    expect(page.locator("main .empty-state")).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(0)


def test_an_identity_number_never_stands_in_an_address(sign_in: SignIn) -> None:
    page = sign_in("customer_manager")
    number = "990101199003070017"
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    search(page, number)
    expect(page.locator("main .empty-state")).to_be_visible()
    own = page.locator("main input[type=search]").first
    own.fill(number)
    with page.expect_navigation():
        own.press("Enter")
    page.locator("#pick-kind").click()
    page.locator("#chip-kind-person").click()
    expect(page.locator("#chip-kind-person")).to_have_attribute("aria-current", "true")
    assert asked
    assert not [url for url in asked if number in url]


def test_the_customer_page_explains_and_takes_a_contact(sign_in: SignIn) -> None:
    page = sign_in("customer_manager")
    name, _address = customer_with_mobile(page)
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    for id in (
        "activities.open",
        "customers.timeline",
        "insight.value",
        "products.holdings",
        "customers.facts",
        "customers.relations",
        "customers.assignments",
        "customers.consent",
    ):
        expect(panel(page, id)).to_be_visible()
    provenance = panel(page, "masterdata.words")
    provenance.scroll_into_view_if_needed()
    expect(provenance.locator("table, p").first).to_be_visible()

    value = opened(page, "insight.value").locator("details", has=page.locator("dl")).first
    expect(value.locator("dl")).to_be_hidden()
    value.locator("summary").click()
    expect(value.locator("p").nth(1)).to_contain_text(re.compile(r":\s*\S|：\s*\S"))
    expect(value.locator("dl dd").first).to_contain_text(re.compile(r"[0-9]"))

    timeline = opened(page, "customers.timeline")
    note = page.locator(".page-actions [data-open=note-dialog]")
    note.click()
    form = page.locator("#note-dialog form")
    form.locator("[name=kind]").select_option("contact")
    form.locator("[name=channel]").select_option("phone")
    form.locator("[name=direction]").select_option("out")
    title = f"电话问候 {uuid4().hex[:6]}"
    form.locator("[name=title]").fill(title)
    form.locator("[name=result]").fill("约好下周来网点")
    form.locator("button[type=submit]").click()
    entry = timeline.locator(".timeline-list li").first
    expect(entry).to_contain_text(title)
    expect(entry).to_contain_text("约好下周来网点")
    expect(head_fact(page, "上次联系")).to_contain_text("今天")

    note.click()
    form.locator("[name=kind]").select_option("note")
    form.locator("[name=title]").fill("换了号码")
    form.locator("[name=body]").fill("新号码 154 0000 1234")
    form.locator("button[type=submit]").click()
    refusal = page.locator("#toasts [data-tone=danger]")
    expect(refusal.locator(".text-secondary")).not_to_be_empty()
    assert "1234" not in refusal.inner_text()
    expect(form.locator("[name=title]")).to_have_value("换了号码")
    expect(form.locator("[name=body]")).to_have_value("新号码 154 0000 1234")
    page.reload()
    expect(page.locator("main")).not_to_contain_text("换了号码")


def test_a_number_in_clear_is_on_the_trail(sign_in: SignIn, site: Site) -> None:
    page = sign_in("team_lead")
    name, address = customer_with_mobile(page)
    masked = masked_mobile(page).inner_text()
    row = opened(page, "customers.facts").locator("li", has_text=masked).first
    sealed = row.locator(".masked")
    sealed.locator("summary").click()
    sealed.locator("form button").click()
    expect(sealed.locator("input[name=purpose]:invalid")).to_be_focused()
    expect(sealed).to_contain_text(masked)

    purpose = f"回电核对 {uuid4().hex[:6]}"
    sealed.locator("input[name=purpose]").fill(purpose)
    sealed.locator("form button").click()
    clear = panel(page, "customers.facts").locator(".figure", has_text=re.compile(r"^1[0-9]{10}$"))
    expect(clear).to_have_count(1)
    number = clear.inner_text()
    assert (number[:3], number[-4:]) == (masked[:3], masked[-4:])
    page.reload()
    expect(masked_mobile(page)).to_be_visible()
    expect(clear).to_have_count(0)

    page.goto("/today/")
    search(page, number)
    # A notebook may keep the same person once more under the same number: both are listed then.
    listed = page.locator(f"main tbody a[href='{address}']")
    heading = page.get_by_role("heading", level=1, name=name, exact=True)
    expect(heading.or_(listed).first).to_be_visible()
    assert heading.count() == 0 or urlsplit(page.url).path == address

    trail = sign_in("auditor")
    trail.goto("/audit/")
    trail.locator("main [name=person]").fill(site.names["team_lead"])
    trail.locator("main [name=action]").fill("reveal")
    trail.locator("main [name=customer]").fill(address.strip("/").rpartition("/")[2])
    with trail.expect_navigation():
        trail.locator("main form[role=search] button").click()
    expect(trail.locator("tbody tr")).to_have_count(1)
    expect(trail.locator("tbody tr")).to_contain_text(purpose)
    expect(trail.locator("tbody tr")).to_contain_text(site.names["team_lead"])
    for where in (trail.url, "/audit/"):
        trail.goto(where)
        assert number not in trail.content()


def test_two_people_change_the_same_customer(sign_in: SignIn) -> None:
    mine, theirs = sign_in("customer_manager"), sign_in("team_lead")
    *_others, (_name, address) = addresses(mine, "/customers/?who=mine&kind=person")
    for page in (mine, theirs):
        page.goto(f"{address}edit/")
    before = mine.locator("[name=occupation]").input_value()
    theirs.locator("[name=occupation]").fill("木匠")
    save(theirs)
    mine.locator("[name=occupation]").fill("瓦匠")
    save(mine)
    clash = mine.locator(".conflict tbody tr")
    expect(clash).to_have_count(1)
    original, own, other = clash.locator("td").all_inner_texts()
    assert original.strip() == before or not before
    assert (own.strip(), other.strip()) == ("瓦匠", "木匠")
    clash.locator("input[value=mine]").check()
    save(mine)
    expect(head_fact(mine, "职业")).to_have_text("瓦匠")

    for page in (mine, theirs):
        page.goto(f"{address}edit/")
    theirs.locator("[name=education]").fill("大专")
    save(theirs)
    mine.locator("[name=occupation]").fill("漆匠")
    save(mine)
    expect(head_fact(mine, "职业")).to_have_text("漆匠")
    expect(head_fact(mine, "学历")).to_have_text("大专")


def test_what_is_out_of_scope_is_not_there(sign_in: SignIn, site: Site) -> None:
    everybody = sign_in("analyst")
    everybody.goto("/customers/")
    elsewhere = everybody.locator("tbody tr")
    for seen in (site.units["customer_manager"], site.names["customer_manager"]):
        elsewhere = elsewhere.filter(has_not_text=seen)
    address = elsewhere.first.get_attribute("data-href")
    page = sign_in("customer_manager")
    told = []
    for asked in (address, f"/customers/{uuid4()}/"):
        answer = page.goto(str(asked))
        assert answer is not None
        assert answer.status == 404
        expect(page.get_by_role("heading", level=1)).to_contain_text(re.compile(r"[一-龥]{4}"))
        told.append(page.locator("body").inner_text())
    assert told[0] == told[1]

    administrator = sign_in("system_administrator")
    answer = administrator.goto("/customers/")
    assert answer is not None
    assert answer.status == 403
    expect(administrator.get_by_role("heading", level=1)).to_contain_text("角色")


def test_a_prospect_becomes_a_customer_and_is_handed_over(sign_in: SignIn, site: Site) -> None:
    name = "禾" + "".join(chr(0x4E00 + byte) for byte in uuid4().bytes[:2])
    lead, manager = sign_in("team_lead"), sign_in("customer_manager")
    lead.goto("/customers/new/")
    lead.locator("[name=stage]").select_option("prospect")
    lead.locator("[name=name]").fill(name)
    lead.locator("[name=type]").select_option("individual")
    lead.locator("[name=unit]").select_option(label=site.units["team_lead"])
    save(lead)
    expect(lead.get_by_role("heading", level=1)).to_have_text(name)
    address = urlsplit(lead.url).path
    answer = manager.goto(address)
    assert answer is not None
    assert answer.status == 404

    more = lead.locator(".page-actions [data-bs-toggle=dropdown]")
    more.click()
    convert = lead.locator("form[action$='/convert/'] button")
    with lead.expect_navigation():
        convert.click()
    expect(convert).to_have_count(0)
    seats = opened(lead, "customers.assignments")
    seats.locator("[data-open=hand-over-dialog]").click()
    form = lead.locator("#hand-over-dialog form")
    choice = form.locator("[name=employee] option", has_text=site.names["customer_manager"])
    form.locator("[name=employee]").select_option(choice.get_attribute("value"))
    form.locator("[name=role]").select_option("main")
    form.locator("[name=reason]").fill("住得近")
    form.locator("button[type=submit]").click()
    expect(seats.locator("li").first).to_contain_text(site.names["customer_manager"])
    expect(opened(lead, "customers.timeline").locator("li").first).to_contain_text("住得近")

    manager.goto("/today/")
    search(manager, name)
    manager.locator("#pick-who").click()
    manager.locator("#chip-who-mine").click()
    expect(manager.locator("#chip-who-mine")).to_have_attribute("aria-current", "true")
    expect(manager.locator(f"tbody a[href='{address}']")).to_be_visible()


def test_dark_mode_stays_and_the_keyboard_walks_the_list(sign_in: SignIn) -> None:
    page = sign_in("branch_head")
    html = page.locator("html")
    expect(html).to_have_attribute("data-bs-theme", "light")
    page.locator("[data-theme-menu]").click()
    page.locator("[data-theme=dark]").click()
    expect(html).to_have_attribute("data-bs-theme", "dark")
    page.goto("/customers/")
    expect(html).to_have_attribute("data-bs-theme", "dark")

    page.keyboard.press("/")
    expect(page.locator("[data-search]")).to_be_focused()
    page.locator("[data-search]").evaluate("box => box.blur()")
    rows = page.locator("tbody tr")
    for key, row in (("j", 0), ("j", 1), ("j", 2), ("k", 1)):
        page.keyboard.press(key)
        expect(rows.nth(row)).to_be_focused()
    address = str(rows.nth(1).get_attribute("data-href"))
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(re.escape(address)))


def test_the_navigation_unfolds_on_a_telephone(sign_in: SignIn) -> None:
    page = sign_in("customer_manager", width=390)
    link = page.locator("#navigation a[href='/customers/']")
    expect(link).to_be_hidden()
    page.locator(".navbar-toggler").click()
    expect(link).to_be_visible()
    with page.expect_navigation():
        link.click()
    expect(page).to_have_url(re.compile("/customers/$"))
    expect(link).to_be_hidden()


def test_somebody_is_hired_and_seated_and_nobody_leaves_with_customers(
    sign_in: SignIn, site: Site
) -> None:
    page = sign_in("system_administrator")
    name = "禾" + "".join(chr(0x4E00 + byte) for byte in uuid4().bytes[:2])
    unit = site.units["customer_manager"]
    page.goto("/organisation/")
    link = page.get_by_role("link", name=unit, exact=True)
    for branch in page.locator(".tree > li > details > ul > li:has(> details)").all():
        branch.locator("summary").first.click()
        expect(branch.locator("ul a").first).to_be_visible()
        if link.count():
            break
    with page.expect_navigation():
        link.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(unit)
    here = page.url
    with page.expect_navigation():
        page.locator(".page-actions a[href*='people/new']").click()
    page.locator("#id_code").fill(f"T{uuid4().hex[:8]}")
    page.locator("[name=name]").fill(name)
    save(page)
    with page.expect_navigation():
        page.locator(".page-actions a[href$='/appoint/']").click()
    page.locator("[name=role]").select_option("teller")
    page.locator("[name=title]").fill("大堂服务")
    save(page)
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    expect(page.locator("main tbody tr")).to_contain_text("大堂服务")

    manager = site.names["customer_manager"]
    page.goto(here)
    expect(page.get_by_role("link", name=name)).to_be_visible()
    with page.expect_navigation():
        page.get_by_role("link", name=manager, exact=True).click()
    with page.expect_navigation():
        page.locator(".page-actions a[href$='/leave/']").click()
    page.locator("[name=reason]").fill("调任外省")
    save(page)
    refusal = page.locator("main [role=alert]")
    expect(refusal).to_contain_text(manager)
    expect(refusal).to_contain_text(re.compile(r"[1-9][0-9]*"))
    sign_in("customer_manager")  # still may


def test_rejects_are_read_and_taken_along(sign_in: SignIn, tmp_path: Path) -> None:
    page = sign_in("system_administrator")
    page.goto("/imports/")
    with page.expect_navigation():
        page.locator("tbody tr").last.locator("a").first.click()
    refused = page.locator("tbody tr", has_text="customers.csv").locator("a[href$='/rejects/']")
    count = int(refused.first.inner_text())
    assert count > 0
    with page.expect_navigation():
        refused.first.click()
    shown = page.locator("tbody tr").filter(has_not=page.locator("td:nth-child(2)", has_text="—"))
    line, column, _value, reason = shown.first.locator("td").all_inner_texts()
    line = line.replace(",", "")
    assert int(line) > 1
    assert column
    assert len(reason) > 3
    with page.expect_download() as taken:
        page.locator("a[href$='rejects.csv']").click()
    taken.value.save_as(tmp_path / "rejects.csv")
    with (tmp_path / "rejects.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["line", "column", "value", "reason"]
    [kept] = [row for row in rows if (row["line"], row["column"]) == (line, column)]
    assert kept["reason"]
    assert len({row["line"] for row in rows}) >= count
