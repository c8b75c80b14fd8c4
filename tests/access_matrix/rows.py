"""How a row of each kind is made for a question: on the customer it is about, or on the institution."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import models

from tests.access_matrix.world import World
from zhike.access.models import ApprovalLevel, GroupSeat, PaceLimit, Passkey, SecondFactor
from zhike.access.services import give_right, make_token
from zhike.activities.models import Handing, WorkItem
from zhike.customers import services
from zhike.customers.models import Party
from zhike.customers.tests import factories
from zhike.customers.tests.factories import SYSTEM
from zhike.desk.models import BulkRun, Notice, TakenFile
from zhike.insight.models import Threshold
from zhike.insight.seed import seed
from zhike.insight.services import set_target
from zhike.kernel import clock, crypto
from zhike.masterdata.models import (
    Approval,
    ImportFile,
    ImportRun,
    MatchRun,
    Pair,
    SourceRecord,
    SourceSystem,
    SurvivorRule,
    Upload,
)
from zhike.masterdata.rejects import Reject, RejectFile
from zhike.masterdata.services.reviewing import judge, merge_customers
from zhike.organisation.models import Appointment, Employee, Role, Team, User
from zhike.organisation.services import join_team, open_team
from zhike.privacy import services as privacy
from zhike.privacy.models import SubjectRequest
from zhike.products.models import Agreement, Product


def public_id(made: models.Model) -> UUID:
    found: UUID = made.public_id  # type: ignore[attr-defined]
    return found


def party(world: World, on: Party) -> models.Model:
    return on


def token(world: World, on: Party) -> models.Model:
    """Of somebody who asks for none here: one's own is revoked in the tests of the room."""
    owner = factories.actor_with_role(Role.CUSTOMER_MANAGER, world.branch)
    made, _secret = make_token(actor=owner, name="matrix", permissions=["customers.view"], days=7)
    return made


def prospect(world: World, on: Party) -> models.Model:
    Party.objects.filter(pk=on.pk).update(stage=Party.Stage.PROSPECT)
    return on


def closed_party(world: World, on: Party) -> models.Model:
    Party.objects.filter(pk=on.pk).update(stage=Party.Stage.FORMER, until_on=clock.today())
    return on


def identifier(world: World, on: Party) -> models.Model:
    return services.add_identifier(actor=SYSTEM, party=on, kind="passport", value="E00000000")


def contact_point(world: World, on: Party) -> models.Model:
    return services.add_contact_point(actor=SYSTEM, party=on, kind="wechat", value="matrix_wx")


def address(world: World, on: Party) -> models.Model:
    return services.add_address(
        actor=SYSTEM, party=on, kind="home", value="样例省样例市样例路 1 号"
    )


def relation(world: World, on: Party) -> models.Model:
    since = clock.today().replace(year=2020, day=1)
    return services.relate(actor=SYSTEM, party=on, other=world.third, kind="family", since=since)


def agreement(world: World, on: Party) -> models.Model:
    product = Product.objects.create(
        code="matrix", name="样例存款", category="deposit", side="liability"
    )
    row = Agreement(
        party=on,
        product=product,
        unit=on.unit,
        source="matrix",
        source_key=str(on.pk),
        opened_on=clock.today(),
        blind=crypto.blind_index("account", "0"),
        tail=crypto.tail_index("account", "0"),
    )
    row.sealed_number = crypto.encrypt("0000000000", row.place)
    row.save()
    return row


def work_item(world: World, on: Party) -> models.Model:
    return WorkItem.objects.create(
        party=on,
        employee=world.asker if world.mine or on == world.inside else world.stranger,
        rule=WorkItem.Rule.NO_CONTACT,
        due_on=clock.today(),
        found_on=clock.today(),
    )


def closed_work_item(world: World, on: Party) -> models.Model:
    item = work_item(world, on)
    WorkItem.objects.filter(pk=item.pk).update(
        state=WorkItem.State.DISMISSED, closed_at=clock.now(), result="—"
    )
    return item


