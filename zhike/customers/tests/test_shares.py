"""A share and a cover: one customer more, for a time, and why."""

from __future__ import annotations

from datetime import timedelta

import pytest

from zhike.customers import services
from zhike.customers.models import Assignment, Party
from zhike.customers.queries import sight
from zhike.customers.tests import factories
from zhike.customers.tests.test_services import nothing_written
from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.kernel.errors import UserError
from zhike.organisation.models import Employee, Role, Unit

pytestmark = pytest.mark.django_db


@pytest.fixture
def unit() -> Unit:
    return factories.unit()


@pytest.fixture
def manager(unit: Unit) -> Employee:
    return factories.employee_with_role(Role.CUSTOMER_MANAGER, unit)


@pytest.fixture
def lead(unit: Unit) -> Actor:
    return factories.actor_with_role(Role.TEAM_LEAD, unit)


@pytest.fixture
def mine(manager: Employee, unit: Unit) -> Party:
    return factories.person(manager=manager, unit=unit)


def test_a_share_lets_one_more_person_see_one_customer_for_a_time(lead: Actor, mine: Party) -> None:
    guest = factories.employee_with_role(Role.TELLER, factories.unit())
    today = clock.today()
    until = today + timedelta(days=9)
    services.assign(
        actor=lead, party=mine, employee=guest, role="shared", until=until, reason="联合尽调"
    )
    sees = Party.objects.visible_to
    assert list(sees(factories.actor_of(guest))) == [mine]
    assert sight(factories.actor_of(guest), mine) == [f"您获准查看该客户至 {until}：联合尽调"]
    for days, visible in ((9, True), (10, False)):
        with clock.stopped_at(clock.now() + timedelta(days=days)):
            assert sees(factories.actor_of(guest)).exists() is visible


@pytest.mark.parametrize(
    ("role", "days"),
    [("shared", None), ("shared", 400), ("shared", -1), ("main", 5), ("assistant", -1)],
)
def test_days_that_do_not_fit_are_refused(
    lead: Actor, mine: Party, unit: Unit, role: str, days: int | None
) -> None:
    other = factories.employee_with_role(Role.CUSTOMER_MANAGER, unit)
    until = None if days is None else clock.today() + timedelta(days=days)
    with nothing_written(), pytest.raises(UserError):
        services.assign(
            actor=lead, party=mine, employee=other, role=role, until=until, reason="代班"
        )


def test_a_cover_ends_by_itself(lead: Actor, mine: Party, unit: Unit) -> None:
    other = factories.employee_with_role(Role.CUSTOMER_MANAGER, unit)
    services.assign(
        actor=lead,
        party=mine,
        employee=other,
        role="assistant",
        until=clock.today(),
        reason="代班",
    )
    seat = Assignment.objects.get(party=mine, employee=other)
    assert seat.during.upper == clock.today() + timedelta(days=1)


def test_whoever_sees_a_customer_is_told_why(
    lead: Actor, mine: Party, manager: Employee, unit: Unit
) -> None:
    assert sight(lead, mine) == [f"该客户属于{unit.name}，您可查看该机构的客户。"]
    [why] = sight(factories.actor_of(manager), mine)
    assert "主办客户经理" in why
    analyst = factories.employee_with_role(Role.ANALYST, unit)
    assert sight(factories.actor_of(analyst), mine) == ["您可见全行客户。"]
