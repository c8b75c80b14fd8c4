"""A leaked row without its code is led back to the files that held its customer; the search leaves a line, no value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from zhike.customers.models import Party
from zhike.customers.services import add_contact_point
from zhike.customers.tests import factories as people
from zhike.desk.models import TakenFile
from zhike.desk.services import tracing
from zhike.kernel.errors import Refused, UserError
from zhike.kernel.models import AuditEntry
from zhike.organisation.models import Employee, Role, Unit

pytestmark = pytest.mark.django_db
MOBILES = ("15412341234", "15412345678", "15412349999")


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> None:
    settings.ZHIKE_HOME = tmp_path


def book(place: Unit, names: str, mobiles: tuple[str, ...]) -> tuple[Employee, list[Party]]:
    """A manager with customers of these surnames, all called 伟."""
    manager = people.employee_with_role(Role.CUSTOMER_MANAGER, place)
    made = [people.person(f"{name}伟", unit=place, manager=manager) for name in names]
    for party, mobile in zip(made, mobiles, strict=False):
        add_contact_point(actor=people.SYSTEM, party=party, kind="mobile", value=mobile)
    return manager, made


def taken_by(manager: Employee) -> list[str]:
    """Takes the whole list; the rows as they left, without their codes."""
    answer = people.client_of(manager).get("/customers/export/?as=csv")
    text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    return [line.rpartition(",")[0] for line in text.splitlines()[1:]]


def found(text: str) -> tuple[int, list[tuple[Employee | None, int]]]:
    told, traced = tracing.trace_rows(actor=people.actor_with_role(Role.AUDITOR), text=text)
    return told, [(each.file.user.employee, each.rows) for each in traced]


def test_rows_lead_to_who_took_them_the_most_first() -> None:
    place = people.unit()
    one, mine = book(place, "赵钱孙", MOBILES)
    other, _his = book(people.unit("城西支行"), "周吴赵", ("15412340001",))
    rows, _others = taken_by(one), taken_by(other)
    assert len(rows) == 3
    told, traced = found("\n".join(rows))
    assert told == 3
    assert traced == [(one, 3)], "a masked number tells the two called 赵伟 apart"
    # Of the name alone both are told; of three names the file that held three comes first.
    assert found("赵伟\n钱伟\n孙伟") == (3, [(one, 3), (other, 1)])
    assert found(f"无此人,{MOBILES[0]}") == (1, [(one, 1)]), "a number in clear is enough"
    assert found("城东支行\n") == (0, [])
    assert mine[0].name == "赵伟"


def test_what_never_left_is_not_told_of() -> None:
    manager, _mine = book(people.unit(), "赵钱孙", MOBILES)
    taken_by(manager)
    TakenFile.objects.update(state=TakenFile.State.WAITING)
    assert found("钱伟") == (1, [])


def test_a_row_of_a_customer_merged_since_is_found() -> None:
    from zhike.customers.services import merge_parties

    manager, (first, second, _third) = book(people.unit(), "赵钱孙", MOBILES)
    taken_by(manager)
    TakenFile.objects.update(keys=[second.pk], rows=1)
    merge_parties(actor=people.SYSTEM, absorbed=second, into=first, reason="同一人")
    assert found(MOBILES[1]) == (1, [(manager, 1)])


def test_only_auditors_ask_and_each_question_stands_on_the_trail_without_its_values() -> None:
    place = people.unit()
    manager, _mine = book(place, "赵钱孙", MOBILES)
    taken_by(manager)
    for role in (Role.CUSTOMER_MANAGER, Role.BRANCH_HEAD, Role.SECURITY_ADMINISTRATOR):
        with pytest.raises(Refused):
            tracing.trace_rows(actor=people.actor_with_role(role, place), text="钱伟")
    auditor = people.signed_in_client(Role.AUDITOR)
    page = auditor.post("/files/trace/", {"rows": f"钱伟,{MOBILES[1]}"}).content.decode()
    assert manager.name in page
    entry = AuditEntry.objects.get(action="export.trace_rows")
    assert entry.reason == f"1: {TakenFile.objects.get().number}"
    assert "钱伟" not in f"{entry.changes}{entry.reason}"
    assert MOBILES[1] not in f"{entry.changes}{entry.reason}"
    with pytest.raises(UserError):
        found(" \n,,\n")
    with pytest.raises(UserError):
        found("赵伟\n" * (tracing.MOST + 1))
