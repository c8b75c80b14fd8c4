"""Customers by tier and class on a day, and where they moved since another, for a person, a unit, the institution.

How one actor's sums come about: customers of the units they see are added up from the night's tallies, by the unit
they belonged to on the day; those they, or the people of a team they lead, look after outside these units are counted
one by one and added. Nobody is counted twice, and nobody else's customers are counted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Max, QuerySet, Sum

from zhike.customers.models import Party
from zhike.customers.scopes import looked_after
from zhike.insight.models import Score, Tally
from zhike.insight.queries.scores import scores_seen
from zhike.kernel.actor import Actor
from zhike.organisation.models import Employee, Unit

SAMPLE = 400
"""Points of a scatter at most: more are a cloud, not customers."""


@dataclass(frozen=True)
class View:
    """Whose customers, and between which days with scores; `since` may be `as_of`.

    Without unit and employee all that the actor sees; a unit stands for itself and all below it, an employee for
    the customers they are main manager of.
    """

    actor: Actor
    since: date
    as_of: date
    unit: Unit | None = None
    employee: Employee | None = None
    held: dict[Any, list[Any]] = field(default_factory=dict, compare=False, repr=False)
    """What was read for this page already, by days: its parts ask for the same sums by other columns."""


@dataclass(frozen=True)
class Sums:
    """Number and money of some customers; "before" is what the same ones had on the earlier day."""

    customers: int = 0
    balance_before: Decimal = Decimal(0)
    balance: Decimal = Decimal(0)
    contribution_before: Decimal = Decimal(0)
    contribution: Decimal = Decimal(0)

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            *(getattr(self, each.name) + getattr(other, each.name) for each in fields(Sums))
        )


AMOUNTS = tuple(each.name for each in fields(Sums))
FINEST = ("unit_id", "tier_before_id", "tier_id", "class_before", "value_class", "outlook")
"""All that parts of a page ask for but the manager: a few thousand lines."""
Key = tuple[Any, ...]


def flows(view: View, *by: str) -> dict[Key, Sums]:
    """Customers of `view` by the named columns of `Tally`, from `since` to `as_of`.

    Tallies are kept of each day, from each day to the newest and from each to the next; between two other days the
    scores of both are compared now, by the same rule.
    """
    columns, lines = _held(view, by) or _tallied(view, by) or _compared(view, by)
    places = [columns.index(name) for name in by]
    total: defaultdict[Key, list[Any]] = defaultdict(lambda: [0] * len(AMOUNTS))
    for line in lines:
        kept = total[tuple(line[place] for place in places)]
        for at, amount in enumerate(line[len(columns) :]):
            kept[at] += amount
    for each in _outside_units(view):
        kept = total[tuple(each[name] for name in by)]
        for at, name in enumerate(AMOUNTS):
            kept[at] += each[name]
    return {key: Sums(*amounts) for key, amounts in total.items()}


def _held(view: View, by: tuple[str, ...]) -> tuple[tuple[str, ...], list[Any]] | None:
    """Sums by these columns and more that another part of the page asked for: those by unit hold those of all."""
    for (since, as_of, columns), lines in view.held.items():
        if (since, as_of) == (view.since, view.as_of) and {*by} <= {*columns}:
            return columns, lines
    return None


def _tallied(view: View, by: tuple[str, ...]) -> tuple[tuple[str, ...], list[Any]] | None:
    """Sums of the tallies; None where there are none between the two days."""
    if not Tally.objects.filter(since=view.since, as_of=view.as_of).exists():
        return None
    tallies = Tally.objects.visible_to(view.actor).filter(since=view.since, as_of=view.as_of)
    summed = _within(tallies, view).order_by().values_list(*by)
    lines = list(summed.annotate(*(Sum(name) for name in AMOUNTS)))
    view.held[view.since, view.as_of, by] = lines
    return by, lines


MOVES = """
    SELECT party_id, b.party_id IS NULL AS is_new, n.party_id IS NULL AS is_gone,
        CASE WHEN n.party_id IS NULL THEN b.unit_id ELSE n.unit_id END AS unit_id,
        CASE WHEN n.party_id IS NULL THEN b.manager_id ELSE n.manager_id END AS manager_id,
        b.tier_id AS tier_before_id, n.tier_id,
        coalesce(b.value_class, '') AS class_before, coalesce(n.value_class, '') AS value_class,
        coalesce(n.outlook, '') AS outlook,
        coalesce(b.balance, 0) AS balance_before, coalesce(n.balance, 0) AS balance,
        coalesce(b.contribution, 0) AS contribution_before, coalesce(n.contribution, 0) AS contribution
    FROM (SELECT party_id, unit_id, manager_id, tier_id, value_class, balance, contribution
          FROM insight_score WHERE as_of = %(since)s) b
    FULL JOIN (SELECT party_id, unit_id, manager_id, tier_id, value_class, outlook, balance,
               contribution FROM insight_score WHERE as_of = %(on)s) n USING (party_id)
