"""G-26: who carries the disk away finds no sealed value: in the database, its log, the backup, the warehouse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import LazySettings
from django.db import connection

from tests.cluster import url_of
from tests.trust.canaries import forms, found_in, plant, sealed
from zhike.config.backups import backup
from zhike.customers.tests import factories
from zhike.kernel.postgres import SUPERUSER
from zhike.kernel.warehouse import Warehouse

NUMBER = 683
AT_ONCE = 1 << 24
OVERLAP = 200


def _asked(sql: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return (cursor.fetchone() or [None])[0]


def _written_out() -> Path:
    """The folder of the database, all its pages on the disk; skips where it is another machine's."""
    where = connection.settings_dict
    try:
        server = psycopg.connect(
            host=where["HOST"], port=where["PORT"] or None, user=SUPERUSER, dbname="postgres"
        )
    except psycopg.Error:
        pytest.skip("the database is not the embedded one")
    with closing(server):
        server.autocommit = True
        server.execute("CHECKPOINT")
        (folder,) = server.execute("SHOW data_directory").fetchone() or ("",)
    return Path(folder)


def parts(paths: list[Path]) -> Iterator[tuple[Path, bytes]]:
    """The files in pieces that overlap, so that nothing hides across a border."""
    for path in paths:
        with path.open("rb") as file:
            before = b""
            while piece := file.read(AT_ONCE):
                yield path, before + piece
                before = piece[-OVERLAP:]


@pytest.mark.django_db(transaction=True)
def test_no_sealed_value_lies_in_any_file(
    settings: LazySettings, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    settings.ZHIKE_EMBEDDED = False
    settings.ZHIKE_HOME = tmp_path / "home"
    settings.WAREHOUSE_URL = str(tmp_path / "home" / "warehouse")
    settings.ZHIKE_AUDIT_HEADS = tmp_path / "home" / "audit" / "heads"
    settings.DATABASE_URL = url_of(connection.settings_dict["NAME"])
    began = _asked("SELECT pg_walfile_name(pg_current_wal_lsn())")
    party = factories.person("金丝雀")
    plant(party, NUMBER)
    note = "canary-note-683"  # in clear by design: the search itself must find it
    place = _written_out()
    oid = _asked("SELECT oid FROM pg_database WHERE datname = current_database()")
    (tmp_path / "home").mkdir(exist_ok=True)
    Warehouse().exists("facts/transactions")
    backup(tmp_path / "sets")
    tables = [each for each in (place / "base" / str(oid)).iterdir() if each.is_file()]
    log = [each for each in (place / "pg_wal").iterdir() if each.is_file() and each.name >= began]
    more = [each for each in tmp_path.rglob("*") if each.is_file()]
    words, size, leaks, seen = sealed(NUMBER), 0, [], set()
    for path, piece in parts([*tables, *log, *more]):
        size += len(piece)
        leaks += [f"{path}: {name}" for name in found_in(piece, words)]
        if note.encode() in piece:
            seen.add(path.parent.name)
    record_property("canaries", len(words))
    record_property("forms", sum(len(forms(each)) for each in words.values()))
    record_property("megabytes", size / 1_000_000)
    assert leaks == []
    assert seen == {str(oid), "pg_wal"}, "a value in clear was not found where it must lie"
