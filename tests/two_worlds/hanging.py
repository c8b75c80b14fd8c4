"""Everything that can hang on a customer, from a seed; and all of it taken away."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

from django.db.models import Q
from django.db.models.deletion import PROTECT

from zhike.activities.models import Handing, WorkItem
from zhike.customers.identifiers import id_check
from zhike.customers.models import (
    Address,
    Assignment,
    ConsentEvent,
    ContactPoint,
    Identifier,
    Merge,
    Party,
    Relation,
    Standing,
    Tier,
    TierRating,
    TimelineEntry,
)
from zhike.insight.models import Figures
from zhike.insight.tests.factories import AS_OF, EARLIER, scored
from zhike.kernel import clock, crypto
from zhike.kernel.models import AuditEntry
from zhike.masterdata.models import Pair, Pin, SourceRecord, SourceSystem
from zhike.organisation.models import Employee, Unit
from zhike.products.models import Agreement, Holding, Product

OCCUPATIONS = ("教师", "医生", "司机", "农艺师", "会计")


@dataclass(frozen=True)
class Staff:
    """Somebody who looks after customers of the unit."""

    unit: Unit
    employee: Employee


def products() -> None:
    for code, category, side in (
        ("savings", "deposit", "liability"),
        ("mortgage", "loan", "asset"),
        ("fund", "fund", "intermediary"),
    ):
        Product.objects.create(code=code, name=f"样例{code}", category=category, side=side)


def hang(party: Party, rng: Random, staff: Sequence[Staff], branch: Unit) -> None:
    """Rows of every table that knows customers, all values of which depend on the seed."""
    day = clock.today()
    employee = next((s.employee for s in staff if s.unit == party.unit), staff[0].employee)
    Party.objects.filter(pk=party.pk).update(
        occupation=rng.choice(OCCUPATIONS),
        industry=rng.choice(("种植", "养殖", "批发")),
        education=rng.choice(("本科", "高中")),
        note=f"喜欢{rng.choice('茶酒花鸟鱼')}{rng.randrange(1000)}",
        since_on=day - timedelta(days=rng.randrange(100, 3000)),
        birth_on=day - timedelta(days=rng.randrange(8000, 25000)),
        stage=rng.choice(("customer", "customer", "customer", "prospect")),
    )
    _sealed(party, rng, day)
    _figures(party, rng, employee, day)
    _books(party, rng, day)
    _work(party, rng, employee, day)
    _records(party, rng)
    _past(party, rng, employee)
    theirs = Party.objects.filter(assignments__employee__in=party.assignments.values("employee"))
    # Whom an assistant sees beside others' customers: a tie to them would be in sight.
    others = theirs.exclude(pk=party.pk).filter(kind=party.kind)
    others = others.exclude(assignments__role=Assignment.Role.ASSISTANT)
    known = Relation.objects.filter(party=party, kind="group").values("other")
    if (other := others.exclude(pk__in=known).order_by("pk").first()) is not None:
        since = (day - timedelta(days=rng.randrange(1000)), None)
        Relation.objects.create(
            party=party, other=other, kind="group", during=since, note=f"{rng.randrange(100)}"
        )


def _seal(row: Any, kind: str, value: str, day: Any) -> None:
    row.sealed = crypto.encrypt(value, row.place)
    row.blind, row.tail = crypto.blind_index(kind, value), crypto.tail_index(kind, value)
    row.observed_on = day
    row.save(force_insert=True)


def numbers(rng: Random) -> dict[str, str]:
    """Values that nobody can have: no province has the code 29, no operator the prefix 154."""
    born = f"19{rng.randrange(50, 99)}{rng.randrange(1, 13):02}{rng.randrange(1, 29):02}"
    stem = f"290101{born}{rng.randrange(1000):03}"
    return {
        "resident_id": stem + id_check(stem),
        "mobile": f"1540{rng.randrange(10**7):07}",
        "email": f"a{rng.randrange(10**6)}@example.com",
        "address": f"样例省样例市样例路 {rng.randrange(1000)} 号",
        "account": f"2990{rng.randrange(10**12):012}",
    }


def _sealed(party: Party, rng: Random, day: Any) -> None:
    said = numbers(rng)
    if party.kind == Party.Kind.PERSON:
        row = Identifier(party=party, kind="resident_id")
        _seal(row, "resident_id", said["resident_id"], day)
    for kind in ("mobile", "email"):
        _seal(ContactPoint(party=party, kind=kind), kind, said[kind], day)
    _seal(Address(party=party, kind="home", region="样例省"), "address", said["address"], day)


def _figures(party: Party, rng: Random, employee: Employee, day: Any) -> None:
    tier = rng.choice(list(Tier.objects.order_by("rank")))
    balance = Decimal(rng.randrange(10**8)) / 100
    Standing.objects.filter(party=party).update(
        tier=tier,
        value_class=rng.choice(Standing.ValueClass.values),
        balance=balance,
        contribution=balance / 10,
        current_value=Decimal(rng.randrange(10000)) / 100,
        potential_value=Decimal(rng.randrange(10000)) / 100,
        last_contact_on=day - timedelta(days=rng.randrange(300)),
        contact_every_days=30,
        as_of=AS_OF,
    )
    TierRating.objects.create(party=party, tier=tier, during=(EARLIER, None))
    for on in (EARLIER, AS_OF):
        scored(
            party,
            on,
            tier=rng.choice(("ordinary", "gold")),
            value_class=rng.choice(Standing.ValueClass.values),
            balance=f"{rng.randrange(10**6)}",
            contribution=f"{rng.randrange(10**4)}",
            outlook=rng.choice(("up", "down", "")),
            manager=employee,
        )
    Figures.objects.create(
        party=party,
        loan_balance=balance / 3,
        movements_12m=rng.randrange(100),
        inflow_12m=balance / 5,
        abc_class=rng.choice("ABC"),
        in_top20=rng.random() < 0.2,
        rank_balance=rng.random(),
        agreements_held=2,
    )


def _books(party: Party, rng: Random, day: Any) -> None:
    for product in Product.objects.order_by("pk"):
        number = numbers(rng)["account"]
        row = Agreement(
            party=party,
            product=product,
            unit=party.unit,
            source="matrix",
            source_key=f"{party.pk}-{product.pk}-{rng.randrange(10**6)}",
            opened_on=day - timedelta(days=rng.randrange(1000)),
            matures_on=day + timedelta(days=rng.randrange(100)),
            principal=Decimal(rng.randrange(10**7)),
            blind=crypto.blind_index("account", number),
            tail=crypto.tail_index("account", number),
        )
        row.sealed_number = crypto.encrypt(number, row.place)
        row.save()
        Holding.objects.create(
            party=party, agreement=row, role="owner", during=(row.opened_on, None), source="matrix"
        )


def _work(party: Party, rng: Random, employee: Employee, day: Any) -> None:
    for rule in (WorkItem.Rule.MATURING, WorkItem.Rule.PROMISE):
        due = day + timedelta(days=rng.randrange(-3, 4))
        line = WorkItem.objects.create(
            party=party, employee=employee, rule=rule, due_on=due, found_on=day
        )
    Handing.objects.create(
        item=line, giver=employee, receiver=employee, reason=f"休假{rng.random()}", at=clock.now()
    )
    done = {"state": WorkItem.State.DONE, "closed_at": clock.now(), "result": f"{rng.random()}"}
    WorkItem.objects.create(
        party=party, employee=employee, rule="promise", due_on=day, found_on=day, **done
    )


def _records(party: Party, rng: Random) -> None:
    system = SourceSystem.objects.get_or_create(code="books", defaults={"name": "样例系统"})[0]
    made = []
    for _number in range(2):
        said = numbers(rng)
        row = SourceRecord(
            system=system,
            table="people",
            key=f"{party.pk}-{rng.randrange(10**9)}",
            digest=bytes(16),
            party=party,
            values={"name": party.name, "occupation": rng.choice(OCCUPATIONS)},
            observed_on=clock.today(),
        )
        row.sealed = crypto.encrypt(f'{{"mobile": "{said["mobile"]}"}}', row.place)
        row.save()
        made.append(row)
    Pin.objects.create(party=party, field="occupation", record=made[0], at=clock.now())
    Pair.objects.create(left=made[0], right=made[1], probability=rng.random(), found_at=clock.now())


def _past(party: Party, rng: Random, employee: Employee) -> None:
    for number in range(3):
        TimelineEntry.objects.create(
            at=clock.now() - timedelta(hours=rng.randrange(2000)),
            party=party,
            kind=TimelineEntry.Kind.CONTACT,
            channel=rng.choice(("phone", "visit")),
            title=f"回访{rng.randrange(10**6)}",
            employee=employee if number else None,
        )
    ConsentEvent.objects.create(
        party=party,
        purpose="marketing",
        channel="phone",
        given=rng.random() < 0.5,
        at=clock.now(),
        text_version=f"{rng.randrange(100)}",
    )
    absorbed = rng.randrange(10**9, 10**10)
    Merge.objects.create(
        absorbed=absorbed,
        absorbed_public_id=f"00000000-0000-4000-8000-{absorbed:012}",
        name=f"{party.name}二",
        into=party.pk,
        root=party,
        how=Merge.How.HAND,
        at=clock.now(),
    )
    AuditEntry.objects.create(
        at=clock.now(), actor_name="员工", action="customers.party.change", party_id=party.pk
    )


def wipe(parties: Collection[int]) -> None:
    """Take away all that hangs on these but who looks after them and what ties them to others in sight."""
    Holding.objects.filter(agreement__party__in=parties).delete()
    keys = [each.field for each in Party._meta.related_objects]
    kept = {"assignments", "standing"}
    # What is protected goes first: the rest goes with it or may go alone.
    for field in sorted(keys, key=lambda each: each.remote_field.on_delete is not PROTECT):
        model = field.model
        if field.remote_field.get_accessor_name() in kept:
            continue
        rows = Q(**{f"{field.name}__in": parties})
        if model is Relation:
            rows = Q(party__in=parties, other__in=parties)
        model._default_manager.filter(rows).delete()
