"""What a record itself says, as it is kept beside it: its words, how old they are, what it is known by."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from operator import itemgetter
from typing import Any

from django.db.models import F

from zhike.customers.services import bulk
from zhike.kernel import crypto
from zhike.kernel.prepared import Among
from zhike.masterdata.models import SourceRecord
from zhike.masterdata.services.filing import Row
from zhike.masterdata.services.surviving import WORDS, moment, told

AS_JSON = json.JSONEncoder(default=str, ensure_ascii=False).encode


def stamps(records: Sequence[int]) -> dict[int, Callable[[Mapping[str, Any]], str]]:
    """Record → from its new values the stamps of those that did not change: they are as old as they were."""
    before = SourceRecord.objects.filter(Among(F("pk"), records)).values_list(
        "pk", "values", "stamps", "observed_on"
    )

    def stamped(values: Any, known: Any, on: date | None) -> Callable[[Mapping[str, Any]], str]:
        def kept(now: Mapping[str, Any]) -> str:
            same = (name for name in values if name in now and values[name] == told(now[name]))
            since = {"at": moment(None, on).isoformat()}
            return json.dumps({name: known.get(name, since) for name in same})

        return kept

    return {pk: stamped(values, known, on) for pk, values, known, on in before}


def words(
    given: Sequence[tuple[bulk.PartyRow, str]], trial: bool
) -> list[tuple[str, bytes | None, date]]:
    """What each record itself says, and from when: plain words as JSON, those that identify sealed at its place."""
    identifying = [] if trial else [each for each in given if each[0].sealed]
    sealed = iter(
        crypto.encrypt_each((json.dumps(dict(party.sealed)), place) for party, place in identifying)
    )
    return [
        (
            AS_JSON({name: party.values[name] for name in WORDS if name in party.values}),
            next(sealed) if party.sealed and not trial else None,
            party.observed_on,
        )
        for party, _place in given
    ]


def digests(rows: Sequence[Row]) -> list[bytes]:
    """Over the mapped values of each, keyed, because identifying values are among them; all have the same fields."""
    names = sorted(rows[0].keys() - {"line"})
    written, values = "\x1f".join(f"{name}=%s" for name in names), itemgetter(*names)
    return crypto.blind_indexes("record", (written % values(row) for row in rows))
