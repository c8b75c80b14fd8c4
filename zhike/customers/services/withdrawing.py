"""Customers and values taken back because the import that brought them is; whether they may be is asked above."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence

from django.db import connection

from zhike.customers.models import Party, SealedValue, TimelineEntry
from zhike.customers.services.bulk import FILLED
from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.kernel.copying import delete_rows, update_rows
from zhike.kernel.services import service


@service("masterdata.load")
def withdraw_parties(*, actor: Actor, party_ids: Collection[int]) -> int:
    """Delete parties with all that hangs on them; answers how many. Raises ProtectedError for one that holds an
    agreement or a source record.
    """
    return delete_rows(Party, list(party_ids))


@service("masterdata.load")
def withdraw_values(
    *,
    actor: Actor,
    model: type[SealedValue],
    ids: Collection[int],
    others: Mapping[int, str],
) -> None:
    """Delete sealed values; those of `others` (id → source) stay, as the word of that source."""
    delete_rows(model, list(ids))
    if others:
        update_rows(model, ("source",), others.items())


@service("masterdata.load")
def empty_fields(*, actor: Actor, fields: Mapping[int, Sequence[str]]) -> None:
    """Party → columns nobody says anything about any more: emptied, with where they came from."""
    columns = sorted({name for names in fields.values() for name in names})
    if not columns:
        return
    parties = Party.objects.select_for_update().in_bulk(list(fields))
    rows = []
    for id, party in parties.items():
        gone = fields[id]
        values = [FILLED.get(name) if name in gone else getattr(party, name) for name in columns]
        provenance = {name: said for name, said in party.provenance.items() if name not in gone}
        rows.append((id, *values, json.dumps(provenance)))
    update_rows(Party, (*columns, "provenance"), rows)


@service("masterdata.load")
def withdraw_contacts(*, actor: Actor, source: str, keys: str, first: int, last: int) -> int:
    """Delete the entries numbered `first` to `last` which `source` wrote under keys that begin so; answers how many.

    The last contact of each customer is again the latest that stands on the timeline.
    """
    entries = TimelineEntry.objects.filter(
        id__range=(first, last), source=source, source_key__startswith=keys
    )
    parties = list(entries.order_by().values_list("party_id", flat=True).distinct())
    count, _by_model = entries.delete()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE customers_standing s SET version = s.version + 1, "
            "last_contact_on = (SELECT max(t.at AT TIME ZONE %s) FROM customers_timelineentry t "
            "WHERE t.party_id = s.party_id AND t.kind = 'contact')::date "
            "WHERE s.party_id = ANY(%s)",
            [str(clock.BUSINESS_ZONE), parties],
        )
    return count
