"""How much somebody sees: each customer once, told at the threshold, stopped at the limit, let go on by the head."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from zhike.access.models import PaceLimit, PaceRelease, SeenRow
from zhike.access.services import make_token
from zhike.access.services.pace import release_pace, set_pace_limit
from zhike.customers.models import ContactPoint, Party
from zhike.customers.services import add_contact_point
from zhike.customers.tests import factories as people
from zhike.desk.models import Notice
from zhike.kernel import clock
from zhike.kernel.errors import Refused, UserError
from zhike.kernel.models import AuditEntry
from zhike.organisation.models import Employee, Role, Unit, User

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def limits() -> None:
    PaceLimit.objects.all().delete()
    for kind in ("view", "reveal", "program"):
        PaceLimit.objects.create(
            role=Role.CUSTOMER_MANAGER, kind=kind, hour_told=2, hour_stop=3, day_told=4, day_stop=5
        )


@pytest.fixture
def unit() -> Unit:
    return people.unit()


@pytest.fixture
def manager(unit: Unit) -> Employee:
    return people.employee_with_role(Role.CUSTOMER_MANAGER, unit)


@pytest.fixture
def lead(unit: Unit) -> Employee:
    return people.employee_with_role(Role.TEAM_LEAD, unit)


@pytest.fixture
def book(unit: Unit, manager: Employee) -> list[Party]:
    return [people.person(f"张伟{n}", unit=unit, manager=manager) for n in "一二三四五六"]


def statuses(client: Client, parties: list[Party], query: str = "") -> list[int]:
    return [client.get(f"{each.get_absolute_url()}{query}").status_code for each in parties]


def actions() -> list[str]:
    found = AuditEntry.objects.filter(action__startswith="pace.").order_by("id")
    return [f"{each.action} {each.outcome}" for each in found]


@pytest.fixture
def committed(django_capture_on_commit_callbacks: Any) -> Any:
    return lambda: django_capture_on_commit_callbacks(execute=True)


def test_the_same_customer_counts_once_whatever_page_of_it_is_asked(
    manager: Employee, book: list[Party]
) -> None:
    client = people.client_of(manager)
    for query in ("", "?peek=1", "?panel=customers.timeline", "brief/"):
        assert statuses(client, book[:1], query) == [200]
    assert SeenRow.objects.count() == 1
    assert actions() == []


def test_the_leader_is_told_and_then_it_stops(
    manager: Employee, lead: Employee, book: list[Party], committed: Any
) -> None:
    client = people.client_of(manager)
    elsewhere = people.employee_with_role(Role.TEAM_LEAD)
    with committed():
        assert statuses(client, book) == [200, 200, 200, 403, 403, 403]
    # What was refused is not counted, and what was seen may be seen again.
    assert SeenRow.objects.count() == 3
    assert statuses(client, book[:3]) == [200, 200, 200]
    told = Notice.objects.filter(kind="access.pace").order_by("pk")
    assert [each.user.employee for each in told] == [lead, lead]
    assert [each.params["count"] for each in told] == [2, 3]
    assert not Notice.objects.filter(user__employee=elsewhere).exists()
    stops = ["pace.view.stop refused"] * 3
    assert actions() == ["pace.view.told done", "pace.view.told done", *stops]
    page = client.get(book[5].get_absolute_url()).content.decode()
    assert "主管" in page
    assert "张伟六" not in page


def test_a_panel_or_the_api_is_no_way_round(manager: Employee, book: list[Party]) -> None:
    client = people.client_of(manager)
    panel = "?panel=customers.timeline"
    headers = {"HX-Request": "true"}
    asked = [client.get(f"{each.get_absolute_url()}{panel}", headers=headers) for each in book[:4]]
    assert [each.status_code for each in asked] == [200, 200, 200, 403]
    actor = people.actor_of(manager)
    _token, secret = make_token(actor=actor, name="同步", permissions=["customers.view"], days=9)
    api = Client(headers={"Authorization": f"Bearer {secret}"})
    asked = [api.get(f"/api/customers/{each.public_id}") for each in book[:4]]
    assert [each.status_code for each in asked] == [200, 200, 200, 403]
    assert api.get("/api/customers/").status_code == 403


def test_the_next_hour_begins_anew_until_the_day_is_full(
    manager: Employee, book: list[Party], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = people.client_of(manager)
    start = clock.now().replace(hour=2, minute=0)  # ten in the morning
    monkeypatch.setattr(clock, "now", lambda: start)
    assert statuses(client, book[:4]) == [200, 200, 200, 403]
    monkeypatch.setattr(clock, "now", lambda: start + timedelta(hours=1))
    client = people.client_of(manager)
    assert statuses(client, book[3:]) == [200, 200, 403]
    # Seen before today: it counts in this hour and not again in the day.
    assert statuses(client, book[:2]) == [200, 403]


def test_the_head_lets_go_on_and_nobody_else(
    manager: Employee, lead: Employee, book: list[Party]
) -> None:
    client, user = people.client_of(manager), User.objects.get(employee=manager)
    assert statuses(client, book) == [200, 200, 200, 403, 403, 403]
    elsewhere = people.actor_with_role(Role.TEAM_LEAD)
    for nobody in (people.actor_of(manager), elsewhere):
        with pytest.raises(Refused):
            release_pace(actor=nobody, user=user, kind="view", reason="月底回访")
    boss = people.client_of(lead)
    page = boss.get("/pace/").content.decode()
    assert manager.name in page
    form = {"person": manager.public_id, "kind": "view", "reason": "月底回访"}
    assert boss.post("/pace/", form).status_code == 303
    assert PaceRelease.objects.get().by == lead.name
    assert statuses(client, book) == [200] * 6
    other = people.signed_in_client(Role.TEAM_LEAD)
    assert manager.name not in other.get("/pace/").content.decode()
    assert other.post("/pace/", form).status_code == 403
    assert PaceRelease.objects.count() == 1


def test_nobody_releases_themselves(lead: Employee) -> None:
    with pytest.raises(Refused):
        release_pace(
            actor=people.actor_of(lead),
            user=User.objects.get(employee=lead),
            kind="view",
            reason="xx",
        )
    assert not PaceRelease.objects.exists()


def test_values_seen_in_clear_are_counted_and_stopped_too(
    manager: Employee, lead: Employee, book: list[Party], committed: Any
) -> None:
    client = people.client_of(manager)
    for n, party in enumerate(book[:4]):
        add_contact_point(actor=people.SYSTEM, party=party, kind="mobile", value=f"1541234123{n}")
    points = ContactPoint.objects.order_by("pk")
    addresses = [f"/customers/contact/{each.public_id}/reveal/" for each in points]
    with committed():
        answers = [client.post(each, {"purpose": "回访"}) for each in addresses]
    assert [each.status_code for each in answers] == [200, 200, 200, 403]
    assert AuditEntry.objects.filter(action="reveal.sealed", outcome="done").count() == 3
    assert Notice.objects.filter(user__employee=lead, kind="access.pace").count() == 2


def test_limits_are_set_by_the_security_administrator() -> None:
    limit = PaceLimit.objects.get(kind="view")
    security = people.actor_with_role(Role.SECURITY_ADMINISTRATOR)
    with pytest.raises(Refused):
        set_pace_limit(
            actor=people.actor_with_role(Role.BRANCH_HEAD), limit=limit, changes={}, reason="x"
        )
    with pytest.raises(UserError):
        set_pace_limit(actor=security, limit=limit, changes={"hour_told": 9}, reason="太紧")
    limit.refresh_from_db()
    assert limit.hour_told == 2
    client = people.signed_in_client(Role.SECURITY_ADMINISTRATOR)
    form = {"hour_told": 5, "hour_stop": 9, "day_told": 8, "day_stop": 20, "reason": "季末"}
    assert client.post(f"/pace/limits/{limit.public_id}/", form).status_code == 303
    limit.refresh_from_db()
    assert (limit.hour_told, limit.day_stop) == (5, 20)
    assert AuditEntry.objects.get(action="pace.limit").changes["hour_told"] == [2, 5]
    for wrong in ({"hour_told": 99}, {"hour_told": "9" * 40}, {"hour_told": "x"}, {"reason": ""}):
        refused = client.post(f"/pace/limits/{limit.public_id}/", {**form, "day_told": 11, **wrong})
        assert refused.status_code == 422
        assert b'value="11"' in refused.content  # what was typed is still there
        assert refused.content.count(b'class="field-errors"') == 1
    limit.refresh_from_db()
    assert (limit.hour_told, limit.day_told) == (5, 8)
