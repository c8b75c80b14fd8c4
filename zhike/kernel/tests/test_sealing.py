"""A trail that was sealed shows every change; what is still being written is not sealed."""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import LazySettings
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from zhike.kernel import audit, clock, sealing
from zhike.kernel.actor import system
from zhike.kernel.errors import UserError
from zhike.kernel.models import AuditEntry, AuditMark, AuditSeal
from zhike.kernel.sealing import root, seal, verify

SYSTEM = system("test")
ENTRIES = 40
TAMPERINGS = 2000 if os.environ.get("ZHIKE_TRUST") == "full" else 200


def tree_hash(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word for word."""
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\1" + tree_hash(leaves[:k]) + tree_hash(leaves[k:])).digest()


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40))
def test_a_root_is_that_of_the_rfc(leaves: list[bytes]) -> None:
    assert root(leaves) == tree_hash(leaves)


@pytest.fixture
def heads(settings: LazySettings, tmp_path: Path) -> Path:
    settings.ZHIKE_KEYS = tmp_path / "keys"
    settings.ZHIKE_AUDIT_HEADS = tmp_path / "heads"
    return tmp_path / "heads"


@pytest.fixture
def trail(heads: Path, monkeypatch: pytest.MonkeyPatch, db: None) -> Path:
    """Forty entries in batches of seven, sealed; answers the heads outside."""
    monkeypatch.setattr(sealing, "BATCH", 7)
    monkeypatch.setattr(sealing, "AT_ONCE", 3)
    write(ENTRIES)
    assert seal() == 0, "nothing is sealed before it is known that nobody writes before it"
    assert seal() == ENTRIES
    return heads


def write(count: int) -> None:
    for number in range(count):
        audit.record(
            SYSTEM, "test.done", reason=f"原因\t{number}\n\\", changes={"n": (number, None)}
        )


def do(statement: str, *values: Any) -> None:
    """As somebody who rules the database: the trigger against changes asleep."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE kernel_auditentry DISABLE TRIGGER USER")
        cursor.execute(statement, values)
        assert cursor.rowcount, statement
        cursor.execute("ALTER TABLE kernel_auditentry ENABLE TRIGGER USER")


def ids() -> list[int]:
    return list(AuditEntry.objects.order_by("id").values_list("id", flat=True))


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def test_an_untouched_trail_is_whole(trail: Path) -> None:
    write(3)
    found = verify()
    assert (found.fault, found.entries, found.seals, found.open) == ("", ENTRIES, 6, 3)
    assert found.last == ids()[ENTRIES - 1]
    assert len(trail.read_text().splitlines()) == 6
    assert trail.stat().st_mode & 0o777 == 0o600


def test_sealing_goes_on_where_it_ended(trail: Path) -> None:
    write(9)
    assert (seal(), seal(), seal()) == (0, 9, 0)
    assert verify().entries == ENTRIES + 9
    assert verify().fault == ""


def edit(of: random.Random) -> None:
    column = of.choice("action actor_name reason origin object_type outcome".split())
    do(f"UPDATE kernel_auditentry SET {column} = {column} || 'x' WHERE id = %s", of.choice(ids()))


def edit_figures(of: random.Random) -> None:
    what = of.choice(
        [
            "at = at + interval '1 microsecond'",
            "changes = changes || '{\"n\": [0, 0]}'",
            "party_id = coalesce(party_id, 0) + 1",
            "actor_user_id = 5",
        ]
    )
    do(f"UPDATE kernel_auditentry SET {what} WHERE id = %s", of.choice(ids()[1:]))


def delete(of: random.Random) -> None:
    do("DELETE FROM kernel_auditentry WHERE id = %s", of.choice(ids()))


def insert(of: random.Random) -> None:
    entry = AuditEntry.objects.get(id=of.choice(ids()))
    do(
        "INSERT INTO kernel_auditentry SELECT %s, now(), actor_user_id, actor_name, action, outcome, object_type,"
        " object_id, object_public_id, party_id, changes, reason, origin FROM kernel_auditentry WHERE id = %s",
        entry.id,
        entry.id,
    )


