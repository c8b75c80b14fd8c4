"""Contacts on the timeline."""

from __future__ import annotations

from datetime import timedelta

import pytest

from zhike.customers.models import Standing, TimelineEntry
from zhike.customers.services import add_timeline_entry
from zhike.customers.tests import factories
from zhike.kernel import clock
from zhike.kernel.errors import Refused, UserError
from zhike.kernel.models import AuditEntry
from zhike.organisation.models import Role

pytestmark = pytest.mark.django_db


def test_a_contact_is_kept_and_moves_the_last_contact() -> None:
    manager = factories.employee_with_role()
    actor = factories.actor_of(manager)
    party = factories.person(manager=manager)
    entry = add_timeline_entry(
        actor=actor,
        party=party,
        kind="contact",
        channel="phone",
        direction="out",
        title="回访",
        body="谈到期存款",
        result="有意续存",
    )
    assert entry.id
    assert entry.employee == manager
    assert list(TimelineEntry.objects.visible_to(actor)) == [entry]
    assert Standing.objects.get(party=party).last_contact_on == clock.today()
    assert (
        AuditEntry.objects.filter(action="customers.timeline.add", party_id=party.pk).count() == 1
    )


def test_an_older_contact_and_a_note_leave_the_last_contact_alone() -> None:
    manager = factories.employee_with_role()
    actor = factories.actor_of(manager)
    party = factories.person(manager=manager)
    now = clock.now()
    for kind, at in (
        ("contact", now - timedelta(days=3)),
        ("contact", now - timedelta(days=9)),
        ("note", now),
    ):
        add_timeline_entry(
            actor=actor, party=party, kind=kind, channel="phone", title="回访", at=at
        )
    day = (now - timedelta(days=3)).astimezone(clock.BUSINESS_ZONE).date()
    assert Standing.objects.get(party=party).last_contact_on == day


def test_a_customer_out_of_scope_is_refused_and_nothing_is_written() -> None:
    actor = factories.actor_with_role()
    party = factories.person()
    with pytest.raises(Refused):
        add_timeline_entry(actor=actor, party=party, kind="note", channel="system", title="看看")
    assert not TimelineEntry.objects.exists()
    assert Standing.objects.get(party=party).last_contact_on is None


def test_a_number_that_has_a_field_of_its_own_is_refused_without_being_repeated() -> None:
    manager = factories.employee_with_role()
    actor = factories.actor_of(manager)
    party = factories.person(manager=manager)
    with pytest.raises(UserError) as caught:
        add_timeline_entry(
            actor=actor,
            party=party,
            kind="note",
            channel="system",
            title="新号码",
            body="改用 199 0000 1234",
        )
    assert "1234" not in str(caught.value)
    assert not TimelineEntry.objects.exists()


def test_a_teller_may_and_an_analyst_may_not() -> None:
    place = factories.unit()
    party = factories.person(unit=place)
    teller = factories.actor_with_role(Role.TELLER, place)
    add_timeline_entry(actor=teller, party=party, kind="contact", channel="counter", title="存款")
    analyst = factories.actor_with_role(Role.ANALYST, place)
    with pytest.raises(Refused):
        add_timeline_entry(actor=analyst, party=party, kind="note", channel="system", title="x")
    assert TimelineEntry.objects.count() == 1


def test_what_is_still_to_come_is_refused() -> None:
    manager = factories.employee_with_role()
    with pytest.raises(UserError):
        add_timeline_entry(
            actor=factories.actor_of(manager),
            party=factories.person(manager=manager),
            kind="contact",
            channel="visit",
            title="拜访",
            at=clock.now() + timedelta(days=1),
        )
