"""Links, ids and pins of a customer that is part of another one lead there, and are its own again after a split."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from zhike.customers.models import Merge, Party
from zhike.customers.tests import factories as people
from zhike.masterdata.services.reviewing import merge_customers, split_customer
from zhike.organisation.models import Role, Unit

pytestmark = pytest.mark.django_db
PAGES = (
    "customers:party",
    "customers:edit",
    "customers:brief",
    "review:merge",
)


@pytest.fixture
def unit() -> Unit:
    return people.unit("城东支行")


@pytest.fixture
def head(unit: Unit) -> Client:
    return people.signed_in_client(Role.BRANCH_HEAD, unit)


@pytest.fixture
def pair(unit: Unit) -> tuple[Party, Party]:
    return people.person("张伟明", unit=unit), people.person("张玮明", unit=unit)


def merged(pair: tuple[Party, Party]) -> Merge:
    stays, goes = pair
    return merge_customers(actor=people.SYSTEM, absorbed=goes, into=stays, reason="同一人")


def desk(client: Client) -> tuple[str, str]:
    """The pinned and the recent ones of the list below the clock."""
    shown = client.get(reverse("desk:remembered")).context
    return tuple("、".join(each.title for each in shown[name]) for name in ("pinned", "recent"))  # type: ignore[return-value]


def pin(client: Client, party: Party, pinned: str) -> Any:
    url = reverse("desk:pin", args=[party.public_id])
    return client.post(url, {"subject": "customer", "pinned": pinned})


def test_every_page_of_an_absorbed_customer_leads_to_the_root(
    head: Client, pair: tuple[Party, Party]
) -> None:
    stays, goes = pair
    merge = merged(pair)
    far = people.signed_in_client(Role.BRANCH_HEAD, people.unit("城西支行"))
    for name in PAGES:
        old, new = (reverse(name, args=[each.public_id]) for each in (goes, stays))
        answer = head.get(f"{old}?peek=1")
        assert (answer.status_code, answer.headers["Location"]) == (302, f"{new}?peek=1")
        assert far.get(old).status_code == 404
        assert head.post(old, {"reason": "x"}).status_code in (404, 405)
    for url in (f"/api/customers/{goes.public_id}", f"/api/products/holdings/{goes.public_id}"):
        assert head.get(url).status_code == 200, url
        assert far.get(url).status_code == 404
    assert head.get(f"/api/customers/{goes.public_id}").json()["id"] == str(stays.public_id)
    split_customer(actor=people.SYSTEM, merge=merge, reason="两个人")
    assert head.get(goes.get_absolute_url()).status_code == 200


def test_pins_and_recent_ones_follow_and_come_back(head: Client, pair: tuple[Party, Party]) -> None:
    stays, goes = pair
    pin(head, goes, "1")
    head.get(stays.get_absolute_url())
    assert desk(head) == ("张玮明", "张伟明")
    merge = merged(pair)
    assert desk(head) == ("张伟明", "")
    assert head.get(stays.get_absolute_url()).context["star"].pinned
    split_customer(actor=people.SYSTEM, merge=merge, reason="两个人")
    assert desk(head) == ("张玮明", "张伟明")
    assert not head.get(stays.get_absolute_url()).context["star"].pinned
    merged((stays, Party.objects.get(pk=goes.pk)))
    pin(head, stays, "0")
    assert desk(head) == ("", "张伟明")
    assert not head.get(stays.get_absolute_url()).context["star"].pinned
