"""Load, match, merge, split, the daily run and the hand-over, killed and met by faults: nothing lost, nothing doubled.

CI kills a quick flow twenty times and lets it meet faults at twelve moments; ZHIKE_KILLS=300 and ZHIKE_TRUST=full ask
for every flow and every moment (`make trust`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.harness import EVERY, KILLS, Place, institution


@pytest.fixture(scope="module")
def place(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: Any
) -> Iterator[Place]:
    folder: Path = tmp_path_factory.mktemp("faults")
    with institution(folder) as made:
        yield made


WHOLE = ("merge", "split", "match")
# Several transactions: between them stands what is whole of each.
IN_PARTS = ("assignment", "book", "load", "refresh", "outbox", "reseal")


LONG = EVERY or "ZHIKE_KILLS" in os.environ
# The book is the hand-over many times, the daily run takes a second a run.
IN_LONG_FORM = ("book", "refresh")
# Each run of these takes half a second and more.
KILLED_ALONE = ("load", "match")


@pytest.mark.parametrize("name", [*WHOLE, *IN_PARTS])
def test_disturbed_at_any_moment_it_ends_the_same(
    place: Place, name: str, record_property: Callable[[str, int], None]
) -> None:
    if name in IN_LONG_FORM and not LONG:
        pytest.skip("only in the long form")
    torn = place.flow(name)
    kills = 2 if name == "load" and not LONG else KILLS
    torn.killed(kills)
    record_property("kills", kills)
    for fault in ("raise", "drop") if LONG else ("raise",):
        if name in KILLED_ALONE and not LONG:
            continue
        met = torn.at_each_moment(fault, whole=name in WHOLE)
        assert met > 10
        record_property("faults", met)
