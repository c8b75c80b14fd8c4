"""Records of customers whose data was restricted or erased: what a source says of them is not taken in again."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import F

from zhike.kernel import clock, crypto
from zhike.kernel.prepared import Among
from zhike.masterdata.models import Barred, SourceRecord

BARRED = "the customer's data is restricted or erased (个人信息保护法 art. 47)"


def bar(*, party_ids: Collection[int]) -> int:
    """From now on no load reads the records of these customers; answers how many. Part of an erasure alone."""
    records = SourceRecord.objects.filter(party__in=party_ids)
    made = Barred.objects.bulk_create(
        (
            Barred(digest=_digest(*named), since=clock.today())
            for named in records.values_list("system__code", "table", "key")
        ),
        ignore_conflicts=True,
    )
    return len(made)


def barred_keys(system: str, table: str, keys: Collection[str]) -> set[str]:
    """Those of the keys that no load may read."""
    if not Barred.objects.exists():
        return set()
    digests = {_digest(system, table, key): key for key in keys}
    found = Barred.objects.filter(Among(F("digest"), digests)).values_list("digest", flat=True)
    return {digests[bytes(digest)] for digest in found}


def _digest(system: str, table: str, key: str) -> bytes:
    return crypto.blind_index("barred", f"{system}\0{table}\0{key}")
