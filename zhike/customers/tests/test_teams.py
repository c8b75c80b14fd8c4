"""Teams, grants and two positions at once: which customers they show, and which are handed over through them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from zhike.access.services import give_right
from zhike.customers.models import Assignment, Party
from zhike.customers.queries import sight
from zhike.customers.services import assign
from zhike.customers.tests import factories
from zhike.customers.tests.factories import SYSTEM, team_of
from zhike.kernel import clock
from zhike.kernel.errors import Refused
from zhike.organisation.models import Role
from zhike.organisation.services import appoint

pytestmark = pytest.mark.django_db


def pages(client: Client, *parties: Party) -> list[int]:
    return [client.get(f"/customers/{each.public_id}/").status_code for each in parties]


def test_who_leads_a_team_sees_whom_its_people_look_after() -> None:
    """By the application and behind the second wall, for each answer here comes through both."""
    lead, member = factories.employee_with_role(), factories.employee_with_role()
    theirs = factories.person("孔有缘", manager=member)
    beside = factories.person("孟无缘", unit=member.unit)
    shared = factories.person("荀获准")
    until = clock.today() + timedelta(days=7)
    assign(actor=SYSTEM, party=shared, employee=member, reason="尽调", role="shared", until=until)
    client = factories.client_of(lead)
    assert pages(client, theirs, beside, shared) == [404, 404, 404]
    team_of(lead, member)
    assert pages(client, theirs, beside, shared) == [200, 404, 404]
    assert pages(factories.client_of(member), theirs, beside, shared) == [200, 404, 200]
    assert sight(factories.actor_of(lead), theirs) == [f"由您团队的{member.name}维护。"]
    names = client.get("/customers/").content.decode()
    assert "孔有缘" in names
    assert "孟无缘" not in names
    # The lead's rights over them are a team lead's.
    other = factories.employee_with_role(unit=member.unit)
    assign(actor=factories.actor_of(lead), party=theirs, employee=other, reason="协助", role="assistant")  # fmt: skip
    assert Assignment.objects.filter(party=theirs, employee=other).exists()


def test_a_head_here_who_is_a_teller_there_hands_nobody_over_there() -> None:
    here, there = factories.unit("城东支行"), factories.unit("城西支行")
    who = factories.employee_with_role(Role.TEAM_LEAD, here)
    appoint(
        actor=SYSTEM, employee=who, unit=there, role=Role.TELLER, title="柜员",
        since=clock.today().replace(year=2000, day=1),
    )  # fmt: skip
    mine, theirs = factories.person("孔有缘", unit=here), factories.person("孟无缘", unit=there)
    client = factories.client_of(who)
    assert pages(client, mine, theirs) == [200, 200]
    asked = [client.get(f"/customers/{each.public_id}/hand-over/") for each in (mine, theirs)]
    assert [each.status_code for each in asked] == [200, 404]
    actor = factories.actor_of(who)
    new = factories.employee_with_role(Role.CUSTOMER_MANAGER, here)
    assign(actor=actor, party=mine, employee=new, reason="新客户")
    with pytest.raises(Refused):
        assign(actor=actor, party=theirs, employee=new, reason="新客户")
    taken: Any = client.post("/customers/export/", {"all": "1", "kind": "csv"})
    text = b"".join(taken.streaming_content) if taken.streaming else taken.content
    assert "孟无缘" not in text.decode("utf-8-sig", "replace")


def test_a_grant_says_why_a_customer_is_in_sight() -> None:
    who, other = factories.employee_with_role(), factories.unit("城西支行")
    theirs = factories.person("孟无缘", unit=other)
    client = factories.client_of(who)
    assert pages(client, theirs) == [404]
    until = clock.today() + timedelta(days=7)
    give_right(
        actor=SYSTEM, employee=who, what="customers.view", where=other, until=until, reason="代班"
    )
    assert pages(client, theirs) == [200]
    assert any("代班" in why for why in sight(factories.actor_of(who), theirs))
    assert client.post(f"/customers/{theirs.public_id}/edit/", {}).status_code == 404


def test_nobody_shares_a_customer_with_themselves() -> None:
    unit = factories.unit()
    lead = factories.employee_with_role(Role.TEAM_LEAD, unit)
    mine = factories.person(unit=unit)
    with pytest.raises(Refused):
        assign(
            actor=factories.actor_of(lead), party=mine, employee=lead, reason="尽调",
            role="shared", until=clock.today(),
        )  # fmt: skip
    assert not Assignment.objects.filter(party=mine).exists()


def test_who_leads_a_team_sees_its_peoples_work() -> None:
    lead, member = factories.employee_with_role(), factories.employee_with_role()
    theirs = factories.person("孔有缘", manager=member)
    client = factories.client_of(lead)
    at = f"/today/people/{member.public_id}/"
    assert client.get(at).status_code == 404
    assert client.get("/today/team/").status_code == 403
    team_of(lead, member)
    assert client.get(at).status_code == 200
    assert member.name in client.get("/today/team/").content.decode()
    assert pages(client, theirs) == [200]
