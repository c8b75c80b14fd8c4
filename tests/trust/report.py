"""A plugin of pytest: after the tests, one line a goal; without a proof, or with one that failed, the run fails.

`python -m tests.trust` runs the proofs alone and uses it; `-p tests.trust.report` adds the lines to any run.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import pytest

from tests.trust.goals import GOALS, Goal, Outcome

asked: set[str] = set()
"""Ids of the goals to tell of; all when it is empty."""


def outcomes(reports: Iterable[Any], goals: Iterable[Goal]) -> dict[str, Outcome]:
    """For each goal what became of its tests. A test that was skipped proves nothing."""
    found = {goal.id: Outcome() for goal in goals}
    for report in reports:
        counts = report.when == "call" or report.failed
        for goal in goals:
            if counts and not report.skipped and report.nodeid.startswith(goal.proofs):
                outcome = found[goal.id]
                outcome.ran += 1
                outcome.failed += report.failed
                for name, value in report.user_properties:
                    outcome.add(name, value)
    return found


def lines(found: dict[str, Outcome], goals: Iterable[Goal], *, full: bool) -> list[str]:
    """One line a goal: id, figure, target, pass or fail."""
    return [
        f"{goal.id}  {'pass' if goal.holds(found[goal.id], full=full) else 'FAIL'}  "
        f"{goal.told(found[goal.id])}  (target: {goal.target})"
        for goal in goals
    ]


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any) -> None:
    goals = [goal for goal in GOALS if not asked or goal.id in asked]
    stats = terminalreporter.stats
    reports = [each for kind in ("passed", "failed", "error") for each in stats.get(kind, ())]
    found = outcomes(reports, goals)
    full = os.environ.get("ZHIKE_TRUST") == "full"
    terminalreporter.section("trust")
    for line in lines(found, goals, full=full):
        terminalreporter.write_line(line)
    session = terminalreporter._session
    if session is not None and not all(goal.holds(found[goal.id], full=full) for goal in goals):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
