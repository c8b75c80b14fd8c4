"""Records on their way to and from the matching: their words in clear, in memory only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa
from django.db import connection

from zhike.customers import identifiers
from zhike.customers.models import Party, SealedValue
from zhike.customers.services import bulk
from zhike.kernel import crypto
from zhike.kernel.copying import update_rows
from zhike.kernel.registry import Registry
from zhike.masterdata.matching import normalise
from zhike.masterdata.matching.engine import Records
from zhike.masterdata.matching.incremental import block_keys
from zhike.masterdata.matching.model import Model
from zhike.masterdata.matching.normalise import ASSIGNED, Ranges
from zhike.masterdata.models import SourceRecord

BATCH = 50_000
# Of several addresses the one that says most of where somebody belongs.
ADDRESSES = ("home_address", "registered_address", "work_address", "mailing_address")
PLAIN = ("name", "sex")


@dataclass(frozen=True)
class SampleRanges:
    """Number ranges that a pack's invented people live in: accepted where there are such people."""

    id: str
    ranges: Ranges


sample_ranges: Registry[SampleRanges] = Registry("masterdata.sample_ranges")
SEALED = ("resident_id", "passport", "credit_code", "mobile", "phone", "email")


def secret() -> bytes:
    """What keys the digests of the matching: of one institution, and of no other use."""
    return crypto.blind_index("matching", "keys")


def normalised(ids: Iterable[int] | None = None) -> pa.Table:
    """Normal forms of all records, or of these; in the order of their ids."""
    records = SourceRecord.objects.order_by("pk")
    if ids is not None:
        records = records.filter(pk__in=list(ids))
    also = ranges_in_use()
    rows = records.values_list("pk", "party__kind", "values", "table", "key", "sealed")
    tables, batch = [], []
    for row in rows.iterator(chunk_size=BATCH):
        batch.append(_raw(*row))
        if len(batch) == BATCH:
            tables.append(_normal(batch, also))
            batch = []
    tables.append(_normal(batch, also))
    return pa.concat_tables(tables)


def ranges_in_use() -> Ranges:
    """Number ranges that count as assigned here: those of sample people, where there are any."""
    if not Party.objects.filter(sample=True).exists():
        return ASSIGNED
    found = [each.ranges for each in sample_ranges]
    return Ranges(
        resident_ids=tuple(prefix for each in found for prefix in each.resident_ids),
        mobiles=tuple(prefix for each in found for prefix in each.mobiles),
        phones=tuple(prefix for each in found for prefix in each.phones),
    )


def normal(raw: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Normal forms of raw records, columns of `normalise.RAW`."""
    return _normal(raw, ranges_in_use())


def _normal(batch: Sequence[Mapping[str, Any]], also: Ranges) -> pa.Table:
    return normalise.records(pa.Table.from_pylist(list(batch), schema=normalise.RAW), also)


def _raw(
    pk: int, kind: str, values: Mapping[str, Any], table: str, key: str, sealed: Any
) -> dict[str, Any]:
    record = SourceRecord(table=table, key=key, sealed=sealed)
    identifying = record.identifying()
    born = values.get("birth_on")
    address = next((identifying[name] for name in ADDRESSES if identifying.get(name)), None)
    return {
        "record": pk,
        "kind": kind,
        "birth_on": date.fromisoformat(born) if born else None,
        "address": address,
        **{name: values.get(name) or None for name in PLAIN},
        **{name: identifying.get(name) for name in SEALED},
    }


def sealed_words(record: SourceRecord) -> Iterator[tuple[type[SealedValue], str, bytes]]:
    """What of a record identifies as a customer keeps it: (model, kind, blind index); the implausible left out."""
    for name, raw in record.identifying().items():
        model, kind, form = bulk.SEALED[name]
        try:
            yield model, kind, crypto.blind_index(form, identifiers.NORMAL_FORMS[form](raw))
        except identifiers.Implausible:
            continue


def keep_keys(table: Records, model: Model) -> None:
    """Put the blocking keys that this model uses beside these records: they count as compared."""
    keyed = block_keys(table, model)
    rows = zip(keyed["record"].to_pylist(), keyed["keys"].to_pylist(), strict=True)
    update_rows(
        SourceRecord,
        ("keys",),
        (
            (record, "{" + ",".join(str(key) for key in keys if key is not None) + "}")
            for record, keys in rows
        ),
    )


def sharing_a_key(ids: Sequence[int]) -> list[int]:
    """Records that share a blocking key with one of these, themselves left out."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT o.id FROM (SELECT DISTINCT unnest(keys) AS key FROM masterdata_sourcerecord "
            "WHERE id = ANY(%s)) k CROSS JOIN LATERAL (SELECT id FROM masterdata_sourcerecord "
            "WHERE keys @> ARRAY[k.key] LIMIT 200) o WHERE NOT o.id = ANY(%s)",
            [list(ids), list(ids)],
        )
        return [id for (id,) in cursor.fetchall()]
