"""Backups: the database, the warehouse and the files in one sealed set; the keys go into another (`keychains`).

A set is a folder with a sealed file for each part and `manifest.json`, written last: a folder without it is no set.
The heads of the trail's seals come first, for they must not know more than the database; the warehouse comes after
the database, for facts that the database does not know are harmless (a file loaded again adds nothing twice), and
facts that it knows and the warehouse lacks would be lost.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from io import BufferedReader
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.db import connection

from zhike.config.institution import bring_up_to_date, unsettled
from zhike.config.trail import verify_trail
from zhike.kernel import clock, keys
from zhike.kernel.actor import system
from zhike.kernel.errors import UserError
from zhike.kernel.postgres import Cluster
from zhike.kernel.programs import client
from zhike.kernel.sealing import Verification
from zhike.kernel.second_log import add_log, segments
from zhike.kernel.vault import SealedReader, SealedWriter
from zhike.kernel.warehouse import Warehouse
from zhike.privacy.services.erasing import replay

MANIFEST = "manifest.json"
RESTORING = "restoring"  # in the data folder: what is not yet whole
FILES = ("rejects", "uploads", "demo.json", "demo.begun")  # of the data folder, beside the others


@dataclass(frozen=True)
class Part:
    """One sealed file: `bytes` and SHA-256 of it as it lies there."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Backup:
    """What a set is. `embedded` says whether the database is a copy of the embedded one or a dump of a server's.

    `log_from` is the segment of the log from which on it can be brought forward, "" where none is kept.
    """

    folder: str
    at: str
    embedded: bool
    seconds: float
    parts: dict[str, Part]
    log_from: str = ""


def backup(to: Path) -> Backup:
    """Write a set into a new folder below `to`, named by the moment it began; sealed with the key `backup`.

    The institution goes on working meanwhile. Raises UserError; what is half written bears another name.
    """
    began, at = time.monotonic(), clock.now()
    folder = to / f"zhike-{at:%Y%m%dT%H%M%SZ}"
    half = folder.with_suffix(".half")
    try:
        to.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(mode=0o700)
        log_from = _log_now()
        parts = {
            "heads": _write(half / "heads", _heads_out),
            "database": _write(half / "database", _database_out),
            "warehouse": _write(half / "warehouse", _warehouse_out),
            "files": _write(half / "files", _files_out),
        }
        made = Backup(
            str(folder),
            at.isoformat(),
            settings.ZHIKE_EMBEDDED,
            round(time.monotonic() - began, 1),
            parts,
            log_from,
        )
        (half / MANIFEST).write_text(json.dumps(asdict(made), indent=1))
        half.rename(folder)
        _let_log_go(to)
    except OSError as error:
        raise UserError(
            f"The backup cannot be written to {to}: {error}.",
            "Make room there, or name another folder; what was half written may be deleted.",
        ) from error
    return made


def restore(folder: Path) -> Backup:
    """Put a set back: into an empty data folder, or into the empty database of DATABASE_URL and its folder.

    Everything is opened and checked before the first name changes; a restore that was killed is begun again.
    Where ZHIKE_LOG_TO holds the log received since, the database comes back as it was at its end.
    Raises UserError where something stands already, or the set is not whole.
    """
    made = _checked(folder)
    if made.embedded != settings.ZHIKE_EMBEDDED:
        kind = "an embedded database" if made.embedded else "a server's database"
        raise UserError(
            f"The set holds {kind}, and this installation has none.",
            "Unset or set DATABASE_URL, as it was where the backup was made.",
        )
    home = Path(settings.ZHIKE_HOME)
    room = home / RESTORING
    if made.embedded and (home / "postgres" / "data").exists():
        raise UserError(
            f"A database stands in {home} already.", "Point ZHIKE_HOME to an empty folder."
        )
    if any(Path(settings.WAREHOUSE_URL).glob("*")) and not room.exists():
        raise UserError(
            f"Facts stand in {settings.WAREHOUSE_URL} already.",
            "Move them away, or point WAREHOUSE_URL to an empty folder.",
        )
    shutil.rmtree(room, ignore_errors=True)
    room.mkdir(mode=0o700, parents=True)
    unsettled().touch()
    for name in made.parts:
        with _opened(folder / name) as stream:
            if name == "database" and not made.embedded:
                _restore_dump(stream)
            else:
                (room / name).mkdir(mode=0o700)
                with tarfile.open(fileobj=stream, mode="r|") as archive:
                    archive.extractall(room / name, filter=_ours)  # noqa: S202  sealed by us, and filtered
                stream.read()  # to the end, so that a cut one is found
    if made.embedded and settings.ZHIKE_LOG_TO:
        add_log(room / "database", settings.ZHIKE_LOG_TO)
    heads = Path(settings.ZHIKE_AUDIT_HEADS)
    if not heads.exists():  # what lies outside knows more than the set
        _put(room / "heads" / heads.name, heads)
    _put(room / "warehouse", Path(settings.WAREHOUSE_URL))
    for each in (room / "files").iterdir():
        _put(each, home / each.name)
    if made.embedded:
        (home / "postgres").mkdir(mode=0o700, exist_ok=True)
        _put(room / "database", home / "postgres" / "data")
    shutil.rmtree(room)
    return made


@dataclass(frozen=True)
class Settled:
    """What was done before a restored institution may serve."""

    trail: Verification
    erased_again: int


