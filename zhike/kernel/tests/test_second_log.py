"""The embedded server's log received a second time: what was answered comes back though the data folder is lost."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tarfile
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from zhike.kernel.postgres import Cluster
from zhike.kernel.programs import PostgresError
from zhike.kernel.second_log import RECEIVER, add_log, segments


@pytest.fixture(scope="module")
def lost(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A copy of a server's data and the log received since, of a server that is killed and gone."""
    folder = tmp_path_factory.mktemp("lost")
    cluster = Cluster(folder / "pg", log_to=folder / "log")
    with closing(psycopg.connect(cluster.ensure(), autocommit=True)) as site:
        site.execute("CREATE TABLE kept AS SELECT 0 AS number")
        with (folder / "copy.tar").open("wb") as copy:
            subprocess.run(cluster.copy_command(), stdout=copy, check=True)
        for number in range(1, 9):
            site.execute("INSERT INTO kept VALUES (%s)", [number])
            if number == 4:  # the log goes on in another segment
                with cluster._superuser("postgres") as server:
                    server.execute("SELECT pg_switch_wal()")
        attached = "SELECT active FROM pg_replication_slots WHERE slot_name = %s"
        assert site.execute(attached, [RECEIVER]).fetchone() == (True,)
    os.kill(int((folder / "pg/data/postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    shutil.rmtree(folder / "pg")
    return folder / "copy.tar", folder / "log"


def restored(copy: Path, folder: Path) -> Cluster:
    data = folder / "pg" / "data"
    data.mkdir(mode=0o700, parents=True)
    (folder / "pg").chmod(0o700)
    with tarfile.open(copy) as archive:
        archive.extractall(data, filter="data")
    return Cluster(folder / "pg")


def numbers(cluster: Cluster) -> list[int]:
    try:
        with closing(psycopg.connect(cluster.ensure())) as site:
            return [number for (number,) in site.execute("SELECT number FROM kept ORDER BY 1")]
    finally:
        cluster.stop()


def test_every_row_that_was_answered_comes_back(lost: tuple[Path, Path], tmp_path: Path) -> None:
    copy, log = lost
    bare, whole = restored(copy, tmp_path / "bare"), restored(copy, tmp_path / "whole")
    assert numbers(bare) == [0], "the copy alone knows nothing of what came after it"
    assert add_log(whole.folder / "data", log) >= 1
    assert numbers(whole) == list(range(9))


def test_a_log_with_a_gap_is_refused(lost: tuple[Path, Path], tmp_path: Path) -> None:
    copy, log = lost
    cluster = restored(copy, tmp_path)
    shutil.copytree(log, tmp_path / "log")
    end = max(segments(cluster.folder / "data" / "pg_wal"))
    assert end + 2 in segments(log)
    segments(tmp_path / "log")[end + 1].unlink()
    with pytest.raises(PostgresError, match="does not go on"):
        add_log(cluster.folder / "data", tmp_path / "log")
