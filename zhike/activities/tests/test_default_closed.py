"""Whoever was not given sight of customers has none, by any door of the actor."""

from __future__ import annotations

import pytest

from zhike.access.queries import actor_for
from zhike.activities.models import WorkItem
from zhike.activities.tests.factories import SYSTEM, Person, item, party, person, unit
from zhike.customers.models import Assignment, Party, Standing, TimelineEntry
from zhike.kernel import clock
from zhike.organisation.models import Role, User
from zhike.organisation.services import end_appointment

pytestmark = pytest.mark.django_db
MODELS = (Party, Assignment, Standing, TimelineEntry, WorkItem)


def rows_seen(who: Person) -> int:
    actor = actor_for(User.objects.get(pk=who.user.pk))
    return sum(model.objects.visible_to(actor).count() for model in MODELS)


def customer_of(who: Person) -> None:
    item(who, party(who))


@pytest.mark.parametrize(
    "role", [None, Role.SYSTEM_ADMINISTRATOR, Role.SECURITY_ADMINISTRATOR, Role.AUDITOR]
)
def test_neither_administrators_nor_the_unappointed_read_customers(role: str | None) -> None:
    who = person(role)
    customer_of(who)
    assert rows_seen(who) == 0
    seen = person()
    customer_of(seen)
    assert rows_seen(seen) == 4


def test_an_inactive_user_reads_nothing() -> None:
    who = person()
    customer_of(who)
    assert rows_seen(who) == 4
    User.objects.filter(pk=who.user.pk).update(is_active=False)
    assert rows_seen(who) == 0


def test_sight_ends_with_the_appointment() -> None:
    who = person(Role.TEAM_LEAD)
    customer_of(person(place=who.employee.unit))
    assert rows_seen(who) == 4
    end_appointment(
        actor=SYSTEM, appointment=who.employee.appointments.get(), on=clock.today(), reason="轮岗"
    )
    assert rows_seen(who) == 0


def test_reach_is_what_the_role_says() -> None:
    branch = unit()
    outlet, sibling = unit(branch), unit(branch)
    for place in (branch, outlet, sibling):
        party(place=place)
    expected = {
        (Role.CUSTOMER_MANAGER, outlet): 0,
        (Role.TELLER, outlet): 1,
        (Role.TEAM_LEAD, branch): 1,
        (Role.BRANCH_HEAD, branch): 3,
        (Role.BRANCH_HEAD, outlet): 1,
        (Role.ANALYST, outlet): 3,
    }
    for (role, place), count in expected.items():
        assert Party.objects.visible_to(person(role, place).actor).count() == count
