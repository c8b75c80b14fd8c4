"""The drill: a database lost in the midst of work comes back with every acknowledged row.

CI loses a server with a standby; the embedded one with its log is lost in the long form (ZHIKE_TRUST=full), and
`kernel/tests/test_second_log.py` holds its log to its word. At a million customers: benchmarks/drill.py.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from zhike.config.drills import Drill

FULL = os.environ.get("ZHIKE_TRUST") == "full"


@pytest.mark.parametrize("kind", ["streaming", "embedded"] if FULL else ["streaming"])
def test_no_acknowledged_row_is_lost(
    kind: str, record_property: Callable[[str, float], None]
) -> None:
    command = [str(Path(sys.executable).with_name("zhike")), "drill", kind]
    told = subprocess.run(
        [*command, "--customers", "40", "--json"], stdout=subprocess.PIPE, text=True, check=False
    )
    found = json.loads(told.stdout)
    assert found["acknowledged"] >= 60
    assert found["entries"] > 60
    assert found["held"], found
    assert told.returncode == 0
    record_property("acknowledged", found["acknowledged"])
    record_property("lost", found["lost"])
    record_property("seconds", found["rto"])


def test_whatever_is_missed_fails_the_drill() -> None:
    whole = Drill("streaming", "PostgreSQL", 300, 60, 0, 0.0, 4.8, "", 700, 0, signed_in=True)
    assert whole.held
    for missed in (
        replace(whole, lost=1),
        replace(whole, rpo=0.1),
        replace(whole, rto=60.1),
        replace(whole, trail="Seal 3: an entry is not as it was sealed."),
        replace(whole, unopened=1),
        replace(whole, signed_in=False),
    ):
        assert not missed.held
        assert sum(not each.ok for each in missed.lines) == 1
