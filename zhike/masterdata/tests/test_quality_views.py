"""The pages of data quality: who sees which sums and rows, the list to verify, the rules, the confirmation."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.http import urlencode

from zhike.customers import services as customers
from zhike.customers.models import Party
from zhike.customers.tests.factories import (
    SYSTEM,
    client_of,
    employee_with_role,
    party,
    signed_in_client,
    unit,
)
from zhike.kernel import clock
from zhike.kernel.models import AuditEntry
from zhike.masterdata.quality.models import Quality, QualityRule, QualityRun, QualityTally
from zhike.masterdata.services import quality
from zhike.organisation.models import Employee, Role

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager() -> Employee:
    return employee_with_role()


@pytest.fixture
def mine(manager: Employee) -> Party:
    return old("张伟明", manager=manager, unit=manager.unit)


@pytest.fixture
def other(mine: Party) -> Party:
    row = old("李小红", unit=unit("城西"))
    quality.measure(actor=SYSTEM)
    return row


def old(name: str, **fields: Any) -> Party:
    """A customer whose occupation was said too long ago."""
    on = (clock.today() - timedelta(days=400)).isoformat()
    return party(
        name, occupation="教师", provenance={"occupation": {"source": "core", "on": on}}, **fields
    )


def text(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("path", ["/quality/findings/", "/quality/verify/"])
def test_lists_hold_what_one_may_see(
    path: str, manager: Employee, mine: Party, other: Party
) -> None:
    found = text(client_of(manager), path)
    assert mine.name in found
    assert other.name not in found


@pytest.mark.parametrize("by", ["", "owner", "source", "rule"])
def test_sums_are_of_what_one_may_see(
    by: str, manager: Employee, mine: Party, other: Party
) -> None:
    own = text(client_of(manager), f"/quality/?by={by}")
    whole = text(signed_in_client(Role.ANALYST), f"/quality/?by={by}")
    assert "共 1 位客户" in own
    assert "共 2 位客户" in whole
    assert "城西" not in own


@pytest.mark.parametrize("by", ["", "owner", "source", "rule"])
def test_a_curve_stands_there_from_the_second_day_on(
    by: str, manager: Employee, mine: Party, other: Party
) -> None:
    question = "数据质量在改善吗"
    clients = client_of(manager), signed_in_client(Role.ANALYST)
    assert not [client for client in clients if question in text(client, f"/quality/?by={by}")]
    QualityTally.objects.update(as_of=clock.today() - timedelta(days=3))
    QualityRun.objects.update(as_of=clock.today() - timedelta(days=3))
    quality.measure(actor=SYSTEM, whole=True)
    assert all(question in text(client, f"/quality/?by={by}") for client in clients)


def test_a_unit_out_of_sight_is_not_there(manager: Employee, mine: Party, other: Party) -> None:
    client = signed_in_client(Role.TEAM_LEAD, manager.unit)
    assert client.get(f"/quality/?unit={other.unit.code}").status_code == 404
    assert client.get(f"/quality/?unit={manager.unit.code}").status_code == 200


def test_findings_are_narrowed(manager: Employee, mine: Party, other: Party) -> None:
    client = signed_in_client(Role.ANALYST)
    for query, names in (
        (f"who={manager.code}", {mine.name}),
        ("who=nobody", {other.name}),
        (f"unit={other.unit.code}", {other.name}),
        ("rule=fresh.occupation", {mine.name, other.name}),
        ("rule=plausible.sex.identity", set()),
        ("dimension=plausible", set()),
    ):
        found = text(client, f"/quality/findings/?{query}")
        assert {row.name for row in (mine, other) if row.name in found} == names, query


@pytest.mark.parametrize(
    ("path", "where", "found"),
    [
        ("/quality/findings/", "quality.under.100", True),
        ("/quality/findings/", 'broken.is."fresh.occupation"', True),
        ("/quality/findings/", "fresh.over.99", False),
        ("/customers/", "quality.under.100", True),
        ("/customers/", "quality.over.99", False),
        ("/customers/", "faulty.yes", True),
        ("/customers/", "faulty.no", False),
        ("/customers/", 'broken.is_not."fresh.occupation"', False),
    ],
)
def test_lists_are_asked_for_data_quality(
    path: str, where: str, found: bool, mine: Party, other: Party
) -> None:
    answer = text(signed_in_client(Role.ANALYST), f"{path}?{urlencode({'where': where})}")
    assert (mine.name in answer) is found


def test_the_customer_list_offers_the_score_to_those_who_may_see_it(
    mine: Party, other: Party
) -> None:
    shown = "/customers/?cols=name,quality&sort=quality__score"
    client = signed_in_client(Role.ANALYST)
    Quality.objects.filter(party=mine).update(score=41)
    Quality.objects.filter(party=other).update(score=97)
    found = text(client, shown)
    assert found.index(">41<") < found.index(">97<")
    assert found.index(mine.name) < found.index(other.name)
    with CaptureQueriesContext(connection) as few:
        text(client, shown)
    for at in range(5):
        party(f"王{at}", unit=mine.unit)
    with CaptureQueriesContext(connection) as many:
        unmeasured = text(client, shown)
    assert len(many) == len(few)
    assert unmeasured.index("王0") > unmeasured.index(other.name)
    refused = text(signed_in_client(Role.TELLER, mine.unit), shown)
    assert ">41<" not in refused
    assert "quality" in refused


def test_a_file_holds_what_the_list_shows_and_leaves_a_trace(
    manager: Employee, mine: Party, other: Party
) -> None:
    answer = client_of(manager).get("/quality/findings/export/?as=csv")
    found = b"".join(answer).decode()
    assert mine.name in found
    assert other.name not in found
    trail = AuditEntry.objects.filter(action="export.data_quality")
    assert trail.count() == 1
    assert signed_in_client(Role.ANALYST).get("/quality/findings/export/").status_code == 403
    assert trail.count() == 1


def test_nothing_measured_yet_says_so() -> None:
    assert "尚未评估" in text(signed_in_client(Role.ANALYST), "/quality/")


def test_a_confirmation_empties_the_list(manager: Employee, mine: Party, other: Party) -> None:
    client = client_of(manager)
    customers.add_contact_point(
        actor=SYSTEM, party=mine, kind="wechat", value="wx_one",
        observed_on=clock.today() - timedelta(days=500),
    )  # fmt: skip
    point = mine.contact_points.get()
    quality.measure(actor=SYSTEM)
    url = f"/quality/customers/{mine.public_id}/confirm/"
    answer = client.get(
        f"{mine.get_absolute_url()}?panel=masterdata.quality", headers={"HX-Request": "true"}
    )
    panel = answer.content.decode()
    assert url in panel
    assert str(point.public_id) in panel
    answer = client.post(url, {"field": ["occupation"], "row": [str(point.public_id)]})
    assert answer.status_code == 204
    assert "customer-facts" in answer["HX-Trigger"]
    assert mine.name not in text(client, "/quality/verify/")


def test_nobody_confirms_what_they_do_not_see(manager: Employee, mine: Party, other: Party) -> None:
    client = client_of(manager)
    point = customers.add_contact_point(actor=SYSTEM, party=other, kind="wechat", value="wx_two")
    for public_id, data in (
        (other.public_id, {"field": "occupation"}),
        (mine.public_id, {"row": str(point.public_id)}),
    ):
        assert client.post(f"/quality/customers/{public_id}/confirm/", data).status_code == 404
    point.refresh_from_db()
    assert point.verified_on is None
    assert Quality.objects.get(party=other).to_verify == 1


def test_rules_are_shown_to_all_and_changed_by_few(mine: Party, other: Party) -> None:
    head, analyst = signed_in_client(Role.BRANCH_HEAD), signed_in_client(Role.ANALYST)
    url = "/quality/rules/fresh.occupation/"
    assert url not in text(head, "/quality/rules/")
    assert head.post(url, {"weight": 1, "days": 10}).status_code == 403
    assert url in text(analyst, "/quality/rules/")
    assert analyst.post(url, {"weight": 1, "days": 0}).status_code == 422
    assert not QualityRule.objects.exists()
    assert analyst.post(url, {"weight": 1, "days": 500, "types": ["farmer"]}).status_code == 303
    kept = QualityRule.objects.get()
    assert (kept.weight, kept.days, kept.types) == (1, 500, ["farmer"])
    assert analyst.post(url, {"weight": 2, "days": 500}).status_code == 422
    body = {"weight": 1, "days": 500, "seen": kept.version, "usual": 1}
    assert analyst.post(url, body).status_code == 303
    assert not QualityRule.objects.exists()
    assert analyst.get("/quality/rules/fresh.shoes/").status_code == 404


def test_a_preview_shows_what_terms_would_change_and_keeps_nothing(
    mine: Party, other: Party
) -> None:
    analyst = signed_in_client(Role.ANALYST)
    url, body = "/quality/rules/fresh.occupation/", {"weight": 3, "days": 500, "preview": 1}
    answer = analyst.post(url, body)
    assert answer.status_code == 200
    shown = " ".join(answer.content.decode().split())
    assert "当前 2 位不符合该规则，调整后为 0 位" in shown
    assert not QualityRule.objects.exists()
    assert signed_in_client(Role.BRANCH_HEAD).post(url, body).status_code == 403


def test_pages_take_as_many_queries_for_many_customers(
    manager: Employee, mine: Party, other: Party, django_assert_max_num_queries: Any
) -> None:
    client = client_of(manager)

    def asked(path: str) -> int:
        with django_assert_max_num_queries(40) as seen:
            text(client, path)
        return len(seen)

    paths = ("/quality/", "/quality/?by=owner", "/quality/findings/", "/quality/verify/")
    for path in paths:
        asked(path)
    before = [asked(path) for path in paths]
    for number in range(5):
        old(f"王小明{number}", manager=manager, unit=manager.unit)
    quality.measure(actor=SYSTEM)
    assert [asked(path) for path in paths] == before
