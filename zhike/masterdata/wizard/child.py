"""The process that reads an upload. On its standard input an order as JSON, the file on a descriptor of its own;
on its standard output what it found: one line of JSON for a look, Arrow batches for the rows.

Ends with 0; with 3 when the person can put something right, told as JSON on the error output.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from zhike.kernel.errors import UserError
from zhike.masterdata.wizard.confining import confine
from zhike.masterdata.wizard.shapes import Reading
from zhike.masterdata.wizard.sniffing import look

PUT_RIGHT, TOO_MUCH = 3, 4


class Named(type(Path())):  # type: ignore[misc]
    """The descriptor's path, called as the person calls the file."""

    called = ""

    @property
    def name(self) -> str:
        return self.called


class WithoutPandas:
    """Asked for its first array of a list, pyarrow loads pandas where there is one: a second, for nothing here."""

    @staticmethod
    def find_spec(name: str, *_where: object) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name)


def main() -> int:
    order = json.loads(sys.stdin.buffer.read())
    Named.called = order["name"]
    path = Named(f"/proc/self/fd/{order['file']}")
    sys.meta_path.insert(0, WithoutPandas)
    if "shape" in order:
        from zhike.masterdata.wizard import taking  # slow to begin with; before the limits stand
    confine(order["cpu_seconds"])
    try:
        if "shape" in order:
            taking.write(path, taking.shape_of(order["shape"]), sys.stdout.buffer)
        else:
            sys.stdout.write(json.dumps(asdict(look(path, Reading(**order["reading"])))))
    except UserError as error:
        sys.stderr.write(json.dumps([error.message, error.way_out]))
        return PUT_RIGHT
    except MemoryError:
        return TOO_MUCH
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