def worker(world: World, on: Party) -> models.Model:
    """Whoever has a line on the customer."""
    found: Employee = work_item(world, on).employee  # type: ignore[attr-defined]
    return found


def handing(world: World, on: Party) -> models.Model:
    """A line on the customer that a head put on somebody's list."""
    line: Any = work_item(world, on)
    return Handing.objects.create(
        item=line, giver=world.stranger, receiver=line.employee, reason="休假", at=clock.now()
    )


def unit(world: World, on: Party) -> models.Model:
    return world.branch


def employee(world: World, on: Party) -> models.Model:
    return world.people[Role.TELLER]


def newcomer(world: World, on: Party) -> models.Model:
    """Somebody without a position and a login yet."""
    return world.newcomer


def user(world: World, on: Party) -> models.Model:
    return User.objects.get(employee=world.people[Role.TELLER])


def appointment(world: World, on: Party) -> models.Model:
    return Appointment.objects.get(employee=world.people[Role.TELLER])


def team(world: World, on: Party) -> models.Model:
    return open_team(actor=SYSTEM, name=f"团队{Team.objects.count()}")


def team_member(world: World, on: Party) -> models.Model:
    made = Team.objects.create(name=f"团队{Team.objects.count()}")
    return join_team(actor=SYSTEM, team=made, employee=world.stranger)


def grant(world: World, on: Party) -> models.Model:
    return give_right(
        actor=SYSTEM,
        employee=world.stranger,
        what="customers.export",
        where=world.branch,
        until=clock.today(),
        reason="代班",
    )


def approval_level(world: World, on: Party) -> models.Model:
    return ApprovalLevel.objects.get(role=Role.TEAM_LEAD, kind="file")


def import_run(world: World, on: Party) -> ImportRun:
    system = SourceSystem.objects.create(code="matrix", name="样例系统")
    return ImportRun.objects.create(system=system, mapping="matrix.toml", started_at=clock.now())


def import_file(world: World, on: Party) -> models.Model:
    run = import_run(world, on)
    with RejectFile(str(public_id(run)), "people", "people.csv") as rejects:
        rejects.add(Reject(2, "name", "", "empty, and needed"))
    return ImportFile.objects.create(
        run=run, name="people.csv", table="people", digest="", reject_file=rejects.path
    )


def upload(world: World, on: Party) -> models.Model:
    """A file of somebody who asks for none of the routes."""
    user = User.objects.get(employee=world.stranger)
    return Upload.objects.create(user=user, name="people.csv", bytes=1, digest="")


def target(world: World, on: Party) -> models.Model:
    return set_target(
        actor=SYSTEM,
        metric="portfolio_customers",
        who=world.branch,
        period="year",
        day=clock.today(),
        amount=Decimal(1),
    )


def threshold_group(world: World, on: Party) -> models.Model:
    """A group has no row of its own: its code stands where others have their public id."""
    seed(actor=SYSTEM)
    return Threshold(public_id="abc")


def quality_rule(world: World, on: Party) -> models.Model:
    """A rule stands in the code; its code stands where others have their public id."""
    return Threshold(public_id="fresh.occupation")


def notice(world: World, on: Party) -> models.Model:
    """On the desk of somebody who is none of those asked."""
    reader = User.objects.create(login="matrix-reader")
    return Notice.objects.create(user=reader, kind="matrix", text="Unread", at=clock.now())


def bulk_run(world: World, on: Party) -> models.Model:
    """A job of somebody who asks for none of the routes."""
    user = User.objects.get(employee=world.stranger)
    return BulkRun.objects.create(user=user, page="customers.party", action="customers.note")


def pace_limit(world: World, on: Party) -> models.Model:
    return PaceLimit.objects.get_or_create(
        role=Role.TELLER,
        kind="view",
        defaults={"hour_told": 60, "hour_stop": 120, "day_told": 300, "day_stop": 600},
    )[0]


