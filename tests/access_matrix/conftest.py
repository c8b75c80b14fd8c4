"""One line after the tests: how much the matrix declares, and how often it asked."""

from __future__ import annotations

from typing import Any


def pytest_terminal_summary(terminalreporter: Any) -> None:
    # Not before Django is ready.
    from tests.access_matrix.checking import asked, cells
    from tests.access_matrix.table import TABLE

    if asked:
        terminalreporter.write_line(f"matrix: {cells(TABLE):,} cells, {asked.total():,} requests")
