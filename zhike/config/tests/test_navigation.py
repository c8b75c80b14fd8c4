"""What each role finds in the navigation, and under the thumb of a phone."""

from __future__ import annotations

import pytest
from django.test import Client

from zhike.organisation.models import Role
from zhike.organisation.tests.factories import client_of, employee

pytestmark = pytest.mark.django_db

ROAD = ["activities.today", "customers", "insight", "products.agreements"]


def shown(client: Client) -> tuple[list[str], dict[str, list[str]]]:
    context = client.get("/me/").context
    sections = {part.label: [link.item.id for link in part.links] for part in context["navigation"]}
    return [link.item.id for link in context["thumbs"]], sections


@pytest.mark.parametrize(
    "role", [Role.CUSTOMER_MANAGER, Role.TEAM_LEAD, Role.BRANCH_HEAD, Role.ANALYST]
)
def test_what_is_needed_on_the_road_is_under_the_thumb(role: str) -> None:
    thumbs, sections = shown(client_of(employee(role)))
    assert thumbs == ROAD
    assert sections[""] == ["activities.today", "activities.work", "activities.contacts"]


def test_a_teller_gets_no_values() -> None:
    thumbs, sections = shown(client_of(employee(Role.TELLER)))
    assert thumbs == [
        *("activities.today", "customers", "products.agreements", "activities.contacts")
    ]
    assert all(not each.startswith("insight") for part in sections.values() for each in part)


@pytest.mark.parametrize(
    "role", [Role.SYSTEM_ADMINISTRATOR, Role.SECURITY_ADMINISTRATOR, Role.AUDITOR]
)
def test_administrators_find_no_customers(role: str) -> None:
    _thumbs, sections = shown(client_of(employee(role)))
    assert sections[""] == ["activities.today"]
    assert "Customers" not in sections
