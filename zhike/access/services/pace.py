"""How many different customers and values somebody sees: counted, told at a threshold, stopped at a limit.

One statement counts and decides: the row is written only where it may be seen, so what was refused does not count.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from zhike.access.events import HoneyTouched, PaceReached
from zhike.access.models import HoneyRow, PaceLimit, PaceRelease, SeenKind, SeenRow
from zhike.access.roles import APPROVES_EVERYWHERE
from zhike.kernel import audit, clock, events
from zhike.kernel.actor import Actor
from zhike.kernel.errors import Refused, UserError
from zhike.kernel.prepared import execute
from zhike.kernel.services import must_be_another, must_see, service
from zhike.organisation.models import User

KEPT_FOR = timedelta(days=35)

# Of several roles the widest limit counts, and a release adds the whole limit once more. A role without a line here
# has no limit: there is a line for each that reads customers.
_COUNT = """
WITH bounds AS (
  SELECT max(hour_told) AS hour_told, max(hour_stop) AS hour_stop, max(day_told) AS day_told, max(day_stop) AS day_stop
  FROM access_pacelimit WHERE kind = %(kind)s AND role = ANY(%(roles)s::text[])
), released AS (
  SELECT 1 + count(*) AS times FROM access_pacerelease
  WHERE user_id = %(user)s AND day = %(day)s AND kind = %(kind)s
), before AS (
  SELECT count(*) AS days, count(*) FILTER (WHERE hours & %(bit)s::int <> 0) AS hours,
         count(*) FILTER (WHERE key = ANY(%(keys)s::bigint[])) AS known_days,
         count(*) FILTER (WHERE key = ANY(%(keys)s::bigint[]) AND hours & %(bit)s::int <> 0) AS known_hours
  FROM access_seenrow WHERE user_id = %(user)s AND day = %(day)s AND kind = %(kind)s
), after AS (
  SELECT days, hours, days + %(new)s::bigint - known_days AS now_days,
         hours + %(new)s::bigint - known_hours AS now_hours
  FROM before
), verdict AS (
  SELECT after.*, hour_told, day_told, hour_stop * times AS hour_stop, day_stop * times AS day_stop,
         (now_hours <= hours OR now_hours <= coalesce(hour_stop * times, now_hours))
         AND (now_days <= days OR now_days <= coalesce(day_stop * times, now_days)) AS may
  FROM after, bounds, released
), written AS (
  INSERT INTO access_seenrow (user_id, day, kind, key, hours)
  SELECT %(user)s::bigint, %(day)s::date, %(kind)s::text, unnest(%(keys)s::bigint[]), %(bit)s::int
  FROM verdict WHERE may
  ON CONFLICT (user_id, day, kind, key) DO UPDATE SET hours = access_seenrow.hours | EXCLUDED.hours
  WHERE access_seenrow.hours & EXCLUDED.hours = 0
)
SELECT may, EXISTS (
         SELECT FROM access_honeyrow honey WHERE key = ANY(%(keys)s::bigint[]) AND %(kind)s <> 'reveal' AND NOT EXISTS (
           SELECT FROM access_seenrow seen
           WHERE user_id = %(user)s AND day = %(day)s AND kind = %(kind)s AND seen.key = honey.key)),
       hours, now_hours, days, now_days, hour_told, hour_stop, day_told, day_stop FROM verdict
