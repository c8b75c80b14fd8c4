"""Reads over what was loaded."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from zhike.kernel.errors import UserError
from zhike.masterdata.models import ImportFile, SourceRecord, SourceSystem


def summary(system: str) -> dict[str, Any]:
    """Rows and sums by table over every file loaded from the system, and the customers they became.

    Amounts are decimal text. Raises UserError for a system nothing was loaded from.
    """
    source = SourceSystem.objects.filter(code=system).first()
    if source is None:
        raise UserError(f"Nothing was loaded from “{system}” yet.", "Load it first: zhike load.")
    tables: dict[str, dict[str, Any]] = {}
    files = ImportFile.objects.filter(run__system=source, state=ImportFile.State.LOADED)
    for file in files.order_by("pk"):
        table = tables.setdefault(
            file.table,
            {"read": 0, "accepted": 0, "rejected": 0, "unchanged": 0, "sums": {}},
        )
        table["read"] += file.rows_read
        table["accepted"] += file.rows_accepted
        table["rejected"] += file.rows_rejected
        table["unchanged"] += file.rows_unchanged
        for name, amount in file.sums.items():
            before = Decimal(table["sums"].get(name, "0"))
            table["sums"][name] = str(before + Decimal(amount))
    records = SourceRecord.objects.filter(system=source)
    return {
        "system": source.code,
        "tables": tables,
        "records": records.count(),
        "customers": records.order_by().values("party").distinct().count(),
    }
