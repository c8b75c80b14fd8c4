from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from zhike.customers.models import ContactPoint, Party
from zhike.customers.services import open_party
from zhike.customers.tests import factories as people
from zhike.kernel.actor import system
from zhike.masterdata.alike import alike, draft_of
from zhike.masterdata.models import MatchModel
from zhike.masterdata.services import match
from zhike.organisation.models import Role, Unit

pytestmark = pytest.mark.django_db

SYSTEM = system("test")
DRAFT = {"kind": "person", "name": "欧阳建国", "mobile": "13856120934"}


def customer(name: str, unit: Unit, mobile: str) -> Party:
    return open_party(
        actor=SYSTEM, kind="person", type="individual", name=name, unit=unit, mobile=mobile
    )


@pytest.fixture
def unit() -> Unit:
    return people.unit()


@pytest.fixture
def known(unit: Unit) -> Party:
    for number in range(30):
        name = (
            f"{'王李张刘陈杨黄赵吴周'[number % 10]}{'伟芳娜敏静'[number % 5]}{'丽强磊'[number % 3]}"
        )
        customer(name, unit, f"139{number:08}")
    found = customer("欧阳建国", unit, "13856120934")
    match(actor=SYSTEM)
    return found


def test_a_customer_in_scope_is_told(unit: Unit, known: Party) -> None:
    head = people.actor_with_role(Role.BRANCH_HEAD, unit)
    [found] = alike(head, draft_of(DRAFT))
    assert found.party == known
    assert {"name", "mobile"} <= set(found.same)
    assert alike(head, draft_of({"kind": "person", "name": "司马相如"})) == []
    assert alike(head, draft_of({"kind": "person"})) == []


def test_a_customer_out_of_scope_leaves_no_trace(unit: Unit, known: Party) -> None:
    client = people.signed_in_client(Role.BRANCH_HEAD, people.unit())
    seen = client.post(reverse("masterdata:alike"), DRAFT).content
    known_by_nobody = client.post(
        reverse("masterdata:alike"), {**DRAFT, "name": "司马相如"}
    ).content
    assert seen == known_by_nobody


def test_a_model_of_an_older_normaliser_tells_nothing_until_the_next_whole_run(
    unit: Unit, known: Party
) -> None:
    head = people.actor_with_role(Role.BRANCH_HEAD, unit)
    assert alike(head, draft_of(DRAFT))
    MatchModel.objects.update(normaliser="0")
    assert alike(head, draft_of(DRAFT)) == []


def test_the_hint_names_the_customer_and_keeps_to_few_queries(
    unit: Unit, known: Party, django_assert_max_num_queries: Any
) -> None:
    client = people.signed_in_client(Role.BRANCH_HEAD, unit)
    client.post(reverse("masterdata:alike"), DRAFT)
    with django_assert_max_num_queries(14):
        page = client.post(reverse("masterdata:alike"), DRAFT).content.decode()
    assert known.name in page
    assert known.get_absolute_url() in page
    assert "13856120934" not in page


def test_a_new_customer_has_document_and_mobile_from_the_start_or_is_not_there(unit: Unit) -> None:
    client: Client = people.signed_in_client(Role.BRANCH_HEAD, unit)
    form = {
        "kind": "person",
        "stage": "customer",
        "type": "individual",
        "name": "欧阳建国",
        "unit": str(unit.public_id),
        "mobile": "1381234",
    }
    assert client.post(reverse("customers:new"), form).status_code == 422
    assert not Party.objects.exists()
    assert (
        client.post(reverse("customers:new"), {**form, "mobile": "13856120934"}).status_code == 303
    )
    assert ContactPoint.objects.get().party.name == "欧阳建国"
