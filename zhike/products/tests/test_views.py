"""The catalogue, and what a customer holds."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from zhike.customers.models import Party
from zhike.customers.search import Match, search
from zhike.customers.services import close_party
from zhike.customers.tests import factories
from zhike.kernel import crypto
from zhike.kernel.errors import Refused
from zhike.kernel.models import AuditEntry
from zhike.organisation.models import Employee, Role, Unit
from zhike.products.models import Agreement, Holding, Product

pytestmark = pytest.mark.django_db

NUMBER = "9000123412345678"
HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}


@pytest.fixture
def unit() -> Unit:
    return factories.unit()


@pytest.fixture
def manager(unit: Unit) -> Employee:
    return factories.employee_with_role(Role.CUSTOMER_MANAGER, unit)


@pytest.fixture
def owner(manager: Employee, unit: Unit) -> Party:
    return factories.person(manager=manager, unit=unit)


def test_a_customer_with_open_agreements_is_not_closed(agreement: Agreement, unit: Unit) -> None:
    lead = factories.actor_with_role(Role.TEAM_LEAD, unit)
    party = agreement.party
    with pytest.raises(Refused, match="1"):
        close_party(actor=lead, party=party, reason="销户")
    party.refresh_from_db()
    assert party.stage == Party.Stage.CUSTOMER
    Agreement.objects.filter(pk=agreement.pk).update(status=Agreement.Status.CLOSED)
    close_party(actor=lead, party=party, reason="销户")
    party.refresh_from_db()
    assert party.stage == Party.Stage.FORMER


@pytest.fixture
def agreement(owner: Party, manager: Employee) -> Agreement:
    product = Product.objects.create(
        code="L1", name="惠农贷", category="loan", side="asset", owner=manager
    )
    row = Agreement(
        party=owner,
        product=product,
        unit=owner.unit,
        source="core",
        source_key="1",
        principal=Decimal("88888.80"),
        rate=Decimal("3.8500"),
        opened_on=date(2025, 1, 1),
        matures_on=date(2028, 1, 1),
    )
    row.sealed_number = crypto.encrypt(NUMBER, row.place)
    row.blind = crypto.blind_index("account", NUMBER)
    row.tail = crypto.tail_index("account", NUMBER)
    row.save()
    Holding.objects.create(
        party=owner, agreement=row, role="owner", during=(date(2025, 1, 1), None)
    )
    return row


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_the_catalogue_names_the_product_manager(agreement: Agreement, manager: Employee) -> None:
    client = factories.client_of(manager)
    page = text(client.get("/products/"))
    assert "惠农贷" in page
    assert manager.name in page
    assert "惠农贷" not in text(client.get("/products/?category=deposit"))
    assert "惠农贷" in text(client.get("/products/?q=惠农"))
    auditor = factories.signed_in_client(Role.AUDITOR)
    assert auditor.get("/products/").status_code == 403


def test_holdings_are_masked_and_a_teller_sees_no_amount(
    agreement: Agreement, owner: Party, manager: Employee, unit: Unit
) -> None:
    address = f"{owner.get_absolute_url()}?panel=products.holdings"
    page = text(factories.client_of(manager).get(address, headers=HTMX))
    assert "****5678" in page
    assert "88,888.80" in page
    assert NUMBER not in page + text(factories.client_of(manager).get(owner.get_absolute_url()))
    teller = text(factories.signed_in_client(Role.TELLER, unit).get(address, headers=HTMX))
    assert "****5678" in teller
    assert "88,888.80" not in teller


def test_a_number_is_revealed_on_record(
    agreement: Agreement, manager: Employee, unit: Unit
) -> None:
    address = reverse("products:reveal", kwargs={"public_id": agreement.public_id})
    before = AuditEntry.objects.count()
    answer = factories.client_of(manager).post(address, {"purpose": "对账"}, headers=HTMX)
    assert NUMBER in text(answer)
    assert AuditEntry.objects.count() == before + 1
    stranger = factories.signed_in_client(Role.CUSTOMER_MANAGER, unit)
    assert stranger.post(address, {"purpose": "看看"}).status_code == 404
    teller = factories.signed_in_client(Role.TELLER, unit)
    assert teller.post(address, {"purpose": "看看"}).status_code == 403


def test_an_account_leads_to_its_owner_within_scope(
    agreement: Agreement, owner: Party, manager: Employee
) -> None:
    actor = factories.actor_of(manager)
    for typed, match in (("9000 1234 1234 5678", Match.NUMBER), ("5678", Match.TAIL)):
        (hit,) = search(actor, typed)
        assert (hit.party, hit.match) == (owner, match)
    assert search(factories.actor_with_role(Role.CUSTOMER_MANAGER), NUMBER) == []


def test_the_api_answers_the_same(agreement: Agreement, owner: Party, manager: Employee) -> None:
    client: Client = factories.client_of(manager)
    (product,) = client.get("/api/products/").json()
    assert (product["code"], product["owner"]) == ("L1", manager.code)
    (holding,) = client.get(f"/api/products/holdings/{owner.public_id}").json()
    assert (holding["number"], holding["principal"]) == ("****5678", "88888.80")
    stranger = factories.signed_in_client(Role.CUSTOMER_MANAGER)
    assert stranger.get(f"/api/products/holdings/{owner.public_id}").status_code == 404
