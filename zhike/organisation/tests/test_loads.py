"""Units and employees from a source: any order, twice the same, all or nothing."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date

import pytest

from zhike.kernel import clock
from zhike.kernel.errors import UserError
from zhike.kernel.models import AuditEntry
from zhike.organisation.models import Appointment, Employee, Role, Unit
from zhike.organisation.services import (
    Counts,
    EmployeeRow,
    UnitRow,
    end_appointment,
    leave,
    upsert_employees,
    upsert_units,
)
from zhike.organisation.tests.factories import SYSTEM

pytestmark = pytest.mark.django_db
TREE = [
    UnitRow("HO", "总行", "head_office"),
    UnitRow("B1", "城东支行", "sub_branch", "HO", "城东"),
    UnitRow("B2", "城西支行", "sub_branch", "HO"),
    UnitRow("O1", "桥头分理处", "outlet", "B1", opened_on=date(2011, 5, 1)),
]
STAFF = [
    EmployeeRow("E1", "甲员工", "O1", Role.CUSTOMER_MANAGER, "客户经理", date(2020, 1, 1)),
    EmployeeRow("E2", "乙员工", "HO", Role.AUDITOR, "审计岗"),
    EmployeeRow("E3", "丙员工", "B2"),
]


def units(rows: list[UnitRow]) -> Counts:
    return upsert_units(actor=SYSTEM, rows=rows)


def staff(rows: list[EmployeeRow]) -> Counts:
    return upsert_employees(actor=SYSTEM, rows=rows)


@pytest.mark.parametrize("seed", range(4))
def test_a_tree_arrives_in_any_order_and_twice_adds_nothing(seed: int) -> None:
    rows = random.Random(seed).sample(TREE, len(TREE))
    assert units(rows) == Counts(4, 0, 0)
    outlet = Unit.objects.get(code="O1")
    assert outlet.parent is not None
    assert outlet.path == f"{outlet.parent.path}{outlet.pk}/"
    assert (outlet.parent.code, outlet.depth, outlet.opened_on) == ("B1", 2, date(2011, 5, 1))
    entries = AuditEntry.objects.count()
    assert units(rows) == Counts(0, 0, 4)
    assert AuditEntry.objects.count() == entries


def test_what_changed_is_corrected_and_what_moved_moves() -> None:
    units(TREE)
    moved = replace(TREE[1], parent="B2", name="城东新支行")
    assert units([*TREE[:1], moved, *TREE[2:]]) == Counts(0, 1, 3)
    outlet = Unit.objects.get(code="O1")
    ids = [Unit.objects.get(code=code).pk for code in ("HO", "B2", "B1", "O1")]
    assert outlet.path == "/" + "".join(f"{id}/" for id in ids)
    assert Unit.objects.get(code="B1").name == "城东新支行"


def test_parent_and_child_may_change_places() -> None:
    units([UnitRow("A", "甲", "branch"), UnitRow("B", "乙", "branch", "A")])
    units([UnitRow("A", "甲", "branch", "B"), UnitRow("B", "乙", "branch")])
    above, below = Unit.objects.get(code="B"), Unit.objects.get(code="A")
    assert (above.path, below.path) == (f"/{above.pk}/", f"/{above.pk}/{below.pk}/")


@pytest.mark.parametrize(
    "rows",
    [
        [*TREE, TREE[0]],
        [*TREE, UnitRow("X", "某处", "castle")],
        [*TREE, UnitRow("X", "某处", "outlet", "NOWHERE")],
        [*TREE, UnitRow("X", "某", "outlet", "Y"), UnitRow("Y", "处", "outlet", "X")],
    ],
)
def test_a_faulty_tree_changes_nothing(rows: list[UnitRow]) -> None:
    with pytest.raises(UserError) as caught:
        units(rows)
    assert rows[-1].code in str(caught.value) or "X" in str(caught.value)
    assert not Unit.objects.exists()


def test_staff_arrives_with_its_positions_and_twice_adds_nothing() -> None:
    units(TREE)
    assert staff(STAFF) == Counts(3, 0, 0)
    seat = Appointment.objects.get(employee__code="E1")
    assert (seat.position.role, seat.position.unit.code) == (Role.CUSTOMER_MANAGER, "O1")
    assert seat.during.lower == date(2020, 1, 1)
    assert Appointment.objects.get(employee__code="E2").during.lower == clock.today()
    assert not Appointment.objects.filter(employee__code="E3").exists()
    entries = AuditEntry.objects.count()
    assert staff(STAFF) == Counts(0, 0, 3)
    assert AuditEntry.objects.count() == entries


def test_changed_staff_is_corrected_and_seated() -> None:
    units(TREE)
    staff(STAFF)
    rows = [
        replace(STAFF[0], name="甲新名"),
        STAFF[1],
        replace(STAFF[2], role=Role.TELLER, title="柜员"),
    ]
    assert staff(rows) == Counts(0, 2, 1)
    assert Employee.objects.get(code="E1").name == "甲新名"
    assert Appointment.objects.filter(employee__code="E3").count() == 1


def test_a_position_that_ended_is_taken_up_again_from_today() -> None:
    units(TREE)
    staff(STAFF)
    seat = Appointment.objects.get(employee__code="E1")
    end_appointment(actor=SYSTEM, appointment=seat, on=date(2021, 1, 1), reason="轮岗")
    assert staff(STAFF) == Counts(0, 1, 2)
    latest = Appointment.objects.filter(employee__code="E1").order_by("-during")[0]
    assert latest.during.lower == clock.today()


def test_who_left_is_not_seated_again() -> None:
    units(TREE)
    staff(STAFF)
    left = Employee.objects.get(code="E1")
    leave(actor=SYSTEM, employee=left, on=clock.today(), reason="退休")
    assert staff(STAFF) == Counts(0, 0, 3)


@pytest.mark.parametrize(
    "wrong",
    [
        EmployeeRow("E9", "某人", "NOWHERE"),
        EmployeeRow("E9", "某人", "O1", "king"),
        STAFF[0],
    ],
)
def test_faulty_staff_changes_nothing(wrong: EmployeeRow) -> None:
    units(TREE)
    with pytest.raises(UserError):
        staff([*STAFF, wrong])
    assert not Employee.objects.exists()


def test_a_load_joins_no_administrator_with_another_role() -> None:
    units(TREE)
    staff(STAFF)
    with pytest.raises(UserError):
        staff([replace(STAFF[1], role=Role.TELLER, title="柜员")])
    assert Appointment.objects.filter(employee__code="E2").count() == 1


def test_a_load_costs_as_many_queries_for_many_as_for_few(
    django_assert_max_num_queries: object,
) -> None:
    outlets = [UnitRow(f"O{n}", f"网点{n}", "outlet", "HO") for n in range(300)]
    with django_assert_max_num_queries(16):  # type: ignore[operator]
        units([TREE[0], *outlets])
    people = [
        EmployeeRow(f"E{n}", f"员工{n}", f"O{n % 3}", Role.TELLER, "柜员") for n in range(300)
    ]
    with django_assert_max_num_queries(20):  # type: ignore[operator]
        staff(people)
    with django_assert_max_num_queries(10):  # type: ignore[operator]
        assert staff(people) == Counts(0, 0, 300)
