"""Targets: set by heads for their people, read by those in sight, measured by named metrics."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.urls import reverse

from zhike.access.queries import actor_for
from zhike.customers.tests import factories as people
from zhike.insight import queries
from zhike.insight.models import Target
from zhike.insight.panels import own_targets
from zhike.insight.services import drop_target, set_target
from zhike.insight.tests.factories import AS_OF, SYSTEM, scored, seeded, tallied
from zhike.kernel import clock
from zhike.kernel.errors import Refused, UserError
from zhike.kernel.models import AuditEntry
from zhike.organisation.models import Employee, Role, Unit, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def here() -> Unit:
    seeded()
    return people.unit("城东支行")


@pytest.fixture
def manager(here: Unit) -> Employee:
    return people.employee_with_role(Role.CUSTOMER_MANAGER, here)


def aim(who: Employee | Unit, amount: str = "100", **call: object) -> Target:
    asked = {
        "actor": SYSTEM, "metric": "portfolio_customers", "who": who, "period": "quarter",
        "day": AS_OF, "amount": Decimal(amount),
    } | call  # fmt: skip
    return set_target(**asked)  # type: ignore[arg-type]


def test_a_target_set_again_is_changed_and_both_are_on_the_trail(manager: Employee) -> None:
    first, second = aim(manager), aim(manager, "120")
    assert first.pk == second.pk
    assert (second.amount, second.starts_on.isoformat()) == (Decimal(120), "2026-10-01")
    changes = list(
        AuditEntry.objects.filter(action="insight.target.set").order_by("id").values_list("changes")
    )
    assert len(changes) == 2
    drop_target(actor=SYSTEM, target=second)
    assert not Target.objects.exists()


def test_who_may_not_changes_nothing(here: Unit, manager: Employee) -> None:
    head = people.actor_with_role(Role.BRANCH_HEAD, people.unit("城西支行"))
    own = people.actor_of(manager)
    for actor in (head, own):
        with pytest.raises(Refused):
            aim(manager, actor=actor)
        with pytest.raises(Refused):
            aim(here, actor=actor)
    with pytest.raises(UserError):
        aim(manager, "0")
    with pytest.raises(UserError):
        aim(manager, metric="balance")
    assert not Target.objects.exists()
    mine = people.actor_with_role(Role.BRANCH_HEAD, here)
    target = aim(manager, actor=mine)
    with pytest.raises(Refused):
        drop_target(actor=head, target=target)
    assert Target.objects.get() == target


def test_each_sees_own_targets_and_those_of_the_units(here: Unit, manager: Employee) -> None:
    colleague = people.employee_with_role(Role.CUSTOMER_MANAGER, here)
    aim(manager)
    aim(colleague)
    aim(here)
    assert Target.objects.visible_to(people.actor_of(manager)).count() == 1
    assert Target.objects.visible_to(people.actor_with_role(Role.BRANCH_HEAD, here)).count() == 3
    stranger = people.actor_with_role(Role.BRANCH_HEAD, people.unit())
    assert not Target.objects.visible_to(stranger).exists()
    assert not Target.objects.visible_to(people.actor_with_role(Role.TELLER, here)).exists()


def test_progress_is_counted_from_the_main_customers(here: Unit, manager: Employee) -> None:
    for name, tier, whose in (
        ("甲", "gold", manager),
        ("乙", "ordinary", manager),
        ("丙", "gold", None),
    ):
        party = people.person(name, unit=here, manager=whose)
        scored(party, tier=tier, balance="300", contribution="7", manager=whose)
    tallied()
    for metric, amount in (("portfolio_balance", "1200"), ("portfolio_upper", "2")):
        aim(manager, amount, metric=metric)
    aim(here, "3")
    lines = queries.progress(queries.targets_of(SYSTEM, AS_OF), AS_OF)
    found = {(line.target.metric, line.target.unit_id): (line.actual, line.share) for line in lines}
    assert found == {
        ("portfolio_balance", None): (Decimal(600), Decimal("0.5")),
        ("portfolio_upper", None): (Decimal(1), Decimal("0.5")),
        ("portfolio_customers", here.pk): (Decimal(3), Decimal(1)),
    }
    assert all(line.gone == Decimal(51) / 92 for line in lines)
    assert queries.targets_of(SYSTEM, AS_OF.replace(year=2027)).count() == 0


def test_the_page_sets_and_drops(here: Unit, manager: Employee) -> None:
    client = people.signed_in_client(Role.BRANCH_HEAD, here)
    sent = {
        "who": f"p:{manager.code}", "metric": "portfolio_customers", "period": "year",
        "day": "2026-11-23", "amount": "50",
    }  # fmt: skip
    address = reverse("insight:targets")
    assert client.post(address, sent).status_code == 303
    assert client.post(address, sent | {"amount": ""}).status_code == 422
    stranger = people.employee_with_role(Role.CUSTOMER_MANAGER, people.unit())
    assert client.post(address, sent | {"who": f"p:{stranger.code}"}).status_code == 422
    target = Target.objects.get()
    other = people.signed_in_client(Role.BRANCH_HEAD, people.unit())
    drop = reverse("insight:drop_target", args=[target.public_id])
    assert other.post(drop).status_code == 404
    assert client.post(drop).status_code == 303
    assert not Target.objects.exists()
    assert people.client_of(manager).post(address, sent).status_code == 403


def test_the_panel_of_the_day_shows_ones_own(here: Unit, manager: Employee) -> None:
    aim(manager)
    aim(here)
    actor = actor_for(User.objects.get(employee=manager))
    with clock.stopped_at(AS_OF):
        assert [line.target.employee for line in own_targets(actor, None)["lines"]] == [manager]


def test_a_manager_reads_behind_the_second_wall_how_far_their_target_is_reached(
    here: Unit, manager: Employee
) -> None:
    scored(people.person("甲", unit=here, manager=manager), balance="300", manager=manager)
    tallied()
    aim(manager, "4")
    with clock.stopped_at(AS_OF):
        page = people.client_of(manager).get(reverse("activities:mine"))
    assert "25.0%" in page.content.decode()
