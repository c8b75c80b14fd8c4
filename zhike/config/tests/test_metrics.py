"""What monitoring is told: every figure, and what is wrong shows in it."""

from __future__ import annotations

import re

import pytest

from zhike.config import metrics
from zhike.kernel import audit, sealing
from zhike.kernel.actor import system
from zhike.kernel.models import AuditEntry

pytestmark = pytest.mark.django_db
LINE = re.compile(r'(# (HELP|TYPE) \w+ .+|\w+(\{\w+="\w+"\})? \d+)')


def test_a_broken_trail_and_a_failed_job_show() -> None:
    told = metrics.text().splitlines()
    assert all(LINE.fullmatch(line) for line in told)
    assert "zhike_trail_whole 1" in told
    assert 'zhike_jobs{status="failed"} 0' in told
    audit.record(
        system("test"), sealing.VERIFIED, outcome=AuditEntry.Outcome.REFUSED, reason="Seal 3"
    )
    told = metrics.text().splitlines()
    assert "zhike_trail_whole 0" in told
    assert any(line.startswith("zhike_trail_unsealed_age_seconds ") for line in told)
