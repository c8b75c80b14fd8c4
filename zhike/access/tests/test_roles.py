"""The table of rights, and the actor worked out from it."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import combinations
from typing import Any

import pytest

from zhike.access.queries import actor_for, rights_of
from zhike.access.roles import PERMISSIONS, RIGHTS, Reach
from zhike.access.tests.factories import SYSTEM, unit, user
from zhike.kernel import clock
from zhike.kernel.actor import NOBODY
from zhike.organisation.models import Role, User
from zhike.organisation.rules import ADMINISTRATORS
from zhike.organisation.services import appoint, end_appointment


def test_every_role_has_rights_and_every_right_has_words() -> None:
    assert set(RIGHTS) == set(Role)
    assert set().union(*(each.permissions for each in RIGHTS.values())) == set(PERMISSIONS)


def test_administrators_reach_no_customer_and_share_no_duty() -> None:
    # Two of them read the register of what is kept and why, which names nobody.
    shared = {"account.use", "organisation.view"}
    for role in ADMINISTRATORS:
        assert RIGHTS[role].reach is Reach.NOTHING
        assert not any(each.startswith("customers.") for each in RIGHTS[role].permissions)
    for one, other in combinations(ADMINISTRATORS, 2):
        assert RIGHTS[one].permissions & RIGHTS[other].permissions - {"privacy.register"} == shared


@pytest.mark.django_db
def test_an_actor_is_the_sum_of_todays_positions() -> None:
    branch = unit()
    outlet = unit(branch)
    who = user(Role.TELLER, place=outlet)
    assert who.employee is not None
    appoint(
        actor=SYSTEM,
        employee=who.employee,
        unit=branch,
        role=Role.BRANCH_HEAD,
        title="行长",
        since=clock.today() + timedelta(days=1),
    )
    today = actor_for(who, "here")
    assert today.roles == {Role.TELLER}
    assert today.units == {outlet.pk}
    assert today.permissions == RIGHTS[Role.TELLER].permissions
    assert (today.origin, today.everywhere) == ("here", False)
    with clock.stopped_at(clock.today() + timedelta(days=1)):
        tomorrow = actor_for(who)
    assert tomorrow.units == {branch.pk, outlet.pk}
    assert tomorrow.permissions == (
        RIGHTS[Role.TELLER].permissions | RIGHTS[Role.BRANCH_HEAD].permissions
    )


@pytest.mark.django_db
def test_default_is_closed() -> None:
    unappointed = actor_for(user())
    assert (unappointed.permissions, unappointed.units) == (frozenset(), frozenset())
    assert not unappointed.may("account.use")
    inactive = user(Role.TELLER)
    User.objects.filter(pk=inactive.pk).update(is_active=False)
    assert actor_for(User.objects.get(pk=inactive.pk)) == NOBODY
    left = user(Role.TELLER)
    assert left.employee is not None
    left.employee.left_on = date(2020, 1, 1)
    assert actor_for(left) == NOBODY
    assert actor_for(User.objects.create(login="nobody-s-own")) == NOBODY


@pytest.mark.django_db
def test_a_right_ends_with_its_appointment() -> None:
    who = user(Role.AUDITOR)
    assert who.employee is not None
    assert actor_for(who).may("access.read_audit")
    end_appointment(
        actor=SYSTEM,
        appointment=who.employee.appointments.get(),
        on=clock.today(),
        reason="轮岗",
    )
    assert not actor_for(who).may("access.read_audit")


@pytest.mark.django_db
@pytest.mark.parametrize("size", [1, 12])
def test_an_actor_costs_three_queries_however_many_positions_and_units(
    size: int, django_assert_num_queries: Any
) -> None:
    who = user(Role.CUSTOMER_MANAGER)
    assert who.employee is not None
    for _ in range(size):
        branch = unit()
        for _ in range(size):
            unit(branch)
        appoint(
            actor=SYSTEM,
            employee=who.employee,
            unit=branch,
            role=Role.BRANCH_HEAD,
            title="行长",
            since=date(2001, 1, 1),
        )
    fresh = User.objects.get(pk=who.pk)
    with django_assert_num_queries(3):
        actor = actor_for(fresh)
    assert len(actor.units) == size * (size + 1)


@pytest.mark.django_db
def test_rights_are_told_with_reason_and_holders() -> None:
    rights = {each.permission: each for each in rights_of(actor_for(user(Role.TELLER)))}
    assert rights["customers.view"].decision
    withheld = rights["access.read_audit"]
    assert not withheld.decision
    assert str(PERMISSIONS["access.read_audit"]) in withheld.decision.reason
    assert withheld.holders == (str(Role.AUDITOR.label),)
