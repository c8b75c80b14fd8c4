"""The customer list beyond its table: nothing out of scope is ever counted, cells are changed by the service."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client

from zhike.customers import services
from zhike.customers.filters import PAGE
from zhike.customers.models import ConsentEvent, Party, Standing
from zhike.customers.tests import factories
from zhike.kernel import clock
from zhike.kernel.models import AuditEntry
from zhike.organisation.models import Role, Unit
from zhike.ui.lists import criteria

pytestmark = pytest.mark.django_db
HTMX = {"hx-request": "true", "hx-request-type": "partial"}


@pytest.fixture
def unit() -> Unit:
    return factories.unit()


@pytest.fixture
def lead(unit: Unit) -> Client:
    return factories.signed_in_client(Role.TEAM_LEAD, unit)


@pytest.fixture
def mine(unit: Unit) -> Party:
    return standing(factories.person("张伟明", unit=unit, occupation="农机手"), 100)


@pytest.fixture
def hidden() -> Party:
    return standing(factories.person("王小芳"), 9_000_000)


def standing(party: Party, balance: int) -> Party:
    Standing.objects.filter(party=party).update(
        balance=balance, value_class="high", last_contact_on=clock.today()
    )
    return party


def text(answer: Any) -> str:
    return unescape(answer.content.decode())


# Rows out of scope


@pytest.mark.parametrize(
    "query",
    [
        "group=value",
        "group=unit",
        "part=group&in=value:high",
        "part=totals",
        "show=board&by=value",
        "show=calendar&by=last_contact",
        "where=balance.over.50",
        "where=any(kind.is.person,managed.no)",
    ],
)
def test_rows_out_of_scope_are_in_no_sum_group_board_or_calendar(
    lead: Client, mine: Party, hidden: Party, query: str
) -> None:
    page = text(lead.get(f"/customers/?view=all&{query}", headers=HTMX))
    assert "100.00" in page or mine.name in page
    for trace in (hidden.name, "9,000,000", "9,000,100", "900.00万", "900.01万", "2 条"):
        assert trace not in page


def test_cards_draw_their_figures_as_a_table_does(lead: Client, mine: Party) -> None:
    answer = lead.get("/customers/?show=board", headers=HTMX).content.decode()
    assert '<span title="100.00">' in answer
    assert "&lt;" not in answer


def test_no_money_for_who_may_not_see_it(mine: Party, unit: Unit) -> None:
    teller = factories.signed_in_client(Role.TELLER, unit)
    for query in ("group=value", "part=totals", "show=board", "cols=name,balance"):
        assert "100.00" not in text(teller.get(f"/customers/?view=all&{query}", headers=HTMX))
    asked = text(teller.get("/customers/?where=balance.over.50"))
    assert "list-problem" in asked
    assert mine.name in asked


def test_no_criterion_asks_for_who_somebody_is() -> None:
    known = [each for each in criteria.criteria if each.page == PAGE and each.within is None]
    assert len(known) > 10
    assert criteria.must_be_open(Party, known) == []


# Conditions on what hangs on a customer


def test_related_records_are_asked_for(lead: Client, mine: Party, unit: Unit) -> None:
    actor = lead.actor  # type: ignore[attr-defined]
    manager = factories.employee_with_role(Role.CUSTOMER_MANAGER, unit)
    other = factories.organisation("青禾农机有限公司", unit=unit, manager=manager)
    services.relate(actor=actor, party=mine, other=other, kind="owner")
    for given, days in ((True, 3), (False, 1)):
        ConsentEvent.objects.create(
            party=other, purpose="marketing", channel="sms", given=given,
            at=clock.now() - timedelta(days), text_version="1",
        )  # fmt: skip
    ConsentEvent.objects.create(
        party=mine, purpose="marketing", channel="sms", given=True, at=clock.now(), text_version="1"
    )
    Standing.objects.filter(party=mine).update(contact_every_days=10)
    for where, found in (
        ("relation.is.owner", {mine, other}),
        ("relation.is.family", set()),
        ("relation.is_not.family", {mine, other}),
        ("consent.is.marketing", {mine}),
        ("consent.is_not.marketing", {other}),
        (f"manager.is.{manager.name}", {other}),
        ("managed.yes", {other}),
        ("managed.no", {mine}),
        (f"unit.is.{unit.code}", {mine, other}),
        ("next_contact.next.10", {mine}),
        ("next_contact.next.9", set()),
        ("last_contact.older.5", {other}),
        ("occupation.has.农机", {mine}),
    ):
        page = text(lead.get(f"/customers/?where={where}"))
        assert "list-problem" not in page, where
        assert {each for each in (mine, other) if each.get_absolute_url() in page} == found, where


# Columns and order


def test_columns_are_chosen_and_put_in_order(lead: Client, mine: Party) -> None:
    sent = lead.get(
        "/customers/?columns=1&col=occupation&col=name&then=-standing__balance&then=name_key"
    )
    assert sent["Location"] == "/customers/?cols=occupation,name&sort=-standing__balance,name_key"
    page = text(lead.get(sent["Location"]))
    heads = re.findall(r'<th scope="col"[^>]*>\s*(?:<a[^>]*>)?([^<]+)', page)
    assert [each.strip() for each in heads] == ["职业", "客户名称"]
    assert lead.get("/customers/?columns=1&reset=1&cols=name")["Location"] == "/customers/?"


# Cells


def cell(client: Client, party: Party, column: str = "occupation") -> dict[str, str]:
    answer = client.get(
        f"/customers/?part=cell&row={party.public_id}&column={column}", headers=HTMX
    )
    assert answer.status_code == 200
    return dict(re.findall(r'name="([\w-]+)" value="([^"]*)"', text(answer)))


def test_a_cell_is_changed_as_the_form_would(lead: Client, mine: Party) -> None:
    opened = cell(lead, mine)
    assert opened["initial-value"] == "农机手"
    answer = lead.post("/customers/", opened | {"value": "教师"}, headers=HTMX)
    assert (answer.status_code, text(answer)) == (200, "教师")
    mine.refresh_from_db()
    assert (mine.occupation, mine.version) == ("教师", 2)
    assert mine.provenance["occupation"]["source"] == "zhike"
    assert AuditEntry.objects.filter(action="customers.party.change").count() == 1


def test_somebody_elses_change_is_shown_at_the_cell(lead: Client, mine: Party) -> None:
    opened = cell(lead, mine)
    services.update_party(actor=factories.SYSTEM, party=mine, changes={"occupation": "会计"})
    answer = lead.post("/customers/", opened | {"value": "教师"}, headers=HTMX)
    assert answer.status_code == 409
    assert "会计" in text(answer)
    mine.refresh_from_db()
    assert mine.occupation == "会计"
    again = dict(re.findall(r'name="([\w-]+)" value="([^"]*)"', text(answer)))
    assert lead.post("/customers/", again | {"value": "教师"}, headers=HTMX).status_code == 200
    mine.refresh_from_db()
    assert mine.occupation == "教师"


def test_what_a_cell_refuses_changes_nothing(
    lead: Client, mine: Party, hidden: Party, unit: Unit
) -> None:
    opened = cell(lead, mine)
    for change, status in (
        ({"value": "字" * 200}, 422),
        ({"column": "tier"}, 404),
        ({"column": "manager"}, 404),
        ({"row": str(hidden.public_id)}, 404),
        ({"row": "nobody"}, 404),
    ):
        assert lead.post("/customers/", opened | change, headers=HTMX).status_code == status, change
    analyst = factories.signed_in_client(Role.ANALYST)
    assert analyst.post("/customers/", opened | {"value": "教师"}).status_code == 403
    assert 'data-edit="' not in text(analyst.get("/customers/?view=all"))
    future = cell(lead, mine, "since_on") | {"value": "2999-01-01"}
    assert lead.post("/customers/", future, headers=HTMX).status_code == 422
    mine.refresh_from_db()
    assert (mine.occupation, mine.version) == ("农机手", 1)


# Files


def test_the_file_has_the_columns_as_chosen_in_either_kind(lead: Client, mine: Party) -> None:
    from io import BytesIO

    from python_calamine import load_workbook

    answer = lead.get("/customers/export/?cols=occupation,name,balance&as=xlsx")
    content = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    rows = load_workbook(BytesIO(content)).get_sheet_by_index(0).to_python()
    assert [row[:-1] for row in rows] == [
        ["职业", "客户名称", "余额", "手机"],
        ["农机手", "张伟明", "0–10,000", ""],
    ]
    assert (rows[0][-1], len(str(rows[1][-1]))) == ("溯源码", 11)
