"""Another key for sealed values: made, every value written under it, the one before laid aside.

    zhike keys new      a key that seals from now on; what is sealed already still opens
    zhike keys reseal   in batches, each its own transaction: begun again where it was killed, it goes on
    zhike keys retire   a day later, when nothing stands under the older ones

A value is written only where it still says what was read, so whoever works meanwhile loses nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from zhike.customers.models import SetAside
from zhike.kernel import audit, crypto
from zhike.kernel.actor import Actor
from zhike.kernel.errors import UserError
from zhike.privacy.queries.held import HEX, place_aside

BATCH = 2_000
REST = 24 * 3600
"""Seconds before an older key is laid aside: sessions, answers and files hold what it sealed for a day at most."""


@dataclass(frozen=True)
class Sealed:
    """A column of sealed values; `place` is SQL over the row `t`, joined with `joined`, for where a value stands."""

    table: str
    column: str = "sealed"
    place: str = ""
    joined: str = ""

    @property
    def placed(self) -> str:
        return self.place or f"'{self.table}.{self.column}:' || t.public_id"


_RECORD = "'masterdata_sourcerecord.sealed:' || {0}.\"table\" || '/' || {0}.key"
COLUMNS = (
    Sealed("customers_identifier"),
    Sealed("customers_contactpoint"),
    Sealed("customers_address"),
    Sealed("products_agreement", "sealed_number"),
    Sealed("masterdata_sourcerecord", place=_RECORD.format("t")),
    Sealed(
        "masterdata_displaced",
        place=_RECORD.format("r"),
        joined="JOIN masterdata_sourcerecord r ON r.id = t.record_id",
    ),
    Sealed("masterdata_upload", "look"),
    Sealed("access_secondfactor"),
    Sealed("privacy_subjectrequest", "answer"),
    Sealed("privacy_keptbylaw"),
    Sealed("kernel_outgoing"),
    Sealed("kernel_answered"),
)
ASIDE = ("sealed", "sealed_number")
"""Columns that are sealed in rows that stand aside after a merge, where they are text of JSON."""
FOLDERS = ("exports", "uploads")
"""Of the data folder: files under a key made from that of their number; none is written again, each goes in time."""


def new_key(*, actor: Actor) -> int:
    """Make another key; answers its number. Raises UserError while the last change is not at its end."""
    actor.must("system.operate")
    ring = settings.ZHIKE_DATA_KEYS
    if len(ring.numbers()) > 1:
        raise UserError(
            "The key is being changed already.", "`zhike keys reseal`, then `zhike keys retire`."
        )
    with transaction.atomic():
        # First on record: a key nobody knows of must not seal.
        audit.record(actor, "keys.new", None, reason=str(ring.numbers()[-1] + 1))
        return int(ring.add())


def reseal(*, actor: Actor, told: Callable[[str, int], None] = lambda table, count: None) -> int:
    """Write every value under the current key that stands under another; answers how many were written."""
    actor.must("system.operate")
    number, _key = settings.ZHIKE_DATA_KEYS.current()
    written = 0
    for column in COLUMNS:
        for count in _resealed(column, number):
            written += count
            told(column.table, written)
    written += _resealed_aside(number)
    if written:
        audit.record(actor, "keys.reseal", None, reason=f"{number}: {written}")
    return written


def retire(*, actor: Actor) -> list[Path]:
    """Lay all keys but the current one aside; answers where they lie.

    Raises UserError while a value or a file stands under one, work from before the change is still under way, or less
    than `REST` has gone by.
    """
    actor.must("system.operate")
    ring = settings.ZHIKE_DATA_KEYS
    *older, current = ring.numbers()
    if not older:
        raise UserError("There is one key, and it is in use.", "Make another: `zhike keys new`.")
    age = time.time() - ring.files()[current].stat().st_mtime
    if age < REST:
        raise UserError(
            f"The newest key is {age / 3600:.0f} hours old.",
            "A day after it was made nothing open holds what the older one sealed. Come back then.",
        )
    if _begun_before(age):
        raise UserError(
            "Work that began before the key was made is still under way.",
            "Come back when it is done.",
        )
    if left := standing():
        said = ", ".join(f"{count:,} in {place}" for place, count in left.items())
        raise UserError(
            f"Under an older key stand {said}.",
            "`zhike keys reseal`; files go by themselves, in the time they are kept.",
        )
    with transaction.atomic():
        audit.record(actor, "keys.retire", None, reason=", ".join(map(str, older)))
        return [ring.retire(number) for number in older]


def standing() -> Mapping[str, int]:
    """By table, or folder, how much stands under another key than the current one; nothing where there is but one."""
    ring = settings.ZHIKE_DATA_KEYS
    if len(ring.numbers()) == 1:
        return {}
    number, _key = ring.current()
    left = {}
    with connection.cursor() as cursor:
        for each in COLUMNS:
            cursor.execute(
                f"SELECT count(*) FROM {each.table} WHERE get_byte({each.column}, 1) <> %s",  # noqa: S608  ours
                [number],
            )
            left[each.table] = cursor.fetchone()[0]
    left["customers_setaside"] = sum(
        1 for row in SetAside.objects.iterator() if _older(row, number)
    )
    for name in FOLDERS:
        folder = Path(settings.ZHIKE_HOME) / name
        files = folder.iterdir() if folder.is_dir() else iter(())
        left[name] = sum(crypto.number_of(each.name) != number for each in files)
    return {place: count for place, count in left.items() if count}


def _resealed(column: Sealed, number: int) -> Iterator[int]:
    read = (
        f"SELECT t.id, t.{column.column}, {column.placed} FROM {column.table} t {column.joined} "  # noqa: S608  ours
        f"WHERE t.id > %s AND get_byte(t.{column.column}, 1) <> %s ORDER BY t.id LIMIT %s"
    )
    write = (
        f"UPDATE {column.table} t SET {column.column} = n.new "  # noqa: S608  ours
        "FROM unnest(%s::bigint[], %s::bytea[], %s::bytea[]) AS n(id, old, new) "
        f"WHERE t.id = n.id AND t.{column.column} = n.old"
    )
    last = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(read, [last, number, BATCH])
            rows = [(id, bytes(stored), place) for id, stored, place in cursor.fetchall()]
            if not rows:
                return
            again = [
                (id, stored, new) for id, stored, place in rows if (new := _anew(stored, place))
            ]
            cursor.execute(write, [list(each) for each in zip(*again, strict=True)] or [[], [], []])
            written = cursor.rowcount
        last = rows[-1][0]
        yield written


def _anew(stored: bytes, place: str) -> bytes | None:
    """None for what no key opens any more: it stays as it is, is counted as left, and holds nothing else up."""
    try:
        return crypto.encrypt(crypto.decrypt(stored, place), place)
    except crypto.Undecipherable:
        return None


def _resealed_aside(number: int) -> int:
    """Rows aside are few: those of customers that are one by now."""
    written = 0
    for row in SetAside.objects.order_by("pk").iterator():
        if not _older(row, number):
            continue
        again = _again(row.table, row.row)
        beside = {
            table: [_again(table, each) for each in rows] for table, rows in row.beside.items()
        }
        written += SetAside.objects.filter(pk=row.pk, row=row.row, beside=row.beside).update(
            row=again, beside=beside
        )
    return written


def _older(row: SetAside, number: int) -> bool:
    texts = [row.row, *(each for rows in row.beside.values() for each in rows)]
    return any(
        bytes.fromhex(text[name].removeprefix(HEX))[1] != number
        for text in texts
        for name in _sealed_in(text)
    )


def _again(table: str, row: dict[str, Any]) -> dict[str, Any]:
    new = {}
    for name in _sealed_in(row):
        place = place_aside(table, name, row)
        if again := _anew(bytes.fromhex(row[name].removeprefix(HEX)), place):
            new[name] = HEX + again.hex()
    return row | new


def _sealed_in(row: Mapping[str, Any]) -> list[str]:
    return [name for name in ASIDE if str(row.get(name) or "").startswith(HEX)]


def _begun_before(age: float) -> bool:
    """Whether a transaction is open that may hold what was sealed before a key of this age was seen by everybody."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND xact_start < now() - make_interval(secs => %s)",
            [age - 2],
        )
        return bool(cursor.fetchone()[0])
