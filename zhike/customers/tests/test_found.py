"""What a search found is a list like any other; what was ticked is taken away like the whole list."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest
from django.test import Client

from zhike.customers.models import Party, Standing
from zhike.customers.tests import factories
from zhike.kernel.models import AuditEntry
from zhike.organisation.models import Role, Unit

pytestmark = pytest.mark.django_db
HTMX = {"hx-request": "true", "hx-request-type": "partial"}


@pytest.fixture
def unit() -> Unit:
    return factories.unit()


@pytest.fixture
def lead(unit: Unit) -> Client:
    return factories.signed_in_client(Role.TEAM_LEAD, unit)


@pytest.fixture
def people(unit: Unit) -> list[Party]:
    """Twenty-five whose name begins alike, the richest last."""
    marks = "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥东南西"
    found = [factories.person(f"张伟{mark}", unit=unit) for mark in marks]
    for n, party in enumerate(found):
        Standing.objects.filter(party=party).update(balance=n * 1000, value_class="high")
    return found


@pytest.fixture
def hidden() -> Party:
    return factories.person("张伟外")


@pytest.fixture
def address(lead: Client, people: list[Party], hidden: Party) -> str:
    answer = lead.post("/customers/search/", {"q": "张伟"})
    assert answer.status_code == 303
    return str(answer["Location"])


def names(answer: Any) -> list[str]:
    assert answer.status_code == 200
    return [row.name for row in answer.context["page"].rows]


def test_what_was_found_is_walked_page_by_page(lead: Client, address: str) -> None:
    first = lead.get(f"{address}&size=20")
    assert len(names(first)) == 20
    assert str(first.context["count"]) == "25"
    page = first.context["page"]
    assert page.previous is None
    second = lead.get(f"{address}&size=20&cursor={page.next}")
    assert len(names(second)) == 5
    assert second.context["page"].next is None
    assert not set(names(first)) & set(names(second))
    assert "张伟外" not in {*names(first), *names(second)}
    back = lead.get(f"{address}&size=20&cursor={second.context['page'].previous}")
    assert names(back) == names(first)
    beyond = lead.get(f"{address}&size=20&cursor=900")
    assert names(beyond) == names(second)


def test_what_was_found_is_sorted_narrowed_and_grouped(
    lead: Client, address: str, people: list[Party]
) -> None:
    page = unescape(lead.get(address).content.decode())
    assert "sort=-standing__balance" in page
    ordered = lead.get(f"{address}&sort=-standing__balance&size=20")
    assert names(ordered)[:2] == ["张伟西", "张伟南"]
    rest = lead.get(
        f"{address}&sort=-standing__balance&size=20&cursor={ordered.context['page'].next}"
    )
    assert names(rest)[-1] == "张伟甲"
    assert names(lead.get(f"{address}&where=balance.from.24000")) == ["张伟西"]
    grouped = unescape(lead.get(f"{address}&group=value", headers=HTMX).content.decode())
    assert "25" in grouped
    inside = lead.get(f"{address}&part=group&in=value:high", headers=HTMX).content.decode()
    assert "张伟" in inside
    totals = lead.get(f"{address}&part=totals", headers=HTMX).content.decode()
    assert "30.00万" in totals


def sheet(answer: Any) -> str:
    assert answer.status_code == 200
    text: str = b"".join(answer.streaming_content).decode()
    return text


def test_what_was_ticked_is_taken_away_masked_and_on_the_trail(
    lead: Client, people: list[Party], hidden: Party
) -> None:
    ids = ",".join(str(each.public_id) for each in (people[0], people[3], hidden))
    asked = {"query": "cols=name,balance&view=all", "ids": ids, "all": "", "as": "csv"}
    found = sheet(lead.post("/customers/export/", asked))
    assert found.count("张伟") == 2
    assert "张伟外" not in found
    assert AuditEntry.objects.get(action="export.customers").changes["rows"][1] == 2
    page = lead.get("/customers/?view=all").content.decode()
    assert "data-take" in page


def test_all_that_match_are_taken_away(lead: Client, address: str) -> None:
    query = address.partition("?")[2]
    every = sheet(lead.post("/customers/export/", {"query": query, "all": "1"}))
    assert every.count("张伟") == 25


def test_nothing_ticked_and_nobody_allowed(lead: Client, people: list[Party], unit: Unit) -> None:
    assert lead.post("/customers/export/", {"query": "", "ids": ""}).status_code == 422
    assert lead.post("/customers/export/", {"query": "", "ids": "x"}).status_code == 404
    teller = factories.signed_in_client(Role.TELLER, unit)
    asked = {"query": "", "ids": str(people[0].public_id)}
    assert teller.post("/customers/export/", asked).status_code == 403
    assert "data-take" not in teller.get("/customers/?view=all").content.decode()
    assert not AuditEntry.objects.filter(action="export.customers", outcome="done").exists()
