"""`make trust`: the proofs of every goal, or of those named, and a line each."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import pytest

from tests.trust import report
from tests.trust.goals import FULL, GOALS


def main() -> int:
    parser = argparse.ArgumentParser(description="The proofs of the trust goals, and a line each.")
    parser.add_argument("goals", nargs="*", metavar="G-NN", help="these goals alone")
    parser.add_argument("--full", action="store_true", help="the long form; takes hours")
    wanted = parser.parse_args()
    if unknown := set(wanted.goals) - {goal.id for goal in GOALS}:
        parser.error(f"no such goal: {', '.join(sorted(unknown))}")
    if wanted.full:
        os.environ.update(FULL)
    report.asked |= set(wanted.goals)
    files = (
        proof.partition("::")[0]
        for goal in GOALS
        if not report.asked or goal.id in report.asked
        for proof in goal.proofs
    )
    there = [each for each in dict.fromkeys(files) if Path(each).exists()]
    return pytest.main(["-q", "--no-header", *there], plugins=[report])


if __name__ == "__main__":
    sys.exit(main())
