"""A small institution: whoever asks, and a customer for each way in which one may be theirs or not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum

from django.db import models
from django.test import Client

from zhike.access.queries import actor_for
from zhike.access.roles import FOR_PROGRAMS
from zhike.access.services import make_token
from zhike.customers.models import Assignment, Party
from zhike.customers.tests import factories
from zhike.kernel import clock
from zhike.organisation.models import Employee, Role, Unit, User
from zhike.organisation.services import appoint, give_login, hire, join_team, open_team

ANONYMOUS, DISABLED, NO_POSITION = "anonymous", "disabled", "no position"
TWO_POSITIONS, COVER, SHARE, TOKEN = "two positions", "a cover", "a share", "a token"
PRINCIPALS = (
    ANONYMOUS,
    DISABLED,
    NO_POSITION,
    *(role.value for role in Role),
    TWO_POSITIONS,
    COVER,
    SHARE,
    TOKEN,
)
MANAGER, TELLER = Role.CUSTOMER_MANAGER.value, Role.TELLER.value
ACTS_AS = {
    TWO_POSITIONS: (MANAGER, TELLER),
    COVER: (MANAGER,),
    SHARE: (MANAGER,),
    TOKEN: (MANAGER,),
}
"""The roles of those who are not named by one; everybody else acts as what they are called."""


class Relation(StrEnum):
    """What a customer is to whoever asks. Own and assisted ones stand in a unit nobody here sees by position."""

    OWN = "own"
    ASSISTED = "assisted"
    """Of a cover until a last day, of a share let see only."""
    TEAM = "team"
    """Looked after in another branch by somebody of the lead's team."""
    UNIT = "same unit"
    BELOW = "below"
    ELSEWHERE = "elsewhere"


_MINE = frozenset({Relation.OWN, Relation.ASSISTED})
SEEN_ALONE = _MINE | {Relation.TEAM}
"""Customers one sees without the unit they belong to."""
_OTHER_BRANCH = frozenset({Relation.TEAM, Relation.ELSEWHERE})
SIGHT: Mapping[str, frozenset[Relation]] = {
    MANAGER: _MINE,
    TELLER: _MINE | {Relation.UNIT},
    Role.TEAM_LEAD: _MINE | {Relation.UNIT, Relation.TEAM},
    Role.BRANCH_HEAD: _MINE | {Relation.UNIT, Relation.BELOW},
    Role.ANALYST: frozenset(Relation),
    # The security administrator sees no customer, and every request about somebody's data.
    Role.SECURITY_ADMINISTRATOR: frozenset(Relation),
}
"""The customers that each role sees."""


def sight(principal: str, allowed: Collection[str]) -> frozenset[Relation]:
    """The customers a principal sees where the roles `allowed` get in; a manager's second position is a teller's
    in the other branch, and reaches no further than a teller's rights."""
    seen = frozenset[Relation]().union(
        *(SIGHT.get(role, ()) for role in ACTS_AS.get(principal, (principal,)) if role in allowed)
    )
    if principal == TWO_POSITIONS:
        seen = (seen - {Relation.UNIT}) | (_OTHER_BRANCH if TELLER in allowed else frozenset())
    return seen


LENT = {COVER: Assignment.Role.ASSISTANT, SHARE: Assignment.Role.SHARED}
"""Who has a customer until a last day, and as what."""


@dataclass(frozen=True)
class World:
    """`inside` is looked after by the customer manager of `branch`; `outside` belongs to another branch.
    `third` stands beside `inside`; the `stranger` works in the other branch, the `newcomer` nowhere yet.
    `teammate` works there too, in the team that the team lead leads.

    `clients` are the browsers by principal; the disabled one kept the cookie of an earlier sign-in, the token has
    none. `asker` is who asks just now, about a customer that is `mine` or is not; `place` is a unit they may move it
    to.
    """

    branch: Unit
    below: Unit
    other_branch: Unit
    far: Unit
    people: dict[str, Employee]
    inside: Party
    outside: Party
    third: Party
    stranger: Employee
    teammate: Employee
    newcomer: Employee
    clients: dict[str, Client]
    asker: Employee
    place: Unit
    mine: bool = False
    relatives: Mapping[tuple[str, Relation], Party] = field(default_factory=dict)

    def asked_by(self, principal: str, relation: Relation | None, on: Party) -> World:
        """The world as `principal` asks about the customer `on`."""
        keeps = {Relation.UNIT, Relation.BELOW}
        if principal == TWO_POSITIONS:
            keeps |= _OTHER_BRANCH
        place = on.unit if relation in keeps else self.branch
        asker = employee_of(self.people, principal) or self.asker
        return replace(self, asker=asker, place=place or self.branch, mine=relation in _MINE)


