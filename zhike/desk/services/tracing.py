"""Which file rows are from that were found somewhere, where their codes are gone: by what stands in them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection
from django.utils.translation import gettext as _

from zhike.desk.models import TakenFile
from zhike.kernel import audit
from zhike.kernel.actor import Actor
from zhike.kernel.errors import UserError
from zhike.kernel.services import service
from zhike.ui.lists.taking import sources

MOST = 50
"""Rows looked for at once."""
SHOWN = 20
"""Files told of, those first that hold most of the rows, and of these the shortest."""
NAMED = 10
"""Of these the ones that stand on the trail."""
CELLS = re.compile(r"[\t,，;；|]")


@dataclass(frozen=True)
class Traced:
    """A file that left, and how many of the rows looked for are of customers in it."""

    file: TakenFile
    rows: int


@service("access.read_audit")
def trace_rows(*, actor: Actor, text: str) -> tuple[int, list[Traced]]:
    """How many rows of the text tell of somebody, and the files that held most of these; on record, without a value.

    A line is a row, its cells apart by tab, comma, semicolon or bar. Raises UserError for none or more than `MOST`.
    """
    rows = [cells for line in text.splitlines() if (cells := _cells(line))]
    if not rows:
        raise UserError(_("There is no row to look for."), _("One row a line."))
    if len(rows) > MOST:
        raise UserError(_("More than %(n)s rows at once.") % {"n": MOST}, _("Take some of them."))
    found = {
        source.id: source.recognised(rows) for source in sources if source.recognised is not None
    }
    told = {nth for keys in found.values() for nth, some in enumerate(keys) if some}
    traced = _holding(found)
    files = ", ".join(each.file.number for each in traced[:NAMED])
    audit.record(actor, "export.trace_rows", reason=f"{len(rows)}: {files or '—'}")
    return len(told), traced


def _cells(line: str) -> list[str]:
    return [cell for each in CELLS.split(line) if (cell := each.strip(" \"'\ufeff"))]


def _holding(found: dict[str, list[set[int]]]) -> list[Traced]:
    wanted = [
        (nth, source, key)
        for source, rows in found.items()
        for nth, keys in enumerate(rows)
        for key in keys
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT f.id, count(DISTINCT w.nth) FROM desk_takenfile f "
            "CROSS JOIN LATERAL jsonb_array_elements(f.keys) e(key) "
            "JOIN unnest(%s::int[], %s::text[], %s::bigint[]) w(nth, source, key) "
            "ON w.source = f.source AND w.key = e.key::bigint "
            "WHERE f.state = 'taken' OR f.taken IS NOT NULL "
            "GROUP BY f.id ORDER BY count(DISTINCT w.nth) DESC, f.rows, f.id DESC LIMIT %s",
            [*_columns(wanted), SHOWN],
        )
        counts = dict(cursor.fetchall())
    files = TakenFile.objects.select_related("user__employee", "unit").defer("keys")
    there = files.in_bulk(list(counts))
    return [Traced(there[pk], count) for pk, count in counts.items()]


def _columns(wanted: Sequence[tuple[int, str, int]]) -> list[list[object]]:
    return [list(each) for each in zip(*wanted, strict=True)] or [[], [], []]
