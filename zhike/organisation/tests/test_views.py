"""The tree, units, people and their edits on the screen."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from zhike.kernel import clock
from zhike.kernel.models import AuditEntry
from zhike.organisation import services
from zhike.organisation.models import Employee, Role, Unit, User
from zhike.organisation.tests.factories import SYSTEM, client_of, employee, unit

pytestmark = pytest.mark.django_db
FRAGMENT = {"HX-Request": "true", "HX-Request-Type": "partial"}
ADMIN = Role.SYSTEM_ADMINISTRATOR


@pytest.fixture
def admin() -> Client:
    return client_of(employee(ADMIN))


def address(name: str, row: Any = None) -> str:
    return reverse(f"organisation:{name}", args=[row.public_id] if row else [])


def opened(client: Client, url: str, data: dict[str, Any]) -> dict[str, Any]:
    """What the browser sends: the form's hidden originals and version, with `data` over its fields."""
    context = client.get(url).context
    form = context["form"]
    sent = {"version": context["version"]} if context["row"] else {}
    for name in form.fields:
        value = form[name].value()
        shown = form.fields[name].prepare_value(value)
        sent[name] = sent[form[name].html_initial_name] = "" if shown is None else str(shown)
    return sent | data


@pytest.mark.parametrize("role", Role.values)
def test_everybody_with_a_position_sees_units_and_people(role: str) -> None:
    who = employee(role)
    client = client_of(who)
    for url in (address("tree"), address("unit", who.unit), address("person", who)):
        assert client.get(url).status_code == 200


def test_without_a_position_nothing_is_shown() -> None:
    who = employee()
    client = client_of(who)
    for url in (address("tree"), address("unit", who.unit), address("person", who)):
        assert client.get(url).status_code == 403


def test_a_stranger_is_sent_to_the_sign_in() -> None:
    response = Client().get(address("tree"))
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/sign-in/")


EDITS = ["unit_edit", "person_edit", "appoint", "leave", "give_login", "password", "end"]


def row_for(name: str, who: Employee) -> Any:
    return {
        "unit_edit": who.unit,
        "password": who.user,
        "end": who.appointments.get(),
    }.get(name, who)


@pytest.mark.parametrize("role", [each for each in Role.values if each != ADMIN])
def test_only_the_system_administrator_edits(role: str) -> None:
    client, who = client_of(employee(role)), employee(Role.TELLER)
    urls = [address(name, row_for(name, who)) for name in EDITS]
    for url in [*urls, address("unit_new"), address("person_new")]:
        # Forms about logins are not even known to whoever may not read logins.
        assert client.get(url).status_code == 403
        assert client.post(url, {}).status_code == 403
    assert AuditEntry.objects.filter(outcome="refused").count() == 2 * len(urls) + 4


@pytest.mark.parametrize("name", EDITS)
def test_forms_open_and_absent_rows_are_absent(name: str, admin: Client) -> None:
    who = employee(Role.TELLER)
    row = row_for(name, who)
    assert admin.get(address(name, row)).status_code == 200
    row.public_id = "00000000-0000-4000-8000-000000000000"
    assert admin.get(address(name, row)).status_code == 404


def test_the_tree_opens_a_level_at_a_time(admin: Client) -> None:
    root = Unit.objects.get()
    below = unit(root, name="城东支行")
    seated = employee(Role.TELLER, unit(below, name="桥头分理处"))
    first = admin.get(address("tree")).content.decode()
    assert "城东支行" in first
    assert "桥头分理处" not in first
    branch = admin.get(f"{address('tree')}?under={below.public_id}", headers=FRAGMENT)
    assert "桥头分理处" in branch.content.decode()
    assert "<html" not in branch.content.decode()
    leaf = admin.get(f"{address('tree')}?under={seated.unit.public_id}", headers=FRAGMENT)
    assert seated.name in leaf.content.decode()
    assert admin.get(f"{address('tree')}?under=nonsense").status_code == 422


@pytest.mark.parametrize("size", [2, 30])
def test_pages_cost_the_same_whatever_the_size(
    size: int, admin: Client, django_assert_max_num_queries: Any
) -> None:
    root = Unit.objects.get()
    for _ in range(size):
        employee(Role.TELLER, root)
        unit(root)
    with django_assert_max_num_queries(12):
        admin.get(address("tree"))
    with django_assert_max_num_queries(13):
        admin.get(address("unit", root))


def test_a_person_s_page_shows_positions_with_dates_and_the_login_to_administrators(
    admin: Client,
) -> None:
    who = employee(Role.TELLER)
    login = who.user.login
    shown = admin.get(address("person", who)).content.decode()
    assert "2000-01-01" in shown
    assert login in shown
    others = client_of(employee(Role.TELLER)).get(address("person", who)).content.decode()
    assert "2000-01-01" in others
    assert f"{login} " not in others


