"""Customers in the search box as somebody types: those in scope, and nothing of what was typed."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from zhike.customers.identifiers import id_check
from zhike.customers.models import Identifier, Party
from zhike.customers.services import add_identifier
from zhike.customers.tests import factories
from zhike.kernel.actor import system
from zhike.organisation.models import Employee, Role

pytestmark = pytest.mark.django_db
RESIDENT_ID = "29010119850315099" + id_check("29010119850315099")


@pytest.fixture
def manager() -> Employee:
    return factories.employee_with_role(Role.CUSTOMER_MANAGER)


@pytest.fixture
def mine(manager: Employee) -> Party:
    return factories.person("龙样例", manager=manager)


def found(client: Client, text: str, **more: str) -> str:
    answer = client.post("/find/", {"q": text, **more}, HTTP_HX_REQUEST="true")
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    return answer.content.decode()


@pytest.mark.parametrize("typed", ["龙样", "longyang", "lyl"])
def test_a_customer_is_offered_by_name_pinyin_and_initials(
    typed: str, manager: Employee, mine: Party
) -> None:
    page = found(factories.client_of(manager), typed)
    assert str(mine.get_absolute_url()) in page
    assert "龙样例" in page


def test_a_customer_out_of_scope_is_not(mine: Party) -> None:
    stranger = factories.signed_in_client(Role.CUSTOMER_MANAGER)
    assert str(mine.public_id) not in found(stranger, "龙样例")


def test_a_whole_number_finds_and_is_not_repeated(manager: Employee, mine: Party) -> None:
    add_identifier(
        actor=system("test"), party=mine, kind=Identifier.Kind.RESIDENT_ID, value=RESIDENT_ID
    )
    client = factories.client_of(manager)
    page = found(client, RESIDENT_ID)
    assert str(mine.public_id) in page
    assert RESIDENT_ID not in page
    stranger = factories.signed_in_client(Role.CUSTOMER_MANAGER)
    assert str(mine.public_id) not in found(stranger, RESIDENT_ID)


def test_what_is_typed_is_posted_only(manager: Employee) -> None:
    assert factories.client_of(manager).get("/find/?q=1").status_code == 405


def test_without_the_right_to_customers_none_are_offered(mine: Party) -> None:
    auditor = factories.signed_in_client(Role.AUDITOR)
    assert str(mine.public_id) not in found(auditor, "龙样例")
    assert "/audit/" in found(auditor, "")


def test_pages_and_commands_are_found_by_pinyin(manager: Employee) -> None:
    client = factories.client_of(manager)
    page = found(client, ">xzkh", here='["导出"]')  # 新增客户
    assert "/customers/new/" in page
    assert "导出" not in page
    assert 'data-run="0"' in found(client, "dc", here='["导出"]')
    assert 'data-run="0"' not in found(client, "dc", here='{"not": "a list"}')


def test_the_box_asks_little(
    manager: Employee, mine: Party, django_assert_max_num_queries: Any
) -> None:
    client = factories.client_of(manager)
    found(client, "")
    with django_assert_max_num_queries(12):
        found(client, "龙样例")