"""
"""A line a customer as of `Tally`, by where they are on a day, and of the gone by where they were. Both sides come
in the order of one index, so that a million are compared without a sort."""


def _compared(view: View, by: tuple[str, ...]) -> tuple[tuple[str, ...], list[Any]]:
    """The sums tallies between two days would give, from the scores, by columns that `by` is among."""
    columns = by if "manager_id" in by else FINEST
    lines = view.held[view.since, view.as_of, columns] = _joined(view, columns)
    return columns, lines


def _joined(view: View, columns: tuple[str, ...]) -> list[Any]:
    if not view.actor.may("insight.view"):
        return []
    conditions = ["true"]
    params: dict[str, Any] = {"since": view.since, "on": view.as_of}
    if view.unit is not None or not view.actor.everywhere:
        conditions.append("unit_id = ANY(%(units)s)")
        params["units"] = list(units_of(view).values_list("pk", flat=True))
    if view.employee is not None:
        conditions.append("manager_id = %(manager)s")
        params["manager"] = view.employee.pk
    if params.get("units") == []:
        return []
    names = ", ".join(columns)
    sums = ", ".join("count(*)" if name == "customers" else f"sum({name})" for name in AMOUNTS)
    with transaction.atomic(), connection.cursor() as cursor:
        # The planner would rather hash a million rows than read them in the order they lie in.
        cursor.execute("SET LOCAL enable_hashjoin = off")
        cursor.execute(
            f"SELECT {names}, {sums} FROM ({MOVES}) moves "  # noqa: S608  names of our own
            f"WHERE {' AND '.join(conditions)} GROUP BY {names}",
            params,
        )
        rows: list[Any] = cursor.fetchall()
    return rows


def structure(view: View, *by: str, on: date | None = None) -> dict[Key, Sums]:
    """Customers of `view` as they stood on a day (`as_of`), by the named columns."""
    return flows(still(view, on or view.as_of), *by)


def still(view: View, on: date) -> View:
    """The same customers on one day, with nothing before."""
    return replace(view, since=on, as_of=on)


def units_of(view: View) -> QuerySet[Unit]:
    """The units whose customers `view` is about, as far as the actor's sight reaches."""
    units = Unit.objects.visible_to(view.actor)
    if not view.actor.everywhere:
        units = units.filter(pk__in=view.actor.units)
    return units.filter(path__startswith=view.unit.path) if view.unit else units


def _within(rows: QuerySet[Any], view: View) -> QuerySet[Any]:
    if view.unit is not None:
        rows = rows.filter(unit__in=units_below(view.unit))
    return rows if view.employee is None else rows.filter(manager=view.employee)


def looked_after_elsewhere(view: View) -> bool:
    """Whether the actor, or their team, looks after customers of the view whom no tally in their scope counts."""
    return next(_outside_units(view), None) is not None


def _outside_units(view: View) -> Iterator[dict[str, Any]]:
    """A line as of `Tally` for each customer whom the actor or their team looks after and no tally of theirs counts."""
    actor = view.actor
    if actor.everywhere or actor.employee_id is None:
        return
    parties = looked_after(actor).values("party")
    mine = Party.objects.visible_to(actor).filter(pk__in=parties).order_by()
    scores = scores_seen(actor).filter(
        party__in=mine.values("pk"), as_of__in={view.since, view.as_of}
    )
    found: defaultdict[int, dict[date, Score]] = defaultdict(dict)
    for score in scores.defer("values", "reasons"):
        found[score.party_id][score.as_of] = score
    units = set(units_of(view).values_list("pk", flat=True)) if actor.units else set()
    below = None if view.unit is None else units_below(view.unit)
    for days in found.values():
        now = days.get(view.as_of)
        before = days.get(view.since) if view.since != view.as_of else None
        place = now or before
        if place is None or place.unit_id in actor.units or place.unit_id in units:
            continue
        if below is not None and place.unit_id not in below:
            continue
        if view.employee is not None and place.manager_id != view.employee.pk:
            continue
        yield {
            "unit_id": place.unit_id,
            "manager_id": place.manager_id,
            "tier_before_id": before.tier_id if before else None,
            "tier_id": now.tier_id if now else None,
            "class_before": before.value_class if before else "",
            "value_class": now.value_class if now else "",
            "outlook": now.outlook if now else "",
            "customers": 1,
            "balance_before": before.balance if before else Decimal(0),
            "balance": now.balance if now else Decimal(0),
            "contribution_before": before.contribution if before else Decimal(0),
            "contribution": now.contribution if now else Decimal(0),
        }


