from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from zhike.customers.models import Standing, TierRating
from zhike.insight.models import RefreshRun, Score
from zhike.insight.services import refresh
from zhike.insight.tests.factories import (
    AS_OF,
    SYSTEM,
    agreement,
    assign,
    employee,
    load,
    movement,
    party,
    product,
    seeded,
    unit,
)

pytestmark = pytest.mark.django_db


def test_a_refresh_brings_scores_tiers_and_standings() -> None:
    seeded()
    home = unit()
    rich, poor = party(home, "富"), party(home, "贫")
    assign(rich, employee(home))
    account, small = agreement(rich, product()), agreement(poor, product())
    load(
        [
            movement(account, date(2026, 1, 5), "400000", "400000", key="1"),
            movement(account, date(2026, 11, 18), "-1000", "399000", key="2"),
            movement(small, date(2026, 11, 1), "10", "10", key="3"),
        ]
    )
    run = refresh(actor=SYSTEM, as_of=AS_OF)
    assert run.state == RefreshRun.State.DONE
    assert run.counts["scores"] == 2
    score = Score.objects.get(party=rich)
    assert score.as_of == AS_OF
    assert score.values["balance"] == "399000.00"
    assert score.values["tier"] == "platinum"
    standing = Standing.objects.get(party=rich)
    assert standing.balance == Decimal("399000.00")
    assert standing.tier is not None
    assert standing.tier.code == "platinum"
    assert TierRating.objects.get(party=poor).tier.code == "ordinary"
