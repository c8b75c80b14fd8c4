"""A session ends when nobody is there, at the latest after twelve hours, and nothing typed is lost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client

from zhike.kernel import clock
from zhike.organisation.models import Employee, Role
from zhike.organisation.services import reset_password
from zhike.organisation.tests.factories import SYSTEM, client_of, employee
from zhike.ui.sessions import KEPT, LAST_READER, SEEN

pytestmark = pytest.mark.django_db
PASSWORD = "correct-horse-battery"
TYPED = {"title": "来访", "kind": ["note", "visit"], "password": "hidden"}


@pytest.fixture
def reader() -> Employee:
    made = employee(Role.CUSTOMER_MANAGER)
    reset_password(actor=SYSTEM, user=made.user, password=PASSWORD)
    return made


def sign_in(client: Client, who: Employee) -> None:
    answer = client.post("/sign-in/", {"login": who.user.login, "password": PASSWORD})
    assert answer.status_code == 302


def ended(who: Employee) -> Client:
    """A browser in which that person was signed in once."""
    client = client_of(who)
    client.get("/me/")
    assert client.cookies[LAST_READER]["httponly"]
    del client.cookies[settings.SESSION_COOKIE_NAME]
    return client


def test_only_what_a_person_asks_moves_the_end_on(reader: Employee) -> None:
    client, now = client_of(reader), clock.now().replace(microsecond=0)

    def seen_after(minutes: int, **headers: str) -> int:
        with clock.stopped_at(now + timedelta(minutes=minutes)):
            assert client.get("/session/", **headers).status_code == 200  # type: ignore[arg-type]
        return int(client.session[SEEN] - now.timestamp()) // 60

    with clock.stopped_at(now):
        client.get("/me/")
    assert seen_after(10, HTTP_X_ZHIKE_UNASKED="1") == 0
    assert seen_after(10) == 10
    with clock.stopped_at(now + timedelta(minutes=10, seconds=30)):
        client.get("/me/")  # within the same minute nothing is written
    assert seen_after(10) == 10
    with clock.stopped_at(now + timedelta(minutes=10, seconds=30)):
        client.post("/session/")  # somebody says so
    assert client.session[SEEN] > now.timestamp() + 610


def test_no_session_lasts_longer_than_a_working_day(reader: Employee) -> None:
    client, now = client_of(reader), clock.now().replace(microsecond=0)
    with clock.stopped_at(now):
        assert client.get("/me/").status_code == 200
    with clock.stopped_at(now + timedelta(hours=11, minutes=59)):
        assert client.get("/me/").status_code == 200
    with clock.stopped_at(now + timedelta(hours=12, minutes=1)):
        assert client.get("/me/").status_code == 302


def test_htmx_is_told_that_the_session_ended(reader: Employee) -> None:
    answer = Client().post("/notices/read/", HTTP_HX_REQUEST="true")
    assert answer.status_code == 401
    assert answer["HX-Reswap"] == "none"


def test_a_form_comes_back_to_who_typed_it(reader: Employee) -> None:
    client = ended(reader)
    answer = client.post(
        "/notices/read/", TYPED, HTTP_REFERER="http://testserver/notices/?unread=1"
    )
    assert answer["Location"] == "/sign-in/?next=/notices/%3Funread%3D1"
    assert "来访" not in client.session[KEPT]
    assert "您填写的内容已保留" in client.get("/sign-in/").content.decode()
    sign_in(client, reader)
    assert 'data-kept="/session/kept/"' in client.get("/notices/").content.decode()
    assert client.post("/session/kept/").json() == {
        "action": "/notices/read/",
        "page": "/notices/?unread=1",
        "fields": [["title", "来访"], ["kind", "note"], ["kind", "visit"]],
    }
    assert client.post("/session/kept/").status_code == 204


def test_nobody_else_gets_it(reader: Employee) -> None:
    client = ended(employee(Role.TELLER))
    client.post("/notices/read/", TYPED)
    sign_in(client, reader)
    answer = client.post("/session/kept/")
    assert (answer.status_code, answer.content) == (204, b"")
    assert KEPT not in client.session


def test_a_browser_without_a_past_keeps_nothing() -> None:
    client = Client()
    assert client.post("/notices/read/", TYPED)["Location"] == "/sign-in/?next=/notices/read/"
    assert KEPT not in client.session


def test_who_signs_out_left_no_form(reader: Employee) -> None:
    client = client_of(reader)
    client.get("/me/")
    answer = client.post("/sign-out/", HTTP_REFERER="http://testserver/me/")
    assert answer["Location"] == "/sign-in/"
    assert KEPT not in client.session


def test_another_site_cannot_lay_a_form_before_anybody(reader: Employee) -> None:
    client = ended(reader)
    client.handler.enforce_csrf_checks = True
    client.post("/notices/read/", TYPED, HTTP_ORIGIN="https://elsewhere.example")
    assert KEPT not in client.session


def test_the_page_says_how_long_and_whose(reader: Employee) -> None:
    page = client_of(reader).get("/notices/").content.decode()
    assert f'data-idle="{settings.SESSION_COOKIE_AGE}"' in page
    answer = client_of(reader).get("/session/")
    assert f'data-reader="{answer.json()["reader"]}"' in page
    assert reader.user.login not in answer.content.decode()
