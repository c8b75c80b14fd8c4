"""The daily run: what was found becomes work on named people's lists, a few statements for all of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from zhike.activities.models import WorkItem
from zhike.kernel import audit, clock
from zhike.kernel.actor import Actor
from zhike.kernel.services import service


@dataclass(frozen=True)
class Found:
    """One reason why a customer deserves attention by `due_on`; `priority` 0 to 100, highest first.

    `figures` are the numbers behind the reason by name (docs/activities.md); Decimals and dates are kept as text.
    """

    party_id: int
    rule: str
    priority: int
    due_on: date
    figures: Mapping[str, Any]


@dataclass(frozen=True)
class Counts:
    """What became of the findings and of the items that were open before.

    created + refreshed + unchanged + quiet + unmanaged = findings; lapsed are open items without a reason now.
    """

    created: int
    refreshed: int
    unchanged: int
    lapsed: int
    quiet: int
    unmanaged: int


_TABLE = """
CREATE TEMPORARY TABLE activities_found (
    party_id bigint NOT NULL,
    rule text NOT NULL,
    priority smallint NOT NULL,
    due_on date NOT NULL,
    figures jsonb NOT NULL,
    employee_id bigint,
    PRIMARY KEY (party_id, rule)
)
"""
_MANAGERS = """
UPDATE activities_found f SET employee_id = a.employee_id
FROM customers_assignment a
WHERE a.party_id = f.party_id AND a.role = 'main' AND a.during @> %(as_of)s::date
"""
# What a head put on another list stays there, whoever looks after the customer.
_HANDED = """
UPDATE activities_found f SET employee_id = w.employee_id
FROM activities_workitem w
WHERE w.party_id = f.party_id AND w.rule = f.rule AND w.state = 'open' AND EXISTS (
    SELECT FROM activities_handing h
    WHERE h.item_id = w.id AND h.receiver_id = w.employee_id AND h.taken_back_at IS NULL)
"""
_UNMANAGED = "DELETE FROM activities_found WHERE employee_id IS NULL"
_LAPSE = """
UPDATE activities_workitem w
SET state = 'lapsed', closed_at = %(now)s, changed_at = %(now)s, version = w.version + 1
WHERE state = 'open' AND w.rule <> 'promise' AND NOT EXISTS (
    SELECT FROM activities_found f WHERE f.party_id = w.party_id AND f.rule = w.rule)
"""
_REFRESH = """
UPDATE activities_workitem w
SET priority = f.priority, due_on = f.due_on, figures = f.figures, employee_id = f.employee_id,
    changed_at = %(now)s, version = w.version + 1
FROM activities_found f
WHERE w.state = 'open' AND w.party_id = f.party_id AND w.rule = f.rule
  AND (w.priority, w.due_on, w.figures, w.employee_id)
      IS DISTINCT FROM (f.priority, f.due_on, f.figures, f.employee_id)
"""
_OPEN = """
SELECT count(*) FROM activities_found f JOIN activities_workitem w
ON w.state = 'open' AND w.party_id = f.party_id AND w.rule = f.rule
"""
_CREATE = """
INSERT INTO activities_workitem
    (party_id, employee_id, rule, state, priority, due_on, found_on, figures, result, useless_because)
SELECT party_id, employee_id, rule, 'open', priority, due_on, %(as_of)s, figures, '', ''
FROM activities_found f
WHERE NOT EXISTS (
    SELECT FROM activities_workitem w
    WHERE w.party_id = f.party_id AND w.rule = f.rule
      AND (w.state = 'open' OR w.state IN ('done', 'dismissed') AND w.quiet_until > %(as_of)s))
