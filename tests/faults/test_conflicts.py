"""Many edits of one row at once: every one that was let in stands in an unbroken order, none is lost.

500 in CI, ZHIKE_EDITS says how many; the long form is 100,000.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from django.db import connection, transaction

from zhike.customers.models import Party
from zhike.customers.tests import factories
from zhike.kernel.errors import Conflict
from zhike.kernel.services import change

FULL = os.environ.get("ZHIKE_TRUST") == "full"
EDITS = int(os.environ.get("ZHIKE_EDITS", "100000" if FULL else "500"))
WRITERS = 4


@dataclass(frozen=True)
class Edit:
    """One that was let in: what the writer had read, what they wrote, and the version it made."""

    before: str
    after: str
    version: int


def faults(edits: list[Edit], last: Party, begun: Party) -> list[str]:
    """Where the edits are no unbroken order from the row that begun it to the row that stands."""
    told = []
    value, version = begun.note, begun.version
    for edit in sorted(edits, key=lambda each: each.version):
        if edit.version != version + 1:
            told.append(f"version {version + 1} is missing or doubled at {edit.version}")
        if edit.before != value:
            told.append(f"version {edit.version} was written over {value}, unread")
        value, version = edit.after, edit.version
    if (last.note, last.version) != (value, version):
        told.append(f"{last.note} stands, not {value}")
    return told


def writer(pk: int, number: int, wanted: int) -> tuple[list[Edit], int]:
    """Edits until so many are let in, each from what was just read; answers how many were refused, too."""
    chosen, done, refused = random.Random(number), list[Edit](), 0
    try:
        while len(done) < wanted:
            row = Party.objects.get(pk=pk)
            read, seen = row.note, row.version
            mine = f"{number}-{len(done)}-{chosen.random()}"
            try:
                with transaction.atomic():
                    change(
                        factories.SYSTEM, row, {"note": mine}, action="test.edit",
                        version=seen, originals={"note": read},
                    )  # fmt: skip
            except Conflict:
                refused += 1
                continue
            done.append(Edit(read, mine, row.version))
    finally:
        connection.close()
    return done, refused


@pytest.mark.django_db(transaction=True)
def test_no_edit_is_lost(record_property: Callable[[str, int], None]) -> None:
    begun = factories.party()
    with ThreadPoolExecutor(WRITERS) as threads:
        each = EDITS // WRITERS
        told = list(threads.map(lambda number: writer(begun.pk, number, each), range(WRITERS)))
    edits = [edit for done, _refused in told for edit in done]
    refused = sum(count for _done, count in told)
    assert refused, "nobody met anybody"
    assert faults(edits, Party.objects.get(pk=begun.pk), begun) == []
    record_property("edits", len(edits) + refused)


def test_a_lost_edit_is_found() -> None:
    begun, last = Party(note="", version=1), Party(note="c", version=3)
    whole = [Edit("", "a", 2), Edit("a", "c", 3)]
    assert faults(whole, last, begun) == []
    assert faults([whole[0], Edit("", "c", 3)], last, begun), "written over a, unread"
    assert faults([whole[0], Edit("a", "b", 2), whole[1]], last, begun), "two of one version"
    assert faults(whole, Party(note="b", version=3), begun), "another one stands"
