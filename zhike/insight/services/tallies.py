"""Counts, sums and curves a unit: what each day's structure was, and who moved between two days."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from itertools import pairwise

from django.db import connection, models

from zhike.insight.models import Curve, Move, Tally
from zhike.insight.queries.concentration import every_curve
from zhike.insight.queries.portfolio import MOVES
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
_MOVED = f"""
    SELECT %(since)s::date, %(on)s::date, unit_id, manager_id, tier_before_id, tier_id, class_before,
        value_class, outlook, count(*), sum(balance_before), sum(balance),
        sum(contribution_before), sum(contribution)
    FROM ({MOVES}) moves
    GROUP BY unit_id, manager_id, tier_before_id, tier_id, class_before, value_class, outlook
"""  # noqa: S608  a statement of our own
_NAMED = f"""
    INSERT INTO insight_move (since, as_of, party_id, unit_id, manager_id, tier_before_id, tier_id,
        class_before, value_class, is_new, is_gone, balance)
    SELECT %(since)s::date, %(on)s::date, party_id, unit_id, manager_id, tier_before_id, tier_id,
        class_before, value_class, is_new, is_gone, CASE WHEN is_gone THEN balance_before ELSE balance END
    FROM ({MOVES}) moves
    WHERE is_new OR is_gone OR tier_before_id IS DISTINCT FROM tier_id OR class_before <> value_class
"""  # noqa: S608  a statement of our own


def tally(days: Collection[date], on: date) -> None:
    """Write the tallies of `on`: its structure, and the moves since each earlier one of `days`; and by name who moved
    since the last of them, and since the end of the month before.

    Of the other `days` their structures stay, and the moves from each to the next: from month to month pages need
    not compare scores. Other moves up to an earlier day, and days that are kept no longer, go. Part of a refresh and
    of its transaction.
    """
    neighbours = models.Q()
    for since, until in pairwise(sorted({*days, on})):
        neighbours |= models.Q(since=since, as_of=until)
    for kept, stays in (
        (Tally, neighbours | models.Q(since=models.F("as_of"))),
        (Move, neighbours),
    ):
        kept.objects.exclude(as_of__in=[day for day in days if day != on]).delete()
        kept.objects.exclude(stays).delete()
    before = sorted(day for day in days if day < on)
    month_ends = [day for day in before if day < on.replace(day=1)]
    with connection.cursor() as cursor:
        cursor.execute(_INTO + _STRUCTURE, {"on": on})
        for since in before:
            cursor.execute(_INTO + _MOVED, {"since": since, "on": on})
        for since in {*before[-1:], *month_ends[-1:]}:
            cursor.execute(_NAMED, {"since": since, "on": on})
    refresh_statistics(Tally)
    refresh_statistics(Move)


def keep_curves(days: Collection[date], on: date) -> None:
    """Write the curves of `on`; those of the other `days` stay. Part of a refresh and of its transaction."""
    Curve.objects.exclude(as_of__in=[day for day in days if day != on]).delete()
    Curve.objects.bulk_create(
        (
            Curve(as_of=on, unit_id=unit, measure=measure, figures=found.kept())
            for unit, measure, found in every_curve(on)
        ),
        batch_size=500,
    )
