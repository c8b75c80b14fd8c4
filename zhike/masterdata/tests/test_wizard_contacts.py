"""Contact records by the wizard: onto the timelines of customers known by their numbers, and off them again."""

from __future__ import annotations

from datetime import date

import pytest
from django.test import Client

from zhike.customers.models import Party, Standing, TimelineEntry
from zhike.customers.services.timeline import tell
from zhike.customers.tests.factories import SYSTEM
from zhike.kernel import clock
from zhike.masterdata.models import SourceSystem, Upload
from zhike.masterdata.rejects import read_rejects
from zhike.masterdata.tests import uploads
from zhike.masterdata.tests.factories import ID_ONE
from zhike.masterdata.tests.uploads import (
    CSV,
    address,
    do,
    imported,
    mapped,
    suggested,
    taken_back,
    uploaded,
)

pytestmark = pytest.mark.django_db(transaction=True)
CUSTOMERS = f"{CSV}1,张三,{ID_ONE},,男,\n2,李四,,,女,\n".encode()
HEADER = "客户号,联系时间,联系方式,主题,内容,流水号\n"
ROWS = (
    "1,2026/01/05 09:30,电话,电话问候,一切都好,a\n1,2026/02/05 10:00,微信,回访,,b\n"
    "2,2026/01/06 15:00,上门,走访,,c\n9,2026/01/06 15:00,上门,走访,,d\n2,2026/01/07 15:00,信鸽,走访,,e\n"
)


@pytest.fixture
def client() -> Client:
    client = uploads.operator()
    imported(client, CUSTOMERS)
    return client


def contacts(client: Client, rows: str = ROWS) -> Upload:
    return imported(client, (HEADER + rows).encode(), "contacts.csv", source_name="拜访登记")


def last_contacts() -> dict[str, date | None]:
    return dict(Standing.objects.values_list("party__name", "last_contact_on"))


def test_the_columns_of_contacts_are_known_and_may_be_another_sort(client: Client) -> None:
    upload = uploaded(client, (HEADER + ROWS).encode())
    said = suggested(client, upload)
    names = ["party", "at", "channel", "title", "body", ""]
    assert [said[f"field_{number}"] for number in range(6)] == names
    assert (said["into"], said["key"], said["format_1"]) == ("contact", "流水号", "%Y/%m/%d %H:%M")
    assert said["code_2_0"] == "phone"
    assert said["code_2_3"] == "", "nobody knows what a pigeon is"
    source = SourceSystem.objects.get()
    assert client.get(address(upload)).context["form"]["owners"].field.choices == [
        (f"{source.code}:customers", f"{source.name} · customers")
    ]
    page = do(client, upload, "rows", into="party")
    assert "owners" not in page.context["form"].fields
    assert page.context["form"]["every"].field.choices[1][0] == "person"
    assert do(client, upload, "rows", into="agreement").status_code == 404


def test_what_is_lacking_is_said(client: Client) -> None:
    upload = uploaded(client, (HEADER + ROWS).encode())
    for missing in ({"field_0": ""}, {"field_1": ""}, {"field_2": ""}, {"field_3": ""}):
        assert mapped(client, upload, **missing).status_code == 422
        assert upload.state == "arrived"


def test_contacts_stand_on_the_timelines_and_are_taken_back(client: Client) -> None:
    party = Party.objects.get(name="李四")
    tell(SYSTEM, party, TimelineEntry.Kind.CONTACT, TimelineEntry.Channel.PHONE, "手记")
    Standing.objects.filter(party=party).update(last_contact_on=clock.today())
    before = last_contacts()
    upload = contacts(client)
    assert upload.state == "loaded", upload.error
    assert {name: upload.report[name] for name in ("accepted", "rejected")} == {
        "accepted": 3,
        "rejected": 2,
    }
    told = [(each.line, each.column) for each in read_rejects(upload.report["rejects"], 0, 9)]
    assert sorted(told) == [(5, "客户号"), (6, "联系方式")]
    assert last_contacts() == before | {"张三": date(2026, 2, 5)}
    again = contacts(client, ROWS.replace("一切都好", "很好") + "1,2026/03/01 09:00,电话,再访,,f\n")
    assert (again.report["unchanged"], again.report["accepted"]) == (3, 1), "by their number"
    assert last_contacts()["张三"] == date(2026, 3, 1)

    assert taken_back(client, again).report["reverted"] == 1
    assert last_contacts()["张三"] == date(2026, 2, 5)
    assert TimelineEntry.objects.filter(source__startswith="file-").count() == 3
    assert taken_back(client, upload).report["reverted"] == 3
    assert last_contacts() == before
    assert list(TimelineEntry.objects.values_list("title", flat=True)) == ["手记"]
    assert Party.objects.count() == 2
    page = client.get(address(upload)).content.decode()
    assert "已撤销 3 行" in page
    assert contacts(client).report["accepted"] == 3, "they may come again"


def test_customers_may_be_named_by_the_number_of_their_document(client: Client) -> None:
    content = f"证件,姓名\n{ID_ONE},张三\n".encode()
    imported(client, content, source_name="柜面", field_0="resident_id", key="证件")
    code = SourceSystem.objects.latest("pk").code
    rows = f"{ID_ONE},2026/01/05 09:30,电话,问候,,a\n290101198001010051,2026/01/05 09:30,电话,问候,,b\n"
    upload = uploaded(client, (HEADER + rows).encode())
    mapped(client, upload, owners=f"{code}:customers")
    assert (upload.report["accepted"], upload.report["rejected"]) == (1, 1), upload.error
    [reject] = read_rejects(upload.report["rejects"], 0, 9)
    assert reject.value
    for hidden in (ID_ONE, "290101198001010051"):
        assert hidden not in reject.value
        assert hidden not in client.get(address(upload)).content.decode()


def test_a_key_that_does_not_fit_is_refused_as_a_row(client: Client) -> None:
    upload = contacts(
        client, f"1,2026/01/05 09:30,电话,问候,,{'k' * 72}\n1,2026/01/05 09:30,电话,问候,,k\n"
    )
    assert (upload.report["accepted"], upload.report["rejected"]) == (1, 1)
