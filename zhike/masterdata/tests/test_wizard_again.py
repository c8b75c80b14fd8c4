"""What comes after a first file: corrected rows, a mapping kept, a quota; and what each page costs."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from zhike.customers.models import Party
from zhike.masterdata.models import ImportRun, KeptMapping, SourceRecord, Upload
from zhike.masterdata.services.wizard import MOST_OPEN
from zhike.masterdata.tests import uploads
from zhike.masterdata.tests.factories import ID_ONE, ID_TWO
from zhike.masterdata.tests.uploads import (
    CSV,
    address,
    do,
    imported,
    mapped,
    send,
    suggested,
    uploaded,
    work,
)
from zhike.masterdata.wizard import receiving, vault

pytestmark = pytest.mark.django_db(transaction=True)
ROWS = f"1,张三,{ID_ONE},,男,1980/01/01\n2,李四,{ID_TWO},,女,1980/01/02\n3,,,,男,1980/01/03\n4,王五,,,女,\n"


@pytest.fixture
def client() -> Client:
    return uploads.operator()


def test_corrected_rows_are_taken_and_nothing_is_doubled(client: Client) -> None:
    first = imported(client, (CSV + ROWS).encode())
    assert first.run is not None
    assert (first.report["accepted"], first.report["rejected"]) == (3, 1)
    corrected = CSV + ROWS.replace("3,,", "3,赵六,")
    assert send(client, corrected.encode(), **{"for": str(first.run.public_id)}).status_code == 303
    again = Upload.objects.latest("pk")
    assert (again.state, again.corrects) == ("mapped", first.run)
    do(client, again, "check")
    work(again)
    assert {name: again.report[name] for name in ("read", "new", "unchanged", "rejected")} == {
        "read": 4,
        "new": 1,
        "unchanged": 3,
        "rejected": 0,
    }
    do(client, again, "load")
    work(again)
    assert sorted(Party.objects.values_list("name", flat=True)) == ["张三", "李四", "王五", "赵六"]
    assert SourceRecord.objects.count() == 4
    assert again.run is not None
    assert again.run.system == first.run.system


def test_a_check_finds_what_the_load_does_and_writes_nothing(client: Client) -> None:
    """Over batches, among rows and customers that know one another by their documents."""
    imported(client, f"{CSV}1,张三,{ID_ONE},15400000001,男,1980/01/01\n".encode())
    rows = (
        f"10,张三,{ID_ONE},15400000001,男,1980/01/01\n"  # joins the customer who is there
        f"11,李四,{ID_TWO},15400000002,女,1980/01/02\n"
        f"12,李四,{ID_TWO},15400000002,女,1980/01/02\n"  # joins the row above
        "13,王五,290101198001010018,12,女,1980/01/02\n"  # neither number can be
        "14,,,,女,1980/01/02\n"
    )
    upload = uploaded(client, (CSV + rows).encode(), "other.csv")
    mapped(client, upload, source_name="另一份名册")
    checked = dict(upload.report)
    assert Party.objects.count() == SourceRecord.objects.count() == 1
    do(client, upload, "load")
    work(upload)
    assert {name: checked[name] for name in ("new", "same", "joined", "rejected", "left_out")} == {
        "new": 2,
        "same": 1,
        "joined": 1,
        "rejected": 1,
        "left_out": 2,
    }
    own = {"entries", "rejects"}
    assert {name: said for name, said in checked.items() if name not in own} == {
        name: said for name, said in upload.report.items() if name not in own
    }


@pytest.mark.parametrize("beyond", [",,,x", "".join(f",备注{n}" for n in range(10))])
def test_rows_longer_than_their_header_are_told_by_line(client: Client, beyond: str) -> None:
    """The first row that is as wide as most is of values, the one above of names."""
    rows = f"1,张三,,,男,1980/01/01{beyond}\n2,李四,,,女,1980/01/02{beyond}\n"
    upload = uploaded(client, f"{CSV}{rows}".encode())
    look = client.get(address(upload)).context["look"]
    assert (look.header, look.problem) == (tuple(CSV.strip().split(",")), "")
    mapped(client, upload, source_name="太长的名册")
    assert (upload.report["accepted"], upload.report["rejected"]) == (0, 2)
    assert "列数过多" in client.get(address(upload)).content.decode()


def test_a_file_without_a_header_line_shows_nobodys_number(client: Client) -> None:
    upload = uploaded(client, "1,张三,15400000001\n2,李四,15400000002\n".encode())
    page = client.get(address(upload))
    assert page.context["at"] == 1
    shown = page.content.decode()
    assert "表头第 3 列是数据，不是列名" in shown
    assert "请选择分隔符和列名所在行，或更正文件后重新上传。" in shown
    assert "15•••01" in shown
    assert "15400000001" not in shown


def test_what_is_no_table_is_called_in_the_language_of_the_screen(client: Client) -> None:
    answer = send(client, b"%PDF-1.7\n", "notes.csv")
    assert answer.status_code == 422
    assert "PDF 文档" in answer.content.decode()


def test_corrections_are_of_a_run_one_sees(client: Client) -> None:
    for asked in ("0b7d1c2e-0000-4000-8000-000000000000", "no-id"):
        assert send(client, CSV.encode(), **{"for": asked}).status_code == 404
    assert not Upload.objects.exists()
    assert vault.held() == 0


def test_a_kept_mapping_is_offered_for_the_same_header_alone(client: Client) -> None:
    mapped(client, uploaded(client, (CSV + ROWS).encode()), keep_as="城东支行", field_4="")
    upload = uploaded(client, (CSV + ROWS.replace("1980", "1981")).encode(), "next.csv")
    assert client.get(address(upload)).context["kept"] == ["城东支行"]
    other = uploaded(client, "编号,姓名\n1,张三\n".encode())
    assert client.get(address(other)).context["kept"] == []
    do(client, upload, "kept", name="城东支行")
    assert upload.state == "checking"
    work(upload)
    assert upload.report["new"] == 3
    assert "sex" not in upload.report["preview"]["fields"], "as it was kept, not as suggested"
    KeptMapping.objects.all().delete()
    assert do(client, other, "kept", name="城东支行").status_code == 422


def test_a_person_has_so_many_unfinished_files(client: Client, monkeypatch: Any) -> None:
    file = (CSV + ROWS).encode()
    kept = uploaded(client, file)
    Upload.objects.bulk_create(
        Upload(user=kept.user, name="x.csv", bytes=1, digest="") for _file in range(MOST_OPEN - 1)
    )
    held = vault.held()
    assert send(client, file).status_code == 422
    assert (Upload.objects.count(), vault.held()) == (MOST_OPEN, held)
    client.post(address(kept), {"do": "drop"})
    assert send(client, file).status_code == 303

    monkeypatch.setattr(receiving, "MOST_HELD", vault.held() - 1)
    Upload.objects.filter(stored="").delete()
    assert send(client, file).status_code == 422
    monkeypatch.undo()
    monkeypatch.setattr(receiving, "MOST_BYTES", len(file) - 1)
    held = vault.held()
    answer = send(client, file)
    assert answer.status_code == 422
    assert "MB" in answer.content.decode()
    assert vault.held() == held


def test_what_each_page_costs(client: Client, django_assert_max_num_queries: Any) -> None:
    def costs(most: int, where: str, **asked: str) -> None:
        client.get(where, asked)
        with django_assert_max_num_queries(most):
            assert client.get(where, asked).status_code == 200

    upload = uploaded(client, (CSV + ROWS).encode())
    here = address(upload)
    costs(14, reverse("masterdata:new"))
    for step in "12":
        costs(14, here, step=step)
    mapped(client, upload)
    costs(14, here)
    do(client, upload, "load")
    costs(14, here)
    work(upload)
    costs(14, here)
    costs(20, reverse("masterdata:run", args=[ImportRun.objects.get().public_id]))


def test_a_column_that_becomes_something_else_begins_with_what_its_values_say(
    client: Client,
) -> None:
    upload = uploaded(client, (CSV + ROWS).encode())
    said = suggested(client, upload)
    assert (said["field_5"], said["format_5"], said["code_4_0"]) == ("birth_on", "%Y/%m/%d", "M")
    left_out = {
        name: value for name, value in said.items() if not name.startswith(("format_5", "code_4"))
    } | {"field_4": "", "field_5": ""}
    form = do(client, upload, "draft", **left_out).context["form"]
    assert "format_5" not in form.fields
    form = do(
        client, upload, "draft", **left_out | {"field_4": "sex", "field_5": "birth_on"}
    ).context["form"]
    assert (form["format_5"].value(), form["code_4_0"].value()) == ("%Y/%m/%d", "M")
    chosen = left_out | {"field_5": "birth_on", "format_5": ""}
    form = do(client, upload, "draft", **chosen).context["form"]
    assert form["format_5"].value() == "", "what somebody chose stays"