def settle() -> Settled:
    """Tables as this version wants them, the trail verified, and nobody back who was erased since; then it may serve.

    Until this has come to its end a mark lies in the data folder, and nothing but `zhike init` opens it.
    """
    bring_up_to_date()
    actor = system("zhike restore")
    found = verify_trail(actor)
    erased_again = replay(actor=actor)
    unsettled().unlink(missing_ok=True)
    return Settled(found, erased_again)


def _key() -> bytes:
    return keys.load(Path(settings.ZHIKE_KEYS), "backup")


def _write(path: Path, write: Callable[[SealedWriter], None]) -> Part:
    with path.open("xb") as file:
        with SealedWriter(file, _key()) as sealed:
            write(sealed)
        file.flush()
        os.fsync(file.fileno())
    return _part(path)


def _part(path: Path) -> Part:
    with path.open("rb") as file:
        return Part(path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as file:
        yield BufferedReader(SealedReader(file, _key()), 2**20)


def _checked(folder: Path) -> Backup:
    """The set of a folder, each part as it was written."""
    try:
        said = json.loads((folder / MANIFEST).read_text())
    except (OSError, ValueError) as error:
        raise UserError(
            f"{folder} holds no whole backup.", "Name the folder that `zhike backup` told of."
        ) from error
    made = Backup(**{**said, "parts": {name: Part(**part) for name, part in said["parts"].items()}})
    for name, part in made.parts.items():
        if not (folder / name).exists() or _part(folder / name) != part:
            raise UserError(
                f"{folder / name} is not as it was written.", "Take another copy of the set."
            )
    return made


def _heads_out(file: SealedWriter) -> None:
    heads = Path(settings.ZHIKE_AUDIT_HEADS)
    with tarfile.open(fileobj=file, mode="w|") as archive:
        if heads.exists():
            archive.add(heads, heads.name)


def _database_out(file: SealedWriter) -> None:
    if settings.ZHIKE_EMBEDDED:
        cluster = Cluster(Path(settings.ZHIKE_HOME) / "postgres")
        command = cluster.copy_command()
    else:
        command = [_client("pg_dump"), "--format=custom", "--compress=1", "--no-owner"]
        command.append(_address())
    with subprocess.Popen(
        command, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdout
        assert running.stderr
        shutil.copyfileobj(running.stdout, file, 2**20)
        said = running.stderr.read().decode(errors="replace")
    if running.returncode:
        raise UserError(
            f"The database cannot be copied: {_last_line(said)}.",
            "See `zhike doctor`; a server's role must be allowed to read every table.",
        )


def _client(name: str) -> str:
    connection.ensure_connection()
    return client(name, oldest=connection.pg_version // 10000)  # type: ignore[attr-defined]


def _address() -> str:
    """DATABASE_URL without its password, which the list of processes would show."""
    parts = urlsplit(settings.DATABASE_URL)
    name, _at, host = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{name.partition(':')[0]}@{host}" if name else host).geturl()


def _environment() -> dict[str, str]:
    password = urlsplit(settings.DATABASE_URL).password
    return {**os.environ, **({"PGPASSWORD": unquote(password)} if password else {})}


def _last_line(said: str) -> str:
    return (said.strip().splitlines() or ["it said nothing"])[-1]


def _restore_dump(stream: IO[bytes]) -> None:
    command = [_client("pg_restore"), "--no-owner", "--single-transaction", "--exit-on-error"]
    with subprocess.Popen(
        [*command, "--dbname", _address()],
        env=_environment(),
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        assert running.stdin
        assert running.stderr
        with suppress(BrokenPipeError):
            shutil.copyfileobj(stream, running.stdin, 2**20)
            running.stdin.close()
        said = running.stderr.read().decode(errors="replace")
    if running.returncode:
        raise UserError(
            f"The dump cannot be restored: {_last_line(said)}.",
            "The database must be empty, and of the same version of PostgreSQL or a newer one.",
        )


def _log_now() -> str:
    if not (settings.ZHIKE_EMBEDDED and settings.ZHIKE_LOG_TO):
        return ""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_walfile_name(pg_current_wal_insert_lsn())")
        return str(cursor.fetchone()[0])


def _let_log_go(to: Path) -> None:
    """What is older than the oldest set there brings no set forward."""
    sets = [json.loads(each.read_text()).get("log_from", "") for each in to.glob(f"*/{MANIFEST}")]
    if settings.ZHIKE_LOG_TO is None or not all(sets):
        return
    for each in segments(settings.ZHIKE_LOG_TO).values():
        if each.name < min(sets):
            each.unlink()


def _warehouse_out(file: SealedWriter) -> None:
    """Each table as of one version: its log first, so that nothing the log names comes after it."""
    folder = Path(settings.WAREHOUSE_URL)
    with tarfile.open(fileobj=file, mode="w|") as archive:
        for path in Warehouse().kept():
            archive.add(path, path.relative_to(folder), recursive=False)


def _files_out(file: SealedWriter) -> None:
    home = Path(settings.ZHIKE_HOME)
    with tarfile.open(fileobj=file, mode="w|") as archive:
        for name in FILES:
            if (home / name).exists():
                archive.add(home / name, name)


def _ours(member: tarfile.TarInfo, path: str) -> tarfile.TarInfo:
    """Within the folder, as `tarfile.tar_filter` sees to, and owned by who restores it."""
    kept = tarfile.tar_filter(member, path)
    return kept.replace(uid=os.getuid(), gid=os.getgid(), uname="", gname="", deep=False)


def _put(what: Path, where: Path) -> None:
    """Rename into place, over what a restore that was killed had put there."""
    if where.is_dir():
        shutil.rmtree(where)
    if what.exists():
        where.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.move(what, where)
