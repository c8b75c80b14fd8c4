"""Old entries go by the month, never the last half year; what stays, and every proof made before, still holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from zhike.kernel import clock, retention, sealing
from zhike.kernel.errors import UserError
from zhike.kernel.models import AuditEntry, AuditLeaf, AuditPurge, AuditSeal
from zhike.kernel.proving import Proof, holds, prove
from zhike.kernel.retention import FLOOR, due, purge
from zhike.kernel.sealing import seal, verify
from zhike.kernel.tests.test_sealing import SYSTEM, do, heads, undone, write

__all__ = ["heads"]
AGES = (900, 400, 250, 180, 100, 1)
EACH = 10


@pytest.fixture
def trail(heads: Path, monkeypatch: pytest.MonkeyPatch, db: None) -> Path:
    """Ten entries of each age in days, sealed by sevens, so that seals reach across months."""
    monkeypatch.setattr(sealing, "BATCH", 7)
    monkeypatch.setattr(sealing, "AT_ONCE", 3)
    for days in AGES:
        with clock.stopped_at(clock.now() - timedelta(days=days)):
            write(EACH)
    seal()
    assert seal() == EACH * len(AGES)
    return heads


def youngest_gone() -> timedelta:
    return clock.now() - retention._midnight(AuditPurge.objects.latest("pk").before.date())


def test_what_is_older_goes_and_the_rest_is_whole(
    trail: Path, record_property: Callable[[str, object], None]
) -> None:
    proofs = [prove(each) for each in AuditEntry.objects.values_list("id", flat=True)]
    assert all(map(holds, proofs))
    done = purge(SYSTEM, 0)
    assert done.entries == 3 * EACH
    assert len(done.months) >= 3
    assert not AuditEntry.objects.filter(at__lt=clock.now() - timedelta(days=240)).exists()
    assert AuditEntry.objects.filter(action="test.done").count() == 3 * EACH
    found = verify()
    assert found.fault == ""
    assert found.seals == AuditSeal.objects.count() == 9
    # 30 entries went, 28 of them with their whole seals.
    assert (AuditLeaf.objects.count(), AuditPurge.objects.get().number) == (2, 4)
    assert all(map(holds, proofs)), "a proof made before holds from the root that was kept"
    record_property("proofs", len(proofs))
    assert AuditEntry.objects.get(action="audit.purge").reason.startswith("30 entries before ")
    # And once more: nothing is left to purge.
    assert purge(SYSTEM, 0).entries == 0
    write(3)
    seal()
    assert seal() == 4
    assert verify().fault == ""


def test_a_second_purge_goes_on_from_the_first(trail: Path) -> None:
    assert purge(SYSTEM, 2).entries == EACH
    assert AuditLeaf.objects.count() == 3
    assert purge(SYSTEM, 1).entries == EACH
    assert verify().fault == ""
    assert purge(SYSTEM, 0).entries == EACH
    assert AuditLeaf.objects.count() == 2
    assert verify().fault == ""


def test_a_proof_of_something_else_does_not_hold(trail: Path) -> None:
    proof = prove(AuditEntry.objects.order_by("id")[5].id)
    assert holds(proof)
    other = prove(AuditEntry.objects.order_by("id")[6].id)
    for wrong in (
        replace(proof, line=proof.line.replace("test", "text")),
        replace(proof, index=proof.index - 1),
        replace(proof, seal=proof.seal + 1),
        replace(proof, path=proof.path[1:]),
        replace(proof, path=other.path),
        Proof(99, 0, "", ()),
    ):
        assert not holds(wrong)
    with pytest.raises(UserError):
        prove(10**9)


@pytest.mark.django_db
@given(years=st.integers(-50, 30), ahead=st.integers(0, 4000))
def test_no_number_and_no_clock_undercuts_the_floor(years: int, ahead: int) -> None:
    with clock.stopped_at(clock.now() + timedelta(days=ahead)):
        before = due(years).before
    assert clock.now() - retention._midnight(before) >= FLOOR


def test_a_trail_that_was_tampered_with_is_not_purged(trail: Path) -> None:
    with undone():
        do("UPDATE kernel_auditentry SET reason = 'x' WHERE id = %s", AuditEntry.objects.first().id)  # type: ignore[union-attr]
        with pytest.raises(UserError):
            purge(SYSTEM, 0)
        assert AuditEntry.objects.count() == EACH * len(AGES)


def test_what_waits_for_its_seal_is_not_purged(heads: Path, db: None) -> None:
    with clock.stopped_at(clock.now() - timedelta(days=900)):
        write(3)
    with pytest.raises(UserError):
        purge(SYSTEM, 0)
    assert AuditEntry.objects.filter(action="test.done").count() == 3


def months_of(days: int) -> None:
    """As who rules the database would do it: whole partitions younger than the floor."""
    from zhike.kernel import partitions

    with connection.cursor() as cursor:
        for month in partitions.months(clock.today() - timedelta(days=days), clock.today()):
            name = f"kernel_auditentry_{month:%Y_%m}"
            cursor.execute(f"DROP TABLE IF EXISTS {name}")


def forged(number: int) -> None:
    """A line saying that all up to this seal was purged, signed by somebody else."""
    last = AuditSeal.objects.get(number=number).last_id
    AuditPurge.objects.create(number=number, last_id=last, before=clock.now(), signature=bytes(64))
    do("DELETE FROM kernel_auditentry WHERE id <= %s", last)


def copied(number: int) -> None:
    """The signed line of an earlier purge, made to say more."""
    row = AuditPurge.objects.latest("pk")
    AuditPurge.objects.filter(pk=row.pk).update(number=number)
    do("DELETE FROM kernel_auditentry WHERE id <= %s", AuditSeal.objects.get(number=number).last_id)


TAMPERINGS: dict[str, Callable[[], Any]] = {
    "younger months dropped": lambda: months_of(400),
    "a purge that was not signed": lambda: forged(8),
    "a purge that says more": lambda: copied(7),
    "the digests that were kept": lambda: AuditLeaf.objects.all().delete(),
    "the word of the purge": lambda: AuditPurge.objects.all().delete(),
    "a purged entry put back": lambda: write_back(),
}


def write_back() -> None:
    do(
        "INSERT INTO kernel_auditentry SELECT 1, at, actor_user_id, actor_name, action, outcome, object_type,"
        " object_id, object_public_id, party_id, changes, reason, origin FROM kernel_auditentry LIMIT 1"
    )


@pytest.mark.parametrize("what", TAMPERINGS)
def test_whoever_rules_the_database_alone_purges_nothing_unseen(trail: Path, what: str) -> None:
    from zhike.kernel import partitions

    partitions.ensure(AuditEntry, clock.today() - timedelta(days=900), clock.today())
    purge(SYSTEM, 0)
    assert verify().fault == ""
    with undone():
        TAMPERINGS[what]()
        assert verify().fault != ""


STATEMENTS = (
    "DELETE FROM kernel_auditentry",
    "UPDATE kernel_auditentry SET reason = ''",
    "TRUNCATE kernel_auditentry",
    "DROP TABLE kernel_auditentry_rest",
    "ALTER TABLE kernel_auditentry DETACH PARTITION kernel_auditentry_rest",
    "ALTER TABLE kernel_auditentry DISABLE TRIGGER USER",
    "DELETE FROM kernel_auditentry_rest",
    "SET session_replication_role = replica",
)
STATE = """
    SELECT (SELECT count(*) FROM kernel_auditentry WHERE reason <> ''),
           (SELECT count(*) FROM pg_inherits WHERE inhrelid = 'kernel_auditentry_rest'::regclass),
           (SELECT count(*) FROM pg_trigger WHERE tgname = 'append_only' AND tgenabled = 'D'),
           current_setting('session_replication_role')
"""


@pytest.mark.django_db
@pytest.mark.parametrize("statement", STATEMENTS)
def test_the_role_of_the_pages_takes_nothing_away(statement: str) -> None:
    """Whatever role the person has: this is the one that all pages run under, with the wall lowered."""
    write(1)
    with connection.cursor() as cursor:
        with pytest.raises(DatabaseError), transaction.atomic():
            cursor.execute("SET LOCAL ROLE zhike_pages")
            cursor.execute("SELECT set_config('zhike.open', 'yes', true)")  # as a service has it
            cursor.execute("SELECT count(*) FROM kernel_auditentry")
            assert cursor.fetchone() == (1,)
            cursor.execute(statement)
        cursor.execute(STATE)
        assert cursor.fetchone() == (1, 1, 0, "origin")


@pytest.mark.django_db
@pytest.mark.parametrize("statement", STATEMENTS[:2])
def test_nor_does_the_owner_of_the_tables_by_a_mere_statement(statement: str) -> None:
    write(1)
    with connection.cursor() as cursor, pytest.raises(DatabaseError), transaction.atomic():
        cursor.execute(statement)
    assert AuditEntry.objects.filter(reason__startswith="原因").count() == 1