"""


@service("insight.refresh")
def replace_findings(*, actor: Actor, found: Iterable[Found], as_of: date) -> Counts:
    """Make the open items of everybody what `found` says: the whole result of the day, each (party, rule) once.

    An open item is refreshed and follows the main manager of `as_of`, or stays where a head put it; a new reason
    opens one; an item whose reason is gone lapses; what was done or dismissed stays quiet for `rules.quiet_days`;
    what waits goes on waiting; promises are left alone. A customer without a main manager gets no item and is counted.
    Raises ValueError for a rule that is none, or that is not found by a run.
    """
    arguments: dict[str, Any] = {"as_of": as_of, "now": clock.now()}
    with connection.cursor() as cursor:

        def run(statement: str) -> int:
            cursor.execute(statement, arguments)
            return int(cursor.rowcount)

        # Two runs at once would open one reason twice.
        run("SELECT pg_advisory_xact_lock(hashtext('activities.findings'))")
        run(_TABLE)
        columns = "party_id, rule, priority, due_on, figures"
        with cursor.copy(f"COPY activities_found ({columns}) FROM STDIN") as copy:
            for each in found:
                figures = json.dumps(dict(each.figures), ensure_ascii=False, default=str)
                rule = WorkItem.Rule(each.rule)
                if rule is WorkItem.Rule.PROMISE:
                    raise ValueError("a promise is not found, somebody gives it")
                copy.write_row((each.party_id, rule.value, each.priority, each.due_on, figures))
        run(_MANAGERS)
        run(_HANDED)
        unmanaged = run(_UNMANAGED)
        run("ANALYZE activities_found")
        lapsed = run(_LAPSE)
        refreshed = run(_REFRESH)
        run(_OPEN)
        already_open = cursor.fetchone()[0]
        created = run(_CREATE)
        run("SELECT count(*) FROM activities_found")
        managed = cursor.fetchone()[0]
        run("DROP TABLE activities_found")
    counts = Counts(
        created=created,
        refreshed=refreshed,
        unchanged=already_open - refreshed,
        lapsed=lapsed,
        quiet=managed - already_open - created,
        unmanaged=unmanaged,
    )
    audit.record(
        actor,
        "activities.findings.replace",
        reason=_("as of %(as_of)s: %(created)s new, %(refreshed)s refreshed, %(lapsed)s lapsed")
        % {"as_of": as_of, "created": created, "refreshed": refreshed, "lapsed": lapsed},
    )
    return counts


# A promise, or what a head put on a list, goes with the customer only when whoever has it looked after them and
# no longer does: a head's own promise stays with the head.
_CARRIED = """
SELECT w.id FROM activities_workitem w
WHERE w.state = 'open' AND w.party_id = ANY(%(parties)s)
  AND (w.rule <> 'promise' AND NOT EXISTS (
    SELECT FROM activities_handing h
    WHERE h.item_id = w.id AND h.receiver_id = w.employee_id AND h.taken_back_at IS NULL) OR (
    SELECT bool_and(NOT p.during @> %(today)s::date) FROM customers_assignment p
    WHERE p.party_id = w.party_id AND p.employee_id = w.employee_id))
FOR UPDATE OF w
"""
_FOLLOW = """
UPDATE activities_workitem w
SET employee_id = a.employee_id, changed_at = %(now)s, version = w.version + 1
FROM customers_assignment a
WHERE w.id = ANY(%(items)s) AND a.party_id = w.party_id
  AND a.role = 'main' AND a.during @> %(today)s::date AND a.employee_id <> w.employee_id
"""
_ORPHANS = """
UPDATE activities_workitem w
SET state = 'lapsed', closed_at = %(now)s, changed_at = %(now)s, version = w.version + 1
WHERE w.id = ANY(%(items)s) AND NOT EXISTS (
    SELECT FROM customers_assignment a WHERE a.party_id = w.party_id
    AND a.role = 'main' AND a.during @> %(today)s::date)
"""


@service("customers.assign")
def follow_managers(*, actor: Actor, party_ids: Iterable[int]) -> None:
    """Hand the open items of these customers to their main managers of today; without one they lapse.

    A promise goes along only when whoever gave it no longer looks after the customer.
    """
    parties = list(party_ids)
    arguments: dict[str, Any] = {"now": clock.now(), "today": clock.today(), "parties": parties}
    with connection.cursor() as cursor:
        cursor.execute(_CARRIED, arguments)
        arguments["items"] = [item for (item,) in cursor.fetchall()]
        cursor.execute(_FOLLOW, arguments)
        moved = cursor.rowcount
        cursor.execute(_ORPHANS, arguments)
        moved += cursor.rowcount
    if moved:
        audit.record(
            actor,
            "activities.items.follow",
            reason=_("%(moved)d open items follow their customers") % {"moved": moved},
        )
