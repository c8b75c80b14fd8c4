"""The overview and the value panel: what is in scope, with its reasons, and nothing else."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from zhike.access.queries import actor_for
from zhike.customers.models import Party, Standing
from zhike.customers.tests import factories as people
from zhike.insight import queries
from zhike.insight.metrics import metrics
from zhike.insight.models import RefreshRun, Score
from zhike.insight.panels import REASON_LABELS, SHOWN, value
from zhike.insight.tests.factories import AS_OF, SYSTEM, seeded
from zhike.kernel import clock
from zhike.organisation.models import Role, Unit

pytestmark = pytest.mark.django_db

VALUES = {
    "balance": "399000.00",
    "contribution_12m": "6500.00",
    "current_value": "88.00",
    "potential_value": "20.00",
    "value_class": "second",
    "tier": "platinum",
    "tier_gap": "5601000.00",
    "abc_class": "A",
    "profit_contribution_rate": "0.25000000",
}
REASONS = {
    "contribution_12m": {"net_interest_liability": "6783.00", "service_cost_12m": "283.00"},
    "value_class": {"current_cut": "75.0000", "potential_cut": "60.0000"},
    "tier": {"change": "kept", "next": "private"},
}


@pytest.fixture
def here() -> Unit:
    seeded()
    return people.unit()


def standing(party: Party, contribution: str, value_class: str = "low") -> None:
    Standing.objects.update_or_create(
        party=party,
        defaults={
            "contribution": Decimal(contribution),
            "balance": Decimal(1000),
            "value_class": value_class,
            "as_of": AS_OF,
        },
    )


def done() -> RefreshRun:
    run: RefreshRun = RefreshRun.objects.create(
        as_of=AS_OF, model_version="1", started_at=clock.now(), state=RefreshRun.State.DONE
    )
    return run


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_the_overview_counts_only_what_is_in_scope(here: Unit) -> None:
    done()
    elsewhere = people.unit()
    for contribution in ("80", "15", "5", "0", "-3"):
        standing(people.person("张伟明", unit=here), contribution, "high")
    standing(people.person("王小芳", unit=elsewhere), "1000000")
    head = people.employee_with_role(Role.BRANCH_HEAD, here)
    seen = queries.overview(actor_for(head.user))
    assert seen.customers == 5
    assert [(group.code, group.customers) for group in seen.classes] == [
        ("high", 5),
        ("second", 0),
        ("potential", 0),
        ("low", 0),
    ]
    assert [(group.code, group.customers, group.share) for group in seen.abc] == [
        ("A", 1, Decimal("0.8")),
        ("B", 1, Decimal("0.15")),
        ("C", 3, Decimal("0.05")),
    ]
    assert seen.top_share == Decimal("0.8")
    everyone = queries.overview(SYSTEM)
    assert everyone.customers == 6


def test_the_page_leads_to_the_customers_behind_each_number(here: Unit) -> None:
    done()
    standing(people.person("张伟明", unit=here), "80", "high")
    client: Client = people.signed_in_client(Role.BRANCH_HEAD, here)
    page = text(client.get(reverse("insight:overview")))
    assert f"{reverse('customers:list')}?value=high" in page
    assert f"{reverse('customers:list')}?tier=gold" in page


def test_the_number_of_queries_does_not_grow_with_the_customers(here: Unit) -> None:
    done()
    actor = actor_for(people.employee_with_role(Role.BRANCH_HEAD, here).user)

    def count() -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            queries.overview(actor)
        return len(asked)

    standing(people.person("张伟明", unit=here), "80")
    first = count()
    for _ in range(5):
        standing(people.person("张伟明", unit=here), "80")
    assert count() == first <= 7


def test_without_figures_or_thresholds_the_page_says_so() -> None:
    client = people.signed_in_client(Role.ANALYST, people.unit())
    assert client.get(reverse("insight:overview")).status_code == 200
    assert queries.overview(SYSTEM).top_share is None


def test_a_teller_sees_no_figures(here: Unit) -> None:
    client = people.signed_in_client(Role.TELLER, here)
    assert client.get(reverse("insight:overview")).status_code == 403


def test_the_panel_tells_each_number_with_its_reasons(here: Unit) -> None:
    party = people.person("张伟明", unit=here)
    Score.objects.create(party=party, run=done(), as_of=AS_OF, values=VALUES, reasons=REASONS)
    head = people.employee_with_role(Role.BRANCH_HEAD, here)
    shown = {each.metric.name: each for each in value(actor_for(head.user), party)["shown"]}
    assert set(shown) == set(VALUES) - {"tier_gap"}
    assert "私行" in [text for _label, text in shown["tier"].reasons]
    parts = dict(shown["contribution_12m"].reasons)
    assert set(parts) == {metrics.get(name).label for name in REASONS["contribution_12m"]}
    assert shown["profit_contribution_rate"].text == "25.00%"
    page = text(people.client_of(head).get(party.get_absolute_url()))
    assert str(metrics.get("contribution_12m").formula) in page


def test_the_panel_of_a_customer_out_of_scope_is_empty(here: Unit) -> None:
    party = people.person("张伟明", unit=here)
    Score.objects.create(party=party, run=done(), as_of=AS_OF, values=VALUES, reasons=REASONS)
    stranger = people.employee_with_role(Role.BRANCH_HEAD, people.unit())
    assert value(actor_for(stranger.user), party) == {"shown": []}


def test_everything_shown_is_in_the_catalogue() -> None:
    names = {metric.name for metric in metrics}
    assert set(SHOWN) <= names
    assert not set(REASON_LABELS) & names
    for metric in metrics:
        assert set(metric.parts) <= names
        assert metric.requirement.startswith("R-")
