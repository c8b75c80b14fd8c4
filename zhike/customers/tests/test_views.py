"""The customer screens: who sees what, in how many queries, and what never stands in an address."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from zhike.customers import services
from zhike.customers.identifiers import id_check
from zhike.customers.models import Assignment, ContactPoint, Party, Standing, TimelineEntry
from zhike.customers.tests import factories
from zhike.kernel import clock
from zhike.kernel.models import AuditEntry
from zhike.organisation.models import Employee, Role, Unit

pytestmark = pytest.mark.django_db

ID_17 = "29010119850315012"
RESIDENT_ID = ID_17 + id_check(ID_17)
MOBILE = "15400001234"
HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}


@pytest.fixture
def unit() -> Unit:
    return factories.unit()


@pytest.fixture
def manager(unit: Unit) -> Employee:
    return factories.employee_with_role(Role.CUSTOMER_MANAGER, unit)


@pytest.fixture
def mine(manager: Employee, unit: Unit) -> Party:
    party = factories.person(manager=manager, unit=unit)
    Standing.objects.filter(party=party).update(balance=Decimal("123456.78"))
    return party


@pytest.fixture
def lead(unit: Unit) -> Client:
    return factories.signed_in_client(Role.TEAM_LEAD, unit)


def url(name: str, row: Any) -> str:
    return reverse(f"customers:{name}", kwargs={"public_id": row.public_id})


def text(answer: Any) -> str:
    return str(answer.content.decode())


def count(queries: CaptureQueriesContext) -> int:
    """Without the savepoints that only a test's own transaction needs."""
    return sum("SAVEPOINT" not in each["sql"] for each in queries)


# The list


def test_the_list_shows_what_is_in_scope_and_counts_nothing_else(
    manager: Employee, mine: Party, unit: Unit
) -> None:
    factories.person("王小芳", unit=unit)
    page = text(factories.client_of(manager).get("/customers/"))
    assert "张伟明" in page
    assert "王小芳" not in page
    assert re.search(r'<span class="figure">\s*1\D', page)


def test_a_teller_sees_no_money_and_an_auditor_no_customer(mine: Party, unit: Unit) -> None:
    teller = factories.signed_in_client(Role.TELLER, unit)
    for address in ("/customers/", mine.get_absolute_url()):
        page = text(teller.get(address))
        assert "张伟明" in page
        assert "123,456.78" not in page
    assert teller.get("/customers/?sort=-standing__balance").status_code == 200
    for role in (Role.AUDITOR, Role.SYSTEM_ADMINISTRATOR, Role.SECURITY_ADMINISTRATOR):
        auditor = factories.signed_in_client(role, unit)
        assert auditor.get("/customers/").status_code == 403
        assert auditor.get(mine.get_absolute_url()).status_code == 403


def test_quick_filters_narrow(lead: Client, mine: Party, unit: Unit) -> None:
    alone = factories.organisation("红柳运输有限公司", unit=unit, stage="prospect")
    Standing.objects.filter(party=mine).update(
        last_contact_on=clock.today() - timedelta(days=100), value_class="high"
    )
    Standing.objects.filter(party=alone).update(last_contact_on=clock.today())
    for query, found in (
        ("who=nobody", {alone}),
        ("who=mine", set()),
        ("quiet=90", {mine}),
        ("quiet=180", set()),
        ("kind=organisation", {alone}),
        ("stage=prospect", {alone}),
        ("value=high", {mine}),
        ("value=nonsense", {mine, alone}),
    ):
        page = text(lead.get(f"/customers/?{query}"))
        shown = {party for party in (mine, alone) if party.get_absolute_url() in page}
        assert shown == found, query


def test_former_customers_are_shown_when_asked_for(lead: Client, unit: Unit) -> None:
    gone = factories.person("吴去远", unit=unit, stage="former")
    assert gone.name not in text(lead.get("/customers/"))
    assert gone.name in text(lead.get("/customers/?stage=former"))