def units_below(unit: Unit) -> set[int]:
    """The keys of a unit and of all below it."""
    return set(Unit.objects.filter(path__startswith=unit.path).values_list("pk", flat=True))


@dataclass(frozen=True)
class Part:
    """A part of a view: a unit right below, or a manager of the last unit. Neither is nobody's customers.

    `own` are the customers of a unit itself, beside those of the units below it.
    """

    unit: Unit | None
    employee: Employee | None
    own: bool = False

    @property
    def name(self) -> str:
        return self.unit.name if self.unit else self.employee.name if self.employee else ""


def parts(view: View, *by: str) -> list[tuple[Part, dict[Key, Sums]]]:
    """The customers of a view by units one level down; where there is no lower level, by main manager."""
    units = list(units_of(view).order_by("path"))
    ids = {unit.pk for unit in units}
    tops = [view.unit] if view.unit else [unit for unit in units if unit.parent_id not in ids]
    if len(tops) == 1:
        lower = [unit for unit in units if unit.parent_id == tops[0].pk]
        if not lower:
            return _by_manager(view, by)
        shown = [*lower, *tops]
    elif tops:
        shown = tops
    else:
        return _by_manager(view, by)
    below = {unit.pk: unit for unit in shown}
    paths = {unit.pk: [int(part) for part in unit.path.strip("/").split("/")] for unit in units}
    grouped: defaultdict[int, defaultdict[Key, Sums]] = defaultdict(lambda: defaultdict(Sums))
    for (unit_id, *key), sums in flows(view, "unit_id", *by).items():
        home = next((pk for pk in reversed(paths.get(unit_id, [])) if pk in below), None)
        grouped[home or 0][tuple(key)] += sums
    found = [
        (Part(unit, None, own=len(tops) == 1 and unit in tops), dict(grouped[unit.pk]))
        for unit in shown
        if unit.pk in grouped
    ]
    return [*found, *([(Part(None, None), dict(grouped[0]))] if 0 in grouped else [])]


def _by_manager(view: View, by: tuple[str, ...]) -> list[tuple[Part, dict[Key, Sums]]]:
    grouped: defaultdict[int | None, dict[Key, Sums]] = defaultdict(dict)
    for (manager_id, *key), sums in flows(view, "manager_id", *by).items():
        grouped[manager_id][tuple(key)] = sums
    people = {each.pk: each for each in Employee.objects.filter(pk__in=[*filter(None, grouped)])}
    named = sorted((people[pk].code, pk) for pk in grouped if pk is not None)
    order = [pk for _code, pk in named] + ([None] if None in grouped else [])
    return [(Part(None, people[pk] if pk else None), grouped[pk]) for pk in order]


def sample(view: View, size: int = SAMPLE) -> list[dict[str, Any]]:
    """At most about `size` customers of the view with current and potential value, spread evenly over the keys,
    so that the same ones come again."""
    scores = _within(scores_seen(view.actor).filter(as_of=view.as_of), view)
    if view.actor.everywhere and view.unit is None and view.employee is None:
        # A million are not walked through: the keys themselves are stepped over.
        last = scores.aggregate(last=Max("party"))["last"] or 0
        step = max(1, -(-last // size))
        rows = scores.filter(party__in=range(step, last + 1, step))
    else:
        count = sum(each.customers for each in structure(view, "unit_id").values())
        rows = scores.annotate(rest=F("party") % max(1, -(-count // size))).filter(rest=0)
    found = rows.order_by().values(
        "value_class", current=F("values__current_value"), potential=F("values__potential_value")
    )
    return list(found[: 2 * size])
