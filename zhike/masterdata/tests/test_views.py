"""Import runs on the screen: who sees them, what they tell, and that identifying values stay masked."""

from __future__ import annotations

import uuid
from dataclasses import replace
from pathlib import Path

import pytest
from django.urls import reverse
from django.utils import translation

from zhike.customers.tests.factories import signed_in_client
from zhike.kernel.actor import system
from zhike.masterdata.models import ImportFile, ImportRun
from zhike.masterdata.reasons import told
from zhike.masterdata.services import load
from zhike.masterdata.tests.factories import ID_ONE, PEOPLE, read_in
from zhike.organisation.models import Role

pytestmark = pytest.mark.django_db
SEES = (Role.ANALYST, Role.BRANCH_HEAD, Role.SYSTEM_ADMINISTRATOR)
SEES_NOT = (Role.CUSTOMER_MANAGER, Role.TELLER, Role.AUDITOR, Role.SECURITY_ADMINISTRATOR)


@pytest.fixture
def file(tmp_path: Path) -> ImportFile:
    """One file with a row taken, a value left out and two rows refused."""
    rows = f"1,张三,{ID_ONE[:-1]}0,,,\n2,李四,,,1999-02-30,\n3,short\n"
    read_in(tmp_path, {"people.csv": PEOPLE + rows})
    return ImportFile.objects.get()


def addresses(file: ImportFile) -> list[str]:
    return [
        reverse("masterdata:runs"),
        reverse("masterdata:run", args=[file.run.public_id]),
        reverse("masterdata:rejects", args=[file.public_id]),
        reverse("masterdata:download", args=[file.public_id]),
    ]


@pytest.mark.parametrize("role", SEES)
def test_who_may_sees_run_file_and_rejects(file: ImportFile, role: str) -> None:
    client = signed_in_client(role)
    runs, run, rejects, download = (client.get(address) for address in addresses(file))
    assert "Small bank" in runs.content.decode()
    assert "people.csv" in run.content.decode()
    page = rejects.content.decode()
    assert "1999-02-30" not in page
    assert "1****" in page
    assert "应为 6 列" in page
    lines = b"".join(download.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert lines[0] == "line,column,value,reason"
    assert len(lines) == 4
    assert download["Content-Disposition"].startswith("attachment")
    assert ID_ONE[:-1] not in page + "".join(lines)


def test_a_count_of_none_leads_nowhere(file: ImportFile, tmp_path: Path) -> None:
    client = signed_in_client(Role.ANALYST)
    _runs, run, rejects, _download = addresses(file)
    assert client.get(run).content.decode().count(f'href="{rejects}"') == 2
    ImportFile.objects.filter(pk=file.pk).update(values_left_out=0)
    assert client.get(run).content.decode().count(f'href="{rejects}"') == 1
    ImportFile.objects.filter(pk=file.pk).update(rows_rejected=0)
    assert f'href="{rejects}"' not in client.get(run).content.decode()


def test_a_run_names_the_person_or_the_command_line(file: ImportFile, tmp_path: Path) -> None:
    client = signed_in_client(Role.ANALYST)
    both = addresses(file)[:2]
    assert all("命令行" in client.get(address).content.decode() for address in both)
    person = replace(system("test"), name="王芳", user_id=1)
    load(actor=person, mapping=tmp_path / "small.toml", paths=[tmp_path / "source"])
    assert ImportRun.objects.latest("pk").operator == "王芳"
    assert "王芳" in client.get(both[0]).content.decode()


@pytest.mark.parametrize("role", SEES_NOT)
def test_others_are_refused_everywhere(file: ImportFile, role: str) -> None:
    client = signed_in_client(role)
    assert {client.get(address).status_code for address in addresses(file)} == {403}


def test_what_is_not_there_is_404(file: ImportFile) -> None:
    client = signed_in_client(Role.ANALYST)
    for name in ("run", "rejects", "download"):
        assert client.get(reverse(f"masterdata:{name}", args=[uuid.uuid4()])).status_code == 404


def test_a_reject_file_that_is_gone(file: ImportFile, tmp_path: Path) -> None:
    (tmp_path / "rejects" / file.reject_file).unlink()
    client = signed_in_client(Role.ANALYST)
    _runs, _run, rejects, download = (client.get(address) for address in addresses(file))
    assert rejects.status_code == 200
    assert download.status_code == 404


def test_a_failed_run_says_why(tmp_path: Path) -> None:
    from zhike.kernel.errors import UserError

    with pytest.raises(UserError):
        read_in(tmp_path, {"people.csv": PEOPLE.encode() + b"1,\xff,,,,\n"})
    client = signed_in_client(Role.ANALYST)
    page = client.get(reverse("masterdata:run", args=[ImportRun.objects.get().public_id]))
    assert page.content.decode().count("不是 utf-8 编码") == 1


def test_rejects_are_paged(tmp_path: Path) -> None:
    rows = "".join(f"{n},\n" for n in range(150))
    read_in(tmp_path, {"people.csv": PEOPLE + rows})
    client = signed_in_client(Role.ANALYST)
    address = reverse("masterdata:rejects", args=[ImportFile.objects.get().public_id])
    first, second, odd = (
        client.get(f"{address}?page={page}").content.decode() for page in ("1", "2", "x")
    )
    assert "page=2" in first
    assert "page=1" in second
    assert "page=3" not in second
    assert "page=2" in odd


@pytest.mark.parametrize(
    ("reason", "chinese"),
    [
        ("empty, and needed", "必填项为空"),
        ("short line: 2 columns instead of 6", "列数不足：2 列，应为 6 列"),
        ("not among the loaded rows of “people”", "“people”中没有已导入的对应记录"),
        (
            "left out of the row: a mobile number has eleven digits and starts with 13 to 19",
            "该值未采用：手机号应为 11 位数字，以 13 至 19 开头",
        ),
        (
            "people.csv is empty. A file without rows still has its header line.",
            "people.csv 为空。没有数据的文件也应保留表头行。",
        ),
        ("a sentence nobody foresaw: 100 %", "a sentence nobody foresaw: 100 %"),
        ("", ""),
    ],
)
def test_a_reason_is_told_in_the_readers_language(reason: str, chinese: str) -> None:
    with translation.override("zh-hans"):
        assert told(reason) == chinese
    with translation.override("en"):
        assert told(reason) == reason


def test_rejects_are_shown_in_chinese_and_kept_in_english(file: ImportFile) -> None:
    client = signed_in_client(Role.ANALYST)
    client.cookies["django_language"] = "zh-hans"
    page = client.get(reverse("masterdata:rejects", args=[file.public_id])).content.decode()
    assert "列数不足：2 列，应为 6 列" in page
    assert "该值未采用：身份证号校验位错误" in page
    download = client.get(reverse("masterdata:download", args=[file.public_id]))
    text = b"".join(download.streaming_content).decode()  # type: ignore[attr-defined]
    assert "short line: 2 columns instead of 6" in text
