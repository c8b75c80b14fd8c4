"""What a drill loses and gets back: a server whose standby confirms each commit, or the embedded one with its log."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import psycopg
from psycopg import sql

from zhike.kernel.errors import UserError
from zhike.kernel.postgres import (
    DATABASE,
    ROLE,
    SETTINGS,
    SUPERUSER,
    Cluster,
)
from zhike.kernel.programs import as_nobody_special, client, program
from zhike.kernel.roles import let_indexes_serve, make_pages_role

STANDBY = "standby"
PORTS = {"primary": 5501, STANDBY: 5502}  # they only name socket files
WAIT_SECONDS = 120


class Place(Protocol):
    kind: str
    home: Path
    server: str

    def open(self) -> Mapping[str, str]:
        """Start the database; answers what the settings of the site say of it."""

    def secure(self) -> None:
        """From here on nothing acknowledged may be lost."""

    def lose(self) -> float:
        """Kill the database's processes and throw its folder away; answers the moment."""

    def recover(self) -> None:
        """Let what stands ready take its place."""

    def close(self) -> None:
        """Nothing runs any more."""


def kill(data: Path) -> float:
    """Kill -9 a server with every process of it, before one of them notices the end of another."""
    first = int((data / "postmaster.pid").read_text().split()[0])
    with suppress(OSError):
        os.kill(first, signal.SIGSTOP)  # it shall start no other meanwhile
    try:
        children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
    except OSError:
        children = []
    at = time.monotonic()
    for each in (*map(int, children), first):
        with suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)
    return at


@dataclass(frozen=True)
class Server:
    """One PostgreSQL over one folder, reached by a socket in `sockets`, which only its owner may enter."""

    binaries: Path
    data: Path
    sockets: Path
    port: int

    def settle_on(self, made: Path) -> None:
        """Begin with a data folder of the embedded server, which reads its settings beside it."""
        shutil.copytree(made, self.data)
        self._write_settings(self.data.parent / "zhike.conf")

    def make(self) -> None:
        self._run("initdb", "--locale=C.UTF-8", "--encoding=UTF8", "--data-checksums",
                  "--auth=trust", f"--username={SUPERUSER}", "--no-sync")  # fmt: skip
        self._write_settings(self.data / "postgresql.conf")

    def _write_settings(self, path: Path) -> None:
        own = {**SETTINGS, "unix_socket_directories": str(self.sockets)}
        with path.open("a") as file:
            file.write("".join(f"{n} = '{v}'\n" for n, v in own.items() if n != "port"))

    def start(self) -> None:
        self._run("pg_ctl", "start", "-w", f"--log={self.data}.log", "-o", f"-p {self.port}")

    def stop(self) -> None:
        if (self.data / "postmaster.pid").exists():
            self._run("pg_ctl", "stop", "-m", "immediate", "-w")

    def promote(self) -> None:
        self._run("pg_ctl", "promote", "-w")

    def copy_to(self, other: Server) -> None:
        where = f"host={self.sockets} port={self.port} user={SUPERUSER} application_name={STANDBY}"
        other._run("pg_basebackup", "--create-slot", f"--slot={STANDBY}", "--write-recovery-conf",
                   "--checkpoint=fast", f"--dbname={where}", f"--pgdata={other.data}")  # fmt: skip

    def superuser(self, database: str = "postgres") -> psycopg.Connection[Any]:
        return psycopg.connect(
            host=str(self.sockets),
            port=self.port,
            user=SUPERUSER,
            dbname=database,
            autocommit=True,
        )

    def version(self) -> str:
        said = subprocess.run(
            [self.binaries / "postgres", "--version"], capture_output=True, text=True, check=True
        )
        return "PostgreSQL " + said.stdout.split()[2]

    def _run(self, name: str, *arguments: str) -> None:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        done = subprocess.run(
            as_nobody_special(str(self.binaries / name), *arguments),
            env={**environment, "PGDATA": str(self.data), "LC_ALL": "C"},
            cwd=self.sockets,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode:
            said = (done.stderr.strip().splitlines() or [str(done.returncode)])[-1]
            raise UserError(f"{name} failed in the drill: {said}.", f"See {self.data}.log.")


class Streaming:
    """A primary and a standby that confirms each commit, as an institution's own server has them."""

    kind = "streaming"

    def __init__(self, folder: Path, made: Path | None = None) -> None:
        self.home, self._made = folder / "home", made
        sockets = folder / "sockets"
        for each in (self.home, sockets):
            each.mkdir(mode=0o700)
        binaries = Path(program("postgres") if made else client("postgres", oldest=15)).parent
        self._primary, self._standby = (
            Server(binaries, folder / name, sockets, port) for name, port in PORTS.items()
        )
        self.server = f"{self._primary.version()}, a standby that confirms each commit"

    def open(self) -> Mapping[str, str]:
        if self._made:
            self._primary.settle_on(self._made)
            self._primary.start()
        else:
            self._primary.make()
            self._primary.start()
            with closing(self._primary.superuser()) as server:
                role, database = sql.Identifier(ROLE), sql.Identifier(DATABASE)
                server.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
                make_pages_role(server, ROLE)
                server.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, role))
        with closing(self._primary.superuser(DATABASE)) as inside:
            let_indexes_serve(inside)
        hosts = ",".join([quote(str(self._primary.sockets), safe="")] * 2)
        ports = ",".join(map(str, PORTS.values()))
        where = f"{DATABASE}?host={hosts}&port={ports}&target_session_attrs=read-write"
        return {"DATABASE_URL": f"postgresql://{ROLE}@/{where}"}

    def secure(self) -> None:
        self._primary.copy_to(self._standby)
        self._standby.start()
        with closing(self._primary.superuser()) as server:
            server.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{STANDBY}'")
            server.execute("SELECT pg_reload_conf()")
            confirming = "SELECT FROM pg_stat_replication WHERE sync_state = 'sync'"
            _until(lambda: server.execute(confirming).fetchone() is not None, "the standby follows")

    def lose(self) -> float:
        at = kill(self._primary.data)
        shutil.rmtree(self._primary.data)
        return at

    def recover(self) -> None:
        self._standby.promote()

    def close(self) -> None:
        for each in (self._primary, self._standby):
            each.stop()