"""


def note_seen(
    actor: Actor, kind: SeenKind, *, keys: Sequence[int] = (), rows: Sequence[str] = ()
) -> None:
    """Count what the actor is about to see, by key or by any other name; each counts once an hour and once a day.

    One statement and no transaction of its own, for every page of a customer asks it. Raises Refused, and counts
    nothing, above the limit of the actor's roles. At the threshold, and with the last row before the limit,
    `PaceReached` is published and stands on the trail.
    """
    if actor.system or actor.user_id is None:
        return
    named = {*keys, *map(_key, rows)}
    now = clock.now().astimezone(clock.BUSINESS_ZONE)
    asked: dict[str, Any] = {
        "user": actor.user_id,
        "roles": sorted(actor.roles),
        "kind": str(kind),
        "day": now.date(),
        "bit": 1 << now.hour,
        "keys": sorted(named),
        "new": len(named),
    }
    [(may, honey, *counts)] = execute(connection, _COUNT, asked)
    if not may:
        raise Refused(
            _("You have seen as many different customers as one does in this time."),
            action=f"pace.{kind}.stop",
            way_out=_("Ask your head, who can let you go on, or wait for the next hour."),
        )
    if honey:
        tell_of_honey(actor=actor, taken=False)
    hours, now_hours, days, now_days, hour_told, hour_stop, day_told, day_stop = counts
    for before, after, told, stop in (
        (hours, now_hours, hour_told, hour_stop),
        (days, now_days, day_told, day_stop),
    ):
        for edge in {told, stop} - {None}:
            if before < edge <= after:
                tell_of_pace(actor=actor, kind=kind, count=after, stopped=edge == stop)


def note_taken(actor: Actor, keys: Sequence[int]) -> None:
    """The actor takes these customers away in a file; told of where one of them was invented."""
    if actor.user_id is not None and HoneyRow.objects.filter(key__in=keys).exists():
        tell_of_honey(actor=actor, taken=True)


@service("customers.view")
def tell_of_honey(*, actor: Actor, taken: bool) -> None:
    """A line on the trail, and `HoneyTouched` for who administers access; the actor learns nothing of it."""
    assert actor.user_id is not None
    audit.record(actor, "honey.taken" if taken else "honey.opened")
    events.publish(HoneyTouched(actor.user_id, taken))


@service("customers.view")
def tell_of_pace(*, actor: Actor, kind: SeenKind, count: int, stopped: bool) -> None:
    """A line on the trail, and `PaceReached` for those who lead the actor."""
    assert actor.user_id is not None
    audit.record(actor, f"pace.{kind}.told", reason=str(count))
    events.publish(PaceReached(actor.user_id, str(kind), count, stopped))


def _key(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)


@service("access.release_pace", proof=True)
def release_pace(*, actor: Actor, user: User, kind: str, reason: str) -> PaceRelease:
    """The actor's people may see as much once more today. Never oneself; never somebody of another unit."""
    action = f"pace.{kind}.release"
    must_be_another(actor, action, user=user.pk)
    unit = user.employee.unit_id if user.employee else None
    if unit not in actor.units and not actor.roles & APPROVES_EVERYWHERE and not actor.system:
        raise Refused(_("This person works outside what you look after."), action=action)
    if len(reason.strip()) < 2:
        raise UserError(_("A reason is missing."), _("Say in a few words why."))
    made = PaceRelease.objects.create(
        user=user, day=clock.today(), kind=SeenKind(kind), by=actor.name, reason=reason.strip()
    )
    must_see(actor, made)
    audit.record(actor, action, made, reason=reason.strip())
    return made


@service("access.administer", proof=True)
def set_pace_limit(
    *, actor: Actor, limit: PaceLimit, changes: Mapping[str, int], reason: str
) -> None:
    """Another limit for a role, from now on. Raises UserError where one is stopped before anybody is told."""
    values = {
        name: getattr(limit, name) for name in ("hour_told", "hour_stop", "day_told", "day_stop")
    }
    after = values | dict(changes)
    if not (
        0 < after["hour_told"] <= after["hour_stop"] and 0 < after["day_told"] <= after["day_stop"]
    ):
        raise UserError(
            _("Somebody is told before it stops, and both are above nothing."),
            _("Give a smaller threshold, or a larger limit."),
        )
    PaceLimit.objects.filter(pk=limit.pk).update(**after)
    audit.record(
        actor,
        "pace.limit",
        limit,
        changes={
            name: (values[name], after[name]) for name in values if values[name] != after[name]
        },
        reason=reason.strip(),
    )


@service("system.operate")
def forget_old_pace(*, actor: Actor) -> None:
    """What was seen longer ago than a month stands on the trail, where it counts, and nowhere else."""
    SeenRow.objects.filter(day__lt=clock.today() - KEPT_FOR).delete()
