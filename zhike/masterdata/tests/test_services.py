"""Records into customers: what joins, what changes, whose word stands."""

from __future__ import annotations

from contextlib import closing
from datetime import date
from pathlib import Path

import psycopg
import pytest
from django.db import connection
from django.utils import translation

from zhike.customers.models import ContactPoint, Identifier, Party
from zhike.kernel import clock
from zhike.kernel.actor import system
from zhike.kernel.errors import UserError
from zhike.kernel.models import AuditEntry
from zhike.masterdata.models import ImportRun, SourceRecord, SourceSystem
from zhike.masterdata.queries import summary
from zhike.masterdata.reasons import told
from zhike.masterdata.services import match
from zhike.masterdata.services.loading import lock_number
from zhike.masterdata.tests.factories import ID_ONE, ID_TWO, MAPPING, PEOPLE, read_in, rejects

pytestmark = pytest.mark.django_db
TIES = """
[[file]]
table = "ties"
path = "ties.csv"
header = ["one", "other"]
into = "relation"
key = ["one", "other"]

[file.fields]
party = { column = "one", ref = "people" }
other = { column = "other", ref = "people" }
kind = { constant = "family" }
since_on = { constant = "2020-01-01" }
"""
OTHER = MAPPING.replace('code = "small"', 'code = "other"')


def test_records_with_one_document_are_one_customer(tmp_path: Path) -> None:
    rows = f"1,张三,{ID_ONE},,,\n2,张三丰,{ID_ONE},15400000001,,\n3,李四,{ID_TWO},,,\n"
    read_in(tmp_path, {"people.csv": PEOPLE + rows})
    read_in(tmp_path, {"people.csv": f"{PEOPLE}A,李四,{ID_TWO},15400000002,,\n"}, OTHER)
    assert SourceRecord.objects.count() == 4
    assert Party.objects.count() == 2
    assert Identifier.objects.count() == 2
    assert ContactPoint.objects.get(party__name="李四").in_clear() == "15400000002"
    report = match(actor=system("test"))
    assert (report.records, report.customers, report.joined) == (4, 2, 2)
    assert summary("other")["tables"]["people"]["accepted"] == 1


def test_an_implausible_document_joins_nobody(tmp_path: Path) -> None:
    wrong = ID_ONE[:-1] + "0"
    read_in(tmp_path, {"people.csv": f"{PEOPLE}1,张三,{wrong},,,\n2,张三,{wrong},,,\n3,张三,,,,\n"})
    assert Party.objects.count() == 3


def test_a_changed_row_changes_its_fields_alone(tmp_path: Path) -> None:
    with clock.stopped_at(date(2024, 1, 1)):
        rows = f"1,张三,{ID_ONE},,1980-01-01,\n2,李四,,,,\n"
        read_in(tmp_path, {"people.csv": PEOPLE + rows})
    before = Party.objects.get(name="李四")
    with clock.stopped_at(date(2024, 2, 1)):
        rows = f"1,张珊,{ID_ONE},15400000001,1980-01-01,\n2,李四,,,,\n"
        report = read_in(tmp_path, {"people.csv": PEOPLE + rows})
    assert (report.tables[0].accepted, report.tables[0].unchanged) == (1, 1)
    changed = Party.objects.get(name="张珊")
    assert changed.provenance["name"] == {"source": "small", "on": "2024-02-01"}
    assert changed.provenance["birth_on"] == {"source": "small", "on": "2024-01-01"}
    assert "张珊" in changed.search_tokens
    assert changed.version == 2
    assert Party.objects.get(name="李四").version == before.version


