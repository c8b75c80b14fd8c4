"""The lists of products and agreements: what is in scope, what money is shown to whom, what a file leaves behind."""

from __future__ import annotations

from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client

from zhike.customers.models import Party
from zhike.customers.tests import factories
from zhike.kernel import clock
from zhike.kernel.models import AuditEntry
from zhike.organisation.models import Role, Unit
from zhike.products.agreements import PAGE
from zhike.products.models import Agreement, Product
from zhike.ui.lists import criteria
from zhike.ui.lists.bulk import view_of
from zhike.ui.suggestions import suggestions_for

pytestmark = pytest.mark.django_db
HTMX = {"hx-request": "true", "hx-request-type": "partial"}


@pytest.fixture
def unit() -> Unit:
    return factories.unit()


@pytest.fixture
def lead(unit: Unit) -> Client:
    return factories.signed_in_client(Role.TEAM_LEAD, unit)


@pytest.fixture
def loan() -> Product:
    return Product.objects.create(code="L.1", name="惠农贷", category="loan", side="asset")


def agreement(product: Product, party: Party, **fields: Any) -> Agreement:
    today = clock.today()
    made: Agreement = Agreement.objects.create(
        party=party, product=product, unit=party.unit, source="t", source_key=f"k{party.pk}",
        opened_on=today - timedelta(400),
        **({"principal": 120_000, "matures_on": today + timedelta(20)} | fields),
    )  # fmt: skip
    return made


@pytest.fixture
def mine(unit: Unit, loan: Product) -> Agreement:
    return agreement(loan, factories.person("张伟明", unit=unit))


@pytest.fixture
def hidden(loan: Product) -> Agreement:
    return agreement(loan, factories.person("王小芳"), principal=880_000)


def text(answer: Any) -> str:
    assert answer.status_code == 200
    return unescape(answer.content.decode())


@pytest.mark.parametrize(
    "query",
    [
        *("", "group=category", "part=group&in=category:loan", "part=totals", "show=board"),
        *("show=calendar&by=opened", "where=principal.over.10万", "soon=30", "who=&status=active"),
    ],
)
def test_agreements_out_of_scope_are_nowhere(
    lead: Client, mine: Agreement, hidden: Agreement, query: str
) -> None:
    page = text(lead.get(f"/agreements/?{query}", headers=HTMX))
    for trace in ("王小芳", "880,000", "88.00万", "100.00万"):
        assert trace not in page
    if not query.startswith("show=calendar"):
        assert "12.00万" in page or "张伟明" in page


def test_no_amount_for_who_may_not_see_money(mine: Agreement, unit: Unit) -> None:
    teller = factories.signed_in_client(Role.TELLER, unit)
    for query in ("", "cols=party,principal", "part=totals", "group=status", "show=board"):
        assert "12.00万" not in text(teller.get(f"/agreements/?{query}", headers=HTMX))
    asked = text(teller.get("/agreements/?where=principal.over.1"))
    assert "list-problem" in asked
    assert "张伟明" in asked


def test_the_closed_are_shown_to_who_asks(lead: Client, mine: Agreement) -> None:
    Agreement.objects.update(status="closed", closed_on=clock.today())
    assert "张伟明" not in text(lead.get("/agreements/"))
    for query in (
        "status=closed",
        "where=closed.today",
        "where=status.is.closed",
        "in=status:closed",
    ):
        assert "张伟明" in text(lead.get(f"/agreements/?{query}"))


def test_a_list_of_any_length_asks_as_much(
    lead: Client, mine: Agreement, loan: Product, unit: Unit, django_assert_max_num_queries: Any
) -> None:
    for n in range(12):
        agreement(loan, factories.person(f"客户{n}", unit=unit))
    lead.get("/agreements/")
    with django_assert_max_num_queries(14):
        lead.get("/agreements/")


def test_the_file_carries_masked_numbers_and_is_on_the_trail(
    lead: Client, mine: Agreement, hidden: Agreement
) -> None:
    answer = lead.get("/agreements/export/?where=principal.over.10万")
    sheet = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    assert "张伟明" in sheet
    assert "王小芳" not in sheet
    entry = AuditEntry.objects.get(action="export.agreements")
    assert entry.changes["rows"][1] == 1
    teller = factories.signed_in_client(Role.TELLER, mine.party.unit)
    assert teller.get("/agreements/export/").status_code == 403
    assert AuditEntry.objects.filter(action="export.agreements", outcome="done").count() == 1


def test_no_criterion_asks_for_who_somebody_is() -> None:
    known = [each for each in criteria.criteria if each.page == PAGE and each.within is None]
    assert len(known) > 8
    assert criteria.must_be_open(Agreement, known) == []


def test_products_are_found_as_somebody_types(lead: Client, mine: Agreement) -> None:
    actor = lead.actor  # type: ignore[attr-defined]
    for typed in ("惠农", "l.1"):
        groups = {str(group.label): group for group in suggestions_for(actor, typed)}
        [option] = [
            each for group in groups.values() for each in group.options if each.icon == "package"
        ]
        assert option.title == "惠农贷"
        # Its address says who holds it, whatever stands in the code.
        page = text(lead.get(option.url))
        assert "张伟明" in page
        assert "list-problem" not in page
    auditor = factories.actor_with_role(Role.AUDITOR)
    assert not [each for group in suggestions_for(auditor, "惠农") for each in group.options]


def test_the_catalogue_is_asked_and_grouped(lead: Client, loan: Product) -> None:
    Product.objects.create(code="D1", name="活期存款", category="deposit", side="liability")
    page = text(lead.get("/products/?where=category.is.loan"))
    assert "惠农贷" in page
    assert "活期存款" not in page
    assert "活期存款" in text(lead.get("/products/?show=board&by=category", headers=HTMX))
    rows = view_of("products.product", lead.actor, "where=term.empty").rows().rows  # type: ignore[attr-defined]
    assert rows.count() == 2
