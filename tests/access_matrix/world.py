"""A small institution: one person a role in one branch, a customer inside it and one outside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.db import models
from django.test import Client

from zhike.customers.models import Party
from zhike.customers.tests import factories
from zhike.organisation.models import Employee, Role, Unit, User
from zhike.organisation.services import give_login, hire

ANONYMOUS, DISABLED, NO_POSITION = "anonymous", "disabled", "no position"
PRINCIPALS = (
    ANONYMOUS,
    DISABLED,
    NO_POSITION,
    Role.TELLER.value,
    Role.CUSTOMER_MANAGER.value,
    Role.TEAM_LEAD.value,
    Role.BRANCH_HEAD.value,
    Role.ANALYST.value,
    Role.SYSTEM_ADMINISTRATOR.value,
    Role.SECURITY_ADMINISTRATOR.value,
    Role.AUDITOR.value,
)
UNSIGNED = frozenset({ANONYMOUS, DISABLED})
# The security administrator sees no customer, and every request about somebody's data.
SEES_EVERY_CUSTOMER = frozenset({Role.ANALYST.value, Role.SECURITY_ADMINISTRATOR.value})


@dataclass(frozen=True)
class World:
    """`inside` is looked after by the customer manager of `branch`; `outside` belongs to another branch.
    `third` stands beside `inside`; the `stranger` works in the other branch, the `newcomer` nowhere yet.

    `clients` are the browsers by principal; the disabled one kept the cookie of an earlier sign-in.
    """

    branch: Unit
    other_branch: Unit
    people: dict[str, Employee]
    inside: Party
    outside: Party
    third: Party
    stranger: Employee
    newcomer: Employee
    clients: dict[str, Client]


# How a row of a kind is made on a customer; routes name the kind they take.
Maker = Callable[[World, Party], models.Model]


def build() -> World:
    head_office = factories.unit("总行", kind="head_office")
    branch = factories.unit("城东支行", parent=head_office, kind="sub_branch")
    other_branch = factories.unit("城西支行", parent=head_office, kind="sub_branch")
    head_office_roles = {
        Role.ANALYST,
        Role.SYSTEM_ADMINISTRATOR,
        Role.SECURITY_ADMINISTRATOR,
        Role.AUDITOR,
    }
    people = {
        role.value: factories.employee_with_role(
            role, head_office if role in head_office_roles else branch
        )
        for role in Role
    }
    people[DISABLED] = factories.employee_with_role(Role.CUSTOMER_MANAGER, branch)
    User.objects.filter(employee=people[DISABLED]).update(is_active=False)
    people[NO_POSITION] = hire(actor=factories.SYSTEM, code="NP", name="无岗位", unit=branch)
    give_login(
        actor=factories.SYSTEM,
        employee=people[NO_POSITION],
        login="no-position",
        password=factories.PASSWORD,
    )
    manager = people[Role.CUSTOMER_MANAGER.value]
    return World(
        branch=branch,
        other_branch=other_branch,
        people=people,
        inside=factories.person("张伟明", unit=branch, manager=manager),
        outside=factories.person("李思远", unit=other_branch),
        third=factories.person("王秀英", unit=branch, manager=manager),
        stranger=factories.employee_with_role(Role.CUSTOMER_MANAGER, other_branch),
        newcomer=hire(actor=factories.SYSTEM, code="NC", name="新人", unit=branch),
        clients={principal: _client(people.get(principal)) for principal in PRINCIPALS},
    )


def _client(employee: Employee | None) -> Client:
    client = Client()
    if employee is not None:
        client.force_login(User.objects.get(employee=employee))
    return client