def test_paging_walks_every_row_once(lead: Client, unit: Unit) -> None:
    for number in range(120):
        party = factories.person(f"赵{chr(0x4E00 + number)}", unit=unit)
        Standing.objects.filter(party=party).update(balance=number // 7)
    seen: list[str] = []
    address = "/customers/"
    while True:
        page = text(lead.get(address))
        seen += re.findall(r'data-href="(/customers/[^"]+)"', page)
        more = re.search(r'rel="next"[^>]* href="([^"]+)"', page)
        if more is None:
            break
        address = "/customers/" + more[1].replace("&amp;", "&")
    assert len(seen) == len(set(seen)) == 120


def test_the_list_and_the_page_hold_their_queries(lead: Client, mine: Party, unit: Unit) -> None:
    for number in range(30):
        factories.person(f"钱{chr(0x4E00 + number)}", unit=unit)
    firm = factories.organisation(unit=unit)
    actor = lead.actor  # type: ignore[attr-defined]
    services.relate(actor=actor, party=mine, other=firm, kind="owner")
    for last in ("1234", "1235", "1236"):
        services.add_contact_point(actor=actor, party=mine, kind="mobile", value=f"1540000{last}")
    lead.get("/customers/")
    with CaptureQueriesContext(
        connection,
    ) as for_list:
        lead.get("/customers/")
    with CaptureQueriesContext(connection) as for_page:
        lead.get(mine.get_absolute_url())
    assert count(for_list) <= 13, [each["sql"][:90] for each in for_list]
    assert count(for_page) <= 33, [each["sql"][:90] for each in for_page]


# Search


@pytest.mark.parametrize("typed", ["伟明", "zwm", "zhangweiming", "1234", "张伟"])
def test_what_was_typed_finds_and_never_stands_in_an_address(
    lead: Client, mine: Party, typed: str
) -> None:
    services.add_contact_point(
        actor=lead.actor,  # type: ignore[attr-defined]
        party=mine,
        kind="mobile",
        value=MOBILE,
    )
    answer = lead.post("/customers/search/", {"q": typed})
    assert answer.status_code == 303
    assert typed not in answer["Location"]
    assert mine.get_absolute_url() in text(lead.get(answer["Location"]))
    stranger = factories.signed_in_client(Role.CUSTOMER_MANAGER)
    assert mine.get_absolute_url() not in text(stranger.get(answer["Location"]))


def test_a_whole_number_opens_its_customer(lead: Client, mine: Party) -> None:
    services.add_identifier(
        actor=lead.actor,  # type: ignore[attr-defined]
        party=mine,
        kind="resident_id",
        value=RESIDENT_ID,
    )
    answer = lead.post("/customers/search/", {"q": RESIDENT_ID})
    assert answer["Location"] == mine.get_absolute_url()
    stranger = factories.signed_in_client(Role.TEAM_LEAD)
    hidden = stranger.post("/customers/search/", {"q": RESIDENT_ID})
    unknown = stranger.post("/customers/search/", {"q": "29010119850315099X"})
    assert len(hidden["Location"]) == len(unknown["Location"])


def test_a_search_parameter_of_another_make_finds_everything(lead: Client, mine: Party) -> None:
    assert mine.get_absolute_url() in text(lead.get("/customers/?s=nonsense"))


# The page


def test_out_of_scope_answers_as_absent(mine: Party) -> None:
    stranger = factories.signed_in_client(Role.CUSTOMER_MANAGER)
    row = services.add_contact_point(
        actor=factories.SYSTEM, party=mine, kind="mobile", value=MOBILE
    )
    absent = "00000000-0000-4000-8000-000000000000"
    for path in ("", "edit/", "edit/note/", "brief/"):
        hidden = stranger.get(f"/customers/{mine.public_id}/{path}")
        assert hidden.status_code == 404
        # The same words; only the form's own token differs.
        assert len(hidden.content) == len(stranger.get(f"/customers/{absent}/{path}").content)
    for path in (
        f"/customers/{mine.public_id}/timeline/",
        f"/customers/{mine.public_id}/consent/",
        f"/customers/contact/{row.public_id}/reveal/",
        f"/customers/contact/{row.public_id}/remove/",
    ):
        assert stranger.post(path, {"purpose": "看看", "reason": "看看"}).status_code == 404
    assert ContactPoint.objects.exists()


def test_the_page_masks_and_hides_the_other_side(lead: Client, mine: Party) -> None:
    hidden = factories.organisation("暗柳贸易有限公司")
    services.relate(actor=factories.SYSTEM, party=mine, other=hidden, kind="owner", role="大股东")
    services.add_identifier(
        actor=factories.SYSTEM, party=mine, kind="resident_id", value=RESIDENT_ID
    )
    services.add_contact_point(actor=factories.SYSTEM, party=mine, kind="mobile", value=MOBILE)
    services.add_address(
        actor=factories.SYSTEM, party=mine, kind="home", value="柳河县青石镇一号院"
    )
    page = text(lead.get(mine.get_absolute_url()))
    assert "154****1234" in page
    for secret in (MOBILE, RESIDENT_ID, "青石镇", hidden.name, "大股东", str(hidden.public_id)):
        assert secret not in page


def test_every_panel_comes_by_itself_too(lead: Client, mine: Party) -> None:
    for panel in (
        "facts",
        "particulars",
        "timeline",
        "relations",
        "assignments",
        "consent",
    ):
        answer = lead.get(f"{mine.get_absolute_url()}?panel=customers.{panel}", headers=HTMX)
        assert answer.status_code == 200
        assert f'id="panel-customers{panel}"' in text(answer)
        assert "<html" not in text(answer)
    assert "<html" not in text(lead.get("/customers/", headers=HTMX))


def test_a_reveal_shows_the_value_once_and_writes_one_line(lead: Client, mine: Party) -> None:
    row = services.add_contact_point(
        actor=factories.SYSTEM, party=mine, kind="mobile", value=MOBILE
    )
    address = url("reveal-contact", row)
    before = AuditEntry.objects.count()
    answer = lead.post(address, {"purpose": "回访"}, headers=HTMX)
    assert MOBILE in text(answer)
    assert answer["Cache-Control"] == "no-store"
    assert AuditEntry.objects.count() == before + 1
    assert lead.get(address).status_code == 405
    assert lead.post(address, {"purpose": ""}, headers=HTMX).status_code == 422
    assert AuditEntry.objects.count() == before + 1
    assert MOBILE not in text(lead.get(mine.get_absolute_url()))


def test_a_teller_reveals_nothing_and_is_on_the_trail(mine: Party, unit: Unit) -> None:
    row = services.add_contact_point(
        actor=factories.SYSTEM, party=mine, kind="mobile", value=MOBILE
    )
    teller = factories.signed_in_client(Role.TELLER, unit)
    answer = teller.post(url("reveal-contact", row), {"purpose": "看看"})
    assert answer.status_code == 403
    assert MOBILE not in text(answer)
    assert AuditEntry.objects.filter(outcome="refused").count() == 1
    assert url("reveal-contact", row) not in text(teller.get(mine.get_absolute_url()))


def test_a_contact_is_added_in_place_and_paged(lead: Client, mine: Party) -> None:
    address = url("timeline", mine)
    form = {"kind": "contact", "channel": "phone", "direction": "out", "title": "回访存款到期"}
    answer = lead.post(address, form, headers=HTMX)
    assert answer.status_code == 204
    assert "customer-timeline" in answer["HX-Trigger"]
    assert TimelineEntry.objects.get().title == "回访存款到期"
    assert lead.post(address, form | {"body": f"改号 {MOBILE}"}, headers=HTMX).status_code == 422
    assert lead.post(address, form | {"title": ""}, headers=HTMX).status_code == 422
    now = clock.now()
    for number in range(45):
        TimelineEntry.objects.create(
            party=mine,
            at=now - timedelta(days=number // 2 + 1),
            kind="note",
            channel="system",
            title=f"记事{number}。",
        )
    seen: list[str] = []
    asked = {"kind": "note"}
    while asked:
        page = text(lead.post(url("story", mine), asked, headers=HTMX))
        seen += re.findall(r"<strong>([^<]+)</strong>", page)
        found = re.search(r'name="before" value="([^"]+)"', page)
        asked = {"kind": "note", "before": found[1]} if found else {}
    assert seen == sorted(seen, key=lambda title: int(title[2:-1]) // 2)
    assert len(seen) == len(set(seen)) == 45
    assert "回访存款到期" not in seen


def test_the_other_actions_of_the_page(lead: Client, mine: Party, unit: Unit) -> None:
    firm = factories.organisation(unit=unit)
    successor = factories.employee_with_role(Role.CUSTOMER_MANAGER, unit)
    for name, form in (
        ("add-identifier", {"kind": "resident_id", "value": RESIDENT_ID}),
        ("add-contact", {"kind": "mobile", "value": MOBILE, "is_preferred": "on"}),
        ("add-address", {"kind": "home", "value": "柳河县青石镇一号院", "region": "柳河县"}),
        ("relate", {"kind": "decision_maker", "other": firm.name, "role": "董事长"}),
        (
            "consent",
            {"purpose": "marketing", "channel": "sms", "given": "yes", "text_version": "1"},
        ),
        ("consent", {"purpose": "marketing", "channel": "sms", "given": "no"}),
        ("hand-over", {"employee": successor.public_id, "role": "main", "reason": "轮岗"}),
        ("confirm", {"fields_seen": ["name", "sex"]}),
    ):
        answer = lead.post(url(name, mine), form, headers=HTMX)
        assert answer.status_code == 204, (name, text(answer))
    mine.refresh_from_db()
    assert mine.identifiers.count() == mine.contact_points.count() == mine.addresses.count() == 1
    assert mine.relations.get().other == firm
    assert mine.consent_events.count() == 2
    main = Assignment.objects.get(party=mine, during__contains=clock.today())
    assert main.employee == successor
    assert set(mine.provenance) >= {"name", "sex", "birth_on"}
    for name, row in (
        ("verify-contact", mine.contact_points.get()),
        ("remove-address", mine.addresses.get()),
        ("end-relation", mine.relations.get()),
    ):
        answer = lead.post(url(name, row), {"reason": "不再使用"}, headers=HTMX)
        # Both sides of today's relation are of today: it cannot end before tomorrow.
        assert answer.status_code == (422 if name == "end-relation" else 204)
    assert lead.post(url("close", mine), {"reason": "销户"}).status_code == 303
    mine.refresh_from_db()
    assert mine.stage == "former"


# Entering and editing


def test_a_customer_is_entered_and_edited(lead: Client, unit: Unit) -> None:
    form = {"kind": "person", "stage": "prospect", "type": "individual", "name": "李清和"}
    # One's own unit is filled in.
    opened_new = text(lead.get("/customers/new/"))
    assert f'value="{unit.public_id}" selected' in opened_new
    assert re.search(r'<a class="btn btn-link" href="/customers/">', opened_new), "no way back"
    answer = lead.post("/customers/new/", form | {"unit": unit.public_id})
    assert answer.status_code == 303, text(answer)
    party = Party.objects.get()
    assert answer["Location"] == party.get_absolute_url()
    page = text(lead.get(url("edit", party)))
    opened = dict(re.findall(r'name="(initial-\w+|version)" value="([^"]*)"', page))
    edited = {"type": "individual", "name": "李清荷", "unit": unit.public_id, **opened}
    assert lead.post(url("edit", party), edited).status_code == 303
    party.refresh_from_db()
    assert (party.name, party.version) == ("李清荷", 2)


def test_two_edits_of_one_field_are_shown_side_by_side(lead: Client, mine: Party) -> None:
    page = text(lead.get(url("edit", mine)))
    opened = dict(re.findall(r'name="(initial-\w+|version)" value="([^"]*)"', page))
    services.update_party(actor=factories.SYSTEM, party=mine, changes={"occupation": "教师"})
    form = {"type": "individual", "name": mine.name, "unit": mine.unit.public_id, **opened}
    answer = lead.post(url("edit", mine), form | {"occupation": "农机手"})
    assert answer.status_code == 409
    assert "教师" in text(answer)
    assert "农机手" in text(answer)
    mine.refresh_from_db()
    assert mine.occupation == "教师"


# The file


def test_the_export_is_scoped_masked_safe_and_on_the_trail(lead: Client, mine: Party) -> None:
    unit = mine.unit
    factories.organisation("=HYPERLINK(1)有限公司", unit=unit)
    factories.person("王小芳")
    services.add_contact_point(actor=factories.SYSTEM, party=mine, kind="mobile", value=MOBILE)
    answer = lead.get("/customers/export/")
    content = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    rows = list(csv.reader(io.StringIO(content)))
    assert len(rows) == 3
    assert {row[0] for row in rows[1:]} == {"张伟明", "'=HYPERLINK(1)有限公司"}
    assert "154****1234" in content
    assert MOBILE not in content
    assert "123456.78" not in content
    assert '"50,000–200,000"' in content
    entry = AuditEntry.objects.get(action="export.customers")
    assert entry.changes["rows"][1] == 2
    teller = factories.signed_in_client(Role.TELLER, unit)
    assert teller.get("/customers/export/").status_code == 403
