"""One document that two customers claim, entered by somebody who does not see both: for a person who does."""

from __future__ import annotations

from collections.abc import Sequence

from zhike.customers.models import Party
from zhike.kernel import audit, clock
from zhike.kernel.actor import system
from zhike.masterdata.models import Pair, SourceRecord
from zhike.masterdata.services.surviving import hand_record

CLAIMS = system("claims")


def keep_claim(party: Party, holders: Sequence[Party]) -> None:
    """Put a pair a holder to judge. Its records are joined by no likeness until somebody has.

    On the trail it stands under neither customer, for their histories are read by whoever sees one of them.
    """
    entered = hand_record(party)
    for holder in holders:
        record = SourceRecord.objects.filter(party=holder).order_by("pk").first()
        left, right = sorted((entered, record or hand_record(holder)), key=lambda each: each.pk)
        pair, made = Pair.objects.get_or_create(
            left=left,
            right=right,
            defaults={
                "why": Pair.Why.DOCUMENT,
                "probability": 1.0,
                "found_at": clock.now(),
            },
        )
        if made:
            audit.record(CLAIMS, "masterdata.pair.claim", pair)
