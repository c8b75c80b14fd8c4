"""An import taken back: what it made goes, what it changed says again what it said, what somebody built on stays."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.apps import apps
from django.test import Client
from django.urls import reverse

from zhike.customers import services as customers
from zhike.customers.models import ContactPoint, Identifier, Party
from zhike.customers.tests.factories import SYSTEM
from zhike.kernel.models import AuditEntry
from zhike.masterdata.models import Displaced, ImportFile, SourceRecord, SourceSystem
from zhike.masterdata.rejects import read_rejects
from zhike.masterdata.tests import uploads
from zhike.masterdata.tests.factories import ID_ONE, ID_TWO
from zhike.masterdata.tests.uploads import CSV, imported, taken_back

pytestmark = pytest.mark.django_db(transaction=True)
FIRST = f"{CSV}1,张三,{ID_ONE},13800000001,男,1980-01-01\n2,李四,{ID_TWO},,女,\n".encode()


@pytest.fixture
def client() -> Client:
    return uploads.operator()


def state() -> dict[str, Any]:
    """All that an import touches, but for what only counts how often it was touched."""
    return {
        "parties": sorted(
            Party.objects.values_list("name", "sex", "birth_on", "occupation", "name_key"), key=str
        ),
        "provenance": sorted(map(str, Party.objects.values_list("name", "provenance"))),
        "records": sorted(
            map(
                str,
                SourceRecord.objects.values_list("key", "values", "line", "digest", "observed_on"),
            )
        ),
        "values": sorted(
            map(
                str,
                [
                    *Identifier.objects.values_list("party__name", "kind", "blind", "source"),
                    *ContactPoint.objects.values_list("party__name", "kind", "blind", "source"),
                ],
            )
        ),
    }


def test_what_an_import_made_is_gone_and_may_come_again(client: Client) -> None:
    before = state()
    upload = taken_back(client, imported(client, FIRST))
    assert upload.state == "reverted"
    assert (upload.report["reverted"], upload.report["kept"]) == (2, 0)
    assert state() == before
    assert not AuditEntry.objects.filter(action="masterdata.import.reverted").exclude(
        reason="2 rows taken back, 0 kept"
    )
    again = imported(client, FIRST, source=SourceSystem.objects.get().code)
    assert again.report["new"] == 2
    assert ImportFile.objects.filter(state="loaded").count() == 1


def test_what_it_changed_says_again_what_it_said(client: Client) -> None:
    imported(client, FIRST)
    code = SourceSystem.objects.get().code
    before = state()
    second = (
        f"{CSV}1,张三丰,{ID_ONE},13800000009,男,1980-01-02\n3,王五,,,男,\n2,李四,{ID_TWO},,女,\n"
    ).encode()
    upload = imported(client, second, source=code)
    assert (upload.report["changed"], upload.report["new"], upload.report["unchanged"]) == (1, 1, 1)
    assert Party.objects.filter(name="张三丰").exists()
    taken_back(client, upload)
    assert state() == before
    assert not Displaced.objects.exists()


def test_values_only_it_said_leave_the_customer_it_joined(client: Client) -> None:
    imported(client, FIRST)
    before = state()
    content = f"id,name,idcard,mobile,occupation\nA,张三,{ID_ONE},13800000002,教师\n".encode()
    upload = imported(client, content, source_name="另一个系统")
    assert (upload.report["joined"], upload.report["new"]) == (1, 0)
    assert Party.objects.get(name="张三").occupation == "教师"
    assert ContactPoint.objects.filter(party__name="张三").count() == 2
    taken_back(client, upload)
    assert state() == before


def test_what_somebody_built_on_stays_with_the_reason(client: Client) -> None:
    upload = imported(client, FIRST)
    party = Party.objects.get(name="张三")
    customers.update_party(actor=SYSTEM, party=party, changes={"note": "喜欢喝茶"})
    taken_back(client, upload)
    assert list(Party.objects.values_list("name", flat=True)) == ["张三"]
    assert (upload.report["reverted"], upload.report["kept"]) == (1, 1)
    kept = read_rejects(upload.report["kept_file"], 0, 9)
    assert [(each.line, each.reason) for each in kept] == [
        (2, "somebody changed this customer since")
    ]


def test_what_the_night_worked_out_holds_nobody(client: Client) -> None:
    upload = imported(client, FIRST)
    moves = apps.get_model("insight.Move")._default_manager
    moves.create(
        party=Party.objects.get(name="张三"),
        since=date(2026, 10, 31),
        as_of=date(2026, 11, 1),
        is_new=True,
        is_gone=False,
        balance=0,
    )
    taken_back(client, upload)
    assert (upload.report["reverted"], upload.report["kept"]) == (2, 0)
    assert not moves.exists()


def test_a_document_another_record_names_too_stays(client: Client) -> None:
    imported(client, "编号,姓名,手机\n1,张三,13800000001\n".encode())
    first = SourceSystem.objects.get().code
    upload = imported(
        client, f"编号,姓名,手机,身份证号\n1,张三,13800000001,{ID_ONE}\n".encode(), source=first
    )
    imported(client, f"id,name,idcard\nA,张三,{ID_ONE}\n".encode(), source_name="另一个系统")
    assert Party.objects.count() == 1
    taken_back(client, upload)
    assert Identifier.objects.get().source != first
    assert Party.objects.count() == 1


def test_two_cannot_take_it_back_twice(client: Client) -> None:
    upload = taken_back(client, imported(client, FIRST))
    assert upload.run is not None
    address = reverse("masterdata:revert", args=[upload.run.public_id])
    assert client.post(address, {"reason": "再一次"}).status_code == 422


def test_without_a_reason_nothing_happens(client: Client) -> None:
    upload = imported(client, FIRST)
    assert upload.run is not None
    address = reverse("masterdata:revert", args=[upload.run.public_id])
    assert client.post(address, {"reason": " "}).status_code == 422
    upload.refresh_from_db()
    assert upload.state == "loaded"
    assert Party.objects.count() == 2
