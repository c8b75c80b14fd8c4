"""A request that comes twice under one key is done once, also when both come at the same moment."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client

from zhike.customers.models import Party, TimelineEntry
from zhike.customers.tests.factories import client_of, employee_with_role, party, signed_in_client
from zhike.kernel import clock, idempotency
from zhike.kernel.models import Answered, AuditEntry

pytestmark = pytest.mark.django_db(transaction=True)
DUPLICATES = 10_000 if os.environ.get("ZHIKE_TRUST") == "full" else 40
KEY = "a-key-of-its-own"
WORDS = {"channel": "phone", "title": "回电", "body": "问定期到期"}


@pytest.fixture
def manager() -> Client:
    return client_of(employee_with_role())


@pytest.fixture
def customer(manager: Any) -> Party:
    return party(manager=manager.employee, unit=manager.employee.unit)


def send(client: Client, customer: Party, key: str = KEY, **words: str) -> HttpResponse:
    answer = client.post(
        f"/api/customers/{customer.public_id}/contacts",
        json.dumps(WORDS | words),
        content_type="application/json",
        headers={"Idempotency-Key": key},
    )
    assert isinstance(answer, HttpResponse)
    return answer


def test_the_second_is_told_what_the_first_was(manager: Client, customer: Party) -> None:
    first, second = send(manager, customer), send(manager, customer)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert idempotency.REPLAYED not in first.headers
    assert second.headers[idempotency.REPLAYED] == "true"
    assert TimelineEntry.objects.count() == 1
    assert AuditEntry.objects.filter(action__contains="timeline").count() == 1
    assert "定期".encode() not in bytes(Answered.objects.get().sealed or b"")


def test_another_request_under_the_key_is_refused(manager: Client, customer: Party) -> None:
    assert send(manager, customer).status_code == 201
    other = send(manager, customer, title="另一件事")
    assert other.status_code == 422
    assert other.headers["Content-Type"].startswith("application/json")
    assert send(manager, party(manager=manager.employee)).status_code == 422  # type: ignore[attr-defined]
    assert TimelineEntry.objects.count() == 1


def test_another_key_another_user_and_another_day_are_other_requests(
    manager: Client, customer: Party
) -> None:
    send(manager, customer)
    send(manager, customer, "another-key")
    colleague = signed_in_client("branch_head", customer.unit)
    assert idempotency.REPLAYED not in send(colleague, customer).headers
    done = TimelineEntry.objects.count()
    with clock.stopped_at(clock.now() + idempotency.KEPT_FOR + timedelta(minutes=1)):
        assert idempotency.forget_old() >= 2
    send(manager, customer)
    assert TimelineEntry.objects.count() == done + 1


def test_a_refusal_leaves_the_key_free(manager: Client, customer: Party) -> None:
    assert send(manager, customer, channel="pigeon").status_code == 422
    assert not Answered.objects.exists()
    assert send(manager, customer).status_code == 201


@pytest.mark.parametrize("key", ["short", "with a space", "x" * 201, "字" * 10])
def test_what_is_no_key_is_refused(manager: Client, customer: Party, key: str) -> None:
    assert send(manager, customer, key).status_code == 422
    assert not TimelineEntry.objects.exists()


def test_without_a_key_each_is_done(manager: Client, customer: Party) -> None:
    address = f"/api/customers/{customer.public_id}/contacts"
    for _ in range(2):
        manager.post(address, json.dumps(WORDS), content_type="application/json")
    assert TimelineEntry.objects.count() == 2
    assert not Answered.objects.exists()


def test_a_search_is_not_kept(manager: Client) -> None:
    asked = {"text": "张伟明"}
    headers = {"Idempotency-Key": KEY}
    manager.post("/api/customers/search", asked, content_type="application/json", headers=headers)
    assert not Answered.objects.exists()


def test_many_at_one_moment_are_one(
    manager: Client, customer: Party, record_property: Callable[[str, int], None]
) -> None:
    def one(_number: int) -> tuple[int, bytes]:
        client = Client()
        client.cookies = manager.cookies
        try:
            answer = send(client, customer)
            return answer.status_code, answer.content
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as senders:
        told = set(senders.map(one, range(DUPLICATES)))
    assert len(told) == 1
    assert TimelineEntry.objects.count() == 1
    record_property("duplicates", DUPLICATES)