def test_the_more_trusted_source_stands(tmp_path: Path) -> None:
    read_in(tmp_path, {"people.csv": f"{PEOPLE}1,张三,{ID_ONE},,,\n"})
    weak = OTHER.replace("trust = 80", "trust = 10")
    read_in(tmp_path, {"people.csv": f"{PEOPLE}A,老张,{ID_ONE},,1979-01-01,\n"}, weak)
    party = Party.objects.get()
    assert (party.name, party.birth_on) == ("张三", date(1979, 1, 1))
    strong = MAPPING.replace('"small"', '"strong"').replace("trust = 80", "trust = 95")
    read_in(tmp_path, {"people.csv": f"{PEOPLE}B,张三三,{ID_ONE},,,\n"}, strong)
    assert Party.objects.get().name == "张三三"
    assert SourceSystem.objects.get(code="strong").trust == 95


def test_a_notebook_joins_by_mobile_and_name(tmp_path: Path) -> None:
    rows = f"1,张三,{ID_ONE},15400000001,,\n2,李四,{ID_TWO},15400000002,,\n"
    read_in(tmp_path, {"people.csv": PEOPLE + rows})
    notebook = OTHER.replace("trust = 80", "trust = 10\nattach_by_contact = true")
    rows = "a,张 三,,+86 154-0000-0001,,\nb,老李,,15400000002,,\nc,王五,,15400000009,,\nd,王五,,15400000009,,\n"
    read_in(tmp_path, {"people.csv": PEOPLE + rows}, notebook)
    found = dict(
        SourceRecord.objects.filter(system__code="other").values_list("key", "party__name")
    )
    assert found == {"a": "张三", "b": "老李", "c": "王五", "d": "王五"}
    assert Party.objects.count() == 4


def test_what_is_sealed_is_sealed(tmp_path: Path) -> None:
    read_in(tmp_path, {"people.csv": f"{PEOPLE}1,张三,{ID_ONE},15400000001,,\n"})
    identifier = Identifier.objects.get()
    assert identifier.in_clear() == ID_ONE
    assert ID_ONE.encode() not in bytes(identifier.sealed)
    trail = " ".join(str(entry.changes) + entry.reason for entry in AuditEntry.objects.all())
    assert ID_ONE not in trail


def test_a_refusal_of_another_room_is_told_in_english_too(tmp_path: Path) -> None:
    files = {"people.csv": f"{PEOPLE}1,张三,,,,\n", "ties.csv": "one,other\n1,1\n"}
    with translation.override("zh-hans"):
        report = read_in(tmp_path, files, MAPPING + TIES)
        [line] = rejects(report)
        assert line.endswith(",it is the same customer")
        assert told("it is the same customer") == "与本客户为同一人"


def test_files_and_counts_are_on_the_trail(tmp_path: Path) -> None:
    read_in(tmp_path, {"people.csv": f"{PEOPLE}1,张三,,,,\n2,,,,,\n"})
    entry = AuditEntry.objects.get(action="masterdata.file.load")
    assert entry.changes["rows_accepted"] == [None, 1]
    assert entry.changes["rows_rejected"] == [None, 1]
    assert len(entry.changes["digest"][1]) == 64


def test_only_one_load_of_a_source_at_a_time(tmp_path: Path) -> None:
    settings = connection.settings_dict
    with closing(
        psycopg.connect(
            host=settings["HOST"],
            port=settings["PORT"] or None,
            user=settings["USER"],
            password=settings["PASSWORD"] or None,
            dbname=settings["NAME"],
            autocommit=True,
        )
    ) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [lock_number("small")])
        with pytest.raises(UserError, match="Another load of Small bank is running"):
            read_in(tmp_path, {"people.csv": f"{PEOPLE}1,张三,,,,\n"})
    assert not ImportRun.objects.exists()


def test_a_run_left_behind_is_marked_failed(tmp_path: Path) -> None:
    read_in(tmp_path, {"people.csv": f"{PEOPLE}1,张三,,,,\n"})
    ImportRun.objects.update(state=ImportRun.State.RUNNING, ended_at=None)
    read_in(tmp_path, {"people.csv": f"{PEOPLE}2,李四,,,,\n"})
    first, second = ImportRun.objects.order_by("pk")
    assert (first.state, second.state) == (ImportRun.State.FAILED, ImportRun.State.DONE)
    assert first.error
