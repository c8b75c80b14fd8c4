"""docs/methods.md runs as it stands."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def test_every_line_of_the_docs_comes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    if not (ROOT.parent / "shared" / "data" / "cdnow").exists():
        pytest.skip("the CDNOW files are not beside the project (../shared/data/cdnow)")
    monkeypatch.chdir(ROOT)
    result = doctest.testfile(str(ROOT / "docs" / "methods.md"), module_relative=False)
    assert result.attempted > 40
    assert result.failed == 0
