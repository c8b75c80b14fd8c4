"""The wizard end to end: what is suggested, what a check says, what a load does, who may."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from django.test import Client

from zhike.customers.models import Party
from zhike.desk.models import Notice
from zhike.kernel.crypto import Undecipherable
from zhike.masterdata.models import Upload
from zhike.masterdata.tests import uploads
from zhike.masterdata.tests.factories import ID_ONE, ID_TWO
from zhike.masterdata.tests.uploads import (
    CSV,
    address,
    do,
    imported,
    mapped,
    taken_back,
    uploaded,
    work,
)
from zhike.masterdata.wizard import sandbox, vault

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
    assert (said["key"], said["every"]) == ("编号", "person")
    mapped(client, upload)
    assert upload.state == "checked", upload.error
    assert Party.objects.count() == 0, "a check writes nothing"
    assert (upload.report["new"], upload.report["rejected"]) == (2, 1)
    page = client.get(address(upload)).content.decode()
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
    assert client.get(address(upload)).status_code == 200


@pytest.mark.parametrize(("asked", "stands"), [("check", "mapped"), ("load", "checked")])
def test_work_that_ends_in_an_error_of_ours_says_so_and_can_go_on(
    client: Client, asked: str, stands: str
) -> None:
    upload = uploaded(client, (CSV + ROWS).encode())
    mapped(client, upload)
    sealed = vault.root() / upload.stored
    content = sealed.read_bytes()
    sealed.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    do(client, upload, asked)
    with pytest.raises(Undecipherable):
        work(upload)
    upload.refresh_from_db()
    assert upload.state == stands
    assert Party.objects.count() == 0
    assert "系统错误" in client.get(address(upload)).content.decode()
    assert Notice.objects.latest("pk").params == {"file": upload.name}
    sealed.write_bytes(content)
    do(client, upload, asked)
    work(upload)
    assert (upload.state, upload.error) == ({"check": "checked", "load": "loaded"}[asked], "")


def test_taking_back_that_ends_in_an_error_of_ours_can_be_asked_for_again(client: Client) -> None:
    upload = imported(client, (CSV + ROWS).encode())
    began = upload.wrote_from
    Upload.objects.update(wrote_from=None)
    with pytest.raises(AssertionError):
        taken_back(client, upload)
    upload.refresh_from_db()
    assert upload.state == Upload.State.LOADED
    assert Party.objects.count() == 2
    assert "系统错误" in client.get(address(upload)).content.decode()
    Upload.objects.update(wrote_from=began)
    assert taken_back(client, upload).state == Upload.State.REVERTED
    assert Party.objects.count() == 0


def test_only_waiting_for_the_reading_process_counts() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        patience = sandbox._Patience(process, 0.2)
        began = time.monotonic()
        while time.monotonic() < began + 0.3:  # a load at work
            pass
        with patience.waiting():
            assert process.poll() is None
        assert patience.left > 0
        with patience.waiting():
            process.wait()
        assert patience.over
