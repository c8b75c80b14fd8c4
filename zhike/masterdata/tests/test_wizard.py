"""The wizard end to end: what is suggested, what a check says, what a load does, who may."""

from __future__ import annotations

import pytest
from django.test import Client

from zhike.customers.models import Party
from zhike.masterdata.tests import uploads
from zhike.masterdata.tests.factories import ID_ONE, ID_TWO
from zhike.masterdata.tests.uploads import CSV, do, mapped, uploaded, work
from zhike.masterdata.wizard import vault

pytestmark = pytest.mark.django_db(transaction=True)
ROWS = f"1,张三,{ID_ONE},,男,1980/01/01\n2,李四,{ID_TWO},15400000001,女,1980/1/2\n3,,,,男,\n"


@pytest.fixture
def client() -> Client:
    return uploads.operator()


def test_a_file_becomes_customers(client: Client) -> None:
    upload = uploaded(client, (CSV + ROWS).encode())
    said = uploads.suggested(client, upload)
    assert [said[f"field_{n}"] for n in range(6)] == [
        "", "name", "resident_id", "mobile", "sex", "birth_on",
    ]  # fmt: skip
    assert (said["key"], said["kind"]) == ("编号", "person")
    mapped(client, upload)
    assert upload.state == "checked", upload.error
    assert Party.objects.count() == 0, "a check writes nothing"
    assert (upload.report["new"], upload.report["rejected"]) == (2, 1)
    page = client.get(uploads.address(upload)).content.decode()
    assert ID_ONE not in page
    assert "必填项为空" in page
    do(client, upload, "load")
    work(upload)
    assert upload.state == "loaded", upload.error
    assert sorted(Party.objects.values_list("name", "sex", "birth_on__year")) == [
        ("张三", "M", 1980),
        ("李四", "F", 1980),
    ]
    assert upload.run is not None
    assert upload.run.state == "done"
    assert vault.held() == 0, "the file is gone when its rows are in"
    assert client.get(uploads.address(upload)).status_code == 200
