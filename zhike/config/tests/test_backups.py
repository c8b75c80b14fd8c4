"""A set holds all of an institution; what is restored is the same, and nothing that stands is overwritten."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from django.conf import LazySettings
from django.db import connection

from tests.cluster import url_of
from zhike.config import backups
from zhike.config.backups import backup, restore
from zhike.config.keychains import backup_keys, restore_keys
from zhike.customers.tests import factories
from zhike.kernel import keys
from zhike.kernel.errors import UserError
from zhike.kernel.tests.factories import drop_database
from zhike.kernel.vault import Spoilt
from zhike.kernel.warehouse import Warehouse
from zhike.organisation.models import Role, Unit
from zhike.privacy.services import ask, restrict

NAMES = ("奚复原", "奚留下")
PASSPHRASE = "correct horse battery"
FACTS = pa.table({"party_id": [1, 2, 3], "amount": [10, 20, 30]})


@pytest.fixture
def institution(settings: LazySettings, tmp_path: Path, transactional_db: None) -> Path:
    """On a server: a unit in the database, facts, rejects and heads in the folder; answers where sets go."""
    settings.ZHIKE_EMBEDDED = False
    settings.ZHIKE_HOME = tmp_path / "home"
    settings.ZHIKE_KEYS = tmp_path / "keys"
    settings.WAREHOUSE_URL = str(tmp_path / "home" / "warehouse")
    settings.ZHIKE_AUDIT_HEADS = tmp_path / "home" / "audit" / "heads"
    settings.DATABASE_URL = url_of(connection.settings_dict["NAME"])
    Unit.objects.create(code="900", name="岫禾农村商业银行", kind="head_office")
    Warehouse().append("facts/transactions", FACTS, batch="a")
    Warehouse().append("facts/transactions", FACTS, batch="b")
    for path in (settings.ZHIKE_HOME / "rejects" / "1.csv", settings.ZHIKE_AUDIT_HEADS):
        path.parent.mkdir(parents=True)
        path.write_text("rejected")
    return tmp_path / "sets"


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[str]:
    """An empty database of the server; answers its address."""
    name = f"{connection.settings_dict['NAME']}_restored"
    with closing(psycopg.connect(url_of("postgres"), autocommit=True)) as server:
        drop_database(server, name)
        server.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
        yield url_of(name)
        drop_database(server, name)


def elsewhere(settings: LazySettings, tmp_path: Path, database: str) -> None:
    settings.ZHIKE_HOME = tmp_path / "new"
    settings.WAREHOUSE_URL = str(tmp_path / "new" / "warehouse")
    settings.ZHIKE_AUDIT_HEADS = tmp_path / "new" / "audit" / "heads"
    settings.DATABASE_URL = database


def test_a_server_is_restored_as_it_was(
    institution: Path, empty: str, settings: LazySettings, tmp_path: Path
) -> None:
    made = backup(institution)
    elsewhere(settings, tmp_path, empty)
    restore(Path(made.folder))
    with closing(psycopg.connect(empty)) as database:
        assert database.execute("SELECT code, name FROM organisation_unit").fetchall() == [
            ("900", "岫禾农村商业银行")
        ]
    with Warehouse().reading("facts/transactions") as facts:
        assert facts.table("transactions").count().to_pyarrow().as_py() == 6
    assert Warehouse().holds_batch("facts/transactions", "b")
    assert (tmp_path / "new" / "rejects" / "1.csv").read_text() == "rejected"
    assert (tmp_path / "new" / "audit" / "heads").read_text() == "rejected"
    assert not (tmp_path / "new" / backups.RESTORING).exists()
    with pytest.raises(UserError, match="stand in"):
        restore(Path(made.folder))


def test_who_was_erased_since_does_not_come_back(
    institution: Path, empty: str, settings: LazySettings, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """A set of before the erasure is restored: nobody serves it before `zhike init` has erased them again."""
    monkeypatch.setenv("ZHIKE_KEYS", str(settings.ZHIKE_KEYS))
    settings.ZHIKE_AUDIT_HEADS.unlink()  # nothing is sealed yet
    place = factories.unit()
    gone, stays = (factories.person(name, unit=place, stage="prospect") for name in NAMES)
    made = backup(institution)
    officer = factories.actor_with_role(Role.SECURITY_ADMINISTRATOR)
    request = ask(actor=factories.SYSTEM, party=gone, kind="erasure", how="counter", words="请删除")
    restrict(actor=officer, request=request, reason="没有合同")
    elsewhere(settings, tmp_path, empty)
    restore(Path(made.folder))
    names = "SELECT name FROM customers_party WHERE public_id = ANY(%s)"
    ids = [[gone.public_id, stays.public_id]]
    with closing(psycopg.connect(empty, autocommit=True)) as database:
        assert len(database.execute(names, ids).fetchall()) == 2, "the set knows them"
        environment = os.environ | {"DATABASE_URL": empty, "ZHIKE_HOME": str(settings.ZHIKE_HOME)}
        command = str(Path(sys.executable).with_name("zhike"))
        refused = subprocess.run(
            [command, "refresh"], env=environment, capture_output=True, text=True, check=False
        )
        assert refused.returncode == 1
        assert "erased since" in refused.stderr
        subprocess.run([command, "init"], env=environment, check=True, stdout=subprocess.DEVNULL)
        assert database.execute(names, ids).fetchall() == [(NAMES[1],)]
        erased = "SELECT state FROM privacy_subjectrequest WHERE subject = %s"
        assert database.execute(erased, [gone.public_id]).fetchall() == [("erased",)]
    assert not (settings.ZHIKE_HOME / "unsettled").exists()


def test_a_set_says_nothing_to_who_lacks_the_keys(
    institution: Path, settings: LazySettings
) -> None:
    folder = Path(backup(institution).folder)
    name = "岫禾农村商业银行".encode()
    assert all(name not in each.read_bytes() for each in folder.iterdir())
    assert folder.stat().st_mode & 0o077 == 0
    assert not list(institution.glob("*.half"))


def test_a_spoilt_set_is_refused_and_nothing_is_touched(
    institution: Path, empty: str, settings: LazySettings, tmp_path: Path
) -> None:
    folder = Path(backup(institution).folder)
    elsewhere(settings, tmp_path, empty)
    whole = (folder / "warehouse").read_bytes()
    for spoilt in (whole[:-1], whole[:100] + b"x" + whole[101:], b""):
        (folder / "warehouse").write_bytes(spoilt)
        with pytest.raises(UserError, match="not as it was written"):
            restore(folder)
    (folder / "warehouse").unlink()
    with pytest.raises(UserError, match="not as it was written"):
        restore(folder)
    (folder / backups.MANIFEST).unlink()
    with pytest.raises(UserError, match="no whole backup"):
        restore(folder)
    assert not (tmp_path / "new").exists()


def test_other_keys_open_nothing(
    institution: Path, empty: str, settings: LazySettings, tmp_path: Path
) -> None:
    folder = Path(backup(institution).folder)
    elsewhere(settings, tmp_path, empty)
    settings.ZHIKE_KEYS = tmp_path / "others"
    with pytest.raises(Spoilt, match="key is another"):
        restore(folder)
    with closing(psycopg.connect(empty)) as database:
        tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        assert database.execute(tables).fetchone() == (0,)


def test_keys_come_back_under_their_passphrase_alone(
    settings: LazySettings, tmp_path: Path
) -> None:
    settings.ZHIKE_KEYS = tmp_path / "keys"
    path = backup_keys(tmp_path / "safe", PASSPHRASE)
    held = {name: (tmp_path / "keys" / name).read_bytes() for name in keys.NAMES}
    assert all(key not in path.read_bytes() for key in held.values())
    with pytest.raises(Spoilt):
        restore_keys(path, "incorrect horse", tmp_path / "back")
    with pytest.raises(UserError, match="short"):
        backup_keys(tmp_path / "safe", "short")
    assert list((tmp_path / "safe").iterdir()) == [path]
    assert restore_keys(path, PASSPHRASE, tmp_path / "back") == sorted(keys.NAMES)
    assert {name: (tmp_path / "back" / name).read_bytes() for name in keys.NAMES} == held
    assert all((tmp_path / "back" / name).stat().st_mode & 0o077 == 0 for name in keys.NAMES)
    command = [str(Path(sys.executable).with_name("zhike")), "restore-keys", str(path)]
    environment = os.environ | {"ZHIKE_KEYS": str(tmp_path / "there")}
    environment["ZHIKE_PASSPHRASE"] = PASSPHRASE
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    assert (tmp_path / "there" / "data").read_bytes() == held["data"]
    (tmp_path / "back" / "data").write_bytes(bytes(32))
    with pytest.raises(UserError, match="Another key"):
        restore_keys(path, PASSPHRASE, tmp_path / "back")


def zhike(home: Path, *arguments: str, kill_after: float | None = None) -> Any:
    """What a command answers that has a data folder of its own; None when it was killed."""
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    environment |= {"ZHIKE_HOME": str(home)}
    call = [str(Path(sys.executable).with_name("zhike")), *arguments, "--json"]
    running = subprocess.Popen(
        call, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        out, said = running.communicate(timeout=kill_after)
    except subprocess.TimeoutExpired:
        running.kill()
        running.communicate()
        return None
    assert running.returncode == 0, said
    return json.loads(out)


def test_an_embedded_database_is_restored_though_restoring_is_killed(tmp_path: Path) -> None:
    first, second, sets = tmp_path / "first", tmp_path / "second", tmp_path / "sets"
    zhike(first, "init")
    zhike(first, "backup", "--to", str(sets))
    shutil.copytree(first / "keys", second / "keys")
    [folder] = sets.iterdir()
    zhike(second, "restore", str(folder), kill_after=random.Random(os.getpid()).uniform(2, 5))
    if not (second / "postgres" / "data").exists():
        assert zhike(second, "restore", str(folder))["trail"]["fault"] == ""
    else:
        zhike(second, "init")
    assert zhike(second, "doctor")["sound"]