def employee_of(people: Mapping[str, Employee], principal: str) -> Employee | None:
    """A token is a customer manager's."""
    return people.get(MANAGER if principal == TOKEN else principal)


# How a row of a kind is made on a customer; routes name the kind they take.
Maker = Callable[[World, Party], models.Model]


def build() -> World:
    head_office = factories.unit("总行", kind="head_office")
    branch = factories.unit("城东支行", parent=head_office, kind="sub_branch")
    below = factories.unit("城东分理处", parent=branch)
    other_branch = factories.unit("城西支行", parent=head_office, kind="sub_branch")
    far = factories.unit("城北支行", parent=head_office, kind="sub_branch")
    people = _people(head_office, branch, other_branch)
    manager = people[MANAGER]
    stranger = factories.employee_with_role(Role.CUSTOMER_MANAGER, other_branch)
    teammate = factories.employee_with_role(Role.CUSTOMER_MANAGER, other_branch)
    team = open_team(actor=factories.SYSTEM, name="银团")
    for each in (people[Role.TEAM_LEAD.value], teammate):
        leads = each is not teammate
        join_team(actor=factories.SYSTEM, team=team, employee=each, leads=leads)
    world = World(
        branch=branch,
        below=below,
        other_branch=other_branch,
        far=far,
        people=people,
        inside=factories.person("张伟明", unit=branch, manager=manager),
        outside=factories.person("李思远", unit=other_branch),
        third=factories.person("王秀英", unit=branch, manager=manager),
        stranger=stranger,
        teammate=teammate,
        newcomer=hire(actor=factories.SYSTEM, code="NC", name="新人", unit=branch),
        clients={
            principal: _client(employee_of(people, principal), program=principal == TOKEN)
            for principal in PRINCIPALS
        },
        asker=manager,
        place=branch,
    )
    for party in (world.inside, world.third):
        assigned(party, people[TWO_POSITIONS], Assignment.Role.ASSISTANT)
        for principal, role in LENT.items():
            assigned(party, people[principal], role, ends=True)
    return world


def _people(head_office: Unit, branch: Unit, other_branch: Unit) -> dict[str, Employee]:
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
    for principal in (DISABLED, TWO_POSITIONS, COVER, SHARE):
        people[principal] = factories.employee_with_role(Role.CUSTOMER_MANAGER, branch)
    appoint(
        actor=factories.SYSTEM,
        employee=people[TWO_POSITIONS],
        unit=other_branch,
        role=Role.TELLER,
        title="柜员",
    )
    User.objects.filter(employee=people[DISABLED]).update(is_active=False)
    people[NO_POSITION] = hire(actor=factories.SYSTEM, code="NP", name="无岗位", unit=branch)
    give_login(
        actor=factories.SYSTEM,
        employee=people[NO_POSITION],
        login="no-position",
        password=factories.PASSWORD,
    )
    return people


def relatives(world: World) -> dict[tuple[str, Relation], Party]:
    """A customer for each relation: everybody's own and assisted ones, the others the same for all."""
    shared = {
        relation: factories.person("钱有余", unit=unit)
        for relation, unit in (
            (Relation.TEAM, world.other_branch),
            (Relation.UNIT, world.branch),
            (Relation.BELOW, world.below),
            (Relation.ELSEWHERE, world.other_branch),
        )
    }
    assigned(shared[Relation.TEAM], world.teammate, Assignment.Role.MAIN)
    found = {
        (principal, relation): party
        for principal in PRINCIPALS
        for relation, party in shared.items()
    }
    for principal in PRINCIPALS:
        for relation, role in (
            (Relation.OWN, Assignment.Role.MAIN),
            (Relation.ASSISTED, Assignment.Role.ASSISTANT),
        ):
            party = factories.person("钱有余", unit=world.far)
            found[principal, relation] = party
            if (whose := employee_of(world.people, principal)) is not None:
                lends = relation is Relation.ASSISTED and principal in LENT
                assigned(party, whose, LENT[principal] if lends else role, ends=lends)
    return found


def assigned(
    party: Party, employee: Employee, role: Assignment.Role, *, ends: bool = False
) -> None:
    today = clock.today()
    until = today + timedelta(days=1) if ends else None
    Assignment.objects.create(party=party, employee=employee, role=role, during=(today, until))


def _client(employee: Employee | None, *, program: bool = False) -> Client:
    if employee is None:
        return Client()
    user = User.objects.get(employee=employee)
    if program:
        actor = actor_for(user)
        may = [each for each in FOR_PROGRAMS if actor.may(each)]
        _token, secret = make_token(actor=actor, name="matrix", permissions=may, days=7)
        return Client(headers={"Authorization": f"Bearer {secret}"})
    client = Client()
    client.force_login(user)
    return client
