"""Writes to units, people and positions, and what they refuse."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateRange

from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.kernel.errors import Conflict, Refused, UserError
from zhike.kernel.models import AuditEntry
from zhike.organisation import services
from zhike.organisation.models import Appointment, Employee, Position, Role, Unit, User
from zhike.organisation.rules import ADMINISTRATORS
from zhike.organisation.tests.factories import (
    LONG_AGO,
    SYSTEM,
    administrator,
    employee,
    onlooker,
    unit,
)

pytestmark = pytest.mark.django_db
TODAY = date(2026, 3, 2)


def everything() -> list[list[str]]:
    """Every row of the room, to tell that a refused write changed none."""
    models: tuple[Any, ...] = (Unit, Employee, Position, Appointment, User)
    return [sorted(map(repr, model.objects.values_list())) for model in models]


REFUSED: list[Callable[[Actor, Employee, Unit], object]] = [
    lambda a, e, u: services.open_unit(actor=a, code="x", name="x", kind="outlet"),
    lambda a, e, u: services.change_unit(actor=a, unit=u, changes={"name": "x"}),
    lambda a, e, u: services.move_unit(actor=a, unit=u, parent=e.unit),
    lambda a, e, u: services.hire(actor=a, code="x", name="x", unit=u),
    lambda a, e, u: services.change_employee(actor=a, employee=e, changes={"name": "x"}),
    lambda a, e, u: services.appoint(actor=a, employee=e, unit=u, role=Role.TELLER, title="x"),
    lambda a, e, u: services.give_login(actor=a, employee=e, login="x", password="a-long-phrase"),
    lambda a, e, u: services.reset_password(actor=a, user=e.user, password="a-long-phrase"),
    lambda a, e, u: services.leave(actor=a, employee=e, on=TODAY, reason="x"),
    lambda a, e, u: services.upsert_units(actor=a, rows=[]),
    lambda a, e, u: services.upsert_employees(actor=a, rows=[]),
    lambda a, e, u: services.end_appointment(
        actor=a, appointment=e.appointments.get(), on=TODAY, reason="x"
    ),
]


@pytest.mark.parametrize("write", REFUSED)
def test_writes_need_the_permission(write: Callable[[Actor, Employee, Unit], object]) -> None:
    actor, somebody, place = onlooker(), employee(Role.TELLER), unit()
    before = everything()
    with pytest.raises(Refused):
        write(actor, somebody, place)
    assert everything() == before


# Units


def test_a_unit_stands_below_its_parent_and_is_on_the_trail() -> None:
    root = unit()
    made = services.open_unit(
        actor=administrator(root), code="b1", name="城东支行", kind="sub_branch", parent=root
    )
    assert made.path == f"/{root.pk}/{made.pk}/"
    assert made.depth == 1
    entry = AuditEntry.objects.get(action="organisation.unit.open", object_id=made.pk)
    assert entry.changes == {"name": [None, "城东支行"]}


def test_a_code_names_one_unit() -> None:
    taken = unit()
    before = everything()
    with pytest.raises(UserError):
        services.open_unit(actor=SYSTEM, code=taken.code, name="x", kind="outlet")
    assert everything() == before


def test_moves_keep_paths_right() -> None:
    """Random trees and moves, each held against the parents walked one by one."""
    chance = random.Random(7)
    units = [unit()]
    for _ in range(25):
        units.append(unit(chance.choice(units)))
    for _ in range(40):
        moved, parent = chance.choice(units), chance.choice([None, *units])
        moved.refresh_from_db()
        if parent is not None and moved in walked_up(parent):
            before = everything()
            with pytest.raises(Refused):
                services.move_unit(actor=SYSTEM, unit=moved, parent=parent)
            assert everything() == before
        else:
            services.move_unit(actor=SYSTEM, unit=moved, parent=parent)
        for each in Unit.objects.all():
            ids = [above.pk for above in reversed(walked_up(each))]
            assert each.path == "/" + "".join(f"{id}/" for id in ids)


def walked_up(unit: Unit) -> list[Unit]:
    found = [Unit.objects.get(pk=unit.pk)]
    while (above := found[-1].parent) is not None:
        found.append(above)
    return found


def test_two_edits_of_one_unit_are_joined_or_told_apart() -> None:
    place = unit(name="旧名")
    seen = {"name": "旧名", "region": ""}
    services.change_unit(actor=SYSTEM, unit=place, changes={"name": "甲名"}, version=1)
    stale = Unit.objects.get(pk=place.pk)
    services.change_unit(
        actor=SYSTEM,
        unit=stale,
        changes={"name": "旧名", "region": "城东"},
        version=1,
        originals=seen,
    )
    place.refresh_from_db()
    assert (place.name, place.region) == ("甲名", "城东")
    before = everything()
    with pytest.raises(Conflict) as caught:
        services.change_unit(
            actor=SYSTEM, unit=place, changes={"name": "乙名"}, version=1, originals=seen
        )
    assert caught.value.fields == {"name": ("旧名", "乙名", "甲名")}
    assert everything() == before


# Positions


def test_nobody_appoints_themselves() -> None:
    actor = administrator()
    me = Employee.objects.get(user=actor.user_id)
    before = everything()
    with pytest.raises(Refused):
        services.appoint(actor=actor, employee=me, unit=me.unit, role=Role.TELLER, title="柜员")
    assert everything() == before


def test_administrators_are_disjoint_whatever_the_order() -> None:
    """Random appointments over random dates: on no day does an administrator hold a second role."""
    chance = random.Random(3)
    people = [employee() for _ in range(3)]
    refused = 0
    for number in range(120):
        since = TODAY + timedelta(days=chance.randrange(20))
        until = chance.choice([None, since + timedelta(days=chance.randrange(1, 4))])
        try:
            with transaction.atomic():
                who = chance.choice(people)
                services.appoint(
                    actor=SYSTEM,
                    employee=who,
                    unit=who.unit,
                    role=chance.choice(Role.values),
                    title=f"岗位{number}",
                    since=since,
                    until=until,
                )
        except Refused:
            refused += 1
    assert refused
    for who in people:
        for offset in range(40):
            held = Appointment.objects.filter(
                employee=who, during__contains=TODAY + timedelta(days=offset)
            ).values_list("position__role", flat=True)
            assert not (set(held) & ADMINISTRATORS) or len(set(held)) == 1


def test_the_database_itself_keeps_positions_from_overlapping() -> None:
    who = employee(Role.TELLER)
    position = Position.objects.get(unit=who.unit)
    with pytest.raises(IntegrityError), transaction.atomic():
        Appointment.objects.create(employee=who, position=position, during=DateRange(TODAY, None))
    with pytest.raises(Refused):
        services.appoint(
            actor=SYSTEM, employee=who, unit=who.unit, role=Role.TELLER, title=position.title
        )


def test_a_position_is_held_for_a_day_at_least() -> None:
    who = employee()
    before = everything()
    with pytest.raises(UserError):
        services.appoint(
            actor=SYSTEM,
            employee=who,
            unit=who.unit,
            role=Role.TELLER,
            title="柜员",
            since=TODAY,
            until=TODAY,
        )
    assert everything() == before


@pytest.mark.parametrize(
    ("on", "after"),
    [
        (TODAY, DateRange(LONG_AGO, TODAY)),
        (LONG_AGO, DateRange(empty=True)),
        (LONG_AGO - timedelta(days=9), DateRange(empty=True)),
    ],
)
def test_a_position_ends(on: date, after: DateRange) -> None:
    held = employee(Role.TELLER).appointments.get()
    services.end_appointment(actor=SYSTEM, appointment=held, on=on, reason="轮岗")
    held.refresh_from_db()
    assert held.during == after


def test_ending_never_makes_a_position_longer() -> None:
    held = employee(Role.TELLER).appointments.get()
    services.end_appointment(actor=SYSTEM, appointment=held, on=TODAY, reason="轮岗")
    before = everything()
    with pytest.raises(UserError):
        services.end_appointment(
            actor=SYSTEM, appointment=held, on=TODAY + timedelta(days=1), reason="later"
        )
    assert everything() == before


# People and logins


def test_leaving_closes_the_login_and_ends_positions_now_and_to_come() -> None:
    who = employee(Role.TELLER)
    services.appoint(
        actor=SYSTEM,
        employee=who,
        unit=who.unit,
        role=Role.TEAM_LEAD,
        title="主管",
        since=TODAY + timedelta(days=30),
    )
    services.leave(actor=SYSTEM, employee=who, on=TODAY, reason="退休")
    who.refresh_from_db()
    assert who.left_on == TODAY
    assert not User.objects.get(employee=who).is_active
    assert not Appointment.objects.filter(
        employee=who, during__overlap=DateRange(TODAY, None)
    ).exists()
    with pytest.raises(Refused):
        services.appoint(actor=SYSTEM, employee=who, unit=who.unit, role=Role.TELLER, title="回来")


def test_a_guard_of_a_room_above_stops_the_leaving() -> None:
    who = employee(Role.TELLER)
    before = everything()
    services.leave_guards.append(lambda employee: "still needed")
    try:
        with pytest.raises(Refused, match="still needed"):
            services.leave(actor=SYSTEM, employee=who, on=TODAY, reason="退休")
    finally:
        services.leave_guards.pop()
    assert everything() == before


@pytest.mark.parametrize("password", ["zzq-17", "password1234"])
def test_weak_passwords_are_refused(password: str) -> None:
    who = employee()
    before = everything()
    with pytest.raises(UserError) as caught:
        services.reset_password(actor=SYSTEM, user=who.user, password=password)
    assert password not in str(caught.value)
    assert everything() == before


def test_one_login_a_person_and_one_person_a_login() -> None:
    who = employee()
    for_login = {"login": who.user.login, "password": "a-long-passphrase"}
    with pytest.raises(UserError):
        services.give_login(actor=SYSTEM, employee=None, **for_login)
    with pytest.raises(UserError):
        services.give_login(
            actor=SYSTEM, employee=who, login="another", password="a-long-passphrase"
        )


def test_a_password_is_kept_by_argon2_and_never_on_the_trail() -> None:
    place = unit()
    who = services.hire(actor=SYSTEM, code="n1", name="新人", unit=place)
    user = services.give_login(
        actor=SYSTEM, employee=who, login="newcomer", password="a-long-passphrase"
    )
    services.reset_password(actor=SYSTEM, user=user, password="another-passphrase")
    kept = User.objects.get(pk=user.pk)
    assert kept.password.startswith("argon2")
    assert kept.check_password("another-passphrase")
    told = str(list(AuditEntry.objects.values_list("changes", "reason")))
    assert "passphrase" not in told
    assert "argon2" not in told


def test_a_language_is_chosen_for_oneself_only() -> None:
    actor, other = onlooker(), employee(Role.TELLER)
    mine = User.objects.get(employee=actor.employee_id)
    services.choose_language(actor=actor, user=mine, language="zh-hant")
    assert User.objects.get(employee=actor.employee_id).language == "zh-hant"
    before = everything()
    with pytest.raises(Refused):
        services.choose_language(actor=actor, user=other.user, language="en")
    with pytest.raises(UserError):
        services.choose_language(actor=actor, user=mine, language="tlh")
    assert everything() == before


def test_positions_begin_today_unless_said_otherwise() -> None:
    who = employee()
    with clock.stopped_at(TODAY):
        held = services.appoint(
            actor=SYSTEM, employee=who, unit=who.unit, role=Role.TELLER, title="柜员"
        )
    assert held.during == DateRange(TODAY, None)
