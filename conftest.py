"""What every test gets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def _own_data_folder(tmp_path: Path, settings: Any) -> None:
    """Every test has a data folder and a warehouse of its own."""
    settings.ZHIKE_HOME = tmp_path
    settings.WAREHOUSE_URL = str(tmp_path / "warehouse")
