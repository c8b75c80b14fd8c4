"""Where a party stands on the books, and what is left of it when it is no customer any more."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from zhike.customers import services
from zhike.customers.models import Party, Standing, Tier, TierRating
from zhike.customers.tests import factories
from zhike.kernel import clock

pytestmark = pytest.mark.django_db


@pytest.fixture
def mine() -> Party:
    return factories.person()


def rated(party: Party, since: date) -> Tier:
    """The party stands on the books with a tier since that day."""
    tier, _created = Tier.objects.get_or_create(
        code="gold", defaults={"name": "金卡", "rank": 3, "contact_every_days": 90}
    )
    TierRating.objects.create(party=party, tier=tier, during=(since, None))
    Standing.objects.filter(party=party).update(
        tier=tier, value_class="high", balance=5, current_value=80, last_contact_on=since
    )
    return tier


def books(party: Party) -> tuple[object, ...]:
    return Standing.objects.values_list(
        "tier", "value_class", "balance", "current_value", "last_contact_on"
    ).get(party=party)


def test_a_closed_customer_has_no_tier_class_or_value(mine: Party) -> None:
    yesterday = clock.today() - timedelta(days=1)
    rated(mine, yesterday)
    services.close_party(actor=factories.SYSTEM, party=mine, reason="销户")
    assert books(mine) == (None, "", 0, None, yesterday)
    ended = TierRating.objects.get(party=mine).during
    assert (ended.lower, ended.upper) == (yesterday, clock.today())


def test_a_refresh_clears_whoever_was_closed_elsewhere(mine: Party) -> None:
    today = clock.today()
    stays, former = mine, factories.person(stage="former")
    tier = rated(stays, today)
    rated(former, today)
    before = books(stays)
    for written in (1, 0):
        assert services.record_standings(actor=factories.SYSTEM, rows=[]) == written
        services.rate_tiers(actor=factories.SYSTEM, ratings=[], on=today)
        assert books(former) == (None, "", 0, None, today)
        assert books(stays) == before
        assert [each.party for each in TierRating.objects.filter(tier=tier)] == [stays]
