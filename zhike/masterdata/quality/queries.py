"""Data quality as people see it: sums of what is in their sight, and the parts they are made of."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Sum

from zhike.customers.models import Party
from zhike.customers.queries.conditions import in_care_of, mains
from zhike.kernel import clock, wall
from zhike.kernel.actor import Actor
from zhike.kernel.scope import doors
from zhike.masterdata.models import SourceRecord, SourceSystem
from zhike.masterdata.quality.models import Quality, QualityRun, QualityTally
from zhike.organisation.models import Employee, Unit
from zhike.organisation.queries import units_at_or_below

FIGURES = ("score", "complete", "plausible", "consistent", "fresh", "verified", "to_verify")
By = QualityTally.By


@dataclass(frozen=True)
class Sums:
    """Customers and the sums of their scores; `mean` is what is shown."""

    customers: int = 0
    score: int = 0
    complete: int = 0
    plausible: int = 0
    consistent: int = 0
    fresh: int = 0
    verified: int = 0
    to_verify: int = 0

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            *(getattr(self, each.name) + getattr(other, each.name) for each in fields(self))
        )

    def mean(self, name: str) -> int | None:
        """The mean of a score over the customers, rounded down; None where there are none."""
        return getattr(self, name) // self.customers if self.customers else None


NOTHING = Sums()
SHOWN = timedelta(days=366)
History = dict[str, dict[date, Sums]]


@dataclass(frozen=True)
class Sight:
    """Whose customers are counted: all the actor may see, narrowed to a unit with all below it."""

    actor: Actor
    unit: Unit | None = None


def last_run() -> QualityRun | None:
    return QualityRun.objects.order_by("-pk").first()


def by_unit(sight: Sight) -> dict[int, Sums]:
    """Unit → the sums of its own customers."""
    return {unit: sums for (unit, _key), sums in _sums(sight, By.UNIT).items()}


def by_owner(sight: Sight) -> dict[Employee | None, Sums]:
    """Main manager → the sums of their customers in sight; None for those nobody looks after."""
    found = _by_key(sight, By.OWNER)
    people = Employee.objects.in_bulk([int(key) for key in found if key])
    return {people.get(int(key)) if key else None: sums for key, sums in found.items()}


def by_system(sight: Sight) -> dict[SourceSystem, Sums]:
    """Source system → the sums of the customers in sight that it has a record of."""
    found = _by_key(sight, By.SYSTEM)
    systems = SourceSystem.objects.in_bulk([int(key) for key in found])
    return {systems[int(key)]: sums for key, sums in found.items()}


def by_rule(sight: Sight) -> dict[str, int]:
    """Rule → how many customers in sight break it."""
    return {key: sums.customers for key, sums in _by_key(sight, By.RULE).items()}


@wall.lowered()
def history(sight: Sight, by: str = By.UNIT, keys: Collection[str] = ("",)) -> History:
    """Key → day → sums over the whole units in sight, of the days kept, the earliest first.

    For who sees only customers of their own, those of whom they are the main manager.
    """
    actor, below = sight.actor, Q()
    rows = QualityTally.objects.visible_to(actor)
    if sight.unit is not None:
        below = Q(unit__in=units_at_or_below([sight.unit]))
    if not (actor.everywhere or actor.system or actor.units):
        rows, by, keys = QualityTally.objects.all(), By.OWNER, [str(actor.employee_id)]
    sums = rows.filter(below, by=by, key__in=keys, as_of__gte=clock.today() - SHOWN)
    found: History = {}
    for key, day, *figures in (
        sums.values("key", "as_of")
        .annotate(*(Sum(name) for name in ("customers", *FIGURES)))
        .order_by("as_of")
        .values_list("key", "as_of", *(f"{name}__sum" for name in ("customers", *FIGURES)))
    ):
        found.setdefault(key, {})[day] = Sums(*figures)
    return found


def to_verify(actor: Actor) -> QuerySet[Party]:
    """The customers in one's care with facts nobody confirmed for too long (R-010)."""
    return Party.objects.visible_to(actor).filter(
        in_care_of(actor.employee_id), quality__to_verify__gt=0
    )


def from_source(code: str) -> Q:
    """The customers a source system has a record of."""
    records = SourceRecord.objects.filter(party=OuterRef("pk"), system__code=code)
    return Q(Exists(records))


def _by_key(sight: Sight, by: str) -> dict[str, Sums]:
    found: dict[str, Sums] = {}
    for (_unit, key), sums in _sums(sight, by).items():
        found[key] = found.get(key, NOTHING) + sums
    return found


def _sums(sight: Sight, by: str) -> dict[tuple[int, str], Sums]:
    """(Unit, key) → sums: whole units from the tallies of the last run, customers outside of them one by one."""
    actor, below = sight.actor, Q()
    if sight.unit is not None:
        below = Q(unit__in=units_at_or_below([sight.unit]))
    latest = QualityRun.objects.order_by("-pk").values("as_of")[:1]
    tallies = QualityTally.objects.visible_to(actor).filter(below, by=by, as_of=latest)
    found = _added(tallies.values_list("unit", "key", "customers", *FIGURES))
    if not (actor.everywhere or actor.system):
        rows = Quality.objects.visible_to(actor).filter(party__in=_beyond(actor, below))
        for key, sums in _added(_live(rows, by)).items():
            found[key] = found.get(key, NOTHING) + sums
    return found


def _beyond(actor: Actor, below: Q) -> set[int]:
    """The customers in sight outside of the actor's units, by each door alone: of all together PostgreSQL reads every
    customer there is. The door of the units itself leads to none of them."""
    outside = Party.objects.visible_to(actor).filter(below).exclude(unit__in=actor.units)
    ways = [way for way in doors(actor, Party) if way != Q(unit__in=actor.units)]
    return {id for way in ways for id in outside.filter(way).values_list("pk", flat=True)}


def _live(rows: QuerySet[Quality], by: str) -> Iterable[tuple[Any, ...]]:
    rows = rows.exclude(party__stage=Party.Stage.FORMER)
    match by:
        case By.UNIT:
            for unit, *row in rows.values_list("party__unit", *FIGURES):
                yield unit, "", 1, *row
        case By.OWNER:
            held = dict(
                mains().filter(party__in=rows.values("party")).values_list("party", "employee")
            )
            for party, *row in rows.values_list("party", "party__unit", *FIGURES):
                yield row[0], str(held.get(party, "")), 1, *row[1:]
        case By.SYSTEM:
            systems = rows.values_list("party", "party__source_records__system").distinct()
            figures = {
                party: row for party, *row in rows.values_list("party", "party__unit", *FIGURES)
            }
            for party, system in systems.exclude(party__source_records=None):
                unit, *scores = figures[party]
                yield unit, str(system), 1, *scores
        case _:
            for unit, broken in rows.values_list("party__unit", "broken"):
                yield from ((unit, code, 1, *(0,) * len(FIGURES)) for code in broken)


def _added(rows: Iterable[tuple[Any, ...]]) -> dict[tuple[int, str], Sums]:
    found: dict[tuple[int, str], Sums] = {}
    for unit, key, *figures in rows:
        found[unit, key] = found.get((unit, key), NOTHING) + Sums(*figures)
    return found