def test_a_unit_is_opened_below_another(admin: Client) -> None:
    root = Unit.objects.get()
    url = f"{address('unit_new')}?unit={root.public_id}"
    sent = {"code": "n1", "name": "新网点", "kind": "outlet", "parent": str(root.public_id)}
    assert str(root.public_id) in admin.get(url).content.decode()
    assert admin.post(url, sent).status_code == 303
    made = Unit.objects.get(code="n1")
    assert (made.parent, made.path) == (root, f"/{root.pk}/{made.pk}/")
    assert admin.post(url, sent).status_code == 422


def test_two_edits_of_one_field_are_shown_field_by_field(admin: Client) -> None:
    place = unit(name="旧名")
    url = address("unit_edit", place)
    mine = opened(admin, url, {"name": "我的名"})
    services.change_unit(actor=SYSTEM, unit=place, changes={"name": "他的名"})
    response = admin.post(url, mine)
    assert response.status_code == 409
    shown = response.content.decode()
    assert "旧名" in shown
    assert "我的名" in shown
    assert "他的名" in shown
    place.refresh_from_db()
    assert place.name == "他的名"


def test_edits_of_different_fields_are_joined(admin: Client) -> None:
    place = unit(name="旧名")
    url = address("unit_edit", place)
    mine = opened(admin, url, {"region": "城北"})
    services.change_unit(actor=SYSTEM, unit=place, changes={"name": "他的名"})
    assert admin.post(url, mine).status_code == 303
    place.refresh_from_db()
    assert (place.name, place.region) == ("他的名", "城北")


def test_a_unit_moves_by_its_form_and_never_below_itself(admin: Client) -> None:
    above = unit()
    below = unit(above)
    url = address("unit_edit", above)
    circle = opened(admin, url, {"parent": str(below.public_id)})
    assert admin.post(url, circle).status_code == 422
    assert AuditEntry.objects.filter(action="organisation.unit.move", outcome="refused").exists()
    move = opened(admin, address("unit_edit", below), {"parent": ""})
    assert admin.post(address("unit_edit", below), move).status_code == 303
    below.refresh_from_db()
    assert below.path == f"/{below.pk}/"


def test_somebody_is_hired_seated_given_a_login_and_leaves(admin: Client) -> None:
    place = unit()
    at = str(place.public_id)
    sent = {"code": "h1", "name": "新员工", "unit": at}
    assert admin.post(address("person_new"), sent).status_code == 303
    who = Employee.objects.get(code="h1")
    since = clock.today() - timedelta(days=3)
    seat = {"unit": at, "role": Role.TELLER, "title": "柜员", "since": since.isoformat()}
    assert admin.post(address("appoint", who), seat).status_code == 303
    login = {"login": "newcomer", "password": "a-long-passphrase"}
    assert admin.post(address("give_login", who), login).status_code == 303
    user = User.objects.get(login="newcomer")
    new = {"password": "another-passphrase"}
    assert admin.post(address("password", user), new).status_code == 303
    user.refresh_from_db()
    assert user.check_password("another-passphrase")
    leaving = {"on": clock.today().isoformat(), "reason": "搬家"}
    assert admin.post(address("leave", who), leaving).status_code == 303
    who.refresh_from_db()
    assert who.left_on == clock.today()


def test_a_position_is_ended_by_its_form(admin: Client) -> None:
    who = employee(Role.TELLER)
    held = who.appointments.get()
    sent = {"on": clock.today().isoformat(), "reason": "轮岗"}
    assert admin.post(address("end", held), sent).status_code == 303
    held.refresh_from_db()
    assert held.during.upper == clock.today()


def test_a_refused_form_says_why_and_leaves_its_mark_on_the_trail() -> None:
    me = employee(ADMIN)
    client = client_of(me)
    seat = {
        "unit": str(me.unit.public_id),
        "role": Role.TELLER,
        "title": "柜员",
        "since": clock.today().isoformat(),
    }
    response = client.post(address("appoint", me), seat)
    assert response.status_code == 422
    assert me.appointments.count() == 1
    entry = AuditEntry.objects.get(outcome="refused")
    assert (entry.action, entry.actor_user_id) == ("organisation.appoint", me.user.pk)


def test_a_weak_password_is_not_shown_again(admin: Client) -> None:
    who = services.hire(actor=SYSTEM, code="w1", name="某人", unit=unit())
    sent = {"login": "someone", "password": "zzq-17"}
    response = admin.post(address("give_login", who), sent)
    assert response.status_code == 422
    assert "zzq-17" not in response.content.decode()
    assert not User.objects.filter(login="someone").exists()
