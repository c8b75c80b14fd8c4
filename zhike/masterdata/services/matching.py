"""Source records resolved into customers."""

from __future__ import annotations

from dataclasses import dataclass

from zhike.kernel import audit
from zhike.kernel.actor import Actor
from zhike.kernel.services import service
from zhike.masterdata.models import SourceRecord


@dataclass(frozen=True)
class MatchReport:
    """`joined`: records that share their customer with another; `pairs_for_review` wait for a person's judgement."""

    records: int
    customers: int
    joined: int
    pairs_for_review: int


@service("masterdata.load")
def match(*, actor: Actor) -> MatchReport:
    """Count what the deterministic rules made of the records: same valid document, or same mobile and name.

    The rules themselves run while records are loaded, so that whatever refers to a record finds its customer.
    """
    records = SourceRecord.objects.count()
    customers = SourceRecord.objects.order_by().values("party").distinct().count()
    report = MatchReport(records, customers, records - customers, 0)
    audit.record(actor, "masterdata.match", reason=f"{records} records, {customers} customers")
    return report
