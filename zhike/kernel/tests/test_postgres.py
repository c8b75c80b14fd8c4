"""The embedded PostgreSQL, each test against a real one: started, killed, raced for, refused."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from zhike.kernel.postgres import Cluster, running
from zhike.kernel.programs import PostgresError

DEADLINE = 60.0  # seconds; only a broken test waits so long


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("pg")
    with running(folder, throwaway=True):
        yield Cluster(folder, throwaway=True)


def postmaster(cluster: Cluster) -> int:
    return int((cluster.folder / "data" / "postmaster.pid").read_text().split()[0])


def wait_for_end(pid: int) -> None:
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    ended, _, _ = select.select([handle], [], [], DEADLINE)
    os.close(handle)
    assert ended, f"process {pid} still lives"


def python(code: str, *arguments: object, prefix: list[str] | None = None) -> list[str]:
    return [*(prefix or []), sys.executable, "-c", code, *map(str, arguments)]


ENSURE = """
import sys
from pathlib import Path
from zhike.kernel.postgres import Cluster
from zhike.kernel.programs import PostgresError
try:
    print(Cluster(Path(sys.argv[1]), throwaway=True).ensure())
except PostgresError as error:
    sys.exit(str(error))
"""


def test_a_second_ensure_changes_nothing(cluster: Cluster) -> None:
    first = postmaster(cluster)
    assert cluster.ensure() == cluster.ensure() == cluster.url()
    assert postmaster(cluster) == first
    assert cluster.start() is False


def test_the_server_is_private_and_as_agreed(cluster: Cluster) -> None:
    assert cluster.folder.stat().st_mode & 0o777 == 0o700
    with psycopg.connect(cluster.url()) as connection:

        def show(name: str) -> str:
            row = connection.execute("select current_setting(%s)", [name]).fetchone()
            assert row is not None
            return str(row[0])

        assert show("listen_addresses") == ""
        assert show("data_checksums") == "on"
        assert show("server_encoding") == "UTF8"
        assert show("jit") == "off"
        assert show("server_version").split()[0] == cluster.version()
        assert show("is_superuser") == "off"
        collation = "select datcollate from pg_database where datname = current_database()"
        assert connection.execute(collation).fetchone() == ("C.UTF-8",)


def test_the_role_of_the_application_can_do_what_migrations_and_tests_need(
    cluster: Cluster,
) -> None:
    with psycopg.connect(cluster.url(), autocommit=True) as connection:
        connection.execute("create extension btree_gist")
        connection.execute("create database another")
    with psycopg.connect(cluster.url("another")) as connection:
        assert connection.info.dbname == "another"


def test_a_failed_statement_leaves_no_value_in_the_log(cluster: Cluster) -> None:
    value = "invented-value-7f3a"
    with psycopg.connect(cluster.url(), autocommit=True) as connection:
        connection.execute("create table secret (id text primary key)")
        statement = f"insert into secret values ('{value}')"
        connection.execute(statement)
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute(statement)
        with pytest.raises(psycopg.errors.InvalidTextRepresentation):
            connection.execute(f"select '{value}'::integer")
    assert value not in (cluster.folder / "log").read_text()


def test_committed_rows_survive_kill_9(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path / "pg")
    url = cluster.ensure()
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("create table kept (id integer)")
            connection.execute("insert into kept values (1)")
            os.kill(postmaster(cluster), signal.SIGKILL)
            wait_for_end(postmaster(cluster))
            assert not cluster.is_running()
        assert cluster.ensure() == url

        os.kill(postmaster(cluster), signal.SIGKILL)
        wait_for_end(postmaster(cluster))
        stale = tmp_path / "pg" / "data" / "postmaster.pid"
        _, rest = stale.read_text().split("\n", 1)
        stale.write_text(f"{os.getppid()}\n{rest}")  # the number came again, as another program's
        assert not cluster.is_running()
        cluster.ensure()
        with psycopg.connect(url) as connection:
            assert connection.execute("select id from kept").fetchall() == [(1,)]
    finally:
        cluster.stop()
    assert not cluster.is_running()


def test_a_path_too_long_and_hard_to_quote(tmp_path: Path) -> None:
    folder = tmp_path / "长, $HOME '\"`x`" / ("x" * 100)
    with running(folder, throwaway=True) as url:
        socket_folder = Path(parse_qs(urlsplit(url).query)["host"][0])
        assert socket_folder.stat().st_mode & 0o777 == 0o700
        with psycopg.connect(url) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
    assert not socket_folder.exists()


def test_a_socket_folder_laid_by_someone_else_is_refused(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path / ("x" * 100), throwaway=True)
    socket_folder = Path(parse_qs(urlsplit(cluster.url()).query)["host"][0])
    socket_folder.symlink_to(tmp_path)
    try:
        with pytest.raises(PostgresError, match=socket_folder.name):
            cluster.ensure()
    finally:
        socket_folder.unlink()
    assert not cluster.is_running()


def test_two_processes_at_once_make_one_server(tmp_path: Path) -> None:
    unfinished = tmp_path / "pg" / "data.new"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").touch()  # as an initdb killed halfway leaves it
    cluster = Cluster(tmp_path / "pg", throwaway=True)
    processes = [
        subprocess.Popen(python(ENSURE, cluster.folder), stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    try:
        said = [process.communicate(timeout=DEADLINE)[0].strip() for process in processes]
        assert said == [cluster.url()] * 2
        log = (cluster.folder / "log").read_text()
        assert log.count("ready to accept connections") == 1
    finally:
        cluster.stop()


def test_running_stops_only_what_it_started(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, throwaway=True)
    with running(tmp_path, throwaway=True) as url:
        pid = postmaster(cluster)
        with running(tmp_path, throwaway=True) as same:
            assert same == url
        assert cluster.is_running()
    wait_for_end(pid)
    assert not cluster.is_running()


def test_the_server_ends_with_a_killed_owner(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from zhike.kernel.postgres import running
with running(Path(sys.argv[1]), throwaway=True):
    print("up", flush=True)
    sys.stdin.read()
"""
    pipe = subprocess.PIPE
    with subprocess.Popen(python(code, tmp_path), stdin=pipe, stdout=pipe, text=True) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "up\n"
        cluster = Cluster(tmp_path, throwaway=True)
        pid = postmaster(cluster)
        assert cluster.is_running()
        owner.kill()
    wait_for_end(pid)
    assert not cluster.is_running()


