"""One institution, and the same one changed in all that somebody does not see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import F
from django.test import Client

from tests.access_matrix.world import NO_POSITION, World, build
from tests.two_worlds.hanging import Staff, hang, products, wipe
from zhike.access.queries import actor_for
from zhike.customers.models import Assignment, Party, Relation, Standing
from zhike.customers.names import search_tokens, sort_key
from zhike.customers.tests import factories
from zhike.desk.models import BulkRun, Notice, Remembered, SavedView
from zhike.insight.models import Curve, Tally
from zhike.insight.seed import seed
from zhike.insight.tests.factories import load, movement, tallied
from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.masterdata.matching.model import Model
from zhike.masterdata.models import MatchModel
from zhike.masterdata.services import match, quality, records
from zhike.organisation.models import Role, User
from zhike.products.models import Agreement

ASSISTANT = "assistant"
SEES_SOME = (
    Role.CUSTOMER_MANAGER.value,
    Role.TEAM_LEAD.value,
    Role.BRANCH_HEAD.value,
    Role.TELLER.value,
    ASSISTANT,
)
SEES_NONE = (Role.SYSTEM_ADMINISTRATOR.value, Role.SECURITY_ADMINISTRATOR.value, NO_POSITION)
EACH = 4
SURNAMES, GIVEN = "张李王赵陈刘杨", "伟思远秀英静怡建国丽华明"


@dataclass(frozen=True)
class Institution:
    """`world` is the matrix's, with more principals; `kept` parties stand in every world, whatever they are called."""

    world: World
    staff: Sequence[Staff]
    kept: frozenset[int]
    newest: int
    home: Path
    began: datetime

    def actor(self, principal: str) -> Actor:
        return actor_for(User.objects.get(employee=self.world.people[principal]), origin="test")

    def unseen(self, principal: str) -> list[int]:
        """Customers out of the principal's sight."""
        seen = Party.objects.visible_to(self.actor(principal)).order_by()
        return list(Party.objects.exclude(pk__in=seen).order_by("pk").values_list("pk", flat=True))


def found() -> Institution:
    """World A: customers of a manager, of their unit, of an outlet below and of another branch, all with everything."""
    seed(actor=factories.SYSTEM)
    world = build()
    outlet = factories.unit("城东一所", parent=world.branch)
    manager = world.people[Role.CUSTOMER_MANAGER]
    colleague, below, assistant = (
        factories.employee_with_role(Role.CUSTOMER_MANAGER, unit)
        for unit in (world.branch, outlet, world.other_branch)
    )
    assist = Assignment(party=world.inside, employee=assistant, role=Assignment.Role.ASSISTANT)
    assist.during = (clock.today().replace(year=2021, day=1), None)
    assist.save()
    client = Client()
    client.force_login(User.objects.get(employee=assistant))
    world = replace(
        world,
        people={**world.people, ASSISTANT: assistant},
        clients={**world.clients, ASSISTANT: client},
    )
    staff = (
        Staff(world.branch, manager),
        Staff(world.branch, colleague),
        Staff(outlet, below),
        Staff(world.other_branch, world.stranger),
    )
    rng = Random("A")
    for each in staff:
        for _number in range(EACH):
            _add(each, rng)
    kept = frozenset((world.inside.pk, world.outside.pk, world.third.pk))
    newest = Party.objects.order_by("pk").last()
    assert newest is not None
    institution = Institution(
        world, staff, kept, newest.pk, Path(settings.ZHIKE_HOME), newest.created_at
    )
    products()
    _tie(world)
    _fill(institution, Party.objects.all(), "A")
    _lay_on_desks(institution)
    match(actor=factories.SYSTEM)
    measure(institution, "A")
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return replace(institution, began=cursor.fetchone()[0])


