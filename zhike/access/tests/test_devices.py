"""Guesses make nobody wait but who guesses: by login and address, and a device known to the login apart."""

from __future__ import annotations

import pytest
from django.test import Client

from zhike.access import rules
from zhike.access.devices import COOKIE
from zhike.access.tests.factories import PASSWORD, user
from zhike.access.tests.test_sign_in import sign_in
from zhike.organisation.models import Role

pytestmark = pytest.mark.django_db
BRANCH = "10.1.2.3"
"""One address for the whole branch, as behind a router."""


def guess(login: str, client: Client | None = None, times: int = rules.FREE_TRIES) -> int:
    status = 0
    for _ in range(times):
        status = sign_in(login, "another-passphrase", client, REMOTE_ADDR=BRANCH).status_code
    return int(status)


def test_a_colleague_at_the_same_address_cannot_lock_a_known_device_out() -> None:
    who = user(Role.TELLER, password=PASSWORD)
    own = Client()
    assert sign_in(who.login, client=own, REMOTE_ADDR=BRANCH).status_code == 302
    cookie = own.cookies[COOKIE]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    assert who.login not in cookie.value
    own.post("/sign-out/")
    assert guess(who.login, times=rules.FREE_TRIES + 1) == 429
    assert sign_in(who.login, client=Client(), REMOTE_ADDR=BRANCH).status_code == 429
    assert sign_in(who.login, client=own, REMOTE_ADDR=BRANCH).status_code == 302
    assert sign_in(who.login, client=Client(), REMOTE_ADDR="10.9.9.9").status_code == 302


def test_a_known_device_guesses_no_oftener() -> None:
    who = user(Role.TELLER, password=PASSWORD)
    own = Client()
    sign_in(who.login, client=own)
    own.post("/sign-out/")
    assert guess(who.login, own, rules.FREE_TRIES + 1) == 429
    assert sign_in(who.login, client=own, REMOTE_ADDR="10.9.9.9").status_code == 429


@pytest.mark.parametrize("forged", ["", "x", "a:b:c", "nobody's"])
def test_another_login_s_mark_and_a_forged_one_count_for_nothing(forged: str) -> None:
    who, colleague = (user(Role.TELLER, password=PASSWORD) for _ in range(2))
    theirs = Client()
    sign_in(colleague.login, client=theirs)
    mark = theirs.cookies[COOKIE].value
    guess(who.login)
    for value in (mark, forged, mark[:-2] + "xx"):
        client = Client()
        client.cookies[COOKIE] = value
        assert sign_in(who.login, client=client, REMOTE_ADDR=BRANCH).status_code == 429
