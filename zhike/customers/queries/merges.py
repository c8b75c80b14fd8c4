"""What a customer is made of, since others turned out to be the same."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Q

from zhike.customers.models import Merge, Party

AGREEMENTS = "products_agreement.party_id"

# SQL: the agreements that stand with a customer but whose home is a party it absorbed.
AGREEMENTS_OF_ABSORBED = """
    SELECT each::bigint AS agreement_id, m.absorbed
    FROM customers_merge m, jsonb_array_elements_text(m.moved -> 'products_agreement.party_id') each
    WHERE m.undone_at IS NULL
"""


def parts_of(party: Party) -> list[int]:
    """The party and all it absorbed: facts stand under whom they were loaded for."""
    absorbed = Merge.objects.filter(root=party, undone_at__isnull=True)
    return [party.pk, *absorbed.values_list("absorbed", flat=True)]


def homes_of(party: Party) -> list[int]:
    """Those, and whom a record of theirs was taken out of: facts of its agreements may stand there."""
    homes = ahead = set(parts_of(party))
    while ahead:
        former = Merge.objects.filter(how=Merge.How.RECORD, absorbed__in=ahead)
        ahead = set(former.values_list("into", flat=True)) - homes
        homes |= ahead
    return sorted(homes)


@dataclass(frozen=True)
class Taken:
    """Agreements that were taken out of some parties with a record, and those that came to them so."""

    left: frozenset[int]
    came: frozenset[int]


def taken_of(parts: Collection[int]) -> Taken:
    """What changed hands with records, of those that today stand with one of `parts` or stood there."""
    went_to: dict[int, int] = {}
    merges = Merge.objects.filter(how=Merge.How.RECORD)
    touching = merges.filter(Q(absorbed__in=parts) | Q(into__in=parts)).order_by("pk")
    for merge in touching:
        for agreement in merge.moved.get(AGREEMENTS, ()):
            went_to[agreement] = merge.absorbed
    came = {id for id, party in went_to.items() if party in parts}
    return Taken(frozenset(went_to.keys() - came), frozenset(came))


def last_taken() -> str:
    """Names the last time that a record was taken out; "" for never."""
    last = Merge.objects.filter(how=Merge.How.RECORD).order_by("-pk").values_list("pk", flat=True)
    return "".join(str(pk) for pk in last[:1])
