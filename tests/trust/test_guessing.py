"""G-07: who guesses gets five tries a quarter of an hour; whose login it is gets in meanwhile; both look alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.test import Client

from tests.trust import FULL
from zhike.access import rules
from zhike.access.tests.factories import PASSWORD, user
from zhike.kernel import clock
from zhike.organisation.models import Role

pytestmark = pytest.mark.django_db
USERS, ADDRESSES, TRIES = (20, 50, 10_000) if FULL else (2, 3, 60)


def sign_in(login: str, password: str, address: str, client: Client | None = None) -> int:
    said = {"login": login, "password": password}
    answer = (client or Client()).post("/sign-in/", said, REMOTE_ADDR=address)
    return int(answer.status_code)


def test_guesses_do_not_reach_the_hasher_and_lock_nobody_out(
    monkeypatch: Any, record_property: Callable[[str, object], None]
) -> None:
    people = [user(Role.TELLER, password=PASSWORD) for _ in range(USERS)]
    devices = {each.pk: Client() for each in people}
    for each in people:
        assert sign_in(each.login, PASSWORD, "10.0.0.1", devices[each.pk]) == 302
        devices[each.pk].post("/sign-out/")
    hashed: Counter[str] = Counter()
    verify = Argon2PasswordHasher.verify
    now: list[str] = []

    def counting(*given: Any, **more: Any) -> Any:
        hashed[now[0]] += 1
        return verify(*given, **more)

    monkeypatch.setattr(Argon2PasswordHasher, "verify", counting)
    with clock.stopped_at(clock.now()):
        for number in range(TRIES):
            who = people[number % USERS]
            place = f"10.0.0.{1 + number // USERS % ADDRESSES}"
            now[:] = [f"{who.login} {place}"]
            assert sign_in(who.login, f"guess {number}", place) in (422, 429)
        record_property("tries", TRIES)
        record_property("users", USERS)
        record_property("hashed", sum(hashed.values()))
        assert max(hashed.values()) == rules.FREE_TRIES
        for each in people:
            now[:] = ["owner"]
            assert sign_in(each.login, PASSWORD, "10.0.0.1", devices[each.pk]) == 302


@pytest.mark.skipif(
    not FULL, reason="a quiet machine alone tells; hashes are counted in test_sign_in"
)
def test_known_and_unknown_logins_take_as_long(
    record_property: Callable[[str, object], None],
) -> None:
    """With the hash as cheap as tests make it, so that nothing hides behind its price."""
    rounds = 40
    people = [user(Role.TELLER, password=PASSWORD) for _ in range(rounds)]
    known: list[float] = []
    unknown: list[float] = []
    for number, who in enumerate(people):
        for login, seconds in ((who.login, known), (f"nobody{number}", unknown)):
            began = perf_counter()
            sign_in(login, "guess", "10.0.0.9")
            seconds.append(perf_counter() - began)
    apart = abs(median(known) - median(unknown)) * 1000
    record_property("milliseconds", apart)
    assert apart <= 5