class Embedded:
    """The embedded server with a set of `zhike backup` and its log in another folder."""

    kind = "embedded"

    def __init__(self, folder: Path, made: Path | None = None) -> None:
        self.home, self._made = folder / "home", made
        self._sets = folder / "sets"
        self._log = folder / "elsewhere" / "log"
        self._cluster = Cluster(self.home / "postgres", log_to=self._log)
        self.server = (
            f"PostgreSQL {self._cluster.version()}, embedded, its log received a second time"
        )

    def open(self) -> Mapping[str, str]:
        self._cluster.folder.mkdir(mode=0o700, parents=True)
        if self._made:
            shutil.copytree(self._made, self._cluster.folder / "data")
        # Until the set is made nothing of it could be lost.
        replace(self._cluster, log_to=None).ensure()
        return {"ZHIKE_LOG_TO": str(self._log)}

    def secure(self) -> None:
        from django.db import connection

        from zhike.config.backups import backup

        connection.close()
        self._cluster.stop()
        self._cluster.ensure()
        backup(self._sets)

    def lose(self) -> float:
        at = kill(self.home / "postgres" / "data")
        shutil.rmtree(self.home)
        return at

    def recover(self) -> None:
        from zhike.config.backups import restore, settle

        [folder] = self._sets.iterdir()
        restore(folder)
        self._cluster.ensure()
        settle()

    def close(self) -> None:
        self._cluster.stop()


def _until(true: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + WAIT_SECONDS
    while not true():
        if time.monotonic() > until:
            raise UserError(f"The drill waited {WAIT_SECONDS} s until {what}.", "See its log.")
        time.sleep(0.05)


PLACES: dict[str, Callable[[Path, Path | None], Place]] = {
    "streaming": Streaming,
    "embedded": Embedded,
}
