"""Loading source files and resolving their records into customers; import from here."""

from __future__ import annotations

from zhike.masterdata.services.loading import LoadReport, TableReport, load
from zhike.masterdata.services.resolving import MatchReport, match

__all__ = ["LoadReport", "MatchReport", "TableReport", "load", "match"]
