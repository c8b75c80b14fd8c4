"""What the kernel promises about rows, on real tables: scope, versions, the trail, events, partitions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction

from zhike.kernel import audit, checks, clock, events, partitions
from zhike.kernel.actor import NOBODY, Actor, system
from zhike.kernel.errors import Conflict, Refused
from zhike.kernel.models import AuditEntry
from zhike.kernel.services import change, must_see, service
from zhike.organisation.models import Unit, User

pytestmark = pytest.mark.django_db

SYSTEM = system("test")
CLERK = Actor(
    user_id=1,
    employee_id=1,
    name="clerk",
    roles=frozenset({"teller"}),
    permissions=frozenset({"organisation.view"}),
)


def unit(code: str = "A", name: str = "Old") -> Unit:
    return Unit.objects.create(code=code, name=name, kind=Unit.Kind.OUTLET)


def test_nobody_sees_nothing_and_the_system_everything() -> None:
    unit()
    assert not Unit.objects.visible_to(NOBODY).exists()
    assert Unit.objects.visible_to(CLERK).count() == 1
    assert Unit.objects.visible_to(SYSTEM).count() == 1
    assert not User.objects.visible_to(CLERK).exists()


def test_a_refused_use_case_changes_nothing() -> None:
    row = unit()

    @service("organisation.administer")
    def rename(*, actor: Actor, name: str) -> None:
        Unit.objects.filter(pk=row.pk).update(name=name)

    with pytest.raises(Refused) as refused:
        rename(actor=CLERK, name="New")
    assert refused.value.action == "organisation.administer"
    row.refresh_from_db()
    assert row.name == "Old"
    with pytest.raises(Refused):
        rename(actor=NOBODY, name="New")


def test_a_row_out_of_scope_cannot_be_changed() -> None:
    row = unit()
    with pytest.raises(Refused):
        change(NOBODY, row, {"name": "New"}, action="test")
    assert Unit.objects.get().name == "Old"
    assert not AuditEntry.objects.exists()


def test_a_change_counts_versions_and_leaves_a_trail() -> None:
    row = unit()
    done = change(SYSTEM, row, {"name": "New", "code": "A"}, action="unit.rename", reason="why")
    assert done == {"name": ("Old", "New")}
    row.refresh_from_db()
    assert (row.name, row.version) == ("New", 2)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.changes, entry.reason) == (
        "unit.rename",
        {"name": ["Old", "New"]},
        "why",
    )
    assert (entry.object_type, entry.object_id, entry.origin) == (
        "organisation.unit",
        row.pk,
        "test",
    )


def test_a_change_to_nothing_new_writes_nothing() -> None:
    row = unit()
    assert change(SYSTEM, row, {"name": "Old"}, action="x") == {}
    assert not AuditEntry.objects.exists()
    assert Unit.objects.get().version == 1


def test_two_people_on_the_same_field_see_each_other() -> None:
    row = unit()
    change(SYSTEM, row, {"name": "Theirs"}, action="x")
    mine = Unit.objects.get()
    with pytest.raises(Conflict) as caught:
        change(SYSTEM, mine, {"name": "Mine"}, action="x", version=1, originals={"name": "Old"})
    assert caught.value.fields == {"name": ("Old", "Mine", "Theirs")}
    assert Unit.objects.get().name == "Theirs"


def test_two_people_on_different_fields_are_joined() -> None:
    row = unit()
    change(SYSTEM, row, {"name": "Theirs"}, action="x")
    change(
        SYSTEM,
        Unit.objects.get(),
        {"name": "Old", "region": "South"},
        action="x",
        version=1,
        originals={"name": "Old", "region": ""},
    )
    found = Unit.objects.get()
    assert (found.name, found.region, found.version) == ("Theirs", "South", 3)


def test_a_stale_edit_without_originals_is_a_conflict() -> None:
    row = unit()
    change(SYSTEM, row, {"name": "Theirs"}, action="x")
    with pytest.raises(Conflict):
        change(SYSTEM, Unit.objects.get(), {"name": "Mine"}, action="x", version=1)


def test_class_c2_values_stand_on_the_trail_as_digests_only() -> None:
    row = unit()
    audit.record(SYSTEM, "x", row, changes={"secret": ("13800001234", None), "name": ("a", "b")})
    entry = AuditEntry.objects.get()
    assert "13800001234" not in str(entry.changes)
    assert entry.changes["secret"][0].startswith("digest:")
    assert entry.changes["name"] == ["a", "b"]


def test_the_trail_cannot_be_changed_or_cut() -> None:
    audit.record(SYSTEM, "x")
    for statement in ("UPDATE kernel_auditentry SET reason = 'y'", "DELETE FROM kernel_auditentry"):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            connection.cursor().execute(statement)
    assert AuditEntry.objects.count() == 1


def test_a_rolled_back_change_leaves_no_trail() -> None:
    row = unit()
    with pytest.raises(RuntimeError), transaction.atomic():
        change(SYSTEM, row, {"name": "New"}, action="x")
        raise RuntimeError
    assert not AuditEntry.objects.exists()


def test_only_the_auditor_reads_the_trail() -> None:
    audit.record(SYSTEM, "x")
    auditor = replace(CLERK, permissions=frozenset({"access.read_audit"}))
    assert AuditEntry.objects.visible_to(auditor).count() == 1
    assert not AuditEntry.objects.visible_to(CLERK).exists()


def test_rows_waiting_in_the_rest_move_into_their_month() -> None:
    with clock.stopped_at(datetime(2031, 5, 31, 15, 59, tzinfo=UTC)):  # 23:59 in Shanghai
        audit.record(SYSTEM, "last of May")
    with clock.stopped_at(datetime(2031, 5, 31, 16, 0, tzinfo=UTC)):
        audit.record(SYSTEM, "first of June")
    partitions.ensure(AuditEntry, date(2031, 5, 1), date(2031, 6, 1))
    partitions.ensure(AuditEntry, date(2031, 5, 1), date(2031, 6, 1))
    with connection.cursor() as cursor:
        cursor.execute("SELECT action FROM kernel_auditentry_2031_05")
        assert cursor.fetchall() == [("last of May",)]
        cursor.execute("SELECT action FROM kernel_auditentry_2031_06")
        assert cursor.fetchall() == [("first of June",)]
    assert AuditEntry.objects.count() == 2
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        connection.cursor().execute("DELETE FROM kernel_auditentry_2031_05")


@dataclass(frozen=True)
class Happened:
    what: str


def test_events_go_up_on_commit_and_never_on_roll_back(
    django_capture_on_commit_callbacks: object,
) -> None:
    heard: list[str] = []
    events.subscribe(Happened)(lambda event: heard.append(event.what))
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        events.publish(Happened("kept"))
        with pytest.raises(RuntimeError), transaction.atomic():
            events.publish(Happened("lost"))
            raise RuntimeError
        assert heard == []
    assert heard == ["kept"]


def test_must_see_refuses_a_row_that_fell_out() -> None:
    must_see(CLERK, unit())
    with pytest.raises(Refused):
        must_see(NOBODY, unit("B"))


def test_an_undeclared_model_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    assert checks.every_model_is_declared() == []
    monkeypatch.setattr(Unit, "field_classes", {"code": "open"})
    assert [error.id for error in checks.every_model_is_declared()] == ["zhike.E002"]
    monkeypatch.delattr(Unit, "scope")
    assert {error.id for error in checks.every_model_is_declared()} == {"zhike.E001", "zhike.E002"}
    assert apps.ready
