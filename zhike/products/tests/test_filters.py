"""The customer list asks for what customers hold, within the asker's scope."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from zhike.customers.models import Party
from zhike.customers.tests import factories
from zhike.kernel import clock
from zhike.organisation.models import Role
from zhike.products.models import Agreement, Product

pytestmark = pytest.mark.django_db


def holds(party: Party, category: str, **fields: Any) -> Agreement:
    product, _new = Product.objects.get_or_create(
        code=category, name=category, category=category, side="asset"
    )
    return Agreement.objects.create(
        party=party,
        product=product,
        unit=party.unit,
        source="test",
        source_key=f"{party.pk}-{category}",
        opened_on=clock.today() - timedelta(400),
        **fields,
    )


def test_holdings_are_asked_for(client: Client) -> None:
    unit = factories.unit()
    lead = factories.signed_in_client(Role.TEAM_LEAD, unit)
    borrower, saver = factories.person("张伟明", unit=unit), factories.person("李清和", unit=unit)
    holds(borrower, "loan", matures_on=clock.today() + timedelta(20), principal=50_000)
    holds(saver, "deposit", status="dormant")
    holds(saver, "fund", closed_on=clock.today())
    for where, found in (
        ("holds.is.loan", {borrower}),
        ("holds.is_not.loan", {saver}),
        ("holds.is.fund", set()),
        ("product.is.deposit", {saver}),
        ("matures.next.30", {borrower}),
        ("matures.next.10", set()),
        ("opened.older.365", {borrower, saver}),
        ("principal.over.10000", {borrower}),
        ("agreement_status.is.dormant", {saver}),
        ("any(holds.is.loan,agreement_status.is.dormant)", {borrower, saver}),
    ):
        page = lead.get(f"/customers/?where={where}").content.decode()
        assert "list-problem" not in page, where
        shown = {each for each in (borrower, saver) if each.get_absolute_url() in page}
        assert shown == found, where
