"""The trail: what gets on it, who reads it, what it is asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from zhike.access import queries
from zhike.access.middleware import ActorMiddleware
from zhike.access.models import ApiToken
from zhike.access.roles import RIGHTS
from zhike.access.services import note_reveal
from zhike.access.sessions import SessionStore
from zhike.access.tests.factories import SYSTEM, client_of, user
from zhike.access.views.trail import _columns
from zhike.kernel import audit, clock
from zhike.kernel.actor import Actor, system
from zhike.kernel.errors import Refused, UserError
from zhike.kernel.models import AuditEntry
from zhike.organisation.models import Role, Unit, User
from zhike.ui.lists.taking import sources

pytestmark = pytest.mark.django_db
TRAIL = "/audit/"


@pytest.fixture
def auditor() -> Client:
    return client_of(user(Role.AUDITOR))


def shown(client: Client, **asked: str) -> str:
    response = client.get(TRAIL, asked)
    assert response.status_code == 200
    return response.content.decode()


def write(action: str, day: str = "2026-03-02", **fields: Any) -> None:
    at = datetime.fromisoformat(day) if "T" in day else datetime.fromisoformat(f"{day}T04:00")
    with clock.stopped_at(at.replace(tzinfo=UTC)):
        audit.record(fields.pop("actor", SYSTEM), action, **fields)


@pytest.mark.parametrize("role", [each for each in Role.values if each != Role.AUDITOR])
def test_only_the_auditor_reads_the_trail_and_asking_is_on_it(role: str) -> None:
    who = user(role)
    assert client_of(who).get(TRAIL).status_code == 403
    entry = AuditEntry.objects.get(outcome="refused")
    assert (entry.action, entry.actor_user_id) == ("access.read_audit", who.pk)
    assert entry.reason


def test_a_stranger_reads_nothing() -> None:
    assert Client().get(TRAIL).status_code == 302


def test_the_trail_is_asked_by_action_outcome_and_day(auditor: Client) -> None:
    write("one.early", "2026-03-01")
    write("one.late", "2026-03-03")
    write("two.refused", "2026-03-02", outcome=AuditEntry.Outcome.REFUSED)
    assert "one.early" in shown(auditor, action="one")
    assert "two.refused" not in shown(auditor, action="one")
    refused = shown(auditor, outcome="refused")
    assert "two.refused" in refused
    assert "one.late" not in refused
    days = shown(auditor, since="2026-03-02", until="2026-03-03")
    assert "one.early" not in days
    assert "one.late" in days
    assert "two.refused" in days


def test_days_are_business_days(auditor: Client) -> None:
    write("at.midnight", "2026-03-01T16:00")
    assert "at.midnight" in shown(auditor, since="2026-03-02", until="2026-03-02")
    assert "at.midnight" not in shown(auditor, until="2026-03-01")


def test_the_trail_is_asked_by_person(auditor: Client) -> None:
    one, other = user(Role.TELLER), user(Role.TELLER)
    assert one.employee is not None
    for who in (one, other):
        write(f"by.{who.login}", actor=queries.actor_for(who))
    for asked in (one.employee.name, one.employee.code):
        found = shown(auditor, person=asked)
        assert f"by.{one.login}" in found
        assert f"by.{other.login}" not in found
    assert f"by.{one.login}" not in shown(auditor, person="没有这个人")


def test_the_trail_is_asked_by_customer(auditor: Client) -> None:
    known = uuid4()

    def key_of(public_id: UUID) -> int | None:
        return 4711 if public_id == known else None

    queries.customer_keys.append(key_of)
    try:
        write("of.customer", party_id=4711)
        write("of.another", party_id=4712)
        found = shown(auditor, customer=str(known))
        assert "of.customer" in found
        assert "of.another" not in found
        assert "of.customer" not in shown(auditor, customer=str(uuid4()))
    finally:
        queries.customer_keys.remove(key_of)


def test_a_question_nobody_understands_finds_nothing(auditor: Client) -> None:
    write("one.early")
    assert "one.early" not in shown(auditor, since="yesterday")


def test_pages_follow_each_other_without_gap_or_repetition(
    auditor: Client, django_assert_max_num_queries: Any
) -> None:
    for number in range(120):
        # Two at each instant: the order goes on by id.
        write(f"step.{number:03}", f"2026-03-02T{number // 2 // 60:02}:{number // 2 % 60:02}")
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        # Two of them are the views that the reader keeps, two how far the trail is sealed.
        with django_assert_max_num_queries(13):
            response = auditor.get(TRAIL, {"action": "step", "cursor": cursor})
        page = response.context["page"]
        seen += [row.action for row in page.rows]
        cursor = page.next
    assert seen == [f"step.{number:03}" for number in reversed(range(120))]


def test_the_trail_is_asked_by_day_and_outcome(auditor: Client) -> None:
    write("step.early", "2026-03-02T10:00")
    write("step.late", "2026-03-04T10:00")
    for where in ("at.after.2026-03-03", "at.between.2026-03-04|2026-03-05,outcome.is.done"):
        found = shown(auditor, action="step", where=where)
        assert "step.late" in found
        assert "step.early" not in found


def test_values_of_class_c2_stand_there_as_digests(auditor: Client) -> None:
    write("secret.change", changes={"number": (None, "13800138000")})
    found = shown(auditor, action="secret")
    assert "13800138000" not in found
    assert "摘要 " in found


def test_own_rights_are_told_to_everybody_signed_in() -> None:
    for role in Role.values:
        page = client_of(user(role)).get("/me/")
        assert page.status_code == 200
        granted = {each.permission for each in page.context["granted"]}
        assert granted == RIGHTS[role].permissions
    unappointed = client_of(user()).get("/me/")
    assert unappointed.status_code == 200
    assert not unappointed.context["granted"]


def revealer(*permissions: str) -> Actor:
    return Actor(
        user_id=1,
        employee_id=1,
        name="某人",
        roles=frozenset({Role.TELLER}),
        permissions=frozenset(permissions),
    )


def test_a_reveal_is_on_record_with_its_purpose() -> None:
    row = Unit.objects.create(code="x", name="x", kind="outlet")
    actor = replace(revealer("customers.reveal"), user_id=User.objects.create(login="r").pk)
    note_reveal(actor=actor, row=row, field="code", purpose=" 核对开户 ")
    entry = AuditEntry.objects.get(action="reveal.code")
    assert (entry.reason, entry.object_public_id) == ("核对开户", row.public_id)


def test_a_reveal_without_purpose_right_or_scope_leaves_nothing() -> None:
    row = Unit.objects.create(code="x", name="x", kind="outlet")
    hidden = User.objects.create(login="x")
    with pytest.raises(UserError):
        note_reveal(actor=revealer("customers.reveal"), row=row, field="code", purpose=" ")
    with pytest.raises(Refused):
        note_reveal(actor=revealer(), row=row, field="code", purpose="for a look")
    with pytest.raises(Refused):
        note_reveal(
            actor=revealer("customers.reveal"), row=hidden, field="login", purpose="for a look"
        )
    assert not AuditEntry.objects.filter(action__startswith="reveal").exists()


def answered(who: User | None, path: str, answer: Any) -> tuple[Any, ActorMiddleware]:
    """What the middleware makes of a request of `who` that `answer` answers."""
    request = RequestFactory().get(path)
    request.user = who or AnonymousUser()
    request.session = SessionStore()
    middleware = ActorMiddleware(answer)
    return middleware(request), middleware


def test_the_api_says_401_with_the_reason() -> None:
    response, _middleware = answered(None, "/api/customers/", lambda request: HttpResponse())
    assert response.status_code == 401
    assert b"error" in response.content
    assert response.headers["Content-Type"] == "application/json"


def test_the_api_says_403_with_the_reason_and_the_trail_knows() -> None:
    refusal = Refused("not yours", action="some.action")

    def answer(request: HttpRequest) -> HttpResponse:
        response = ActorMiddleware(lambda request: HttpResponse()).process_exception(
            request, refusal
        )
        assert response is not None
        return response

    response, _middleware = answered(user(Role.TELLER), "/api/customers/", answer)
    assert response.status_code == 403
    assert b"not yours" in response.content
    entry = AuditEntry.objects.get(outcome="refused")
    assert (entry.action, entry.reason) == ("some.action", "not yours")


def test_a_refusal_answered_on_the_way_is_noted_once() -> None:
    def answer(request: HttpRequest) -> HttpResponse:
        request.refusal = Refused("not yours", action="some.action")  # type: ignore[attr-defined]
        return HttpResponse(status=422)

    answered(user(Role.TELLER), "/form/", answer)
    assert AuditEntry.objects.filter(action="some.action", outcome="refused").count() == 1


def test_the_trail_speaks_to_its_reader(auditor: Client) -> None:
    write("customers.tiers.rate", actor=system("daily run"), reason="9 tiers changed on 2026-11-23")
    row = ApiToken(permissions=["customers.view"])
    rights = "customers.view, customers.edit"
    at = datetime(2026, 11, 23, 13, 18, tzinfo=UTC)
    changes = {"permissions": (None, rights), "used_at": (None, at), "login": (None, "e000001")}
    write("token.make", row=row, changes=changes)
    auditor.cookies["django_language"] = "zh-hans"
    page = shown(auditor)
    said = ("9 位客户的等级变动", "每日运行", "查看客户", "2026-11-23 21:18", "登录名：— → 摘要 ")
    assert [words for words in said if words not in page] == []
    assert "customers.view" not in page


def test_somebody_nobody_can_name_is_not_let_go_on() -> None:
    lead = client_of(user(Role.TEAM_LEAD))
    for person in ("坏", "", "0" * 40):
        assert lead.post("/pace/", {"person": person, "kind": "view"}).status_code == 404


def test_the_columns_of_every_kind_of_file_can_be_told() -> None:
    told = {each.id: _columns(AuditEntry(changes={"source": (None, each.id)})) for each in sources}
    assert told
    assert any(columns for columns in told.values())
    assert _columns(AuditEntry(changes={"source": (None, "gone")})) == {}
