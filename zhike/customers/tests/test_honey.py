"""An invented customer opened or taken away is told of to who administers access, and to nobody else."""

from __future__ import annotations

import pytest

from zhike.access.models import ApiToken, HoneyRow
from zhike.access.queries import actor_for
from zhike.access.services import make_token
from zhike.customers.models import Party
from zhike.customers.services.honey import plant_honey
from zhike.customers.tests.factories import client_of, employee_with_role, party, unit
from zhike.desk.models import Notice
from zhike.kernel.actor import system
from zhike.kernel.models import AuditEntry
from zhike.organisation.models import Role

pytestmark = pytest.mark.django_db
SYSTEM = system("test")


def told() -> list[tuple[int, str]]:
    return list(Notice.objects.filter(kind="access.honey").values_list("user", "text"))


def planted() -> tuple[Party, Party]:
    """An invented customer and one who is somebody, in one unit."""
    place = unit()
    plant_honey(actor=SYSTEM, unit=place, count=1)
    return Party.objects.get(pk=HoneyRow.objects.get().key), party(unit=place)


def test_who_opens_one_is_told_of_once_a_day_and_learns_nothing(
    django_capture_on_commit_callbacks: object,
) -> None:
    honey, real = planted()
    guard = employee_with_role(Role.SECURITY_ADMINISTRATOR)
    employee_with_role(Role.AUDITOR)
    head = employee_with_role(Role.BRANCH_HEAD, honey.unit)
    reader = client_of(head)
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        assert reader.get(f"/customers/{real.public_id}/").status_code == 200
    assert told() == []
    for _ in range(2):
        with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
            page = reader.get(f"/customers/{honey.public_id}/")
            assert page.status_code == 200
    assert [user for user, _text in told()] == [guard.user.pk]
    assert "invented" not in page.content.decode()
    entry = AuditEntry.objects.get(action="honey.opened")
    assert (entry.actor_user_id, entry.party_id) == (head.user.pk, None)


def test_who_takes_one_away_is_told_of(django_capture_on_commit_callbacks: object) -> None:
    honey, _real = planted()
    guard = employee_with_role(Role.SECURITY_ADMINISTRATOR)
    reader = client_of(employee_with_role(Role.BRANCH_HEAD, honey.unit))
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        answer = reader.get("/customers/export/?as=csv")
        assert honey.name.encode() in b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    assert [user for user, _text in told()] == [guard.user.pk]
    assert AuditEntry.objects.filter(action="honey.taken").count() == 1


def test_a_program_that_reads_one_is_told_of(django_capture_on_commit_callbacks: object) -> None:
    honey, _real = planted()
    head = employee_with_role(Role.BRANCH_HEAD, honey.unit)
    guard = employee_with_role(Role.SECURITY_ADMINISTRATOR)
    _made, secret = make_token(
        actor=actor_for(head.user), name="表", permissions=["customers.view"], days=7
    )
    assert ApiToken.objects.exists()
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        answer = client_of(head).get("/api/customers/", HTTP_AUTHORIZATION=f"Bearer {secret}")
        assert str(honey.public_id) in answer.content.decode()
    assert [user for user, _text in told()] == [guard.user.pk]


def test_nothing_tells_one_from_others() -> None:
    honey, real = planted()
    reader = client_of(employee_with_role(Role.BRANCH_HEAD, honey.unit))
    assert honey.sample is False
    shown = reader.get("/customers/").content.decode()
    assert honey.name in shown
    assert real.name in shown
    assert not AuditEntry.objects.filter(party_id=honey.pk, action__startswith="honey").exists()
