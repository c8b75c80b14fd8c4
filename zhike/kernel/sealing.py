"""Sealing the trail: what stands on it cannot be changed, left out or added to without being found.

Entries are sealed in batches: a batch has the root of a Merkle tree over its entries (RFC 6962, section 2.1), and a
head over that root and the head before. Heads are signed (Ed25519) and written to a file outside the database, so
that whoever rules the database can cut neither the trail nor the seals. An entry is sealed about a minute after
its transaction; the seals say nothing about what was changed before.
"""

from __future__ import annotations

import hashlib
import heapq
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.db import connection, transaction

from zhike.kernel import keys
from zhike.kernel.errors import UserError
from zhike.kernel.models import AuditLeaf, AuditMark, AuditPurge, AuditSeal

BATCH = 1_000  # entries of one seal at most: as exactly as this a fault is placed
AT_ONCE = 100  # seals whose entries are read together
VERIFIED = "audit.verified"  # the action under which a verification stands on the trail
LOCK = 0x7A68_6175
BEGINNING = bytes(32)

# One line an entry, as COPY writes it: documented, and the same whatever the session's settings are.
LINES = """
    COPY (SELECT id, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), actor_user_id, actor_name, action,
                 outcome, object_type, object_id, object_public_id, party_id, changes, reason, origin
          FROM kernel_auditentry WHERE id > %s AND id <= %s ORDER BY id) TO STDOUT
"""


@dataclass(frozen=True)
class Verification:
    """What was found: `fault` says what is wrong first, "" when the trail is whole.

    `entries` and `seals` were found good; `open` entries wait for their seal; `last` is the last good entry's id.
    """

    entries: int
    seals: int
    open: int
    last: int
    fault: str = ""


def leaf(line: bytes) -> bytes:
    return hashlib.sha256(b"\0" + line).digest()


def root(leaves: Iterable[bytes]) -> bytes:
    """The Merkle tree hash of one leaf or more, as RFC 6962 has it: a node without a sibling moves up."""
    level = list(leaves)
    while len(level) > 1:
        level = above(level)
    return level[0]


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def above(level: list[bytes]) -> list[bytes]:
    """The next level of the tree."""
    paired = [node(left, right) for left, right in zip(level[::2], level[1::2], strict=False)]
    return paired + level[len(paired) * 2 :]


def head(previous: bytes, number: int, last_id: int, count: int, tree: bytes) -> bytes:
    said = f"{number} {last_id} {count} ".encode()
    return hashlib.sha256(b"\2" + previous + said + tree).digest()


def seal() -> int:
    """Seal what no running transaction can still add to; answers how many entries were sealed.

    Ids are drawn before a transaction commits, so entries commit out of order: an id is sealed when every
    transaction is over that began before the id was drawn. Raises UserError when the heads outside the database
    know of seals that it lacks, or of others.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        last = AuditSeal.objects.order_by("number").last()
        _must_follow()
        sealed = list(_batches(last, _settled()))
        AuditSeal.objects.bulk_create(sealed)
    _write_outside()
    return sum(each.count for each in sealed)


def verify() -> Verification:
    """Compute every seal anew from the entries, and compare it with the database and with the heads outside."""
    outside = _outside()
    entries = seals = last = 0
    purged = AuditPurge.objects.order_by("-number", "-pk").first()
    if purged is not None and not is_signed(purge_statement(purged), bytes(purged.signature)):
        return Verification(0, 0, 0, 0, "What is said to have been purged was not signed here.")
    gone = purged.number if purged else 0
    previous = BEGINNING
    for batch in _in_batches():
        found = _leaves(last, batch[-1].last_id)
        line = next(found, None)
        for each in batch:
            leaves = []
            while line is not None and line[0] <= each.last_id:
                leaves.append(line[1])
                line = next(found, None)
            fault = _fault(each, seals + 1, leaves, previous, outside, gone)
            if fault:
                list(found)
                where = f"Seal {each.number}, entries {last + 1} to {each.last_id}"
                return Verification(entries, seals, 0, last, f"{where}: {fault}.")
            entries, seals, last, previous = (
                entries + len(leaves),
                seals + 1,
                each.last_id,
                bytes(each.head),
            )
    if (further := max(outside, default=0) - seals) > 0:
        fault = f"{further} seals after entry {last} are known outside the database and not within."
        return Verification(entries, seals, 0, last, fault)
    return Verification(entries, seals, sum(1 for _ in lines_of(last, 2**63 - 1)), last)


def _fault(
    seal: AuditSeal,
    number: int,
    leaves: list[bytes],
    previous: bytes,
    outside: dict[int, bytes],
    gone: int,
) -> str:
    if seal.number != number:
        return f"seal {number} is missing"
    count = 0 if number <= gone else seal.count
    if len(leaves) != count:
        return f"{len(leaves)} entries stand where {count} were sealed"
    if number > gone and (not leaves or root(leaves) != bytes(seal.root)):
        return "an entry is not as it was sealed"
    if head(previous, number, seal.last_id, seal.count, bytes(seal.root)) != bytes(seal.head):
        return "the seal does not follow the one before"
    if outside.get(number, bytes(seal.head)) != bytes(seal.head):
        return "the head outside the database is another one"
    return ""


def _settled() -> int:
    """The id up to which nothing can be added any more; and a mark for the next time."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_value, clock_timestamp() FROM kernel_auditentry_id_seq")
        drawn, now = cursor.fetchone()
        mark = AuditMark.objects.order_by("pk").first()
        settled = 0
        if mark is not None:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid() AND xact_start <= %s",
                [mark.at],
            )
            if cursor.fetchone()[0]:
                return 0
            settled = mark.last_id
    AuditMark.objects.update_or_create(pk=1, defaults={"last_id": drawn, "at": now})
    return settled


