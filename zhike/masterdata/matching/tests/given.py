"""Public data beside the project, and number ranges of the sample, for the tests of normal forms."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path
from typing import Final

from zhike.masterdata.matching.normalise import Ranges

PUBLIC: Final = Path(__file__).parents[5] / "shared" / "data"
SAMPLE: Final = Ranges(resident_ids=("29",), mobiles=("1540", "1542", "1545"), phones=("0300",))


def public(path: str) -> list[dict[str, str]]:
    with gzip.open(PUBLIC / path, "rt", encoding="utf-8-sig") as lines:
        return list(csv.DictReader(lines))
