"""The write-ahead log of the embedded database in a second place, and a copy of the database brought forward by it.

What receives it confirms each commit, so that what was answered lies in both places.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from psycopg import Connection

from zhike.kernel.programs import PostgresError, program

RECEIVER = "zhike_log"  # the slot, and the name under which the server waits for it


def receive(
    server: Connection[Any],
    folder: Path,
    *,
    postmaster: int,
    environment: Mapping[str, str],
    said: Path,
) -> None:
    """Begin what receives the log of the server of this superuser's connection; it ends with the server.

    Killed, or out of room, it begins again: until then no commit is answered. What it says goes to the file `said`.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    server.execute(
        "SELECT pg_create_physical_replication_slot(%s, true) WHERE NOT EXISTS "
        "(SELECT FROM pg_replication_slots WHERE slot_name = %s)",
        [RECEIVER, RECEIVER],
    )
    at = server.info
    receiver = (
        *(program("pg_receivewal"), f"--slot={RECEIVER}", "--synchronous", "--no-loop"),
        *(f"--host={at.host}", f"--port={at.port}", f"--username={at.user}"),
        f"--directory={folder}",
    )
    loop = 'while kill -0 "$0" 2>&-; do "$@"; sleep 1; done'
    with said.open("ab") as file:
        subprocess.Popen(
            ["sh", "-c", loop, str(postmaster), *receiver],
            env={**environment, "PGAPPNAME": RECEIVER},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def segments(folder: Path) -> dict[int, Path]:
    """The segments of a log by their number; the last may bear a name that says it is not full."""
    form = re.compile(r"[0-9A-F]{8}([0-9A-F]{8})0{6}([0-9A-F]{2})(\.partial)?")
    found = ((form.fullmatch(each.name), each) for each in folder.glob("*"))
    return {int(name[1] + name[2], 16): each for name, each in found if name}


def add_log(data: Path, folder: Path) -> int:
    """Give a copied data folder the log received since; its first start replays it to the end.

    Answers how many segments. Raises PostgresError where one is missing between.
    """
    end, since = max(segments(data / "pg_wal")), segments(folder)
    further = sorted(number for number in since if number > end)
    if further != list(range(end + 1, end + 1 + len(further))):
        raise PostgresError(
            f"The log in {folder} does not go on where the copy ends.",
            "Take a newer set; or move the log away, and what came after the set is lost.",
        )
    for number in further:
        name = since[number].name.removesuffix(".partial")
        shutil.copyfile(since[number], data / "pg_wal" / name)
    return len(further)