def taken_file(world: World, on: Party) -> models.Model:
    """Asked for in the branch by somebody who asks for none of the routes."""
    return TakenFile.objects.create(
        user=User.objects.get(employee=world.stranger),
        created_at=clock.now(),
        unit=world.branch,
        source="customers",
        kind="csv",
        rows=501,
        approval="desk.approve_files",
        state=TakenFile.State.WAITING,
        until=clock.now() + timedelta(days=1),
    )


def pair(world: World, on: Party) -> Pair:
    """Two records, of the customer and of the one beside them."""
    core = SourceSystem.objects.get_or_create(code="matrix", defaults={"name": "样例系统"})[0]
    left, right = (
        SourceRecord.objects.create(
            system=core, table="people", key=str(each.pk), digest=bytes(16), party=each,
            values={"name": each.name, "occupation": each.name},
        )
        for each in (on, world.third)
    )  # fmt: skip
    return Pair.objects.create(left=left, right=right, probability=0.7, found_at=clock.now())


def record(world: World, on: Party) -> SourceRecord:
    """One of two records of the customer."""
    core = SourceSystem.objects.get_or_create(code="matrix", defaults={"name": "样例系统"})[0]
    for key in ("1", "2"):
        made = SourceRecord.objects.create(
            system=core, table="twice", key=f"{on.pk}-{key}", digest=bytes(16), party=on,
            values={"name": on.name},
        )  # fmt: skip
    return made


def judged_pair(world: World, on: Party) -> Pair:
    return judge(actor=SYSTEM, pair=pair(world, on), verdict="different")


def merge(world: World, on: Party) -> models.Model:
    gone = factories.person("张伟明", unit=on.unit)
    return merge_customers(actor=SYSTEM, absorbed=gone, into=on, reason="同一人")


def approval(world: World, on: Party) -> models.Model:
    asker = User.objects.get(employee=world.stranger)
    return Approval.objects.create(
        verdict="different",
        pairs=[],
        records=60,
        asked_by=asker,
        asked_name="员工",
        asked_at=clock.now(),
    )


def second_factor(world: World, on: Party) -> models.Model:
    return SecondFactor.objects.create(
        user=User.objects.get(employee=world.stranger), sealed=b"", confirmed_at=clock.now()
    )


def passkey(world: World, on: Party) -> models.Model:
    user = User.objects.get(employee=world.stranger)
    credential = f"{world.stranger.pk} {clock.now()}".encode()
    return Passkey.objects.create(
        user=user, name="手机", credential=credential, public_key=b"", sign_count=0
    )


def group_seat(world: World, on: Party) -> models.Model:
    number = GroupSeat.objects.count()
    return GroupSeat.objects.create(group=f"cn=group{number}", role="teller", title="柜员")


def third(world: World, on: Party) -> models.Model:
    return world.third


def match_run(world: World, on: Party) -> models.Model:
    return MatchRun.objects.create(started_at=clock.now(), counts={"records": 1})


def survivor_rule(world: World, on: Party) -> models.Model:
    """A field has its rule whether or not somebody changed it: its name stands where others have their public id."""
    return SurvivorRule(public_id="occupation")


def _request(kind: str, on: Party, **said: Any) -> SubjectRequest:
    return privacy.ask(actor=SYSTEM, party=on, kind=kind, how="counter", **said)


def access_request(world: World, on: Party) -> SubjectRequest:
    return _request("access", on)


def correction(world: World, on: Party) -> SubjectRequest:
    return _request("correction", on, field="occupation", wanted="教师")


def erasure(world: World, on: Party) -> SubjectRequest:
    return _request("erasure", on)


def ready_copy(world: World, on: Party) -> SubjectRequest:
    made = _request("access", on)
    SubjectRequest.objects.filter(pk=made.pk).update(state=SubjectRequest.State.APPROVED)
    return privacy.make_answer(actor=SYSTEM, request=made)
