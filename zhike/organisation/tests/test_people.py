"""The list of employees: found by name and pinyin, asked by position and unit; logins for who may see them."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from zhike.kernel import clock
from zhike.organisation import rules
from zhike.organisation.models import Employee, Role, Unit
from zhike.organisation.services import appoint, leave
from zhike.organisation.suggestions import people
from zhike.organisation.tests.factories import SYSTEM, client_of, employee, onlooker, unit

pytestmark = pytest.mark.django_db
LIST = "/organisation/people/"
HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}


@pytest.fixture
def manager() -> Employee:
    return named("张伟明", Role.CUSTOMER_MANAGER)


@pytest.fixture
def teller(manager: Employee) -> Employee:
    return named("王小芳", Role.TELLER, unit(name="桥头分理处"))


def named(name: str, role: str, place: Unit | None = None) -> Employee:
    made = employee(role, place)
    Employee.objects.filter(pk=made.pk).update(name=name)
    made.refresh_from_db()
    return made


def rows(client: Client, query: str = "") -> str:
    answer = client.get(f"{LIST}?{query}", headers=HTMX)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


@pytest.mark.parametrize(
    "typed", ["张伟", "zwm", "ZW", "zhangweiming", "zhang wei", "zhangwe", "伟明"]
)
def test_people_are_found_by_name_and_pinyin(
    manager: Employee, teller: Employee, typed: str
) -> None:
    found = rows(client_of(teller), f"q={typed}")
    assert "张伟明" in found
    assert "王小芳" not in found


@pytest.mark.parametrize("typed", ["wm", "zmw", "zhangming", "张芳", "1;", "zwm*"])
def test_what_nobody_is_called_finds_nobody(
    manager: Employee, teller: Employee, typed: str
) -> None:
    assert "张伟明" not in rows(client_of(teller), f"q={typed}")


def test_a_code_finds_its_person(manager: Employee, teller: Employee) -> None:
    found = rows(client_of(manager), f"q={teller.code.upper()}")
    assert "王小芳" in found
    assert "张伟明" not in found


def test_a_person_stands_with_the_positions_of_today(manager: Employee, teller: Employee) -> None:
    past = named("李建国", Role.TELLER)
    today = clock.today()
    appoint(
        actor=SYSTEM, employee=past, unit=past.unit, role=Role.TEAM_LEAD, title="团队长",
        since=today + timedelta(days=1),
    )  # fmt: skip
    asked = rows(client_of(manager), f"role={Role.TEAM_LEAD}")
    assert "李建国" not in asked
    asked = rows(client_of(manager), f"where=role.is.{Role.TELLER}")
    assert "李建国" in asked
    assert "王小芳" in asked
    assert "张伟明" not in asked
    assert "团队长" not in asked


def test_a_unit_is_asked_with_all_below_it(manager: Employee, teller: Employee) -> None:
    deeper = named("赵深", Role.TELLER, unit(teller.unit))
    found = rows(client_of(manager), f"where=unit.is.{teller.unit.code}")
    assert deeper.name in found
    assert "王小芳" in found
    assert "张伟明" not in found


def test_who_left_is_shown_where_asked_for(manager: Employee, teller: Employee) -> None:
    leave(actor=SYSTEM, employee=teller, on=clock.today(), reason="退休")
    client = client_of(manager)
    assert "王小芳" not in rows(client)
    left = rows(client, "left=yes")
    assert "王小芳" in left
    assert "张伟明" not in left


def test_logins_are_known_to_who_gives_them(manager: Employee, teller: Employee) -> None:
    teller.user.is_active = False
    teller.user.save()
    admin = client_of(employee(Role.SYSTEM_ADMINISTRATOR))
    locked = rows(admin, "login=no")
    assert "王小芳" in locked
    assert "张伟明" not in locked
    assert "王小芳" not in rows(admin, "login=yes")
    # For everybody else there is neither the column nor the question.
    asked = rows(client_of(manager), "login=no")
    assert "张伟明" in asked
    assert "may_sign_in" not in asked
    problem = client_of(manager).get(f"{LIST}?cols=name,may_sign_in").content.decode()
    assert "list-problem" in problem


@pytest.mark.parametrize("size", [2, 30])
def test_the_list_costs_the_same_whatever_its_length(
    size: int, manager: Employee, django_assert_max_num_queries: Any
) -> None:
    for _each in range(size):
        employee(Role.TELLER, manager.unit)
    client = client_of(manager)
    with django_assert_max_num_queries(13):
        client.get(LIST)


def test_the_search_box_reads_pinyin_too(manager: Employee) -> None:
    assert [hit.title for hit in people(onlooker(), "zwm", 5)] == ["张伟明"]


LETTERS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=10)


@given(LETTERS)
def test_every_reading_is_a_pattern(typed: str) -> None:
    pattern = rules.reading(typed)
    assert not pattern or re.compile(pattern)


@given(st.text())
def test_nothing_but_letters_is_read(typed: str) -> None:
    if not typed.replace(" ", "").replace("'", "").isascii():
        assert rules.reading(typed) == ""


@pytest.mark.parametrize(
    ("typed", "name", "reads"),
    [
        ("zw", "张伟", True), ("shanwei", "单伟", True), ("dw", "单伟", True), ("xian", "西安", True),
        ("xian", "先", True), ("lv", "吕布", True), ("zhen", "张恩", False), ("w", "张伟", False),
    ],
)  # fmt: skip
def test_names_read_by_any_reading_of_their_characters(typed: str, name: str, reads: bool) -> None:
    assert bool(re.search(rules.reading(typed), name)) is reads
