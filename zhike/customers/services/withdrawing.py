"""Customers and values taken back because the import that brought them is; whether they may be is asked above."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence

from zhike.customers.models import Party, SealedValue
from zhike.customers.services.bulk import FILLED
from zhike.kernel.actor import Actor
from zhike.kernel.copying import update_rows
from zhike.kernel.services import service


@service("masterdata.load")
def withdraw_parties(*, actor: Actor, party_ids: Collection[int]) -> int:
    """Delete parties with all that hangs on them; answers how many. Raises ProtectedError for one that holds an
    agreement or a source record.
    """
    _count, by_model = Party.objects.filter(pk__in=party_ids).delete()
    return by_model.get(Party._meta.label, 0)


@service("masterdata.load")
def withdraw_values(
    *,
    actor: Actor,
    model: type[SealedValue],
    ids: Collection[int],
    others: Mapping[int, str],
) -> None:
    """Delete sealed values; those of `others` (id → source) stay, as the word of that source."""
    rows = model._default_manager
    rows.filter(pk__in=ids).delete()
    for id, source in others.items():
        rows.filter(pk=id).update(source=source)


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
