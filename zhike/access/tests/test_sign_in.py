"""Signing in and out: one answer for all that is wrong, a wait for guessing, everything on the trail."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from zhike.access import rules
from zhike.access.models import SignInTries
from zhike.access.tests.factories import PASSWORD, client_of, user
from zhike.kernel import clock
from zhike.kernel.models import AuditEntry
from zhike.organisation.models import Employee, Role, User

pytestmark = pytest.mark.django_db
SIGN_IN = "/sign-in/"


def sign_in(
    login: str, password: str = PASSWORD, client: Client | None = None, **extra: Any
) -> Any:
    return (client or Client()).post(SIGN_IN, {"login": login, "password": password}, **extra)


def entries() -> list[tuple[str, str]]:
    return list(
        AuditEntry.objects.filter(action__startswith="sign_")
        .order_by("id")
        .values_list("action", "outcome")
    )


def test_the_right_password_opens_and_is_on_the_trail() -> None:
    who = user(Role.TELLER, password=PASSWORD)
    client = Client()
    response = sign_in(who.login, client=client)
    assert (response.status_code, response.headers["Location"]) == (302, "/")
    assert client.get("/me/").status_code == 200
    entry = AuditEntry.objects.get(action="sign_in")
    assert (entry.actor_user_id, entry.outcome) == (who.pk, "done")
    assert entry.origin == "web 127.0.0.1"
    assert not SignInTries.objects.exists()


def test_the_form_opens_for_strangers_and_leads_on_to_where_they_wanted() -> None:
    who = user(Role.TELLER, password=PASSWORD)
    client = Client()
    sent_away = client.get("/me/")
    assert sent_away.headers["Location"] == f"{SIGN_IN}?next=/me/"
    assert client.get(sent_away.headers["Location"]).status_code == 200
    data = {"login": who.login, "password": PASSWORD, "next": "/me/"}
    assert client.post(SIGN_IN, data).headers["Location"] == "/me/"
    data["next"] = "https://elsewhere.example/"
    assert Client().post(SIGN_IN, data).headers["Location"] == "/"


def test_the_session_gets_a_new_key() -> None:
    who = user(Role.TELLER, password=PASSWORD)
    client = Client()
    session = client.session
    session["kept"] = True
    session.save()
    before = session.session_key
    sign_in(who.login, client=client)
    assert client.session.session_key != before


def wrong_ways() -> dict[str, tuple[str, str]]:
    """Login and password of everything that must not open."""
    inactive, left, nobodys, right = (user(Role.TELLER, password=PASSWORD) for _ in range(4))
    User.objects.filter(pk=inactive.pk).update(is_active=False)
    Employee.objects.filter(user=left).update(left_on=clock.today())
    User.objects.filter(pk=nobodys.pk).update(employee=None)
    return {
        "unknown": ("nobody", PASSWORD),
        "wrong": (right.login, "another-passphrase"),
        "inactive": (inactive.login, PASSWORD),
        "left": (left.login, PASSWORD),
        "without an employee": (nobodys.login, PASSWORD),
    }


def test_everything_wrong_is_answered_alike_at_the_price_of_one_hash(monkeypatch: Any) -> None:
    ways = wrong_ways()
    hashes: list[str] = []
    encode, verify = Argon2PasswordHasher.encode, Argon2PasswordHasher.verify

    def counting(original: Any, name: str) -> Any:
        def run(*args: Any, **kwargs: Any) -> Any:
            hashes.append(name)
            return original(*args, **kwargs)

        return run

    monkeypatch.setattr(Argon2PasswordHasher, "encode", counting(encode, "hash"))
    monkeypatch.setattr(Argon2PasswordHasher, "verify", counting(verify, "hash"))
    answers = set()
    for login, password in ways.values():
        hashes.clear()
        response = sign_in(login, password)
        assert response.status_code == 422
        assert hashes == ["hash"]
        shown = response.content.decode()
        answers.add(tuple(response.context["form"].non_field_errors()))
        assert password not in shown
    assert len(answers) == 1
    assert entries() == [("sign_in", "refused")] * len(ways)


def test_a_failed_try_keeps_no_login_in_clear() -> None:
    sign_in("a-mistyped-secret")
    entry = AuditEntry.objects.get(action="sign_in")
    assert "a-mistyped-secret" not in str((entry.changes, entry.reason, entry.actor_name))
    assert entry.changes["login"][1].startswith("digest:")
    assert (entry.actor_user_id, entry.origin) == (None, "web 127.0.0.1")


def test_guessing_waits_and_the_right_password_waits_with_it() -> None:
    who = user(Role.TELLER, password=PASSWORD)
    now = clock.now()
    with clock.stopped_at(now):
        for _ in range(rules.FREE_TRIES):
            assert sign_in(who.login, "guess").status_code == 422
        blocked = sign_in(who.login)
        assert blocked.status_code == 429
        assert sign_in(who.login.upper(), "guess").status_code == 429
    # Blocked tries reach neither the hasher nor the trail.
    assert entries() == [("sign_in", "refused")] * rules.FREE_TRIES
    with clock.stopped_at(now + rules.WAIT - timedelta(seconds=1)):
        assert sign_in(who.login).status_code == 429
    with clock.stopped_at(now + rules.WAIT):
        assert sign_in(who.login).status_code == 302


def test_unknown_logins_wait_alike() -> None:
    for _ in range(rules.FREE_TRIES):
        sign_in("nobody", "guess")
    assert sign_in("nobody", "guess").status_code == 429


def test_guessing_from_elsewhere_locks_nobody_out() -> None:
    who = user(Role.TELLER, password=PASSWORD)
    for _ in range(rules.FREE_TRIES + 1):
        response = sign_in(who.login, "guess", REMOTE_ADDR="203.0.113.9")
    assert response.status_code == 429
    assert sign_in(who.login).status_code == 302


def test_a_success_forgives_what_went_before() -> None:
    who = user(Role.TELLER, password=PASSWORD)
    for _ in range(rules.FREE_TRIES - 1):
        sign_in(who.login, "guess")
    assert sign_in(who.login).status_code == 302
    assert sign_in(who.login, "guess").status_code == 422


def test_old_counters_do_not_pile_up() -> None:
    now = clock.now()
    with clock.stopped_at(now):
        sign_in("one", "guess")
    with clock.stopped_at(now + rules.WAIT + timedelta(seconds=1)):
        sign_in("two", "guess")
    assert SignInTries.objects.count() == 1


MOMENTS = st.datetimes(
    datetime(2000, 1, 1),  # noqa: DTZ001  hypothesis wants its bounds without a zone
    datetime(2100, 1, 1),  # noqa: DTZ001  as above
    timezones=st.just(clock.BUSINESS_ZONE),
)


@given(failures=st.integers(0, 100), last=MOMENTS, later=st.timedeltas(timedelta(0)))
def test_nobody_waits_longer_than_the_wait(failures: int, last: datetime, later: timedelta) -> None:
    until = rules.wait_until(failures, last)
    assert (until is None) == (failures < rules.FREE_TRIES)
    assert until is None or until - last == rules.WAIT
    if later < timedelta(days=1):
        assert rules.is_forgotten(last, last + later) == (later >= rules.WAIT)


def test_signing_out_ends_the_session_and_is_on_the_trail() -> None:
    client = client_of(user(Role.TELLER))
    assert client.get("/sign-out/").status_code == 405
    assert client.post("/sign-out/").headers["Location"] == SIGN_IN
    assert client.get("/me/").status_code == 302
    assert entries() == [("sign_out", "done")]


def test_an_account_that_is_closed_loses_its_session_at_once() -> None:
    who = user(Role.TELLER)
    client = client_of(who)
    assert client.get("/me/").status_code == 200
    User.objects.filter(pk=who.pk).update(is_active=False)
    assert client.get("/me/").status_code == 302


def test_a_new_password_ends_the_sessions_of_the_old() -> None:
    who = user(Role.TELLER, password=PASSWORD)
    client = Client()
    sign_in(who.login, client=client)
    who.set_password("another-passphrase")
    User.objects.filter(pk=who.pk).update(password=who.password)
    assert client.get("/me/").status_code == 302


@pytest.mark.parametrize("language", ["zh-hans", "zh-hant", "en"])
def test_a_language_is_chosen_and_follows_the_person(language: str) -> None:
    who = user(Role.TELLER)
    client = client_of(who)
    response = client.post("/language/", {"language": language, "next": "/me/"})
    assert response.headers["Location"] == "/me/"
    assert User.objects.get(pk=who.pk).language == language
    elsewhere = client_of(who).get("/me/", headers={"accept-language": "fr"})
    assert elsewhere.headers["Content-Language"] == language


def test_a_language_is_chosen_before_signing_in_by_post_only() -> None:
    client = Client()
    client.post("/language/", {"language": "zh-hant", "next": SIGN_IN})
    assert client.get(SIGN_IN).headers["Content-Language"] == "zh-hant"
    assert client.get("/language/").status_code == 405


def test_addresses_have_their_names() -> None:
    assert reverse("set_language") == "/language/"
    assert reverse("sign-in") == SIGN_IN