def _batches(last: AuditSeal | None, upto: int) -> Iterator[AuditSeal]:
    number, after, previous = (
        (last.number, last.last_id, bytes(last.head)) if last else (0, 0, BEGINNING)
    )
    lines = lines_of(after, upto)
    while batch := list(islice(lines, BATCH)):
        number += 1
        last_id, tree = batch[-1][0], root(leaf(line) for _id, line in batch)
        previous = head(previous, number, last_id, len(batch), tree)
        yield AuditSeal(number=number, last_id=last_id, count=len(batch), root=tree, head=previous)


def lines_of(after: int, upto: int) -> Iterator[tuple[int, bytes]]:
    """Id and line of every entry of `after` < id <= `upto`, in the order of their ids."""
    if upto <= after:
        return
    with connection.cursor() as cursor, cursor.copy(LINES, [after, upto]) as rows:
        for row in rows:
            line = bytes(row)
            yield int(line[: line.index(b"\t")]), line


def _leaves(after: int, upto: int) -> Iterator[tuple[int, bytes]]:
    """Id and digest of every entry, of those purged out of a seal that is not purged whole too."""
    kept = AuditLeaf.objects.filter(entry__gt=after, entry__lte=upto).order_by("entry")
    # Read before the entries are: nothing else is asked while they are copied.
    rest = [(entry, bytes(digest)) for entry, digest in kept.values_list("entry", "digest")]
    return heapq.merge(((key, leaf(line)) for key, line in lines_of(after, upto)), rest)


def _in_batches() -> Iterator[list[AuditSeal]]:
    after = 0
    while batch := list(AuditSeal.objects.filter(number__gt=after).order_by("number")[:AT_ONCE]):
        yield batch
        after = batch[-1].number


def _key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(keys.load(settings.ZHIKE_KEYS, "audit"))


def sign(statement: bytes) -> bytes:
    return _key().sign(statement)


def is_signed(statement: bytes, signature: bytes) -> bool:
    try:
        _key().public_key().verify(signature, statement)
    except InvalidSignature:
        return False
    return True


def purge_statement(purge: AuditPurge) -> bytes:
    """What is signed of a purge: up to which seal everything is gone, and before when."""
    return f"purged {purge.number} {purge.last_id} {int(purge.before.timestamp())}".encode()


def outside_head(number: int) -> bytes | None:
    """The head of a seal as it is known outside the database."""
    return _outside().get(number)


def _outside() -> dict[int, bytes]:
    """Head by number, of every line of the file outside; empty when there is none."""
    path: Path = settings.ZHIKE_AUDIT_HEADS
    if not path.exists():
        return {}
    with path.open("rb") as file:
        _signed(
            path, _last_line(file)
        )  # the others are held by the heads, each of which is over those before
        file.seek(0)
        return dict(_parted(path, line)[:2] for line in file)


def _last_outside() -> tuple[int, bytes]:
    path: Path = settings.ZHIKE_AUDIT_HEADS
    if not path.exists():
        return 0, BEGINNING
    with path.open("rb") as file:
        return _signed(path, _last_line(file))


def _last_line(file: BinaryIO) -> bytes:
    """Lines have less than 512 bytes."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 512))
    return (file.read().splitlines() or [b""])[-1]


def _parted(path: Path, line: bytes) -> tuple[int, bytes, bytes]:
    """Number, head and signature of a line. Raises UserError when it is none."""
    try:
        number, said, signature = line.decode("ascii").split()
        return int(number), bytes.fromhex(said), bytes.fromhex(signature)
    except ValueError as error:
        raise UserError(
            f"A line of {path} is not one of heads: the file was changed, or cut in the middle of a line.",
            "Compare it with the copy that your log server or auditor keeps.",
        ) from error


def _signed(path: Path, line: bytes) -> tuple[int, bytes]:
    number, said, signature = _parted(path, line)
    if not is_signed(_statement(number, said), signature):
        raise UserError(
            f"The last line of {path} was not signed here.",
            "Compare the file with the copy that your log server or auditor keeps, and the key `audit`.",
        )
    return number, said


def _statement(number: int, head: bytes) -> bytes:
    return f"{number} {head.hex()}".encode()


def _must_follow() -> None:
    """Whoever cut the trail shall not have it sealed over."""
    number, outside = _last_outside()
    here = AuditSeal.objects.filter(number=number).first()
    if number and (here is None or bytes(here.head) != outside):
        raise UserError(
            f"The trail does not go on where {settings.ZHIKE_AUDIT_HEADS} ends, at seal {number}.",
            "`zhike audit verify` says from where on. After restoring an older backup, keep this file for the"
            " auditor under another name: it says what the backup lacks.",
        )


def _write_outside() -> None:
    """Add the heads that the file lacks: also those of a run that ended between the database and the file."""
    path: Path = settings.ZHIKE_AUDIT_HEADS
    missing = AuditSeal.objects.filter(number__gt=_last_outside()[0]).order_by("number")
    key = _key()
    lines = []
    for each in missing.iterator():
        statement = _statement(each.number, bytes(each.head))
        lines.append(f"{statement.decode()} {key.sign(statement).hex()}\n")
    if lines:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write("".join(lines))
            file.flush()
            os.fsync(file.fileno())
