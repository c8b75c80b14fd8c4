"""The API answers what the screens answer: scoped, masked, money as text."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from zhike.customers import services
from zhike.customers.models import Party, Standing, TimelineEntry
from zhike.customers.tests import factories
from zhike.organisation.models import Employee, Role, Unit

pytestmark = pytest.mark.django_db

MOBILE = "15400001234"


@pytest.fixture
def unit() -> Unit:
    return factories.unit()


@pytest.fixture
def manager(unit: Unit) -> Employee:
    return factories.employee_with_role(Role.CUSTOMER_MANAGER, unit)


@pytest.fixture
def mine(manager: Employee, unit: Unit) -> Party:
    party = factories.person(manager=manager, unit=unit)
    Standing.objects.filter(party=party).update(balance=Decimal("1234567.80"))
    services.add_contact_point(actor=factories.SYSTEM, party=party, kind="mobile", value=MOBILE)
    return party


def sent(client: Client, path: str, body: dict[str, Any]) -> Any:
    return client.post(f"/api{path}", json.dumps(body), "application/json")


def test_the_list_and_the_row_are_scoped_and_masked(
    manager: Employee, mine: Party, unit: Unit
) -> None:
    hidden = factories.person("王小芳", unit=unit)
    client = factories.client_of(manager)
    (line,) = client.get("/api/customers/").json()["items"]
    assert line["id"] == str(mine.public_id)
    assert (line["balance"], line["manager"]) == ("1234567.80", manager.code)
    answer = client.get(f"/api/customers/{mine.public_id}")
    assert answer.json()["contact_points"][0]["masked"] == "154****1234"
    assert MOBILE not in answer.content.decode()
    assert "pk" not in answer.json()
    assert client.get(f"/api/customers/{hidden.public_id}").status_code == 404


def test_a_teller_gets_no_money_an_auditor_nothing(mine: Party, unit: Unit) -> None:
    teller = factories.signed_in_client(Role.TELLER, unit)
    assert teller.get("/api/customers/").json()["items"][0]["balance"] is None
    auditor = factories.signed_in_client(Role.AUDITOR, unit)
    assert auditor.get("/api/customers/").status_code == 403
    assert Client().get("/api/customers/").status_code == 401


def test_pages_follow_one_another(unit: Unit) -> None:
    lead = factories.signed_in_client(Role.TEAM_LEAD, unit)
    for number in range(70):
        factories.person(f"钱{chr(0x4E00 + number)}", unit=unit)
    first = lead.get("/api/customers/").json()
    second = lead.get("/api/customers/", {"cursor": first["next"]}).json()
    assert len({each["id"] for each in first["items"] + second["items"]}) == 70
    assert second["next"] is None
    assert lead.get("/api/customers/", {"cursor": "nonsense"}).status_code == 422


def test_search_takes_its_text_in_the_body(manager: Employee, mine: Party) -> None:
    client = factories.client_of(manager)
    (hit,) = sent(client, "/customers/search", {"text": MOBILE}).json()
    assert (hit["id"], hit["match"]) == (str(mine.public_id), "number")
    stranger = factories.signed_in_client(Role.CUSTOMER_MANAGER)
    assert sent(stranger, "/customers/search", {"text": MOBILE}).json() == []


def test_a_contact_is_entered_and_read_back(manager: Employee, mine: Party) -> None:
    client = factories.client_of(manager)
    address = f"/customers/{mine.public_id}/contacts"
    contact = {"channel": "phone", "direction": "out", "title": "回访", "result": "有意续存"}
    answer = sent(client, address, contact)
    assert answer.status_code == 201
    (line,) = client.get(f"/api/customers/{mine.public_id}/timeline").json()["items"]
    assert (line["title"], line["employee"]) == ("回访", manager.code)
    assert sent(client, address, contact | {"channel": "pigeon"}).status_code == 422
    assert sent(client, address, contact | {"body": MOBILE}).status_code == 422
    stranger = factories.signed_in_client(Role.CUSTOMER_MANAGER)
    assert sent(stranger, address, contact).status_code == 404
    assert TimelineEntry.objects.count() == 1
