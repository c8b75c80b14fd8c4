"""What monitoring is told: every figure, and what is wrong shows in it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from zhike.config import metrics
from zhike.customers.tests import factories
from zhike.kernel import audit, sealing
from zhike.kernel.actor import system
from zhike.kernel.models import AuditEntry
from zhike.organisation.models import Role

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


TOKEN = "a" * metrics.SHORTEST


def asked(client: Client, token: str) -> Any:
    return client.get("/metrics/", headers={"Authorization": f"Bearer {token}"})


def test_the_address_is_shut_but_for_its_own_token(
    client: Client, settings: Any, tmp_path: Path
) -> None:
    operator = factories.signed_in_client(Role.SYSTEM_ADMINISTRATOR)
    assert asked(client, "").status_code == 404, "without a file nobody"
    settings.ZHIKE_METRICS_TOKEN_FILE = str(tmp_path / "token")
    assert asked(client, "").status_code == 404, "nor where the file is missing"
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    for given in ("", TOKEN[1:], f"{TOKEN}a", f"é{TOKEN}"):
        assert asked(client, given).status_code == 404
    assert operator.get("/metrics/").status_code == 404, "a session opens it to nobody"
    for who in (client, operator):
        told = asked(who, TOKEN)
        assert told.status_code == 200
        assert "zhike_trail_whole 1" in told.content.decode().splitlines()
    assert client.post("/metrics/", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 405
    (tmp_path / "token").write_text("short")
    assert asked(client, "short").status_code == 404
