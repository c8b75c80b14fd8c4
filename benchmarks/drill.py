"""What is lost with a database of a million customers, and how long the institution stands still (G-25).

    python benchmarks/search.py --customers 1000000 --home FOLDER     # makes the customers, once
    python benchmarks/drill.py --home FOLDER [--kind streaming|embedded]

`zhike drill` over a copy of that database: rows are written through the services while the server is killed and its
data folder thrown away. Free space for three copies is needed where temporary folders lie (TMPDIR). Goals: no
acknowledged row lost; all works again, somebody signed in, within 60 s.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--kind", choices=["streaming", "embedded"])
    arguments = parser.parse_args()
    if arguments.kind is None:  # the settings of a process are those of one drill
        for kind in ("streaming", "embedded"):
            os.spawnv(os.P_WAIT, sys.executable, [sys.executable, *sys.argv, "--kind", kind])
        return
    sys.path.insert(0, str(Path(__file__).parent.parent))
    from zhike.config import drills

    began = time.monotonic()
    with drills.begun(arguments.kind, arguments.home / "pg" / "data") as place:
        _draw_on()
        print(f"begun after {time.monotonic() - began:.0f} s", flush=True)
        found = drills.drill(place, customers=drills.SAMPLE)
    print(f"{found.server}; {found.customers:,} customers; load {os.getloadavg()[0]:.1f}")
    for line in found.lines:
        verdict = "ok" if line.ok else "MISSED"
        print(f"{line.what:<14}{line.figure:<34}{line.target:<8}{verdict}")


def _draw_on() -> None:
    """The rows were copied in with their ids: the next ones come after them."""
    from django.db import connection

    with connection.cursor() as cursor:
        for table in ("customers_party", "organisation_unit", "organisation_employee"):
            cursor.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"
            )


if __name__ == "__main__":
    main()
