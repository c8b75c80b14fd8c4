"""The other end of the reading process: an upload goes in, what it looks like or its rows come out.

The process gets no keys, no settings and no environment of ours. Whatever it dies of is a `UserError`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from zhike.kernel.errors import UserError
from zhike.masterdata.mapping import Table
from zhike.masterdata.readers import BadLine, Batch
from zhike.masterdata.wizard import vault
from zhike.masterdata.wizard.child import PUT_RIGHT
from zhike.masterdata.wizard.shapes import Look, Reading, Shape

LOOK_SECONDS = 60
READ_SECONDS = 1_800
MEGABYTES = 512
PACKAGE = Path(__file__).resolve().parents[3]


def look(stored: str, name: str, reading: Reading) -> Look:
    """What the upload `stored` looks like; `name` is what the person calls it. Raises UserError."""
    order = {"name": name, "reading": asdict(reading), "cpu_seconds": LOOK_SECONDS}
    with _running(stored, order, LOOK_SECONDS) as (process, patience), patience.waiting():
        assert process.stdout is not None
        told = process.stdout.read()
    return looked(json.loads(told))


LISTS = ("readings", "sheets", "header", "rows")


def looked(found: dict[str, Any]) -> Look:
    """A look as JSON keeps it."""
    return Look(**{**found, **{key: _tuples(found[key]) for key in LISTS}})


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def rows(stored: str, name: str, table: Table) -> Iterator[Batch]:
    """The rows of the upload as the table of a mapping describes it. Raises UserError."""
    shape = shape_of(table)
    order = {"name": name, "shape": _plain(shape), "cpu_seconds": READ_SECONDS}
    with _running(stored, order, READ_SECONDS) as (process, patience):
        assert process.stdout is not None
        try:
            with patience.waiting():
                opened = pa.ipc.open_stream(process.stdout)
            with opened as stream:
                while True:
                    with patience.waiting():
                        found, said = stream.read_next_batch_with_custom_metadata()
                    yield _batch(found, said)
        except StopIteration:
            whole = True
        except (pa.ArrowInvalid, OSError):
            whole = False  # it ended before its end: its own word follows
    if not whole:
        raise _too_much(name)


def _batch(found: Any, said: Any) -> Batch:
    bad = json.loads(said["bad"]) if said else []
    columns = {name: found.column(name) for name in found.schema.names if name != "@line"}
    lines = np.asarray(found.column("@line"))
    return Batch(columns, lines, tuple(BadLine(line, reason) for line, reason in bad))


def shape_of(table: Table) -> Shape:
    """The table as the reading process knows it."""
    sealed = {
        column
        for name, spec in table.fields.items()
        if table.takes(name).kind == "sealed"
        for column in spec.columns
    }
    return Shape(
        name=table.name,
        header=table.header,
        format=table.format,
        separator=table.separator,
        encoding=table.encoding,
        sheet=table.sheet,
        skip_rows=table.skip_rows,
        titles=table.titles,
        columns=table.columns,
        guarded=table.columns - sealed,
    )


def _plain(shape: Shape) -> dict[str, Any]:
    return {
        **asdict(shape),
        "columns": sorted(shape.columns),
        "guarded": sorted(shape.guarded),
    }


class _Patience:
    """Ends a process that lets us wait longer than so many seconds in all. What we do with its rows meanwhile does not
    count: a load may well take an hour."""

    def __init__(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        self.process, self.left, self.over = process, seconds, False

    @contextmanager
    def waiting(self) -> Iterator[None]:
        began = time.monotonic()
        timer = threading.Timer(max(self.left, 0), self._end)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            self.left -= time.monotonic() - began

    def _end(self) -> None:
        self.over = True
        self.process.kill()


@contextmanager
def _running(
    stored: str, order: dict[str, Any], seconds: int
) -> Iterator[tuple[subprocess.Popen[bytes], _Patience]]:
    """The process at work on the file; ends it, and raises what it could not do."""
    with vault.in_memory(stored) as descriptor:
        process = subprocess.Popen(
            [sys.executable, "-s", "-m", "zhike.masterdata.wizard.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=[descriptor],
            cwd=PACKAGE,
            env={
                "ARROW_DEFAULT_MEMORY_POOL": "system",
                "MALLOC_ARENA_MAX": "1",
                "OMP_NUM_THREADS": "1",
                "OPENBLAS_NUM_THREADS": "1",
                "PYTHONSAFEPATH": "",
                "PYTHONDONTWRITEBYTECODE": "1",
                "LC_ALL": "C.UTF-8",
            },
        )
        patience = _Patience(process, seconds)
        try:
            assert process.stdin is not None
            try:
                process.stdin.write(json.dumps({**order, "file": descriptor}).encode())
                process.stdin.close()
            except BrokenPipeError:
                pass
            yield process, patience
            assert process.stdout is not None
            assert process.stderr is not None
            with patience.waiting():
                process.stdout.read()
                told = process.stderr.read()
                process.wait()
        finally:
            process.kill()
            process.wait()
            for pipe in (process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()
    if process.returncode == 0:
        return
    if process.returncode == PUT_RIGHT:
        message, way_out = json.loads(told)
        raise UserError(message, way_out)
    if patience.over or process.returncode == -24:  # SIGXCPU
        raise UserError(
            f"{order['name']} takes longer than {seconds} seconds to read.",
            "Cut it into several files.",
        )
    raise _too_much(order["name"])


def _too_much(name: str) -> UserError:
    return UserError(
        f"{name} cannot be read within {MEGABYTES} MB of memory.",
        "Save its rows as CSV, or cut it into several files.",
    )
