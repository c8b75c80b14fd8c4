"""The table of goals is true: each names tests that are there, and a line says fail where it must."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.trust.goals import GOALS, Goal
from tests.trust.report import lines, outcomes

HERE = Path(__file__).parents[2]
ONE = Goal("G-99", "p", "t", ("tests/a.py",), "{tests} tests, {pairs} pairs", {"pairs": (2, 9)})


@pytest.mark.parametrize("goal", GOALS, ids=lambda goal: goal.id)
def test_a_goal_names_tests_that_are_there(goal: Goal) -> None:
    for proof in goal.proofs:
        file, _colons, begins = proof.partition("::")
        place = HERE / file
        found = [place] if place.is_file() else list(place.glob("test_*.py"))
        assert found, proof
        assert any(f"def {begins}" in each.read_text() for each in found), proof


def test_every_goal_of_the_issue_has_its_line() -> None:
    asked = "01 02 03 04 05 06 07 08 09 10 13 15 17 18 19 22 23 24 25 26 27 28 29 30 32 33 35 38"
    assert {f"G-{number}" for number in asked.split()} <= {goal.id for goal in GOALS}
    assert len({goal.id for goal in GOALS}) == len(GOALS)


def report(nodeid: str, *, outcome: str = "passed", when: str = "call", pairs: int = 0) -> Any:
    return SimpleNamespace(
        nodeid=nodeid,
        when=when,
        failed=outcome == "failed",
        skipped=outcome == "skipped",
        user_properties=[("pairs", pairs)] if pairs else [],
    )


def line(*reports: Any, full: bool = False) -> str:
    (told,) = lines(outcomes(reports, [ONE]), [ONE], full=full)
    return told


def test_a_line_says_what_was_found() -> None:
    good = [report("tests/a.py::test_x", pairs=3), report("tests/a.py::test_y", pairs=4)]
    assert line(*good) == "G-99  pass  2 tests, 7 pairs  (target: t)"
    assert re.match("G-99  FAIL  2 tests, 7 pairs", line(*good, full=True))
    assert "FAIL" in line(*good, report("tests/a.py::test_z", outcome="failed"))
    assert "FAIL" in line(*good, report("tests/a.py::test_z", outcome="failed", when="setup"))
    assert "pass" in line(*good, report("tests/b.py::test_z", outcome="failed"))


def test_what_did_not_run_is_not_proven() -> None:
    assert line() == "G-99  FAIL  no proof ran  (target: t)"
    assert "no proof ran" in line(report("tests/a.py::test_x", outcome="skipped"))
    assert "FAIL" in line(report("tests/a.py::test_x", pairs=1))