def change(institution: Institution, principal: str, name: str = "B") -> None:
    """World B: of the customers the principal does not see some are gone, the others renamed, renumbered and worth
    something else; others came, called much like those in sight. What others have on their desks is different too."""
    rng = Random(name)
    unseen = institution.unseen(principal)
    wipe(unseen)
    gone = {each for n, each in enumerate(unseen) if n % 3 == 0} - institution.kept
    Party.objects.filter(pk__in=gone).delete()
    stay = Party.objects.filter(pk__in=unseen)
    for party in stay:
        _call(party, _name(rng))
        party.save()
    for staff in institution.staff:
        for _number in range(EACH + 1):
            _add(staff, rng)
    actor = institution.actor(principal)
    new = Party.objects.filter(pk__gt=institution.newest)
    new.filter(pk__in=Party.objects.visible_to(actor).order_by()).delete()
    _fill(institution, Party.objects.filter(pk__in=institution.unseen(principal)), name)
    wealthy = Standing.objects.filter(party__gt=institution.newest)
    wealthy.update(balance=F("balance") + 10**7)
    for staff in institution.staff:
        if staff.employee.pk != actor.employee_id:
            _occupy(User.objects.get(employee=staff.employee), name)
    measure(institution, name)


def measure(institution: Institution, name: str) -> None:
    """What is worked out of all customers is worked out anew, as the nightly run does it."""
    Tally.objects.all().delete()
    Curve.objects.all().delete()
    tallied()
    model = Model.from_json(MatchModel.objects.latest("pk").text, records.secret())
    records.keep_keys(records.normalised(), model)
    quality.measure(actor=factories.SYSTEM, whole=True)
    stand_in(institution, name)
    agreements = Agreement.objects.order_by("pk")
    day = clock.today().replace(day=1)
    load(movement(each, day, f"{each.pk % 7}00.00", key=each.source_key) for each in agreements)


def stand_in(institution: Institution, name: str) -> None:
    """Each world has a warehouse of its own."""
    settings.WAREHOUSE_URL = str(institution.home / name)


def _fill(institution: Institution, parties: Any, name: str) -> None:
    for party in parties.order_by("pk"):
        hang(party, Random(f"{name} {party.pk}"), institution.staff, institution.world.branch)


def _tie(world: World) -> None:
    """A customer in sight and one out of it know each other: the tie is in sight, the other one is not."""
    since = (clock.today().replace(year=2020, day=1), None)
    Relation.objects.create(party=world.inside, other=world.outside, kind="family", during=since)
    Relation.objects.create(party=world.outside, other=world.third, kind="guarantor", during=since)


def _lay_on_desks(institution: Institution) -> None:
    """Everybody remembers customers of whom some are out of sight by now."""
    for employee in institution.world.people.values():
        user = User.objects.get(employee=employee)
        for party in (institution.world.inside, institution.world.outside):
            Remembered.objects.create(
                user=user, subject="customer", object_id=party.pk, opened_at=clock.now()
            )
    for each in institution.staff[1:]:
        _occupy(User.objects.get(employee=each.employee), "A")


def _occupy(user: User, name: str) -> None:
    """What only they see: notices, jobs, views, goals."""
    for model in (Notice, BulkRun, SavedView):
        model.objects.filter(user=user).delete()
    for number in range(len(name) + len(user.login)):
        Notice.objects.create(user=user, kind="customers.handed", text=name, at=clock.now())
        BulkRun.objects.create(
            user=user, page="customers.party", action="customers.note", query=f"q={name}{number}"
        )
    SavedView.objects.create(user=user, page="customers.party", name=name, query="kind=person")


def _name(rng: Random) -> str:
    return rng.choice(SURNAMES) + "".join(rng.sample(GIVEN, 2))


def _call(party: Party, name: str) -> None:
    party.name = name if party.kind == Party.Kind.PERSON else f"{name}农机有限公司"
    person = party.kind == Party.Kind.PERSON
    party.name_key = sort_key(party.name, person=person)
    party.search_tokens = search_tokens(party.name, person=person)


def _add(staff: Staff, rng: Random) -> Party:
    firm = rng.random() < 0.3
    kind = Party.Kind.ORGANISATION if firm else Party.Kind.PERSON
    name = f"{_name(rng)}农机有限公司" if firm else _name(rng)
    return factories.party(name, kind=kind, unit=staff.unit, manager=staff.employee)