def test_a_folder_of_another_major_version(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "PG_VERSION").write_text("15\n")
    with pytest.raises(
        PostgresError, match=r"written by PostgreSQL 15; installed is 18\."
    ) as error:
        Cluster(tmp_path).ensure()
    assert "dump the database" in error.value.way_out


def test_a_data_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "notes.txt").touch()
    with pytest.raises(PostgresError, match="no PG_VERSION"):
        Cluster(tmp_path).ensure()
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("below", ["", "below"])
def test_a_folder_that_is_a_file(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("kept")
    with pytest.raises(PostgresError, match="file") as error:
        Cluster(tmp_path / "file" / below).ensure()
    assert "ZHIKE_HOME" in error.value.way_out
    assert (tmp_path / "file").read_text() == "kept"


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    as_user = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
    done = subprocess.run(
        python(ENSURE, tmp_path, prefix=as_user if os.getuid() == 0 else []),
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert done.returncode == 1
    assert f"{tmp_path} cannot be used" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.getuid() != 0, reason="only root needs a user namespace")
def test_root_without_user_namespaces_is_told_the_ways_out(tmp_path: Path) -> None:
    done = subprocess.run(
        python(ENSURE, tmp_path),
        env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert done.returncode == 1
    assert "ordinary user" in done.stderr
    assert "DATABASE_URL" in done.stderr


def test_stopping_what_never_was_makes_nothing(tmp_path: Path) -> None:
    Cluster(tmp_path / "pg").stop()
    assert not (tmp_path / "pg").exists()
