"""The inbox, the star and what was opened lately: one's own, and in scope when it is shown."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from zhike.access.queries import actor_for
from zhike.desk import queries
from zhike.desk.models import Notice, Remembered
from zhike.desk.services import remembered
from zhike.desk.services.notices import notify
from zhike.kernel import clock
from zhike.kernel.actor import Actor, system
from zhike.kernel.errors import UserError
from zhike.organisation.models import Employee, Role, Unit
from zhike.organisation.tests.factories import client_of, employee, unit

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader() -> Employee:
    return employee(Role.CUSTOMER_MANAGER)


def actor_of(who: Employee) -> Actor:
    return actor_for(who.user)


def told(reader: Employee, text: str = "Everything is read", **more: Any) -> Notice:
    notify(actor=system("test"), kind="test", text=text, employees=[reader.pk], **more)
    return Notice.objects.filter(user=reader.user).latest("pk")


def page(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_inbox_shows_ones_own_in_ones_language(reader: Employee) -> None:
    told(reader)
    other = employee(Role.TELLER)
    told(other, "No notices yet")
    shown = page(client_of(reader), "/notices/")
    assert "全部已读" in shown
    assert "还没有通知" not in shown
    assert "全部已读" in page(client_of(reader), "/notices/bell/")


def test_an_empty_inbox_says_what_will_come(reader: Employee) -> None:
    assert "今日清单生成后" in page(client_of(reader), "/notices/")


def test_following_a_notice_marks_it_read(reader: Employee) -> None:
    notice = told(reader, url="/me/")
    client = client_of(reader)
    assert client.get("/notices/unread/").json() == {"unread": 1}
    answer = client.post(f"/notices/{notice.public_id}/open/")
    assert (answer.status_code, answer["Location"]) == (303, "/me/")
    assert client.get("/notices/unread/").json() == {"unread": 0}
    assert str(notice.public_id) not in page(client, "/notices/?unread=1")


@pytest.mark.parametrize("what", ["open", "read"])
def test_anothers_notice_is_not_there(what: str, reader: Employee) -> None:
    notice = told(employee(Role.TELLER))
    answer = client_of(reader).post(f"/notices/{notice.public_id}/{what}/")
    assert answer.status_code == 404
    notice.refresh_from_db()
    assert notice.read_at is None


def test_all_read(reader: Employee) -> None:
    told(reader)
    other = told(employee(Role.TELLER))
    answer = client_of(reader).post("/notices/read/")
    assert answer.status_code == 204
    assert "notices-changed" in answer["HX-Trigger"]
    assert list(Notice.objects.filter(read_at__isnull=True)) == [other]


def test_the_inbox_is_paged(reader: Employee) -> None:
    for _number in range(31):
        told(reader)
    client = client_of(reader)
    first = page(client, "/notices/")
    assert first.count("notice-open") == 30
    address = first.split('rel="next" href="', 1)[1].split('"', 1)[0].replace("&amp;", "&")
    assert page(client, f"/notices/{address}").count("notice-open") == 1
    assert page(client, "/notices/?cursor=made-up").count("notice-open") == 30


def test_a_notice_names_its_record_only_to_those_who_see_it(reader: Employee) -> None:
    place = unit(name="样例支行")
    about = told(reader, "%(row)s was handed over to you.", row=place)
    assert "样例支行" not in str(about.params)
    assert queries.in_words(actor_of(reader), [about])[0].text.count("样例支行") == 1
    seatless = employee()
    about.user = seatless.user
    (shown,) = queries.in_words(actor_of(seatless), [about])
    assert "样例支行" not in shown.text


def test_notices_of_a_day_join(reader: Employee) -> None:
    for _number in range(3):
        told(
            reader,
            "Unread",
            url="/one/",
            many=("%(count)s customers were handed over to you.", "/all/"),
        )
    (notice,) = Notice.objects.filter(user=reader.user)
    assert (notice.params, notice.url) == ({"count": 3}, "/all/")
    notice.read_at = clock.now()
    notice.save()
    told(reader, "Unread", many=("%(count)s customers were handed over to you.", "/all/"))
    assert Notice.objects.filter(user=reader.user).count() == 2


def test_an_opened_record_stands_among_the_recent(reader: Employee) -> None:
    place = unit(name="样例支行")
    client = client_of(reader)
    assert "样例支行" not in page(client, "/remembered/")
    page(client, place.get_absolute_url())
    page(client, place.get_absolute_url())
    assert page(client, "/remembered/").count("样例支行") == 1
    offered = client.post("/find/", {"q": ""}, HTTP_HX_REQUEST="true").content.decode()
    assert "样例支行" in offered
    assert Remembered.objects.get().user == reader.user


def test_the_star_pins_and_unpins(reader: Employee) -> None:
    place = unit()
    client = client_of(reader)
    address = f"/remembered/{place.public_id}/pin/"
    assert (
        'aria-pressed="true"'
        in client.post(address, {"subject": "unit", "pinned": "1"}).content.decode()
    )
    assert 'aria-pressed="true"' in page(client, place.get_absolute_url())
    assert [hit.url for hit in queries.remembered(actor_of(reader), pinned=True, limit=5)] == [
        place.get_absolute_url()
    ]
    assert (
        'aria-pressed="false"'
        in client.post(address, {"subject": "unit", "pinned": "0"}).content.decode()
    )
    assert queries.remembered(actor_of(reader), pinned=True, limit=5) == []


def test_nothing_is_pinned_beyond_what_one_sees(reader: Employee) -> None:
    place = unit()
    seatless = client_of(employee())
    assert (
        seatless.post(
            f"/remembered/{place.public_id}/pin/", {"subject": "unit", "pinned": "1"}
        ).status_code
        == 403
    )
    client = client_of(reader)
    assert client.post(f"/remembered/{place.public_id}/pin/").status_code == 404
    assert (
        client.post(f"/remembered/{reader.public_id}/pin/", {"subject": "unit"}).status_code == 404
    )
    assert not Remembered.objects.exists()


def test_pins_have_an_end(reader: Employee, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "MOST_PINS", 1)
    actor = actor_of(reader)
    remembered.pin(actor=actor, row=unit(), pinned=True)
    with pytest.raises(UserError, match="1"):
        remembered.pin(actor=actor, row=unit(), pinned=True)
    assert Remembered.objects.count() == 1


def test_a_record_that_is_gone_vanishes(reader: Employee) -> None:
    actor = actor_of(reader)
    place = unit(name="样例支行")
    remembered.remember(actor=actor, row=place)
    assert [hit.title for hit in queries.remembered(actor, pinned=False, limit=5)] == ["样例支行"]
    Remembered.objects.update(object_id=place.pk + 1000)
    assert queries.remembered(actor, pinned=False, limit=5) == []


def test_only_the_newest_are_kept(reader: Employee, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "KEEP", 2)
    actor, now = actor_of(reader), clock.now()
    places: list[Unit] = [unit() for _number in range(4)]
    for age, place in enumerate(places):
        with clock.stopped_at(now - timedelta(hours=age)):
            remembered.remember(actor=actor, row=place)
    remembered.pin(actor=actor, row=places[3], pinned=True)
    assert remembered.forget_old(actor=system("test")) == 1
    kept = set(Remembered.objects.values_list("object_id", flat=True))
    assert kept == {places[0].pk, places[1].pk, places[3].pk}


def test_remembering_costs_one_query(reader: Employee, django_assert_num_queries: Any) -> None:
    actor, place = actor_of(reader), unit()
    with django_assert_num_queries(1):
        assert remembered.remember(actor=actor, row=place) is False


def test_the_shell_costs_one_query(reader: Employee, django_assert_num_queries: Any) -> None:
    from zhike.ui.navigation import counts_for

    told(reader)
    actor = actor_of(reader)
    with django_assert_num_queries(1):
        assert counts_for(actor)["notices"] == 1
