"""Counts and sums a unit and manager: what each day's structure was, and who moved between two days."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from django.db import connection, models

from zhike.insight.models import Tally
from zhike.kernel.copying import refresh_statistics

_INTO = """
    INSERT INTO insight_tally (since, as_of, unit_id, manager_id, tier_before_id, tier_id,
        class_before, value_class, outlook, customers, balance_before, balance,
        contribution_before, contribution)
"""
_STRUCTURE = """
    SELECT as_of, as_of, unit_id, manager_id, NULL::bigint, tier_id, '', value_class, outlook,
        count(*), 0, sum(balance), 0, sum(contribution)
    FROM insight_score WHERE as_of = %(on)s
    GROUP BY as_of, unit_id, manager_id, tier_id, value_class, outlook
"""
_MOVES = """
    SELECT %(since)s::date, %(on)s::date,
        CASE WHEN n.party_id IS NULL THEN b.unit_id ELSE n.unit_id END AS unit,
        CASE WHEN n.party_id IS NULL THEN b.manager_id ELSE n.manager_id END AS manager,
        b.tier_id, n.tier_id, coalesce(b.value_class, ''), coalesce(n.value_class, ''),
        coalesce(n.outlook, ''), count(*),
        coalesce(sum(b.balance), 0), coalesce(sum(n.balance), 0),
        coalesce(sum(b.contribution), 0), coalesce(sum(n.contribution), 0)
    FROM (SELECT party_id, unit_id, manager_id, tier_id, value_class, balance, contribution
          FROM insight_score WHERE as_of = %(since)s) b
    FULL JOIN (SELECT party_id, unit_id, manager_id, tier_id, value_class, outlook, balance,
               contribution FROM insight_score WHERE as_of = %(on)s) n USING (party_id)
    GROUP BY unit, manager, b.tier_id, n.tier_id, b.value_class, n.value_class, n.outlook
"""


def tally(days: Collection[date], on: date) -> None:
    """Write the tallies of `on`: its structure, and the moves since each earlier one of `days`.

    Structures of the other `days` stay; moves up to an earlier day and days that are kept no longer go. Part of
    a refresh and of its transaction.
    """
    Tally.objects.exclude(as_of__in=[day for day in days if day != on]).delete()
    Tally.objects.exclude(since=models.F("as_of")).delete()
    with connection.cursor() as cursor:
        cursor.execute(_INTO + _STRUCTURE, {"on": on})
        for since in sorted(day for day in days if day < on):
            cursor.execute(_INTO + _MOVES, {"since": since, "on": on})
    refresh_statistics(Tally)
