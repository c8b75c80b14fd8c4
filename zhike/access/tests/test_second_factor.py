"""A second factor: codes as the RFC has them, each taken once; half a sign-in opens nothing."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from zhike.access import rules
from zhike.access.models import RecoveryCode, SecondFactor, SignInTries
from zhike.access.queries import actor_for, second_factor, second_factors
from zhike.access.services import (
    begin_second_factor,
    confirm_second_factor,
    prove,
    renew_recovery_codes,
    take_second_factor_away,
    try_second_factor,
)
from zhike.access.tests.factories import PASSWORD, client_of, user
from zhike.access.tests.test_sign_in import sign_in
from zhike.kernel import clock
from zhike.kernel.errors import ProofWanted, Refused, UserError
from zhike.kernel.models import AuditEntry
from zhike.organisation.models import Role, User

SECOND, MINE = "/sign-in/second/", "/me/second-factor/"
HERE = "127.0.0.1"


# Rules


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_codes_are_those_of_rfc_6238(seconds: int, code: str) -> None:
    secret = b"12345678901234567890"
    assert rules.code_at(secret, seconds // 30, digits=8) == code
    assert rules.code_at(secret, seconds // 30) == code[-6:]


def test_a_secret_in_groups_and_as_a_link() -> None:
    secret = b"12345678901234567890"
    assert rules.in_groups(secret) == "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ"
    link = rules.enrolment_link(secret, "li & co")
    assert link.startswith("otpauth://totp/Zhike:li%20%26%20co?")
    assert "secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" in link
    assert {"digits=6", "period=30", "algorithm=SHA1"} <= set(link.partition("?")[2].split("&"))


@given(
    secret=st.binary(min_size=20, max_size=20),
    second=st.integers(0, 4_000_000_000),
    drift=st.integers(-3, 3),
    taken=st.integers(-5, 5),
)
def test_a_code_is_good_one_step_around_and_after_the_last(
    secret: bytes, second: int, drift: int, taken: int
) -> None:
    here = second // 30
    if here + drift < 0 or here < 1:
        return
    now, last = datetime.fromtimestamp(second, UTC), here + taken
    found = rules.step_of(secret, rules.code_at(secret, here + drift), now, last)
    # Two steps may share a code once in a million: what is found is then another step's, and as good.
    assert found is None or (abs(found - here) <= 1 and found > last)
    if abs(drift) <= 1 and here + drift > last:
        assert found is not None


def test_none_of_a_thousand_codes_is_taken_twice(
    record_property: Callable[[str, object], None],
) -> None:
    chance = random.Random(6238)
    taken = 0
    for _ in range(1000):
        secret, second = chance.randbytes(20), chance.randrange(10**9, 2 * 10**9)
        code = rules.code_at(secret, second // 30)
        step = rules.step_of(secret, code, datetime.fromtimestamp(second, UTC), 0)
        assert step is not None
        again = datetime.fromtimestamp(second + chance.randrange(60), UTC)
        taken += rules.step_of(secret, code, again, step) == step
    assert taken == 0
    record_property("replays", 1000)


def test_who_must_have_one() -> None:
    asks = rules.is_asked_of
    for role in Role:
        assert not asks("none", {role})
        assert asks("everyone", {role})
        assert asks("administrators", {role}) == (
            role.endswith("administrator") or role == "auditor"
        )
    assert not asks("everyone", set())


@pytest.mark.parametrize("written", ["abcd-efgh-jkmn", " ABCD EFGH JKMN ", "abcdefghjkmn"])
def test_a_recovery_code_is_read_as_people_copy_it(written: str) -> None:
    assert rules.typed(written) == "abcdefghjkmn"


# Enrolling


def code_of(who: User, steps: int = 0) -> str:
    """What the authenticator shows now, or `steps` half minutes later."""
    factor = SecondFactor.objects.filter(user=who).latest("pk")
    return rules.code_at(factor.secret, int(clock.now().timestamp()) // 30 + steps)


def enrolled(*roles: str, password: str = "") -> tuple[User, list[str]]:
    """A user with a second factor, none of whose codes was taken yet, and the recovery codes."""
    who = user(*(roles or (Role.CUSTOMER_MANAGER,)), password=password)
    begin_second_factor(actor=actor_for(who))
    codes = confirm_second_factor(actor=actor_for(who), code=code_of(who))
    SecondFactor.objects.filter(user=who).update(last_step=0)
    return who, codes


@pytest.mark.django_db
def test_enrolling_takes_a_code_and_shows_secrets_once() -> None:
    who = user(Role.CUSTOMER_MANAGER)
    client = client_of(who)
    begun = client.post(MINE, {"do": "begin"})
    assert begun.status_code == 201
    factor = SecondFactor.objects.get(user=who)
    shown = rules.in_groups(factor.secret)
    assert shown in begun.content.decode()
    assert shown not in client.get(MINE).content.decode()
    wrong = client.post(MINE, {"do": "confirm", "code": code_of(who, 5)})
    assert (wrong.status_code, second_factor(actor_for(who))) == (422, None)
    before = client.session.session_key
    confirmed = client.post(MINE, {"do": "confirm", "code": code_of(who)})
    assert confirmed.status_code == 201
    codes = re.findall(r"<code>([a-z0-9-]{14})</code>", confirmed.content.decode())
    assert len(set(codes)) == rules.RECOVERY_CODES
    assert client.session.session_key != before
    mine = second_factor(actor_for(who))
    assert mine is not None
    assert mine.left == 10  # type: ignore[attr-defined]
    assert not any(code in client.get(MINE).content.decode() for code in codes)


@pytest.mark.django_db
def test_nothing_of_a_secret_lies_in_the_tables_or_on_the_trail(caplog: Any) -> None:
    who, codes = enrolled()
    try_second_factor(user=who, code=codes[0], address=HERE, origin="test")
    factor = SecondFactor.objects.get(user=who)
    secrets = [factor.secret.hex(), rules.in_groups(factor.secret).replace(" ", "")]
    secrets += [part for code in codes for part in (code, rules.typed(code))]
    kept = " ".join(
        str(row)
        for row in (
            *AuditEntry.objects.values_list("changes", "reason", "action"),
            *(bytes(each) for each in RecoveryCode.objects.values_list("digest", flat=True)),
            bytes(factor.sealed),
        )
    )
    assert not [each for each in secrets if each in kept or each in caplog.text]


@pytest.mark.django_db
def test_a_secret_moved_to_another_row_opens_nothing() -> None:
    (one, _codes), (other, _codes) = enrolled(), enrolled()
    stolen = SecondFactor.objects.get(user=one)
    SecondFactor.objects.filter(user=other).update(sealed=stolen.sealed)
    from zhike.kernel.crypto import Undecipherable

    with pytest.raises(Undecipherable):
        code_of(other)


@pytest.mark.django_db
def test_another_telephone_counts_once_it_is_confirmed() -> None:
    who, codes = enrolled()
    actor, old = actor_for(who), code_of(who)
    begin_second_factor(actor=actor)
    begin_second_factor(actor=actor)
    assert try_second_factor(user=who, code=old, address=HERE, origin="test").user == who
    confirm_second_factor(actor=actor, code=code_of(who))
    assert SecondFactor.objects.filter(user=who).count() == 1
    assert try_second_factor(user=who, code=codes[0], address=HERE, origin="test").user is None


@pytest.mark.django_db
def test_a_secret_begun_long_ago_is_not_confirmed() -> None:
    who = user(Role.CUSTOMER_MANAGER)
    begin_second_factor(actor=actor_for(who))
    with (
        clock.stopped_at(clock.now() + rules.PROOF_LASTS + timedelta(minutes=1)),
        pytest.raises(UserError),
    ):
        confirm_second_factor(actor=actor_for(who), code=code_of(who))
    assert second_factor(actor_for(who)) is None


# Signing in


@pytest.mark.django_db
def test_signing_in_takes_both_and_changes_the_session_each_time() -> None:
    who, _codes = enrolled(password=PASSWORD)
    client = Client()
    client.get("/sign-in/")
    first = client.post("/sign-in/", {"login": who.login, "password": PASSWORD, "next": "/me/"})
    assert (first.status_code, first.headers["Location"]) == (302, f"{SECOND}?next=%2Fme%2F")
    half = client.session.session_key
    done = client.post(first.headers["Location"], {"code": code_of(who)})
    assert (done.status_code, done.headers["Location"]) == (302, "/me/")
    assert client.session.session_key not in (None, half)
    assert client.get("/me/").status_code == 200
    assert not SignInTries.objects.exists()
    acts = AuditEntry.objects.filter(action__startswith="sign_in").order_by("pk")
    assert list(acts.values_list("action", flat=True)) == ["sign_in.password", "sign_in"]


@pytest.mark.django_db
def test_half_a_sign_in_opens_nothing() -> None:
    who, _codes = enrolled(Role.BRANCH_HEAD, password=PASSWORD)
    client = Client()
    sign_in(who.login, client=client)
    for path in ("/", "/me/", MINE, "/customers/", "/audit/", "/notices/", "/session/"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers.get("Location", "")[:9]) == (302, "/sign-in/")
    assert client.get("/api/customers/").status_code == 401
    assert client.post("/me/proof/", {"zhike-proof": PASSWORD}).status_code == 302
    assert client.post(MINE, {"do": "begin"}).status_code == 302
    assert SecondFactor.objects.filter(user=who).count() == 1


@pytest.mark.django_db
def test_half_a_sign_in_ends_with_its_time_or_its_password() -> None:
    who, _codes = enrolled(password=PASSWORD)
    client, now = Client(), clock.now()
    sign_in(who.login, client=client)
    assert client.get(SECOND).status_code == 200
    with clock.stopped_at(now + rules.HALF_LASTS + timedelta(seconds=5)):
        assert client.get(SECOND).headers["Location"] == "/sign-in/"
    who.set_password("another-passphrase")
    User.objects.filter(pk=who.pk).update(password=who.password)
    assert client.post(SECOND, {"code": code_of(who)}).headers["Location"] == "/sign-in/"
    assert client.get("/me/").status_code == 302


@pytest.mark.django_db
def test_a_code_opens_once() -> None:
    who, _codes = enrolled(password=PASSWORD)
    code, statuses = code_of(who), []
    for _ in range(3):
        client = Client()
        sign_in(who.login, client=client)
        statuses.append(client.post(SECOND, {"code": code}).status_code)
    assert statuses == [302, 422, 422]
    # Nor one of before it.
    client = Client()
    sign_in(who.login, client=client)
    assert client.post(SECOND, {"code": code_of(who, -1)}).status_code == 422


@pytest.mark.django_db(transaction=True)
def test_a_code_asked_with_by_many_at_once_opens_once() -> None:
    who, codes = enrolled()

    def ask(code: str, address: str) -> bool:
        try:
            got = try_second_factor(user=who, code=code, address=address, origin="test")
            return got.user is not None
        finally:
            connection.close()

    for code in (code_of(who), codes[3]):
        with ThreadPoolExecutor(4) as pool:
            opened = list(pool.map(ask, [code] * 4, [f"203.0.113.{n}" for n in range(4)]))
        assert sum(opened) == 1
        SignInTries.objects.all().delete()


@pytest.mark.django_db
def test_a_recovery_code_opens_once_and_is_on_the_trail() -> None:
    who, codes = enrolled(password=PASSWORD)
    got = [
        try_second_factor(user=who, code=code, address=HERE, origin="test").user
        for code in (codes[0], codes[0], codes[1].upper().replace("-", " "))
    ]
    assert got == [who, None, who]
    assert AuditEntry.objects.filter(action="second_factor.recovery_code").count() == 2
    _other, others = enrolled()
    assert try_second_factor(user=who, code=others[0], address=HERE, origin="test").user is None
    renewed = renew_recovery_codes(actor=actor_for(who))
    assert try_second_factor(user=who, code=codes[2], address=HERE, origin="test").user is None
    assert try_second_factor(user=who, code=renewed[0], address=HERE, origin="test").user == who


@pytest.mark.django_db
def test_guessing_codes_waits_wherever_it_is_done_and_the_password_forgives_nothing() -> None:
    who, _codes = enrolled(password=PASSWORD)
    client = Client()
    for _ in range(rules.FREE_TRIES):
        # The right password between the guesses must not begin the count anew.
        assert sign_in(who.login, client=client).status_code == 302
        assert client.post(SECOND, {"code": "000000"}).status_code == 422
    assert client.post(SECOND, {"code": code_of(who)}).status_code == 429
    elsewhere = Client(REMOTE_ADDR="203.0.113.9")
    sign_in(who.login, client=elsewhere)
    assert elsewhere.post(SECOND, {"code": code_of(who)}).status_code == 429
    refused = AuditEntry.objects.filter(action="sign_in.second_factor", outcome="refused")
    assert refused.count() == rules.FREE_TRIES
    now = clock.now()
    with clock.stopped_at(now + rules.WAIT + timedelta(seconds=1)):
        sign_in(who.login, client=client)
        assert client.post(SECOND, {"code": code_of(who)}).status_code == 302


@pytest.mark.django_db
def test_a_reset_password_does_not_spare_the_second_factor() -> None:
    from zhike.access.tests.factories import SYSTEM
    from zhike.organisation.services import reset_password

    who, _codes = enrolled(password=PASSWORD)
    reset_password(actor=SYSTEM, user=who, password="a-passphrase-set-anew")
    answer = sign_in(who.login, "a-passphrase-set-anew")
    assert answer.headers["Location"].startswith(SECOND)


@pytest.mark.django_db
def test_signing_in_by_password_alone_asks_one_question_more(
    django_assert_max_num_queries: Any,
) -> None:
    who = user(Role.TELLER, password=PASSWORD)
    sign_in(who.login)
    with django_assert_max_num_queries(33):
        assert sign_in(who.login).status_code == 302


# Taking one away


@pytest.mark.django_db
def test_a_lost_one_is_taken_away_on_the_trail() -> None:
    who, _codes = enrolled(password=PASSWORD)
    security = user(Role.SECURITY_ADMINISTRATOR)
    (factor,) = second_factors(actor_for(security))
    client = client_of(security)
    assert who.employee is not None
    assert who.employee.name in client.get(MINE).content.decode()
    assert not second_factors(actor_for(security), person="nobody")
    answer = client.post(f"{MINE}{factor.public_id}/take-away/", {"reason": "手机丢失"})
    assert answer.status_code == 303
    entry = AuditEntry.objects.get(action="second_factor.take_away")
    assert (entry.actor_user_id, entry.reason) == (security.pk, "手机丢失")
    assert not SecondFactor.objects.exists()
    assert not RecoveryCode.objects.exists()
    assert sign_in(who.login).headers["Location"] == "/"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("role", "own", "reason", "error"),
    [
        (Role.SECURITY_ADMINISTRATOR, True, "丢失", Refused),
        (Role.SECURITY_ADMINISTRATOR, False, " ", UserError),
        (Role.SYSTEM_ADMINISTRATOR, False, "丢失", Refused),
        (Role.CUSTOMER_MANAGER, True, "丢失", Refused),
    ],
)
def test_refused_it_stays(role: str, own: bool, reason: str, error: type[Exception]) -> None:
    taker, _codes = enrolled(role)
    who = taker if own else enrolled()[0]
    factor = SecondFactor.objects.get(user=who)
    with pytest.raises(error):
        take_second_factor_away(actor=actor_for(taker), factor=factor, reason=reason)
    assert SecondFactor.objects.filter(user=who).exists()
    assert not AuditEntry.objects.filter(action="second_factor.take_away").exists()


@pytest.mark.django_db
def test_others_second_factors_are_seen_by_the_security_administrator_alone() -> None:
    who, _codes = enrolled()
    for role in set(Role) - {Role.SECURITY_ADMINISTRATOR}:
        assert not second_factors(actor_for(user(role)))
    assert [each.user for each in second_factors(actor_for(who))] == [who]


# Who must have one


@pytest.mark.django_db
def test_who_must_have_one_and_has_none_gets_nothing_else(settings: Any) -> None:
    settings.ZHIKE_SECOND_FACTOR = "administrators"
    who = user(Role.AUDITOR)
    client = client_of(who)
    for path in ("/", "/me/", "/audit/", "/notices/", "/organisation/", "/me/tokens/"):
        assert client.get(path).headers["Location"] == MINE
    assert client.get("/audit/", headers={"HX-Request": "true"}).headers["HX-Redirect"] == MINE
    assert client.get("/api/customers/").status_code == 403
    page = client.get(MINE)
    assert page.status_code == 200
    assert "/audit/" not in page.content.decode()
    client.post(MINE, {"do": "begin"})
    assert client.post(MINE, {"do": "confirm", "code": code_of(who)}).status_code == 201
    assert client.get("/audit/").status_code == 200
    assert client_of(user(Role.TELLER)).get("/me/").status_code == 200


@pytest.mark.django_db
def test_a_session_from_before_ones_second_factor_signs_in_again(settings: Any) -> None:
    settings.ZHIKE_SECOND_FACTOR = "everyone"
    who, _codes = enrolled()
    client = client_of(who)
    assert client.get("/me/").headers["Location"].startswith("/sign-in/")
    assert client.get(MINE).headers["Location"].startswith("/sign-in/")


def test_the_sample_institution_opens_by_password() -> None:
    assert django_settings.ZHIKE_SECOND_FACTOR == "none"


# The proof asked for again: the service


@pytest.mark.django_db
def test_a_proof_is_the_code_for_who_has_one_and_else_the_password() -> None:
    plain, (who, _codes) = user(Role.TELLER, password=PASSWORD), enrolled(password=PASSWORD)

    def ask(who: User, proof: str) -> User | None:
        return prove(actor=actor_for(who), proof=proof, address=HERE).user

    assert ask(plain, PASSWORD) == plain
    assert ask(plain, "guess") is None
    assert ask(who, PASSWORD) is None
    code = code_of(who)
    assert ask(who, code) == who
    assert ask(who, code) is None
    outcomes = AuditEntry.objects.filter(action="account.prove").order_by("pk")
    assert [each == "done" for each in outcomes.values_list("outcome", flat=True)] == [
        True,
        False,
        False,
        True,
        False,
    ]


@pytest.mark.django_db
def test_a_proof_by_code_goes_on_under_a_new_session() -> None:
    who, _codes = enrolled()
    client = client_of(who)
    before = client.session.session_key
    sent = {"zhike-proof": code_of(who), "next": "/me/"}
    assert client.post("/me/proof/", sent).status_code == 303
    assert client.session.session_key not in (None, before)
    assert client.get("/me/").status_code == 200


@pytest.mark.django_db
def test_wrong_proofs_are_tries_to_sign_in() -> None:
    who = user(Role.TELLER, password=PASSWORD)
    for _ in range(rules.FREE_TRIES):
        prove(actor=actor_for(who), proof="guess", address=HERE)
    assert prove(actor=actor_for(who), proof=PASSWORD, address=HERE).wait_until is not None
    assert sign_in(who.login).status_code == 429


@pytest.mark.django_db
def test_what_changes_a_second_factor_wants_a_proof() -> None:
    from dataclasses import replace

    who, _codes = enrolled(Role.SECURITY_ADMINISTRATOR)
    actor = replace(actor_for(who), proof_due=True)
    factor = SecondFactor.objects.get(user=who)
    for call in (
        lambda: begin_second_factor(actor=actor),
        lambda: renew_recovery_codes(actor=actor),
        lambda: take_second_factor_away(actor=actor, factor=factor, reason="丢失"),
    ):
        with pytest.raises(ProofWanted):
            call()
    assert SecondFactor.objects.count() == 1
