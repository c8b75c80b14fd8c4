"""Three browsers at once, a shorter wait for administrators, and more than codes for them where a profile asks it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from zhike.access import profiles
from zhike.access.models import Sitting
from zhike.access.services.sittings import begin_sitting
from zhike.access.tests.authenticator import Authenticator
from zhike.access.tests.factories import PASSWORD, client_of, user
from zhike.access.tests.test_passkeys import IN, MINE, ORIGIN, SECOND, asked, enrolled, new_client
from zhike.access.tests.test_second_factor import code_of
from zhike.access.tests.test_sign_in import sign_in
from zhike.kernel import clock
from zhike.kernel.models import AuditEntry
from zhike.organisation.models import Role, User
from zhike.organisation.rules import ADMINISTRATORS

Note = Callable[[str, object], None]
pytestmark = pytest.mark.django_db


def is_in(client: Client) -> bool:
    return client.get("/me/").status_code == 200


def browsers(who: User, count: int) -> list[Client]:
    """As many browsers, signed in one after the other by the password."""
    made = []
    now = clock.now()
    for number in range(count):
        client = Client()
        with clock.stopped_at(now + timedelta(seconds=number)):
            assert sign_in(who.login, client=client).status_code == 302
        made.append(client)
    return made


def test_the_fourth_ends_the_oldest_and_says_so(record_property: Note) -> None:
    who = user(Role.TELLER, password=PASSWORD)
    other = client_of(user(Role.TELLER))
    first, *others = browsers(who, 4)
    assert [is_in(each) for each in (*others, other)] == [True] * 4
    answer = first.get("/me/")
    assert answer["Location"] == "/sign-in/?next=/me/"
    assert "三个浏览器" in first.get(answer["Location"]).content.decode()
    entry = AuditEntry.objects.get(action="session.displaced")
    assert (entry.actor_user_id, entry.object_id) == (who.pk, who.pk)
    # Signing in again there is the fifth: it ends the second, and the word of it is gone.
    with clock.stopped_at(clock.now() + timedelta(minutes=1)):
        assert sign_in(who.login, client=first).status_code == 302
    assert [is_in(each) for each in (first, *others)] == [True, False, True, True]
    assert "三个浏览器" not in first.get("/sign-in/").content.decode()
    record_property("ended", 1)


def test_what_ended_by_itself_or_was_signed_out_leaves_its_place() -> None:
    who = user(Role.TELLER, password=PASSWORD)
    first, second, third = browsers(who, 3)
    assert second.post("/sign-out/").status_code == 302
    idle = Session.objects.filter(session_key=third.session.session_key)
    idle.update(expire_date=timezone.now() - timedelta(seconds=1))
    more = browsers(who, 2)
    assert [is_in(each) for each in (first, third, *more)] == [True, False, True, True]
    assert not AuditEntry.objects.filter(action="session.displaced").exists()


def test_a_proof_changes_the_key_and_not_the_place() -> None:
    """Else who proves anew would have more browsers than three, or the wrong one would end."""
    who = user(Role.TELLER, password=PASSWORD)
    first, *others = browsers(who, 3)
    before = first.session.session_key
    assert first.post("/me/proof/", {"zhike-proof": PASSWORD, "next": "/me/"}).status_code == 303
    assert first.session.session_key != before
    browsers(who, 1)
    assert [is_in(each) for each in (first, *others)] == [False, True, True]


def test_the_way_in_makes_no_difference(record_property: Note) -> None:
    who = user(Role.TELLER)
    clients = [client_of(who) for _ in range(6)]
    assert [is_in(each) for each in clients] == [False] * 3 + [True] * 3
    record_property("ended", 3)


def test_places_of_long_ago_go() -> None:
    who = user(Role.TELLER)
    with clock.stopped_at(clock.now() - timedelta(days=3)):
        begin_sitting(who, "long-ago", "")
    client_of(who)
    assert not Sitting.objects.filter(key="long-ago").exists()


@pytest.mark.parametrize("role", sorted(ADMINISTRATORS))
def test_an_administrator_is_signed_out_after_a_quarter_of_an_hour(
    role: str, record_property: Note
) -> None:
    minutes = {}
    for each in (role, Role.TELLER):
        client = client_of(user(each))
        page = client.get("/me/").content.decode()
        ends = Session.objects.get(session_key=client.session.session_key).expire_date
        minutes[each] = round((ends - timezone.now()).total_seconds() / 60)
        assert f'data-idle="{minutes[each] * 60}"' in page
    assert minutes == {role: 15, Role.TELLER: 30}
    record_property("minutes", minutes[role])


def test_nobody_there_signs_out() -> None:
    client = client_of(user(Role.TELLER))
    assert is_in(client)
    key = client.session.session_key
    Session.objects.filter(session_key=key).update(expire_date=timezone.now())
    assert not is_in(client)


# --- Administrators -------------------------------------------------------------------------------


def set_up(who: User, client: Client) -> None:
    """An authenticator, confirmed."""
    assert client.post(MINE, {"do": "begin"}).status_code == 201
    assert client.post(MINE, {"do": "confirm", "code": code_of(who)}).status_code == 201


@pytest.fixture
def strict(settings: Any) -> Any:
    settings.ZHIKE_ORIGIN = ORIGIN
    settings.ZHIKE_SECOND_FACTOR = profiles.PROFILES["dengbao3"].second_factor
    settings.ZHIKE_PASSKEY = profiles.PROFILES["dengbao3"].passkey
    return settings


def test_both_profiles_ask_it_and_the_sample_does_not() -> None:
    assert {each.passkey for name, each in profiles.PROFILES.items() if name} == {"administrators"}
    assert django_settings.ZHIKE_PASSKEY == "none"


@pytest.mark.parametrize("role", sorted(ADMINISTRATORS))
def test_codes_alone_are_not_to_be_had_by_an_administrator(
    role: str, strict: Any, record_property: Note
) -> None:
    client = client_of(user(role))
    assert client.get("/me/")["Location"] == MINE
    assert "管理员使用通行密钥" in client.get(MINE).content.decode()
    assert client.post(MINE, {"do": "begin"}).status_code == 422
    enrolled(User.objects.get(pk=client.session["_auth_user_id"]), client=client)
    assert is_in(client)
    assert client.post(MINE, {"do": "begin"}).status_code == 201
    record_property("administrators", 1)


def test_who_became_an_administrator_with_codes_opens_nothing_by_them(strict: Any) -> None:
    strict.ZHIKE_PASSKEY = "none"
    who = user(Role.SECURITY_ADMINISTRATOR, password=PASSWORD)
    set_up(who, client_of(who))
    strict.ZHIKE_PASSKEY = "administrators"
    client = new_client()
    with clock.stopped_at(clock.now() + timedelta(minutes=2)):
        assert sign_in(who.login, client=client)["Location"].startswith(SECOND)
        assert client.post(SECOND, {"code": code_of(who)}).status_code == 302
        assert client.get("/me/tokens/")["Location"] == MINE
        device = enrolled(who, client=client)
        assert is_in(client)
    # And from now on no code is taken, though it is right.
    again = new_client()
    with clock.stopped_at(clock.now() + timedelta(minutes=4)):
        sign_in(who.login, client=again)
        page = again.get(SECOND)
        assert 'name="code"' not in page.content.decode()
        assert again.post(SECOND, {"code": code_of(who)}).status_code == 422
        assert not is_in(again)
        sent = {"passkey": device.answer(asked(again.get(SECOND)), ORIGIN)}
        assert again.post(SECOND, sent).status_code == 302
        assert is_in(again)


def test_the_last_passkey_of_an_administrator_stays(strict: Any) -> None:
    who = user(Role.AUDITOR)
    client = client_of(who)
    enrolled(who, client=client)
    set_up(who, client)
    passkey = who.passkeys.get()
    assert client.post(f"{MINE}passkeys/{passkey.public_id}/remove/").status_code == 403
    assert who.passkeys.count() == 1


def test_a_passkey_alone_signs_an_administrator_in(strict: Any) -> None:
    who = user(Role.AUDITOR)
    device: Authenticator = enrolled(who)
    client = new_client()
    assert (
        client.post(IN, {"passkey": device.answer(asked(client.get(IN)), ORIGIN)}).status_code
        == 302
    )
    assert is_in(client)


def test_others_keep_their_codes(strict: Any) -> None:
    who = user(Role.TELLER)
    client = client_of(who)
    assert client.get("/me/")["Location"] == MINE
    set_up(who, client)
    assert is_in(client)
