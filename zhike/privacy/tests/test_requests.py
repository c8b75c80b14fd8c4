"""A copy by the word of a second person, a correction that stands, who sees what, and the pages with their cost."""

from __future__ import annotations

import io
import json
import re
import zipfile
from datetime import date, timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from zhike.customers.models import Party
from zhike.customers.services import add_contact_point, reveal
from zhike.customers.tests import factories
from zhike.customers.tests.factories import SYSTEM, actor_of, client_of
from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.kernel.errors import Refused, UserError
from zhike.kernel.keeping import Term
from zhike.kernel.models import AuditEntry
from zhike.masterdata.models import Pin
from zhike.organisation.models import Employee, Role
from zhike.privacy import services
from zhike.privacy.models import SubjectRequest
from zhike.privacy.queries.registers import processing, shared
from zhike.privacy.rules import due_on, keeps_until
from zhike.privacy.tasks import make

pytestmark = pytest.mark.django_db
State = SubjectRequest.State


@pytest.fixture
def manager() -> Employee:
    return factories.employee_with_role()


@pytest.fixture
def party(manager: Employee) -> Party:
    return factories.person("查自己", unit=manager.unit, manager=manager, occupation="教师")


@pytest.fixture
def officer() -> Actor:
    return factories.actor_with_role(Role.SECURITY_ADMINISTRATOR)


def ask(actor: Actor, party: Party, kind: str = "access", **said: str) -> SubjectRequest:
    return services.ask(actor=actor, party=party, kind=kind, how="counter", **said)


def ready(actor: Actor, party: Party, officer: Actor) -> SubjectRequest:
    request = ask(actor, party)
    services.approve_access(actor=officer, request=request)
    make(request=request.pk)
    request.refresh_from_db()
    return request


def test_copy_is_made_by_the_word_of_a_second_person(
    manager: Employee, party: Party, officer: Actor
) -> None:
    add_contact_point(actor=SYSTEM, party=party, kind="mobile", value="13900000000")
    taker = actor_of(manager)
    request = ready(taker, party, officer)
    assert request.state == State.READY
    assert b"13900000000" not in bytes(request.answer or b"")
    told = services.hand_over(actor=taker, request=request)
    assert "13900000000" in json.dumps(told)
    request.refresh_from_db()
    assert request.state == State.DONE
    read = AuditEntry.objects.get(action="privacy.access.hand_over")
    assert (read.party_id, read.actor_name) == (party.pk, manager.name)
    make(request=request.pk)
    request.refresh_from_db()
    assert request.state == State.DONE


def test_nobody_agrees_to_their_own_request(party: Party, officer: Actor) -> None:
    request = ask(SYSTEM, party)
    SubjectRequest.objects.filter(pk=request.pk).update(asked_by=officer.user_id)
    with pytest.raises(Refused):
        services.approve_access(actor=officer, request=request)
    request.refresh_from_db()
    assert request.state == State.ASKED


def test_officer_who_agrees_does_not_read_the_copy(
    manager: Employee, party: Party, officer: Actor
) -> None:
    request = ready(actor_of(manager), party, officer)
    with pytest.raises(Refused):
        services.hand_over(actor=officer, request=request)


def test_same_request_is_not_open_twice(manager: Employee, party: Party) -> None:
    ask(actor_of(manager), party)
    with pytest.raises(UserError):
        ask(actor_of(manager), party)
    assert SubjectRequest.objects.count() == 1


def test_copy_grows_old(manager: Employee, party: Party, officer: Actor) -> None:
    request = ready(actor_of(manager), party, officer)
    services.hand_over(actor=actor_of(manager), request=request)
    services.forget_due(actor=SYSTEM, today=clock.today() + timedelta(days=30))
    assert SubjectRequest.objects.exclude(answer=None).exists()
    services.forget_due(actor=SYSTEM, today=clock.today() + timedelta(days=31))
    assert not SubjectRequest.objects.exclude(answer=None).exists()


def test_correction_is_written_by_the_ordinary_edit_and_pinned(
    manager: Employee, party: Party
) -> None:
    owner = actor_of(manager)
    request = ask(owner, party, "correction", field="occupation", wanted="医生")
    done = services.correct(actor=owner, request=request, reason="已看工作证")
    party.refresh_from_db()
    assert party.occupation == "医生"
    assert done.state == State.DONE
    assert Pin.objects.get(party=party).field == "occupation"
    assert AuditEntry.objects.filter(action="customers.party.change").exists()


def test_correction_that_cannot_be_is_refused_at_once(manager: Employee, party: Party) -> None:
    with pytest.raises(UserError):
        ask(actor_of(manager), party, "correction", field="birth_on", wanted="昨天")
    request = ask(actor_of(manager), party, "correction", field="birth_on", wanted="2999-01-01")
    with pytest.raises(UserError):
        services.correct(actor=actor_of(manager), request=request, reason="已核对")
    request.refresh_from_db()
    assert request.state == State.ASKED


