"""Passkeys: made, answered once, removed; refused from elsewhere, copied, replayed or another's."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from zhike.access import rules
from zhike.access.models import Passkey
from zhike.access.tests.authenticator import Authenticator
from zhike.access.tests.factories import PASSWORD, client_of, user
from zhike.kernel import clock
from zhike.kernel.models import AuditEntry
from zhike.organisation.models import Role, User

ORIGIN, MINE, IN, SECOND = (
    "https://crm.example",
    "/me/second-factor/",
    "/sign-in/passkey/",
    "/sign-in/second/",
)
PROOF, FORM = "/me/proof/", "application/x-www-form-urlencoded"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _place(settings: Any) -> None:
    settings.ZHIKE_ORIGIN = ORIGIN


def asked(response: Any) -> str:
    """The question that a page carries for the browser."""
    found = re.search(r'data-passkey="([^"]*)"', response.content.decode())
    assert found is not None
    return html.unescape(found[1])


def new_client() -> Client:
    return Client(HTTP_HOST="localhost")


def enrolled(who: User, name: str = "手机", client: Client | None = None) -> Authenticator:
    device = Authenticator()
    client = client or client_of(who)
    question = asked(client.post(MINE, {"do": "begin-passkey", "name": name}))
    sent = {"do": "add-passkey", "name": name, "passkey": device.make(question, ORIGIN)}
    assert client.post(MINE, sent).status_code == 303
    return device


def entries(action: str) -> list[str]:
    return list(AuditEntry.objects.filter(action=action).values_list("outcome", flat=True))


@given(before=st.integers(0, 2**32), now=st.integers(0, 2**32))
def test_a_counter_that_does_not_grow_is_a_copys(before: int, now: int) -> None:
    assert rules.count_grows(before, now) == (now > before or (before, now) == (0, 0))


def test_several_are_added_named_and_removed() -> None:
    who = user(Role.TELLER)
    client = client_of(who)
    enrolled(who, "手机", client)
    enrolled(who, "电脑", client)
    page = client.get(MINE).content.decode()
    assert "手机" in page
    assert "电脑" in page
    first = Passkey.objects.get(name="手机")
    assert first.transports == ["internal", "from the future"]
    assert client.post(f"{MINE}passkeys/{first.public_id}/remove/").status_code == 303
    assert [each.name for each in Passkey.objects.all()] == ["电脑"]
    assert entries("passkey.add") == ["done", "done"]
    assert entries("passkey.remove") == ["done"]


def test_the_device_is_told_which_it_holds_already() -> None:
    who = user(Role.TELLER)
    client = client_of(who)
    enrolled(who, client=client)
    question = asked(client.post(MINE, {"do": "begin-passkey", "name": "手机"}))
    assert '"excludeCredentials": [{' in question
    assert '"userVerification": "required"' in question
    assert who.login in question


def test_it_signs_in_alone_as_both_factors() -> None:
    who = user(Role.TELLER, password=PASSWORD)
    device = enrolled(who)
    client = new_client()
    question = asked(client.get(f"{IN}?next=/me/"))
    sent = {"passkey": device.answer(question, ORIGIN), "next": "/me/"}
    before = client.session.session_key
    answer = client.post(IN, sent)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/me/")
    assert client.session["second_factor"] is True
    assert client.session.session_key != before
    assert client.get("/me/").status_code == 200
    passkey = Passkey.objects.get()
    assert (passkey.sign_count, passkey.used_at is not None) == (2, True)
    assert entries("sign_in") == ["done"]


def wrong_answers(device: Authenticator, other: Authenticator, question: str) -> dict[str, str]:
    return {
        "another origin": device.answer(question, "https://crm.example.evil.example"),
        "another name": device.answer(question.replace("crm.example", "evil.example"), ORIGIN),
        "nobody verified": device.answer(question, ORIGIN, verified=False),
        "another's handle": device.answer(question, ORIGIN, handle=b"x" * 16),
        "an unknown device": other.answer(question, ORIGIN),
        "no object": "[]",
        "nothing": "",
        "no JSON": "{",
        "another key": swapped(device, other, question),
    }


def swapped(device: Authenticator, other: Authenticator, question: str) -> str:
    """An answer in the name of one device, signed by another."""
    own, other.id = other.id, device.id
    try:
        return other.answer(question, ORIGIN, handle=device.handle)
    finally:
        other.id = own


def test_what_does_not_hold_is_refused_and_changes_nothing() -> None:
    who = user(Role.TELLER)
    device, other = enrolled(who), Authenticator()
    before = Passkey.objects.values().get()
    other.handle = device.handle
    names = wrong_answers(device, other, asked(new_client().get(IN)))
    for name in names:
        client = new_client()
        sent = wrong_answers(device, other, asked(client.get(IN)))[name]
        answer = client.post(IN, {"passkey": sent})
        assert (name, answer.status_code) == (name, 422)
        assert client.get("/me/").status_code == 302
    assert Passkey.objects.values().get() == before
    assert entries("sign_in.passkey") == ["refused"] * len(names)
    # The same device and page with nothing wrong about it opens.
    client = new_client()
    right = {"passkey": device.answer(asked(client.get(IN)), ORIGIN)}
    assert client.post(IN, right).status_code == 302


def test_a_challenge_is_answered_once_in_its_session_and_in_time() -> None:
    who = user(Role.TELLER)
    device = enrolled(who)
    client = new_client()
    sent = {"passkey": device.answer(asked(client.get(IN)), ORIGIN)}
    session = client.session["challenge"]
    assert new_client().post(IN, sent).status_code == 422, "another session's"
    assert client.post(IN, sent).status_code == 302
    again = new_client()
    again.get(IN)
    assert again.post(IN, sent).status_code == 422, "replayed against another challenge"
    # Two at once read the session before either took the challenge out of it.
    twin = new_client()
    twin.get(IN)
    kept = twin.session
    kept["challenge"] = session
    kept.save()
    device_count = Passkey.objects.get().sign_count
    Passkey.objects.update(sign_count=0)
    assert twin.post(IN, sent).status_code == 422, "replayed against the same challenge"
    Passkey.objects.update(sign_count=device_count)
    late = new_client()
    sent = {"passkey": device.answer(asked(late.get(IN)), ORIGIN)}
    with clock.stopped_at(clock.now() + rules.HALF_LASTS + timedelta(seconds=2)):
        assert late.post(IN, sent).status_code == 422, "too late"


def test_a_challenge_for_one_thing_is_none_for_another() -> None:
    who = user(Role.TELLER)
    device = enrolled(who)
    client = new_client()
    proof = client_of(who).get(PROOF).content.decode()
    client.get(IN)
    assert client.post(IN, {"passkey": device.answer(proof, ORIGIN)}).status_code == 422
    signed_in = client_of(who)
    question = asked(signed_in.post(MINE, {"do": "begin-passkey", "name": "x"}))
    as_answer = question.replace(
        '"rp": {"name": "Zhike", "id": "crm.example"}', '"rpId": "crm.example"'
    )
    sent = {"passkey": device.answer(as_answer, ORIGIN)}
    assert signed_in.post(PROOF, sent).status_code == 422


def test_a_copy_is_found_by_its_counter() -> None:
    who = user(Role.TELLER)
    device = enrolled(who)
    client = new_client()
    device.count = 9
    assert (
        client.post(IN, {"passkey": device.answer(asked(client.get(IN)), ORIGIN)}).status_code
        == 302
    )
    device.count = 4
    client = new_client()
    assert (
        client.post(IN, {"passkey": device.answer(asked(client.get(IN)), ORIGIN)}).status_code
        == 422
    )
    assert entries("passkey.copied") == ["refused"]
    assert Passkey.objects.get().sign_count == 10


def test_a_closed_account_is_refused() -> None:
    who = user(Role.TELLER)
    device = enrolled(who)
    User.objects.filter(pk=who.pk).update(is_active=False)
    client = new_client()
    assert (
        client.post(IN, {"passkey": device.answer(asked(client.get(IN)), ORIGIN)}).status_code
        == 422
    )


def test_it_is_the_second_factor_of_a_password_and_no_others() -> None:
    who, colleague = (user(Role.TELLER, password=PASSWORD) for _ in range(2))
    device, others = enrolled(who), enrolled(colleague)
    client = new_client()
    first = client.post("/sign-in/", {"login": who.login, "password": PASSWORD})
    assert first.headers["Location"].startswith(SECOND)
    page = client.get(SECOND)
    assert 'name="code"' not in page.content.decode()
    assert client.get("/me/").status_code == 302
    wrong = client.post(SECOND, {"passkey": others.answer(asked(page), ORIGIN)})
    assert wrong.status_code == 422
    assert client.get("/me/").status_code == 302
    answer = client.post(SECOND, {"passkey": device.answer(asked(wrong), ORIGIN)})
    assert answer.status_code == 302
    assert client.session["second_factor"] is True


def test_it_is_a_fresh_proof_and_another_page_goes_on() -> None:
    who = user(Role.TELLER)
    client = client_of(who)
    device = enrolled(who, client=client)
    first = Passkey.objects.get()
    session = client.session
    session["proved"] -= 20 * 60
    session.save()
    address = f"{MINE}passkeys/{first.public_id}/remove/"
    by_script = client.post(address, HTTP_HX_REQUEST="true")
    assert (by_script.status_code, by_script.headers["X-Zhike-Proof"]) == (403, "passkey")
    page = client.post(address)
    assert page.status_code == 403
    typed = re.search(r'name="zhike-typed" value="([^"]*)"', page.content.decode())
    assert typed is not None
    assert Passkey.objects.exists()
    other = Authenticator()
    other.handle = device.handle
    sent = {"zhike-typed": typed[1], "passkey": other.answer(asked(page), ORIGIN)}
    page = client.post(address, urlencode(sent), content_type=FORM)
    assert page.status_code == 422
    sent["passkey"] = device.answer(asked(page), ORIGIN)
    before = client.session.session_key
    answer = client.post(address, urlencode(sent), content_type=FORM)
    assert answer.status_code == 303
    assert client.session.session_key not in (None, before), "a proof is a new session id"
    assert not Passkey.objects.exists()
    assert entries("account.prove") == ["refused", "done"]


def test_a_password_is_no_proof_for_who_has_a_passkey() -> None:
    who = user(Role.TELLER, password=PASSWORD)
    client = client_of(who)
    enrolled(who, client=client)
    assert client.post(PROOF, {"zhike-proof": PASSWORD}).status_code == 422


def test_adding_asks_for_a_proof_and_refuses_what_does_not_hold() -> None:
    who = user(Role.TELLER)
    client = client_of(who)
    device = Authenticator()
    question = asked(client.post(MINE, {"do": "begin-passkey", "name": "手机"}))
    wrong = {
        "do": "add-passkey",
        "name": "手机",
        "passkey": device.make(question, "https://evil.example"),
    }
    assert client.post(MINE, wrong).status_code == 422
    right = {**wrong, "passkey": device.make(question, ORIGIN)}
    assert client.post(MINE, right).status_code == 422, "the challenge was used"
    question = asked(client.post(MINE, {"do": "begin-passkey", "name": "手机"}))
    right["passkey"] = device.make(question, ORIGIN, verified=False)
    assert client.post(MINE, right).status_code == 422, "nobody verified"
    session = client.session
    session["proved"] -= 20 * 60
    session.save()
    assert client.post(MINE, {"do": "begin-passkey", "name": "手机"}).status_code == 403
    assert not Passkey.objects.exists()


def test_the_last_factor_stays_where_one_is_asked_for(settings: Any) -> None:
    settings.ZHIKE_SECOND_FACTOR = "everyone"
    who = user(Role.TELLER)
    client = client_of(who)
    assert client.get("/me/").headers["Location"] == MINE
    enrolled(who, client=client)
    assert client.get("/me/").status_code == 200, "a passkey is the factor asked for"
    only = Passkey.objects.get()
    address = f"{MINE}passkeys/{only.public_id}/remove/"
    assert client.post(address).status_code == 403
    assert Passkey.objects.filter(pk=only.pk).exists()
    enrolled(who, "第二把", client)
    assert client.post(address).status_code == 303
    assert [each.name for each in Passkey.objects.all()] == ["第二把"]


def test_who_administers_access_takes_one_away_with_a_reason() -> None:
    who, administrator, stranger = (
        user(Role.TELLER),
        user(Role.SECURITY_ADMINISTRATOR),
        user(Role.TELLER),
    )
    enrolled(who)
    address = f"{MINE}passkeys/{Passkey.objects.get().public_id}/remove/"
    assert client_of(stranger).post(address, {"reason": "丢失"}).status_code == 404
    client = client_of(administrator)
    assert "手机" in client.get(MINE).content.decode()
    assert client.post(address).status_code == 422
    assert Passkey.objects.exists()
    assert client.post(address, {"reason": "丢失"}).status_code == 303
    assert not Passkey.objects.exists()
    assert entries("passkey.take_away") == ["done"]


def test_under_a_number_there_are_none(settings: Any) -> None:
    settings.ZHIKE_ORIGIN = ""
    answer = Client(HTTP_HOST="127.0.0.1").get(IN)
    assert "data-passkey=" not in answer.content.decode()
    assert '"rpId": "localhost"' in asked(new_client().get(IN))
