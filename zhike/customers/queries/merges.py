"""What a customer is made of, since others turned out to be the same."""

from __future__ import annotations

from zhike.customers.models import Merge, Party

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
    parts = parts_of(party)
    former = Merge.objects.filter(how=Merge.How.RECORD, absorbed__in=parts)
    return [*parts, *former.values_list("into", flat=True)]