def test_refusal_has_a_reason_and_changes_nothing(manager: Employee, party: Party) -> None:
    owner = actor_of(manager)
    request = ask(owner, party, "correction", field="occupation", wanted="医生")
    with pytest.raises(UserError):
        services.refuse(actor=owner, request=request, reason=" ")
    done = services.refuse(actor=owner, request=request, reason="证件不符")
    party.refresh_from_db()
    assert (done.state, done.reason, party.occupation) == (State.REFUSED, "证件不符", "教师")


def test_requests_of_others_are_out_of_sight(party: Party) -> None:
    ask(SYSTEM, party)
    stranger = factories.signed_in_client()
    request = SubjectRequest.objects.get()
    assert stranger.get(reverse("privacy:request", args=[request.public_id])).status_code == 404
    assert stranger.get(reverse("privacy:party", args=[party.public_id])).status_code == 404
    assert "查自己" not in stranger.get(reverse("privacy:requests")).content.decode()


def test_pages_from_the_customer_to_the_file(
    manager: Employee, party: Party, officer: Actor
) -> None:
    client = client_of(manager)
    page = reverse("privacy:party", args=[party.public_id])
    assert page in client.get(party.get_absolute_url()).content.decode()
    sent = client.post(page, {"kind": "access", "how": "counter"})
    assert sent.status_code == 303
    request = SubjectRequest.objects.get()
    services.approve_access(actor=officer, request=request)
    make(request=request.pk)
    copy = reverse("privacy:copy", args=[request.public_id])
    packed = client.post(copy, {"as": "zip"})
    assert packed["Cache-Control"] == "no-store"
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        assert sorted(archive.namelist()) == ["data.html", "data.json"]
        assert "查自己" in archive.read("data.html").decode()
    assert "查自己" in client.post(copy).content.decode()
    assert client.post(copy, {"as": "json"}).json()["subject"] == str(party.public_id)


def test_pages_ask_few_questions(
    manager: Employee, officer: Actor, django_assert_max_num_queries: Any
) -> None:
    for number in range(5):
        each = factories.person(f"客户{number}", unit=manager.unit, manager=manager)
        ask(SYSTEM, each)
    client = client_of(manager)
    request = SubjectRequest.objects.latest("pk")
    for page, most in (
        (reverse("privacy:requests"), 16),
        (reverse("privacy:request", args=[request.public_id]), 16),
        (reverse("privacy:party", args=[each.public_id]), 16),
    ):
        client.get(page)
        with django_assert_max_num_queries(most):
            client.get(page)


def test_register_names_every_classified_field_once() -> None:
    entries = processing()
    assert {each.rule.term for each in entries} == set(Term)
    sealed = [each for each in entries if "C2" in each.field_class and each.about_customers]
    assert sealed
    assert all(each.seen_by for each in entries)
    assert any(each.goes_to for each in entries)
    with translation.override("zh-hans"):
        named = [name for each in processing() for name in each.fields]
    assert [name for name in named if re.fullmatch("[a-z_ ]+", name)] == []


def test_what_was_handed_out_is_in_the_register_of_sharing(
    manager: Employee, party: Party, officer: Actor
) -> None:
    today = clock.today()
    assert shared(today, today) == []
    services.hand_over(actor=actor_of(manager), request=ready(actor_of(manager), party, officer))
    assert [each.who for each in shared(today, today)] == [manager.name]
    assert shared(today - timedelta(days=9), today - timedelta(days=1)) == []


def test_a_number_shown_in_clear_is_in_the_register_of_sharing(
    manager: Employee, party: Party
) -> None:
    actor, today = actor_of(manager), clock.today()
    point = add_contact_point(actor=actor, party=party, kind="mobile", value="15400000001")
    reveal(actor=actor, row=point, field="sealed", purpose="回访客户")
    (told,) = shared(today, today)
    assert (told.action, told.why) == ("reveal.sealed", "回访客户")


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(1, 30))
def test_due_day_is_so_many_working_days_ahead(asked_on: date, days: int) -> None:
    due = due_on(asked_on, days)
    between = (asked_on + timedelta(days=each) for each in range(1, (due - asked_on).days + 1))
    assert sum(day.weekday() < 5 for day in between) == days
    assert due.weekday() < 5


@given(st.dates(date(1990, 1, 1), date(2040, 1, 1)), st.sampled_from(Term), st.booleans())
def test_terms_that_ran_out_keep_nothing(ended_on: date, term: Term, had_contract: bool) -> None:
    today = date(2040, 1, 2)
    until = keeps_until(
        term, ended_on=ended_on, had_contract=had_contract, books_years=10, today=today
    )
    assert until is None or until > today
    if term is Term.BOOKS:
        assert (until is not None) == (had_contract and ended_on > date(2030, 1, 2))
    if term is Term.CUSTOMER:
        assert until is None
