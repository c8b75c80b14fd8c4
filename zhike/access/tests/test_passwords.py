"""Profiles in numbers; one's own password: changed, not again too soon, and in time."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.password_validation import get_password_validators
from django.core.exceptions import ValidationError
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from zhike.access import profiles, rules
from zhike.access.models import PastPassword
from zhike.access.profiles import CLAUSES, PROFILES, Numbers, shortfalls
from zhike.access.tests.factories import PASSWORD, SYSTEM, user
from zhike.access.tests.test_sign_in import sign_in
from zhike.kernel import clock
from zhike.kernel.models import AuditEntry
from zhike.organisation.models import Role
from zhike.organisation.services import reset_password

MINE = "/me/password/"
NEW = "another-long-passphrase"


def test_every_number_of_a_profile_names_its_clause() -> None:
    assert set(CLAUSES) == set(PROFILES) - {""}
    for clauses in CLAUSES.values():
        assert set(clauses) == {each.name for each in fields(Numbers)}
        assert all(len(each) > 8 for each in clauses.values())


@pytest.mark.parametrize("profile", CLAUSES)
def test_a_profile_falls_short_of_nothing_of_its_own(profile: str) -> None:
    assert list(shortfalls(profile, PROFILES[profile])) == []
    without = {each.name for each in shortfalls(profile, PROFILES[""])}
    assert "second_factor" in without
    assert ("password_days" in without) == (profile == "dengbao3")


WEAKER: dict[str, dict[str, Any]] = {
    "idle_minutes": {"asvs": 31, "dengbao3": 16},
    "idle_minutes_administrators": {"asvs": 16, "dengbao3": 16},
    "sessions": {"asvs": 4, "dengbao3": 4},
    "passkey": {"asvs": "none", "dengbao3": "none"},
    "session_hours": {"asvs": 13, "dengbao3": 0},
    "proof_minutes": {"asvs": 16, "dengbao3": 16},
    "free_tries": {"asvs": 6, "dengbao3": 6},
    "wait_minutes": {"asvs": 16, "dengbao3": 0},
    "second_factor": {"asvs": "administrators", "dengbao3": "none"},
    "password_length": {"asvs": 11, "dengbao3": 8},
    "password_kinds": {"asvs": 3, "dengbao3": 2},
    "password_days": {"asvs": 90, "dengbao3": 91},
    "password_history": {"dengbao3": 4},
    "audit_days": {"asvs": 183, "dengbao3": 183},
}


@pytest.mark.parametrize("name", WEAKER)
def test_each_weaker_number_is_found(name: str) -> None:
    assert set(WEAKER) == {each.name for each in fields(Numbers)}
    for profile, value in WEAKER[name].items():
        found = list(shortfalls(profile, replace(PROFILES[profile], **{name: value})))
        assert [(each.name, each.runs) for each in found] == [(name, str(value))]
        assert found[0].clause == CLAUSES[profile][name]


def test_the_rules_run_by_the_usual_numbers() -> None:
    usual = profiles.USUAL
    assert usual.free_tries == rules.FREE_TRIES
    assert timedelta(minutes=usual.wait_minutes) == rules.WAIT
    assert timedelta(minutes=usual.proof_minutes) == rules.PROOF_LASTS
    assert {each.sessions for each in PROFILES.values()} == {3}
    for each in PROFILES.values():
        same = (each.free_tries, each.wait_minutes, each.proof_minutes)
        assert same == (usual.free_tries, usual.wait_minutes, usual.proof_minutes)


@given(st.text(max_size=30))
def test_kinds_are_counted_by_what_is_there(password: str) -> None:
    kinds = {
        "lower" if c.islower() else "upper" if c.isupper() else "digit" if c.isdigit() else "else"
        for c in password
    }
    assert rules.kinds_in(password) == len(kinds)


@given(st.integers(0, 400), st.integers(0, 400))
def test_a_password_grows_old_by_the_calendar(age: int, days: int) -> None:
    now = clock.now()
    assert rules.is_old(now - timedelta(days=age), now, days) == (0 < days < age)
    assert rules.is_old(None, now, days) == (days > 0)


def validators(**numbers: int) -> Any:
    return get_password_validators(
        [
            {"NAME": f"zhike.access.passwords.{name}", "OPTIONS": {option: numbers[option]}}
            for name, option in (
                ("LongEnough", "length"),
                ("SeveralKinds", "kinds"),
                ("NotUsedLately", "count"),
            )
            if option in numbers
        ]
    )


@pytest.mark.parametrize(
    ("password", "holds"),
    [
        ("abcdefghijkl", False),
        ("Abcdefghijkl", False),
        ("Abcdefghijk1", True),
        ("abcdefghij-1", True),
        ("Abcdefghi-1", False),
    ],
)
def test_kinds_and_length_are_asked_for(password: str, holds: bool) -> None:
    asked = validators(length=12, kinds=3)
    faults = 0
    for each in asked:
        try:
            each.validate(password, None)
        except ValidationError:
            faults += 1
    assert (faults == 0) == holds


@pytest.mark.django_db
def test_the_own_password_is_changed_by_who_knows_it() -> None:
    who = user(Role.TELLER, password=PASSWORD)
    client, elsewhere = Client(), Client()
    sign_in(who.login, client=client)
    sign_in(who.login, client=elsewhere)
    before = type(who).objects.get(pk=who.pk).password
    for sent in (
        {"present": "wrong-wrong-wrong", "new": NEW},
        {"present": PASSWORD, "new": "short"},
        {"present": PASSWORD, "new": ""},
        {"present": PASSWORD, "new": "passwordpassword"[:8]},
    ):
        assert client.post(MINE, sent).status_code == 422
        assert type(who).objects.get(pk=who.pk).password == before
    assert client.post(MINE, {"present": PASSWORD, "new": NEW}).status_code == 303
    assert client.get("/me/").status_code == 200
    assert elsewhere.get("/me/").status_code == 302
    assert sign_in(who.login, NEW).status_code == 302
    done = AuditEntry.objects.filter(action="account.password").values_list("outcome", flat=True)
    assert sorted(done) == ["done", "refused"]
    assert not AuditEntry.objects.filter(changes__icontains=NEW).exists()


@pytest.mark.django_db
def test_guessing_at_the_present_one_waits() -> None:
    who = user(Role.TELLER, password=PASSWORD)
    client = Client()
    sign_in(who.login, client=client)
    for _ in range(rules.FREE_TRIES):
        sent = client.post(MINE, {"present": "wrong-wrong-wrong", "new": NEW})
        assert sent.status_code == 422
    assert client.post(MINE, {"present": PASSWORD, "new": NEW}).status_code == 429


@pytest.mark.django_db(transaction=True)
def test_the_last_ones_do_not_come_back(settings: Any) -> None:
    settings.AUTH_PASSWORD_VALIDATORS = [
        {"NAME": "zhike.access.passwords.NotUsedLately", "OPTIONS": {"count": 3}}
    ]
    who = user(Role.TELLER, password="password-0")
    client = Client()
    sign_in(who.login, "password-0", client)

    def changed(present: int, new: int) -> bool:
        sent = {"present": f"password-{present}", "new": f"password-{new}"}
        return bool(client.post(MINE, sent).status_code == 303)

    assert not changed(0, 0)
    assert changed(0, 1)
    assert changed(1, 2)
    assert not changed(2, 0)
    assert not changed(2, 1)
    assert changed(2, 3)
    assert changed(3, 0)
    assert PastPassword.objects.filter(user=who).count() == 5


@pytest.mark.django_db(transaction=True)
def test_an_old_password_is_changed_before_anything_else(settings: Any) -> None:
    settings.ZHIKE_PASSWORD_DAYS = 90
    who = user(Role.TELLER, password=PASSWORD)
    client = Client()
    sign_in(who.login, client=client)
    assert client.get("/me/").status_code == 200
    PastPassword.objects.update(set_at=clock.now() - timedelta(days=91))
    old = Client()
    assert sign_in(who.login, client=old).status_code == 302
    assert old.get("/me/").headers["Location"] == MINE
    assert old.get("/customers/", HTTP_HX_REQUEST="true").headers["HX-Redirect"] == MINE
    assert old.get("/api/").status_code == 403
    page = old.get(MINE)
    assert page.context["too_old"]
    assert old.post(MINE, {"present": PASSWORD, "new": NEW}).status_code == 303
    assert old.get("/me/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_password_set_for_somebody_counts_from_that_day(settings: Any) -> None:
    settings.ZHIKE_PASSWORD_DAYS = 90
    who = user(Role.TELLER, password=PASSWORD)
    PastPassword.objects.update(set_at=clock.now() - timedelta(days=91))
    reset_password(actor=SYSTEM, user=who, password=NEW)
    client = Client()
    sign_in(who.login, NEW, client)
    assert client.get("/me/").status_code == 200
