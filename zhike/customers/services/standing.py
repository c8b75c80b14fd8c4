"""Where every party stands: tiers, dated ratings and the projection that lists sort by; written set-wise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib.postgres.fields import DateRangeField
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import F, Func, QuerySet, Value
from django.db.models.functions import Now
from psycopg.types.json import Jsonb

from zhike.customers.models import Party, Standing, Tier, TierRating
from zhike.kernel import audit
from zhike.kernel.actor import Actor
from zhike.kernel.services import service


@dataclass(frozen=True)
class StandingRow:
    """One party's line of `Standing`; money in the institution's currency, scores from 0 to 100."""

    party_id: int
    tier_id: int | None
    value_class: str
    balance: Decimal
    contribution: Decimal
    current_value: Decimal | None
    potential_value: Decimal | None
    contact_every_days: int
    as_of: date


@dataclass(frozen=True)
class TierRatingRow:
    """The tier a party has from the day of rating on, why, and the figures behind it."""

    party_id: int
    tier_id: int
    reason: str
    figures: Mapping[str, Any]


@service("insight.thresholds")
def define_tier(
    *, actor: Actor, code: str, name: str, rank: int, contact_every_days: int, colour: str
) -> Tier:
    """The tier called `code`, made when it is missing; one that exists is left as people have set it."""
    tier, created = Tier.objects.get_or_create(
        code=code,
        defaults={
            "name": name,
            "rank": rank,
            "contact_every_days": contact_every_days,
            "colour": colour,
        },
    )
    if created:
        audit.record(actor, "customers.tier.define", tier, changes={"name": (None, name)})
    return tier


NOTHING: Mapping[str, Any] = {
    "tier": None,
    "value_class": "",
    "balance": 0,
    "contribution": 0,
    "current_value": None,
    "potential_value": None,
    "contact_every_days": None,
    "as_of": None,
}
"""What stands on the books of somebody who is no customer; the last contact is a fact and stays."""


def clear_standings(standings: QuerySet[Standing]) -> int:
    """Take figures, tier and class off these; answers how many had any."""
    return standings.exclude(**NOTHING).update(
        **NOTHING, version=F("version") + 1, changed_at=Now()
    )


def end_ratings(ratings: QuerySet[TierRating], on: date) -> None:
    """The open ones of these end on the day; one that only began then never was."""
    still_open = ratings.filter(during__upper_inf=True)
    still_open.filter(during__startswith__gte=on).delete()
    began = Func(F("during"), function="lower")
    still_open.update(
        during=Func(began, Value(on), function="daterange", output_field=DateRangeField()),
        version=F("version") + 1,
        changed_at=Now(),
    )


@service("insight.refresh")
def record_standings(*, actor: Actor, rows: Iterable[StandingRow]) -> int:
    """Bring `Standing` up to date, one row a party; answers how many rows were written.

    Rows whose figures did not move are not touched, so `as_of` is the day they last moved. The last contact is the
    timeline's to say: what was logged or taken back while the figures were worked out stands. Whoever is no
    customer any more stands without tier, class and figures.
    """
    with connection.cursor() as cursor:
        _copy(
            cursor,
            "new_standing",
            "party_id bigint PRIMARY KEY, tier_id bigint, value_class varchar, balance numeric, "
            "contribution numeric, current_value numeric, potential_value numeric, "
            "contact_every_days smallint, as_of date",
            (astuple(row) for row in rows),
        )
        cursor.execute(
            """
            UPDATE customers_standing s SET
                tier_id = n.tier_id, value_class = n.value_class,
                balance = n.balance, contribution = n.contribution,
                current_value = n.current_value, potential_value = n.potential_value,
                contact_every_days = n.contact_every_days,
                as_of = n.as_of, version = s.version + 1, changed_at = now()
            FROM new_standing n
            WHERE n.party_id = s.party_id
              AND (s.tier_id, s.value_class, s.balance, s.contribution, s.current_value,
                   s.potential_value, s.contact_every_days)
                IS DISTINCT FROM
                  (n.tier_id, n.value_class, n.balance, n.contribution, n.current_value,
                   n.potential_value, n.contact_every_days)
            """
        )
        written: int = cursor.rowcount
        cursor.execute("DROP TABLE new_standing")
    written += clear_standings(Standing.objects.exclude(stage=Party.Stage.CUSTOMER))
    audit.record(actor, "customers.standings.record", reason=f"{written} standings written")
    return written


@service("insight.refresh")
def rate_tiers(*, actor: Actor, ratings: Iterable[TierRatingRow], on: date) -> int:
    """Rate parties on a day; answers how many changed their tier. The same ratings again change nothing.

    Measured against the rating in force the day before, so a second run of a day puts right what its first
    run wrote: a party that keeps its tier has no rating that begins on the day and its figures are laid over those
    kept; one that moves has the old rating closed on the day and a new one opened. The rating of whoever is no
    customer any more ends on the day. Other parties not among `ratings` are left alone.
    """
    with connection.cursor() as cursor:
        _copy(
            cursor,
            "new_rating",
            "party_id bigint PRIMARY KEY, tier_id bigint, reason varchar, figures jsonb",
            ((row.party_id, row.tier_id, row.reason, Jsonb(dict(row.figures))) for row in ratings),
        )
        cursor.execute(
            """
            CREATE TEMP TABLE moved ON COMMIT DROP AS
            SELECT n.*, r.id AS before_id, r.tier_id IS DISTINCT FROM n.tier_id AS moves
            FROM new_rating n JOIN customers_party p ON p.id = n.party_id
            LEFT JOIN customers_tierrating r
                ON r.party_id = n.party_id AND r.during @> (%(on)s::date - 1)
            """,
            {"on": on},
        )
        for statement in (
            """
            DELETE FROM customers_tierrating r USING moved m
            WHERE r.party_id = m.party_id AND lower(r.during) >= %(on)s
              AND (NOT m.moves OR lower(r.during) > %(on)s)
            """,
            """
            UPDATE customers_tierrating r SET
                during = daterange(lower(r.during), CASE WHEN m.moves THEN %(on)s::date END),
                figures = CASE WHEN m.moves THEN r.figures ELSE r.figures || m.figures END,
                version = r.version + 1, changed_at = now()
            FROM moved m WHERE r.id = m.before_id
              AND (r.during IS DISTINCT FROM
                       daterange(lower(r.during), CASE WHEN m.moves THEN %(on)s::date END)
                   OR (NOT m.moves AND r.figures IS DISTINCT FROM r.figures || m.figures))
            """,
            """
            UPDATE customers_tierrating r SET
                tier_id = m.tier_id, reason = m.reason, figures = m.figures,
                during = daterange(%(on)s, NULL), version = r.version + 1, changed_at = now()
            FROM moved m WHERE r.party_id = m.party_id AND m.moves AND lower(r.during) = %(on)s
              AND (r.tier_id, r.reason, r.figures, r.during)
                  IS DISTINCT FROM (m.tier_id, m.reason, m.figures, daterange(%(on)s, NULL))
            """,
            """
            INSERT INTO customers_tierrating (party_id, tier_id, during, reason, figures)
            SELECT m.party_id, m.tier_id, daterange(%(on)s, NULL), m.reason, m.figures
            FROM moved m WHERE m.moves AND NOT EXISTS (
                SELECT FROM customers_tierrating r
                WHERE r.party_id = m.party_id AND lower(r.during) = %(on)s)
            """,
        ):
            cursor.execute(statement, {"on": on})
        cursor.execute("SELECT count(*) FROM moved WHERE moves")
        changed: int = cursor.fetchone()[0]
        cursor.execute("DROP TABLE new_rating, moved")
    end_ratings(TierRating.objects.exclude(party__stage=Party.Stage.CUSTOMER), on)
    audit.record(actor, "customers.tiers.rate", reason=f"{changed} tiers changed on {on}")
    return changed


def _copy(cursor: CursorWrapper, table: str, columns: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """A temporary table of `columns` filled with `rows` by COPY."""
    cursor.execute(f"CREATE TEMP TABLE {table} ({columns}) ON COMMIT DROP")
    with cursor.copy(f"COPY {table} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
    cursor.execute(f"ANALYZE {table}")
