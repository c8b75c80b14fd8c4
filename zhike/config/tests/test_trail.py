"""Sealing and verifying as the site does it: what is wrong reaches the auditors, and stands on the trail."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import LazySettings
from django.db import connection

from zhike.access.tests.factories import client_of, user
from zhike.config.trail import seal_trail, verify_trail
from zhike.desk.models import Notice
from zhike.kernel import audit, sealing
from zhike.kernel.actor import system
from zhike.kernel.errors import UserError
from zhike.kernel.models import AuditEntry, AuditSeal
from zhike.organisation.models import Role

pytestmark = pytest.mark.django_db
SYSTEM = system("test")


@pytest.fixture(autouse=True)
def heads(settings: LazySettings, tmp_path: Path) -> Path:
    settings.ZHIKE_KEYS = tmp_path / "keys"
    settings.ZHIKE_AUDIT_HEADS = tmp_path / "audit" / "heads"
    return tmp_path / "audit" / "heads"


def sealed() -> None:
    for number in range(5):
        audit.record(SYSTEM, "test.done", reason=str(number))
    seal_trail(SYSTEM)
    assert seal_trail(SYSTEM) >= 5


def spoil() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE kernel_auditentry DISABLE TRIGGER USER")
        cursor.execute("UPDATE kernel_auditentry SET reason = 'x' WHERE action = 'test.done'")
        cursor.execute("ALTER TABLE kernel_auditentry ENABLE TRIGGER USER")


def test_the_auditors_page_says_how_far_the_trail_is_whole() -> None:
    client = client_of(user(Role.AUDITOR))
    assert "尚未封存" in client.get("/audit/").content.decode()
    sealed()
    assert verify_trail(SYSTEM).fault == ""
    page = client.get("/audit/").content.decode()
    assert "每条记录都与封存时一致" in page
    assert 'class="alert alert-success"' in page


def test_auditors_alone_are_told_of_a_trail_that_was_changed() -> None:
    auditor, manager = user(Role.AUDITOR), user(Role.CUSTOMER_MANAGER)
    sealed()
    spoil()
    found = verify_trail(SYSTEM)
    assert found.fault.startswith("Seal 1, entries 1 to")
    assert set(Notice.objects.values_list("user", flat=True)) == {auditor.pk}
    assert manager.pk != auditor.pk
    entry = AuditEntry.objects.get(action=sealing.VERIFIED)
    assert (entry.outcome, entry.reason) == ("refused", found.fault)
    page = client_of(auditor).get("/audit/").content.decode()
    assert 'class="alert alert-danger" role="alert"' in page


def test_a_cut_trail_is_told_when_it_would_be_sealed() -> None:
    auditor = user(Role.AUDITOR)
    sealed()
    AuditSeal.objects.all().delete()
    with pytest.raises(UserError, match="does not go on"):
        seal_trail(SYSTEM)
    assert Notice.objects.filter(user=auditor).count() == 1
