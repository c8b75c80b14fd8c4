"""What hangs on customers, many rows at once: relations, who looks after them, contacts of the past."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.db.backends.postgresql.psycopg_any import DateRange
from django.utils.translation import gettext_noop

from zhike.customers import rules
from zhike.customers.models import Assignment, Relation, TimelineEntry
from zhike.kernel import clock, partitions
from zhike.kernel.actor import Actor
from zhike.kernel.copying import copy_rows, update_rows
from zhike.kernel.services import service


@dataclass(frozen=True, slots=True)
class RelationRow:
    """`party` is the `kind` of `other`, from `since_on` until (not including) `until_on`."""

    party_id: int
    other_id: int
    kind: str
    since_on: date
    until_on: date | None = None
    role: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class AssignmentRow:
    """Who looks after a customer. Without `since_on` from today; `only_if_free` leaves another main manager alone."""

    party_id: int
    employee_id: int
    since_on: date | None
    until_on: date | None = None
    role: str = Assignment.Role.MAIN
    only_if_free: bool = False


@dataclass(frozen=True, slots=True)
class ContactRow:
    """One contact of the past by the key it has in its source."""

    source_key: str
    party_id: int
    at: datetime
    channel: str
    title: str
    direction: str = ""
    body: str = ""
    result: str = ""
    employee_id: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """`what` is created, changed, unchanged or refused; a refusal says (field, reason) in `left_out`.

    Reasons are English msgids: a reject file keeps them, a screen translates them.
    """

    what: str
    left_out: tuple[tuple[str, str], ...] = ()


def _refused(field: str, reason: str) -> Outcome:
    return Outcome("refused", ((field, reason),))


def hidden_in(*texts: str) -> str:
    """Why free text may not be kept: it holds a number that has a sealed field of its own; "" when it may."""
    for text in texts:
        if text and rules.sealed_kinds_in(text):
            return gettext_noop("the text holds an identity, card or mobile number")
    return ""


@service("masterdata.load")
def upsert_relations(*, actor: Actor, source: str, rows: Sequence[RelationRow]) -> list[Outcome]:
    """Create and correct relations between parties by (party, other, kind); one outcome a row."""
    held: dict[tuple[int, int, str], list[Relation]] = {}
    for relation in Relation.objects.select_for_update().filter(
        party_id__in={row.party_id for row in rows}
    ):
        place = (relation.party_id, relation.other_id, relation.kind)
        held.setdefault(place, []).append(relation)
    outcomes: list[Outcome] = []
    new: list[tuple[Any, ...]] = []
    changed: list[tuple[Any, ...]] = []
    given: set[tuple[int, int, str]] = set()
    for row in rows:
        place = (row.party_id, row.other_id, row.kind)
        during = DateRange(row.since_on, row.until_on)
        before = held.get(place, [])
        mine = next((each for each in before if each.source == source), None)
        if row.party_id == row.other_id:
            outcomes.append(_refused("other", gettext_noop("it is the same customer")))
        elif place in given or (
            mine is None and any(_meet(each.during, during) for each in before)
        ):
            outcomes.append(Outcome("unchanged"))
        elif mine is None:
            new.append((*place, during, row.role, row.note, source))
            outcomes.append(Outcome("created"))
        elif (mine.during, mine.role, mine.note) == (during, row.role, row.note):
            outcomes.append(Outcome("unchanged"))
        elif any(each is not mine and _meet(each.during, during) for each in before):
            outcomes.append(
                _refused(
                    "since_on", gettext_noop("another source knows this relation in that time")
                )
            )
        else:
            changed.append((mine.pk, during, row.role, row.note))
            outcomes.append(Outcome("changed"))
        given.add(place)
    copy_rows(Relation, ("party_id", "other_id", "kind", "during", "role", "note", "source"), new)
    if changed:
        update_rows(Relation, ("during", "role", "note"), changed)
    return outcomes


@service("masterdata.load")
def assign_managers(*, actor: Actor, rows: Sequence[AssignmentRow], reason: str) -> list[Outcome]:
    """Seat managers as a source names them; the one before ends on the day the new one begins. One outcome a row.

    History is never rewritten: a row that begins before what is known of that customer is refused.
    """
    held: dict[int, list[Assignment]] = {}
    for assignment in Assignment.objects.select_for_update().filter(
        party_id__in={row.party_id for row in rows}
    ):
        held.setdefault(assignment.party_id, []).append(assignment)
    today = clock.today()
    outcomes: list[Outcome] = []
    new: list[tuple[Any, ...]] = []
    ended: list[tuple[Any, ...]] = []
    given: set[int] = set()
    for row in rows:
        during = DateRange(row.since_on or today, row.until_on)
        mine = [each for each in held.get(row.party_id, []) if not each.during.isempty]
        current = next(
            (each for each in mine if each.role == row.role and each.during.upper is None), None
        )
        if current is not None and current.employee_id == row.employee_id:
            outcomes.append(Outcome("unchanged"))
            continue
        if row.role == Assignment.Role.MAIN:
            if row.only_if_free and (current is not None or row.party_id in given):
                outcomes.append(Outcome("unchanged"))
                continue
            if row.party_id in given:
                outcomes.append(
                    _refused("employee", gettext_noop("another main manager was given already"))
                )
                continue
        ending = current if row.role == Assignment.Role.MAIN else None
        others = [each for each in mine if each is not ending]
        blocking = [
            each
            for each in others
            if _meet(each.during, during)
            and (each.employee_id == row.employee_id or each.role == row.role == "main")
        ]
        if blocking or (ending is not None and during.lower <= ending.during.lower):
            outcomes.append(
                _refused("since_on", gettext_noop("it overlaps with what is known of that time"))
            )
            continue
        if ending is not None:
            ended.append((ending.pk, DateRange(ending.during.lower, during.lower)))
        new.append((row.party_id, row.employee_id, row.role, during, reason))
        given.add(row.party_id)
        outcomes.append(Outcome("created" if ending is None else "changed"))
    if ended:
        update_rows(Assignment, ("during",), ended)
    copy_rows(Assignment, ("party_id", "employee_id", "role", "during", "reason"), new)
    return outcomes


def _meet(one: Any, other: Any) -> bool:
    return (
        not one.isempty
        and (one.upper is None or other.lower < one.upper)
        and (other.upper is None or one.lower is None or one.lower < other.upper)
    )


@service("masterdata.load")
def add_contacts(*, actor: Actor, source: str, rows: Sequence[ContactRow]) -> list[Outcome]:
    """Put contacts of the past on the timelines; a key that stands there already is unchanged. One outcome a row."""
    if not rows:
        return []
    known = set(
        TimelineEntry.objects.filter(
            party_id__in={row.party_id for row in rows},
            source=source,
            source_key__in=[row.source_key for row in rows],
        ).values_list("source_key", flat=True)
    )
    today = clock.today()
    outcomes: list[Outcome] = []
    new: list[tuple[Any, ...]] = []
    last: dict[int, date] = {}
    for row in rows:
        day = row.at.astimezone(clock.BUSINESS_ZONE).date()
        if row.source_key in known:
            outcomes.append(Outcome("unchanged"))
        elif day > today:
            outcomes.append(
                _refused(
                    "at", gettext_noop("what is still to come does not belong on the timeline")
                )
            )
        elif reason := hidden_in(row.title, row.body, row.result):
            outcomes.append(_refused("title", reason))
        else:
            known.add(row.source_key)
            last[row.party_id] = max(day, last.get(row.party_id, day))
            new.append(
                (
                    row.at,
                    row.party_id,
                    TimelineEntry.Kind.CONTACT,
                    row.channel,
                    row.direction,
                    row.title,
                    row.body,
                    row.result,
                    row.employee_id,
                    source,
                    row.source_key,
                )
            )
            outcomes.append(Outcome("created"))
    if new:
        days = [row[0].astimezone(clock.BUSINESS_ZONE).date() for row in new]
        with connection.cursor() as cursor:
            # A table with checks still to be made cannot be given a partition.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        partitions.ensure(TimelineEntry, min(days), max(days))
        columns = (
            "at party_id kind channel direction title body result employee_id source source_key"
        )
        copy_rows(TimelineEntry, columns.split(), new)
        _note_contacts(last)
    return outcomes


def _note_contacts(last: dict[int, date]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE customers_standing s SET last_contact_on = greatest(s.last_contact_on, last.day), "
            "version = s.version + 1 FROM unnest(%s::bigint[], %s::date[]) AS last (party, day) "
            "WHERE s.party_id = last.party",
            [list(last), list(last.values())],
        )
