"""The value pages and panels: what is in scope, with its reasons, and nothing else."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from zhike.access.queries import actor_for
from zhike.customers.models import Assignment, Party
from zhike.customers.tests import factories as people
from zhike.insight.metrics import metrics
from zhike.insight.models import RefreshRun, Score
from zhike.insight.panels import REASON_LABELS, SHOWN, changed, over_time, value
from zhike.insight.tests.factories import AS_OF, EARLIER, scored, seeded, tallied
from zhike.kernel import clock
from zhike.kernel.models import AuditEntry
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


def done() -> RefreshRun:
    run: RefreshRun = RefreshRun.objects.create(
        as_of=AS_OF, model_version="1", started_at=clock.now(), state=RefreshRun.State.DONE
    )
    return run


def text(answer: Any) -> str:
    return str(answer.content.decode())


PAGES = (
    "overview", "scatter", "concentration", "movements", "movers", "bulletin", "targets",
    "thresholds", "metrics",
)  # fmt: skip


def two_days(here: Unit) -> dict[str, Party]:
    """One customer who rose and one unseen who did the same elsewhere."""
    elsewhere = people.unit("城西支行")
    made = {
        "seen": people.person("张伟明", unit=here),
        "hidden": people.person("王小芳", unit=elsewhere),
    }
    for each in made.values():
        scored(each, EARLIER, tier="ordinary", value_class="low", balance="100")
        scored(each, tier="gold", value_class="high", balance="60000")
    tallied()
    return made


@pytest.mark.parametrize("name", PAGES)
def test_without_any_score_each_page_says_what_to_do(name: str) -> None:
    client = people.signed_in_client(Role.ANALYST, people.unit())
    assert client.get(reverse(f"insight:{name}")).status_code == 200


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("role", [Role.TELLER, Role.AUDITOR, Role.SYSTEM_ADMINISTRATOR])
def test_who_has_no_business_with_values_sees_none(here: Unit, name: str, role: str) -> None:
    client = people.signed_in_client(role, here)
    assert client.get(reverse(f"insight:{name}")).status_code == 403


def test_the_grid_counts_and_leads_to_what_the_reader_may_see(here: Unit) -> None:
    two_days(here)
    client = people.signed_in_client(Role.BRANCH_HEAD, here)
    answer = client.get(reverse("insight:overview"))
    cells = answer.context["cells"]
    assert {code: cell.now.customers for code, cell in cells.items()} == {
        "high": 1, "second": 0, "potential": 0, "low": 0,
    }  # fmt: skip
    assert cells["low"].change == -1
    assert f"{reverse('customers:list')}?value=high" in text(answer)
    assert "was_class=low&amp;value_class=high" in text(answer)
    everyone = people.signed_in_client(Role.ANALYST, here).get(reverse("insight:overview"))
    assert everyone.context["cells"]["high"].now.customers == 2


@pytest.mark.parametrize("name", ["movements", "movers"])
def test_the_customers_who_moved_are_those_in_scope(here: Unit, name: str) -> None:
    made = two_days(here)
    client = people.signed_in_client(Role.BRANCH_HEAD, here)
    page = text(client.get(reverse(f"insight:{name}") + "?turn=rose"))
    assert made["seen"].name in page
    assert made["hidden"].name not in page


def test_a_unit_or_person_out_of_sight_is_not_there(here: Unit) -> None:
    two_days(here)
    other = people.employee_with_role(Role.CUSTOMER_MANAGER, people.unit())
    client = people.signed_in_client(Role.BRANCH_HEAD, here)
    address = reverse("insight:overview")
    assert client.get(f"{address}?unit={here.code}").status_code == 200
    assert client.get(f"{address}?unit={other.unit.code}").status_code == 404
    assert client.get(f"{address}?who={other.code}").status_code == 404
    assert client.get(f"{address}?unit=nowhere").status_code == 404
    own = people.client_of(other)
    assert own.get(f"{address}?who={other.code}").status_code == 200
    assert own.get(f"{address}?unit={here.code}").status_code == 404


def test_a_day_without_scores_is_answered_by_one_with(here: Unit) -> None:
    two_days(here)
    client = people.signed_in_client(Role.BRANCH_HEAD, here)
    for asked in ("2026-10-31", "1999-01-01", "x"):
        answer = client.get(reverse("insight:overview"), {"since": asked})
        assert answer.context["since"] == EARLIER
        assert answer.context["days"] == [AS_OF, EARLIER]


def test_the_bulletin_says_how_each_tier_changed(here: Unit) -> None:
    two_days(here)
    client = people.signed_in_client(Role.BRANCH_HEAD, here)
    whole = client.get(reverse("insight:bulletin")).context["whole"]
    changes = {
        line.tier: (line.now.customers, line.customers, line.balance) for line in whole.lines
    }
    assert changes["金"] == (1, 1, Decimal(60000))
    assert changes["普通"] == (0, -1, Decimal(-100))
    assert whole.total.now.customers == 1


def test_what_is_taken_out_is_in_scope_and_on_the_trail(here: Unit) -> None:
    made = two_days(here)
    address = reverse("insight:export") + "?turn=rose"
    answer: Any = people.signed_in_client(Role.BRANCH_HEAD, here).get(address)
    file = b"".join(answer.streaming_content).decode("utf-8-sig")
    assert made["seen"].name in file
    assert made["hidden"].name not in file
    assert AuditEntry.objects.filter(action="export.insight.movers").count() == 1
    assert people.signed_in_client(Role.ANALYST, here).get(address).status_code == 403
    assert AuditEntry.objects.filter(action="export.insight.movers").count() == 1


@pytest.mark.parametrize("name", ["overview", "movements", "bulletin", "concentration"])
def test_the_number_of_queries_does_not_grow_with_the_customers(here: Unit, name: str) -> None:
    client = people.signed_in_client(Role.BRANCH_HEAD, here)

    def count() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert client.get(reverse(f"insight:{name}")).status_code == 200
        return len(asked)

    two_days(here)
    count()  # the first answer of a session asks more
    first = count()
    for at in range(3):
        party = people.person("李", unit=here)
        scored(party, EARLIER, tier="gold")
        scored(party, AS_OF, tier="platinum", balance=str(70000 + at))
    tallied()
    assert count() == first <= 30


def test_the_panels_tell_what_moved_and_how_it_went(here: Unit) -> None:
    made = two_days(here)
    manager = people.employee_with_role(Role.CUSTOMER_MANAGER, here)
    Assignment.objects.create(party=made["seen"], employee=manager, during=(date(2020, 1, 1), None))
    actor = people.actor_of(manager)
    told = changed(actor, None)
    assert (told["rose"], told["fell"], told["classes"]) == (1, 0, 1)
    assert told["balance"] == Decimal(59900)
    assert [row.party for row in told["largest"]] == [made["seen"]]
    assert len(over_time(actor, made["seen"])["scores"]) == 2
    assert over_time(actor, made["hidden"])["scores"] == []


def test_every_metric_is_explained_on_the_catalogue(here: Unit) -> None:
    page = text(people.signed_in_client(Role.ANALYST, here).get(reverse("insight:metrics")))
    for metric in metrics:
        assert f'id="{metric.name}"' in page


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
    address = f"{party.get_absolute_url()}?panel=insight.value"
    page = text(people.client_of(head).get(address, headers={"HX-Request": "true"}))
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
