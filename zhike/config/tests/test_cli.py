"""The command as a person meets it: its own process, a database of its own, one message and a way out."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from zhike.kernel.tests.factories import drop_database

Zhike = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """The URL of a new database on the server of this test run."""
    server = os.environ["DATABASE_URL"]
    name = f"cli_{uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
        drop_database(connection, name)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def zhike(database: str, home: Path) -> Zhike:
    def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        known = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
        return subprocess.run(
            [sys.executable, "-c", "from zhike.config.cli import main; main()", *words],
            env={**known, "DATABASE_URL": database, "ZHIKE_HOME": str(home), **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    run("init")
    return run


def test_init_twice_loses_nothing(zhike: Zhike) -> None:
    again = zhike("init", "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["ready"] is True


def test_doctor_looks_at_everything(zhike: Zhike) -> None:
    found = zhike("doctor", "--json")
    report = json.loads(found.stdout)
    checks = {check["what"]: check["ok"] for check in report["checks"]}
    assert checks["database"]
    assert checks["tables"]
    assert checks["data folder"]
    assert report["sound"] == all(checks.values())
    assert (found.returncode == 0) == report["sound"]


def complains(result: subprocess.CompletedProcess[str], *said: str) -> None:
    """One clear message, no traceback, a code that is not 0."""
    assert result.returncode == 1, result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    for words in said:
        assert words in result.stderr


def test_a_database_that_is_down(zhike: Zhike, tmp_path: Path) -> None:
    nowhere = f"postgresql://zhike@/zhike?host={tmp_path}&port=1"
    complains(zhike("init", DATABASE_URL=nowhere), "does not answer", "DATABASE_URL")


def test_something_that_is_no_postgresql(zhike: Zhike) -> None:
    complains(zhike("init", DATABASE_URL="sqlite:///x"), "postgresql://")


def test_a_database_older_than_the_code(zhike: Zhike, database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        row = connection.execute(
            "DELETE FROM django_migrations WHERE app = 'insight' RETURNING app, name, applied"
        ).fetchall()
        try:
            complains(zhike("match"), "older than this version", "zhike init")
        finally:
            for each in row:
                connection.execute(
                    "INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, %s)", each
                )


def test_a_database_newer_than_the_code(zhike: Zhike, database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('customers', '9999_x', now())"
        )
        try:
            for verb in ("match", "init"):
                complains(zhike(verb), "newer than this version", "Install the version")
        finally:
            connection.execute("DELETE FROM django_migrations WHERE name = '9999_x'")


def test_a_data_folder_that_is_none(zhike: Zhike, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    complains(zhike("init", ZHIKE_HOME=str(tmp_path / "file")), "cannot be used", "ZHIKE_HOME")


def test_a_port_in_use(zhike: Zhike) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        complains(zhike("serve", "--port", port), f"Port {port}", "--port")


def test_a_host_on_the_network(zhike: Zhike) -> None:
    complains(zhike("serve", "--host", "0.0.0.0"), "--public")


def test_a_mapping_that_nobody_brought(zhike: Zhike, tmp_path: Path) -> None:
    result = zhike("load", "--mapping", "nothing", str(tmp_path), "--json")
    complains(result, "no mapping nothing", "berka")
    assert "nothing" in json.loads(result.stdout)["error"]


def test_an_unsafe_production_does_not_start(zhike: Zhike) -> None:
    complains(zhike("init", ZHIKE_PRODUCTION="1", DEBUG="1"), "DEBUG must be off")


@pytest.mark.parametrize("words", [("nonsense",), ("load",), ("demo", "--customers", "3")])
def test_a_wrong_call_says_how_it_is_called(zhike: Zhike, words: tuple[str, ...]) -> None:
    result = zhike(*words)
    assert result.returncode == 2
    assert "Usage:" in result.stderr
