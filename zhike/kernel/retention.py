"""The end of old entries of the trail: whole months, never younger than half a year, and what proves the rest stays.

网络安全法 art. 21 (3) asks for six months: 184 days are the most that six months can have. No argument, setting or
role asks for less, and a clock set ahead does not help: the database's own is asked too. A month goes as a
partition. Seals and heads stay; of a seal of which some entries stay, the digests of the others are kept; so every
proof made before holds, and whatever else is missing is found. What was purged is signed with a key that does not
lie in the database, so whoever rules the database alone can purge nothing unseen.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import connection, transaction

from zhike.kernel import audit, clock, partitions, sealing
from zhike.kernel.actor import Actor
from zhike.kernel.errors import UserError
from zhike.kernel.models import AuditEntry, AuditLeaf, AuditPurge, AuditSeal

FLOOR = timedelta(days=184)
TABLE = AuditEntry._meta.db_table


@dataclass(frozen=True)
class Purged:
    """`before` is the first day that is kept, in Shanghai; `entries` of `months` partitions are older."""

    before: date
    months: tuple[str, ...]
    entries: int


def due(years: int) -> Purged:
    """What a purge would take away now that keeps so many years."""
    before = _first_kept(years)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = to_regclass(%s)",
            [TABLE],
        )
        names = (name for (name,) in cursor.fetchall())
    old = sorted(each for each in names if each < f"{TABLE}_{before:%Y_%m}")
    entries = AuditEntry.objects.filter(at__lt=_midnight(before)).count()
    return Purged(before, tuple(old), entries)


def purge(actor: Actor, years: int) -> Purged:
    """Take away the months that are older than so many years, on record.

    Raises UserError where the trail is not as it was sealed, or what is to go waits for its seal.
    """
    found = sealing.verify()
    if found.fault:
        raise UserError(
            f"The trail is not as it was sealed: {found.fault}",
            "An auditor looks at it first; nothing was purged.",
        )
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [sealing.LOCK])
            cursor.execute("SET LOCAL lock_timeout = '10s'")
        rest = AuditEntry.objects.filter(at__lt=_midnight(_first_kept(years))).order_by("at")
        oldest = rest.values_list("at", flat=True).first()
        if oldest is None:
            return Purged(_first_kept(years), (), 0)
        first = oldest.astimezone(clock.BUSINESS_ZONE).date()
        partitions.ensure(AuditEntry, first, clock.today())
        what = due(years)
        _keep_proofs(_midnight(what.before))
        with connection.cursor() as cursor:
            for name in what.months:
                cursor.execute(f"ALTER TABLE {TABLE} DETACH PARTITION {name}")
                cursor.execute(f"DROP TABLE {name}")
        audit.record(
            actor,
            "audit.purge",
            reason=f"{what.entries:,} entries before {what.before}; {years} years are kept.",
        )
    return what


def _first_kept(years: int) -> date:
    """The first day of a month, so many years back and never less than the floor."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = min(clock.now(), cursor.fetchone()[0])
    today = now.astimezone(clock.BUSINESS_ZONE).date()
    kept = max(timedelta(days=365 * years + years // 4 + 1), FLOOR)
    return (today - kept).replace(day=1)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), tzinfo=clock.BUSINESS_ZONE)


def _keep_proofs(before: datetime) -> None:
    """Digests of what goes out of seals of which something stays, and a signed word of which seals go whole."""
    going = AuditEntry.objects.filter(at__lt=before).order_by("-id")
    last = going.values_list("id", flat=True).first() or 0
    stays = (
        AuditEntry.objects.filter(at__gte=before)
        .order_by("id")
        .values_list("id", flat=True)
        .first()
    )
    seals = AuditSeal.objects.order_by("-number")
    gone = seals.filter(last_id__lt=stays) if stays else seals
    whole = gone.first()
    after = whole.last_id if whole else 0
    sealed = seals.first()
    if sealed is None or sealed.last_id < last:
        raise UserError(
            "Entries that old wait for their seal.", "Seal them first: `zhike audit seal`."
        )
    old = set(going.filter(id__gt=after).values_list("id", flat=True))
    upto = seals.filter(last_id__gte=last).last()
    assert upto is not None
    AuditLeaf.objects.bulk_create(
        AuditLeaf(entry=entry, digest=sealing.leaf(line))
        for entry, line in sealing.lines_of(after, upto.last_id)
        if entry in old
    )
    row = AuditPurge(number=whole.number if whole else 0, last_id=after, before=before)
    row.signature = sealing.sign(sealing.purge_statement(row))
    row.save()
    AuditLeaf.objects.filter(entry__lte=after).delete()
