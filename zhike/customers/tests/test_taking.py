"""Files taken away: alone what is small and masked, the rest with a second person; each row leads back."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from zhike.access.queries import actor_for
from zhike.customers.models import Party
from zhike.customers.services import add_contact_point
from zhike.customers.tests import factories as people
from zhike.desk import marks
from zhike.desk.models import Notice, TakenFile
from zhike.desk.services import files
from zhike.kernel import clock
from zhike.kernel.actor import system
from zhike.kernel.errors import Refused
from zhike.kernel.models import AuditEntry
from zhike.organisation.models import Employee, Role, Unit, User

pytestmark = pytest.mark.django_db
MOBILE = "15412341234"
State = TakenFile.State


@pytest.fixture
def unit() -> Unit:
    return people.unit()


@pytest.fixture
def manager(unit: Unit) -> Employee:
    return people.employee_with_role(Role.CUSTOMER_MANAGER, unit)


@pytest.fixture
def lead(unit: Unit) -> Employee:
    return people.employee_with_role(Role.TEAM_LEAD, unit)


@pytest.fixture
def mine(unit: Unit, manager: Employee) -> list[Party]:
    made = [people.person(f"张伟{n}", unit=unit, manager=manager) for n in "一二三"]
    add_contact_point(actor=people.SYSTEM, party=made[0], kind="mobile", value=MOBILE)
    people.person("王小芳")
    return made


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.ZHIKE_HOME = tmp_path
    return tmp_path / "exports"


def rows_of(answer: Any) -> list[list[str]]:
    assert answer.status_code == 200, answer.content
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))


def asked(client: Client, **more: Any) -> TakenFile:
    """A request for all, the mobile in clear."""
    form = {"all": "1", "go": "1", "as": "csv", "clear": ["mobile"], "why": "短信回访"} | more
    answer = client.post("/customers/export/", form)
    assert answer.status_code == 303, answer.content.decode()
    found = TakenFile.objects.latest("pk")
    assert answer["Location"] == f"/files/{found.public_id}/"
    return found


def state_of(file: TakenFile) -> str:
    file.refresh_from_db()
    return file.state


def make_file(file: TakenFile) -> None:
    """As the job does it."""
    files.make(actor=actor_for(file.user), file_id=file.pk)


def made(file: TakenFile, lead: Employee) -> TakenFile:
    """Agreed to and made."""
    files.approve(actor=people.actor_of(lead), public_id=file.public_id)
    make_file(file)
    assert state_of(file) == State.READY
    return file


def actions() -> list[str]:
    found = AuditEntry.objects.filter(action__startswith="export.").order_by("id")
    return list(found.values_list("action", flat=True))


def test_what_is_small_and_masked_leaves_at_once_and_each_row_leads_back(
    manager: Employee, mine: list[Party]
) -> None:
    _head, *rows = rows_of(people.client_of(manager).get("/customers/export/?as=csv"))
    assert len(rows) == 3
    assert not any(MOBILE in cell for row in rows for cell in row)
    file = TakenFile.objects.get()
    assert (file.state, file.rows, sorted(file.keys)) == (
        State.TAKEN, 3, sorted(party.pk for party in mine),
    )  # fmt: skip
    auditor = people.actor_with_role(Role.AUDITOR)
    for row in rows:
        found = files.trace(actor=auditor, code=row[-1])
        assert found is not None
        leaked = Party.objects.get(pk=found[1])
        assert (found[0].user.employee, leaked.name) == (manager, row[0])
    assert files.trace(actor=auditor, code="A" * marks.LENGTH) is None
    assert actions() == ["export.customers", *["export.trace"] * 4]


def test_above_the_limit_nothing_leaves_without_a_second_person(
    manager: Employee, mine: list[Party], settings: Any
) -> None:
    settings.ZHIKE_FILE_ROWS = 2
    answer = people.client_of(manager).get("/customers/export/?as=csv")
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "take-form" in page
    assert "张伟" not in page
    assert not TakenFile.objects.exists()
    assert not AuditEntry.objects.filter(action__startswith="export").exists()


def test_many_small_files_are_a_large_one(
    manager: Employee, mine: list[Party], settings: Any
) -> None:
    settings.ZHIKE_FILE_ROWS = 5
    client = people.client_of(manager)
    assert len(rows_of(client.get("/customers/export/?as=csv"))) == 4
    assert "take-form" in client.get("/customers/export/?as=csv").content.decode()
    TakenFile.objects.update(created_at=clock.now() - timedelta(hours=25))
    assert len(rows_of(client.get("/customers/export/?as=csv"))) == 4


def test_a_limit_above_five_hundred_counts_as_five_hundred(settings: Any) -> None:
    settings.ZHIKE_FILE_ROWS = 5000
    assert files.limit() == 500


def test_what_is_in_clear_waits_is_agreed_to_made_and_fetched_by_its_owner_alone(
    manager: Employee, lead: Employee, mine: list[Party], folder: Path
) -> None:
    client = people.client_of(manager)
    file = asked(client)
    assert state_of(file) == State.WAITING
    assert client.get(f"/files/{file.public_id}/fetch/").status_code == 404
    notice = Notice.objects.get(user__employee=lead)
    assert notice.params == {"who": manager.name, "rows": 3}
    page = people.client_of(lead).get(notice.url).content.decode()
    assert all(word in page for word in (manager.name, "短信回访", "手机", "3"))
    made(file, lead)
    assert MOBILE.encode() not in b"".join(each.read_bytes() for each in folder.iterdir())
    assert Notice.objects.filter(user__employee=manager, kind=files.ANSWERED).exists()
    assert people.client_of(lead).get(f"/files/{file.public_id}/fetch/").status_code == 404
    _head, *rows = rows_of(client.get(f"/files/{file.public_id}/fetch/"))
    assert sum(MOBILE in row for row in rows) == 1
    found = files.trace(actor=people.actor_with_role(Role.AUDITOR), code=rows[0][-1])
    assert found is not None
    assert found[0] == file
    assert actions() == [
        "export.ask", "export.approve", "export.make", "export.customers", "export.trace",
    ]  # fmt: skip


def test_nobody_answers_their_own_request_nor_one_from_elsewhere(
    lead: Employee, unit: Unit, mine: list[Party]
) -> None:
    file = asked(people.client_of(lead))
    with pytest.raises(Refused, match=r"自己的申请|own request"):
        files.approve(actor=people.actor_of(lead), public_id=file.public_id)
    colleague = people.client_of(people.employee_with_role(Role.CUSTOMER_MANAGER, unit))
    other = people.signed_in_client(Role.TEAM_LEAD)
    for client in (colleague, other):
        assert client.get(f"/files/{file.public_id}/").status_code == 404
        answer = client.post(f"/files/{file.public_id}/", {"do": "approve"})
        assert answer.status_code == 404
    assert state_of(file) == State.WAITING
    assert "export.approve" not in actions()
    # Nobody stands above a lead of this unit: the security administrator answers.
    security = people.actor_with_role(Role.SECURITY_ADMINISTRATOR)
    files.approve(actor=security, public_id=file.public_id)
    assert state_of(file) == State.APPROVED


def test_the_database_itself_wants_a_second_person(manager: Employee, mine: list[Party]) -> None:
    file = asked(people.client_of(manager))
    for answered in (None, file.user):
        with pytest.raises(IntegrityError, match="second_person"), transaction.atomic():
            TakenFile.objects.filter(pk=file.pk).update(state=State.READY, answered_by=answered)


def test_a_refusal_has_a_reason_and_makes_nothing(
    manager: Employee, lead: Employee, mine: list[Party], folder: Path
) -> None:
    file = asked(people.client_of(manager))
    boss = people.client_of(lead)
    answer = boss.post(f"/files/{file.public_id}/", {"do": "refuse", "reason": ""})
    assert answer.status_code == 422
    assert state_of(file) == State.WAITING
    boss.post(f"/files/{file.public_id}/", {"do": "refuse", "reason": "没有必要"})
    assert (state_of(file), file.reason) == (State.REFUSED, "没有必要")
    make_file(file)
    assert not folder.exists()
    assert Notice.objects.get(user__employee=manager).params == {"reason": "没有必要"}


def test_a_request_and_a_file_end_by_themselves(
    manager: Employee, lead: Employee, mine: list[Party], folder: Path,
    django_capture_on_commit_callbacks: Any,
) -> None:  # fmt: skip
    client = people.client_of(manager)
    old, kept = asked(client), made(asked(client), lead)
    TakenFile.objects.filter(pk=old.pk).update(until=clock.now())
    assert (
        people.client_of(lead).post(f"/files/{old.public_id}/", {"do": "approve"}).status_code
        == 422
    )
    assert files.end_old(actor=system("test")) == 1
    assert (state_of(old), state_of(kept)) == (State.ENDED, State.READY)
    TakenFile.objects.filter(pk=kept.pk).update(until=clock.now())
    assert client.get(f"/files/{kept.public_id}/fetch/").status_code == 404
    with django_capture_on_commit_callbacks(execute=True):
        assert files.end_old(actor=system("test")) == 1
    assert not list(folder.iterdir())


def test_who_lost_the_right_gets_nothing_of_what_was_agreed_to(
    manager: Employee, lead: Employee, mine: list[Party]
) -> None:
    file = asked(people.client_of(manager))
    files.approve(actor=people.actor_of(lead), public_id=file.public_id)
    teller = actor_for(User.objects.get(employee=manager))
    files.make(actor=replace(teller, permissions=frozenset({"account.use"})), file_id=file.pk)
    assert state_of(file) == State.FAILED
    assert not file.path


def test_a_request_in_clear_says_what_for(manager: Employee, mine: list[Party]) -> None:
    client = people.client_of(manager)
    form = {"all": "1", "go": "1", "as": "csv", "clear": "mobile", "why": " "}
    assert client.post("/customers/export/", form).status_code == 422
    assert not TakenFile.objects.exists()


def test_the_trail_is_taken_by_auditors(settings: Any) -> None:
    settings.ZHIKE_FILE_ROWS = 10_000
    auditor = people.employee_with_role(Role.AUDITOR)
    _head, *rows = rows_of(people.client_of(auditor).get("/audit/export/?as=csv"))
    assert len(rows) > 3
    found = files.trace(actor=people.actor_of(auditor), code=rows[0][-1])
    assert found is not None
    assert found[0].source == "trail"
    assert people.signed_in_client(Role.BRANCH_HEAD).get("/audit/export/").status_code == 403
    settings.ZHIKE_FILE_ROWS = 1
    answer = people.client_of(auditor).post(
        "/audit/export/", {"all": "1", "go": "1", "as": "csv", "why": "年度检查"}
    )
    assert answer.status_code == 303
    file = TakenFile.objects.latest("pk")
    security = people.actor_with_role(Role.SECURITY_ADMINISTRATOR)
    assert not TakenFile.objects.visible_to(security).filter(pk=file.pk).exists()
    made(file, people.employee_with_role(Role.AUDITOR))


@given(st.integers(1, 2**24 - 1), st.integers(1, 2**40))
def test_a_code_names_its_file_and_row(file: int, row: int) -> None:
    code = marks.code_of(file, row)
    assert len(code) == marks.LENGTH
    assert code.isalpha()
    assert marks.file_of(f" {code.lower()} ") == file
    assert marks.row_of(code, file, (row - 1, row, row + 1)) == row


@pytest.mark.parametrize(
    ("language", "words"), [("en", ("Name, ", "Kind: ")), ("zh-hans", ("客户名称、", "类别："))]
)
def test_who_answers_reads_in_their_own_language_what_is_asked_for(
    manager: Employee, mine: list[Party], lead: Employee, language: str, words: tuple[str, ...]
) -> None:
    file = asked(people.client_of(manager), query="kind=person")
    reader = people.client_of(lead)
    reader.cookies["django_language"] = language
    page = reader.get(f"/files/{file.public_id}/").content.decode()
    assert [word for word in words if word not in page] == []