def reorder(of: random.Random) -> None:
    one, other = of.sample(ids(), 2)
    do(
        "UPDATE kernel_auditentry SET id = CASE id WHEN %s THEN %s ELSE %s END WHERE id IN (%s, %s)",
        *(one, other, one, one, other),
    )


def cut(of: random.Random) -> None:
    """The tail and its seals: the database alone would be whole."""
    last = of.choice(
        list(AuditSeal.objects.values_list("last_id", flat=True).order_by("number")[:5])
    )
    do("DELETE FROM kernel_auditentry WHERE id > %s", last)
    do("DELETE FROM kernel_auditseal WHERE last_id > %s", last)


def reseal(of: random.Random) -> None:
    """An edit with every seal made anew, as who knows the method would."""
    edit(of)
    do("DELETE FROM kernel_auditseal")
    lines = sealing._batches(None, max(ids()))
    AuditSeal.objects.bulk_create(list(lines))


def test_every_tampering_is_found_and_placed(
    trail: Path, record_property: Callable[[str, object], None]
) -> None:
    record_property("tamperings", TAMPERINGS)
    of = random.Random(1)
    missed = []
    for number in range(TAMPERINGS):
        tamper = of.choice([edit, edit_figures, delete, insert, reorder, cut, reseal])
        with undone():
            tamper(of)
            found = verify()
            if not found.fault or (found.last and found.last not in ids()):
                missed.append((number, tamper.__name__))
    assert missed == []
    assert verify().fault == ""


def test_a_cut_trail_is_not_sealed_over(trail: Path) -> None:
    with undone():
        do("DELETE FROM kernel_auditentry WHERE id > %s", ids()[20])
        do("DELETE FROM kernel_auditseal WHERE number > 2")
        before = trail.read_bytes()
        write(10)
        with pytest.raises(UserError, match="seal 6"):
            seal()
        assert trail.read_bytes() == before
        assert AuditSeal.objects.count() == 2
        assert "4 seals after entry" in verify().fault


def test_a_changed_file_of_heads_is_refused(trail: Path) -> None:
    lines = trail.read_text().splitlines()
    number, _head, signature = lines[-1].split()
    trail.write_text("\n".join([*lines[:-1], f"{number} {'0' * 64} {signature}"]) + "\n")
    with pytest.raises(UserError, match="not signed here"):
        verify()
    trail.write_text("\n".join(lines)[:-9])
    with pytest.raises(UserError):
        verify()
    trail.write_text("\n".join([lines[0].replace("1 ", "9 ", 1), *lines[1:]]) + "\n")
    assert verify().fault != ""


def test_a_head_that_never_reached_the_file_is_added(trail: Path) -> None:
    whole = trail.read_text()
    trail.write_text("".join(whole.splitlines(keepends=True)[:-2]))
    assert verify().fault == ""
    seal()
    assert trail.read_text() == whole


def test_what_a_running_transaction_may_still_add_to_is_not_sealed(trail: Path) -> None:
    where = connection.settings_dict
    place = {"host": where["HOST"], "user": where["USER"], "password": where["PASSWORD"]}
    with closing(
        psycopg.connect(dbname=where["NAME"], port=where["PORT"] or None, **place)
    ) as other:
        other.execute("SELECT 1")  # begins its transaction
        write(1)
        seal()
        assert seal() == 0
        marked = AuditMark.objects.get().at
        other.rollback()
    assert seal() == 1
    assert AuditMark.objects.get().at > marked


@pytest.mark.django_db
def test_without_a_trail_there_is_nothing_to_seal(heads: Path) -> None:
    assert AuditEntry.objects.count() == 0
    assert (seal(), seal()) == (0, 0)
    assert verify().fault == ""
    assert not heads.exists()
    assert clock.now()
