"""Marketing is planned and made only while the customer agrees to that channel, asked at that moment."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from zhike.activities.models import WorkItem
from zhike.activities.services import complete, plan_follow_up
from zhike.customers.queries.consent import may_use
from zhike.customers.services import give_consent, withdraw_consent
from zhike.customers.tests import factories
from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.kernel.errors import Refused
from zhike.kernel.models import AuditEntry

pytestmark = pytest.mark.django_db


@pytest.fixture
def case() -> tuple[Actor, Any]:
    manager = factories.employee_with_role()
    party = factories.person("费同意", unit=manager.unit, manager=manager)
    return factories.actor_of(manager), party


def plan(actor: Actor, party: Any, channel: str = "phone") -> WorkItem:
    on = clock.today() + timedelta(days=1)
    return plan_follow_up(actor=actor, party=party, on=on, text="新理财", marketing_by=channel)


def agree(actor: Actor, party: Any, channel: str = "phone") -> None:
    give_consent(
        actor=actor, party=party, purpose="marketing", channel=channel, text_version="2026-1"
    )


def test_without_consent_nothing_is_planned(case: tuple[Actor, Any]) -> None:
    actor, party = case
    with pytest.raises(Refused) as refused:
        plan(actor, party)
    assert "费同意" not in str(refused.value)
    assert not WorkItem.objects.exists()


def test_consent_of_one_channel_is_none_of_another(case: tuple[Actor, Any]) -> None:
    actor, party = case
    agree(actor, party, "sms")
    with pytest.raises(Refused):
        plan(actor, party)
    assert plan(actor, party, "sms").figures["marketing_by"] == "sms"
    assert AuditEntry.objects.filter(action="customers.consent.use", party_id=party.pk).exists()


def test_withdrawal_beats_what_is_planned(
    case: tuple[Actor, Any], django_capture_on_commit_callbacks: Any
) -> None:
    actor, party = case
    agree(actor, party, "any")
    item, kept = plan(actor, party), plan(actor, party, "sms")
    with django_capture_on_commit_callbacks(execute=True):
        withdraw_consent(actor=actor, party=party, purpose="marketing", channel="phone")
    item.refresh_from_db()
    kept.refresh_from_db()
    assert (item.state, kept.state) == (WorkItem.State.DISMISSED, WorkItem.State.OPEN)


def test_contact_is_asked_for_anew_when_it_is_made(case: tuple[Actor, Any]) -> None:
    actor, party = case
    agree(actor, party)
    item = plan(actor, party)
    withdraw_consent(actor=actor, party=party, purpose="marketing", channel="phone")
    with pytest.raises(Refused):
        complete(actor=actor, item=item, result="已电话联系", channel="phone")
    item.refresh_from_db()
    assert item.state == WorkItem.State.OPEN
    complete(actor=actor, item=item, result="客户自己来了", channel="counter")


def test_answer_names_the_word_that_decides(case: tuple[Actor, Any]) -> None:
    actor, party = case
    assert may_use(actor, party, "service", "phone").event is None
    assert may_use(actor, party, "service", "phone")
    assert not may_use(actor, party, "marketing", "phone")
    agree(actor, party)
    agreed = may_use(actor, party, "marketing", "phone")
    assert agreed.event is not None
    assert "2026-1" in agreed.reason
    withdraw_consent(actor=actor, party=party, purpose="marketing", channel="any")
    assert not may_use(actor, party, "marketing", "phone")
