"""The customer page: the one timeline, the page as it was, what is kept of it, the brief, the web of relations."""

from __future__ import annotations

import html
import re
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from zhike.customers import rules, services, web
from zhike.customers.models import Assignment, Party, Relation, Tier, TierRating, TimelineEntry
from zhike.customers.queries import Relations
from zhike.customers.queries.history import party_on
from zhike.customers.queries.timeline import story
from zhike.customers.tests import factories
from zhike.desk.models import Arrangement
from zhike.kernel import clock
from zhike.kernel.models import AuditEntry
from zhike.organisation.models import Employee, Role, Unit

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}


@pytest.fixture
def unit() -> Unit:
    return factories.unit()


@pytest.fixture
def manager(unit: Unit) -> Employee:
    return factories.employee_with_role(Role.CUSTOMER_MANAGER, unit)


@pytest.fixture
def mine(manager: Employee, unit: Unit) -> Party:
    return factories.person(manager=manager, unit=unit, occupation="教师")


@pytest.fixture
def lead(unit: Unit) -> Client:
    return factories.signed_in_client(Role.TEAM_LEAD, unit)


def text(answer: Any) -> str:
    return str(answer.content.decode())


def whole(client: Client, address: str) -> str:
    """The page with the panels that it fetches when they are scrolled to."""
    page = text(client.get(address))
    waiting = re.findall(r'hx-trigger="revealed[^>]+hx-get="([^"]+)"', page)
    parts = [text(client.get(html.unescape(each), headers=HTMX)) for each in waiting]
    return "".join([page, *parts])


def titles(page: Any) -> list[str]:
    return [str(each.title) for _day, held in page.days for each in held]


def entry(party: Party, title: str, at: datetime, **fields: Any) -> TimelineEntry:
    return TimelineEntry.objects.create(
        **{"party": party, "at": at, "kind": "contact", "channel": "phone", "title": title} | fields
    )


# The timeline


def test_contacts_and_changes_stand_in_one_line(mine: Party, manager: Employee) -> None:
    actor = factories.actor_of(manager)
    services.update_party(actor=actor, party=mine, changes={"occupation": "校长", "sex": "F"})
    services.add_contact_point(actor=actor, party=mine, kind="mobile", value="15400001234")
    entry(mine, "电话回访", clock.now() - timedelta(days=2))
    services.give_consent(
        actor=actor, party=mine, purpose="marketing", channel="sms", text_version="1"
    )
    page = story(actor, mine)
    told = titles(page)
    assert len(told) == 5
    assert told[3] == "电话回访"
    changed = next(
        each
        for _day, held in page.days
        for each in held
        if each.kind == "change" and len(each.changes) == 2
    )
    by_label = {each.label: each for each in changed.changes}
    assert {(each.before, each.after, each.hidden) for each in by_label.values()} == {
        ("教师", "校长", False),
        ("", "", True),
    }
    assert "15400001234" not in str(page)


def test_reveals_and_refusals_are_not_told(mine: Party, manager: Employee) -> None:
    actor = factories.actor_of(manager)
    row = services.add_contact_point(actor=actor, party=mine, kind="mobile", value="15400001234")
    before = len(titles(story(actor, mine)))
    services.reveal(actor=actor, row=row, field="sealed", purpose="回访")
    assert AuditEntry.objects.filter(party_id=mine.pk, action__contains="reveal").exists()
    assert len(titles(story(actor, mine))) == before


def test_the_other_side_of_a_relation_is_not_told(mine: Party, manager: Employee) -> None:
    hidden = factories.organisation("暗柳贸易有限公司")
    services.relate(actor=factories.SYSTEM, party=mine, other=hidden, kind="owner", role="大股东")
    page = str(story(factories.actor_of(manager), mine))
    assert "暗柳" not in page
    assert "大股东" not in page


def test_paging_tells_everything_once_though_all_happened_at_one_instant(
    mine: Party, manager: Employee
) -> None:
    actor = factories.actor_of(manager)
    at = datetime(2026, 11, 1, tzinfo=clock.BUSINESS_ZONE)
    for number in range(23):
        entry(mine, f"第{number}次", at)
    for _each in range(9):
        other = factories.employee_with_role(Role.CUSTOMER_MANAGER, mine.unit)
        Assignment.objects.create(
            party=mine, employee=other, role="assistant", during=(date(2026, 11, 1), None)
        )
    seen: list[str] = []
    before = ""
    while True:
        page = story(actor, mine, before=before, size=5)
        seen += titles(page)
        before = page.earlier
        if not before:
            break
    assert len(seen) == len(set(seen)) == 33


def test_filters_by_kind_channel_and_words(mine: Party, manager: Employee) -> None:
    actor = factories.actor_of(manager)
    now = clock.now()
    entry(mine, "电话回访", now - timedelta(hours=1))
    entry(mine, "上门拜访", now - timedelta(hours=2), channel="visit", body="谈到大额存单")
    entry(mine, "随手一记", now - timedelta(hours=3), kind="note", channel="system")
    services.update_party(actor=actor, party=mine, changes={"occupation": "校长"})
    assert titles(story(actor, mine, kind="note")) == ["随手一记"]
    assert titles(story(actor, mine, channel="visit")) == ["上门拜访"]
    assert titles(story(actor, mine, text="存单")) == ["上门拜访"]
    assert len(titles(story(actor, mine, text="校长"))) == 1
    assert titles(story(actor, mine, text="没有这样的话")) == []
    assert titles(story(actor, mine, kind="nonsense")) == []


def test_a_stranger_gets_no_line_and_no_page(mine: Party) -> None:
    stranger = factories.signed_in_client(Role.CUSTOMER_MANAGER)
    for path in ("story/",):
        assert stranger.post(f"{mine.get_absolute_url()}{path}", {}).status_code == 404
    assert stranger.post(mine.get_absolute_url(), {"panel": ["customers.facts"]}).status_code == 404


def test_what_is_looked_for_stands_in_no_address(lead: Client, mine: Party) -> None:
    entry(mine, "电话回访", clock.now() - timedelta(hours=1))
    answer = lead.post(f"{mine.get_absolute_url()}story/", {"text": "回访"}, headers=HTMX)
    assert "电话回访" in text(answer)
    assert lead.get(f"{mine.get_absolute_url()}story/?text=回访").status_code == 405


# As of a day


FIELDS = ("occupation", "industry", "note")


@given(
    st.dictionaries(st.sampled_from(FIELDS), st.text(max_size=3), min_size=3),
    st.lists(st.dictionaries(st.sampled_from(FIELDS), st.text(max_size=3)), max_size=8),
    st.integers(0, 8),
)
def test_replaying_backwards_finds_every_state_again(
    start: dict[str, str], edits: list[dict[str, str]], back: int
) -> None:
    states, trail = [dict(start)], []
    for edit in edits:
        now = states[-1]
        trail.append({name: (now[name], after) for name, after in edit.items()})
        states.append({**now, **edit})
    steps = min(back, len(edits))
    later = trail[len(trail) - steps :][::-1]
    assert rules.replayed(states[-1], later) == states[len(states) - 1 - steps]


def test_the_page_goes_back_to_fields_owner_tier_and_relations(
    mine: Party, manager: Employee, lead: Client, unit: Unit
) -> None:
    actor = factories.SYSTEM
    silver, gold = (
        Tier.objects.create(code=code, name=name, rank=rank, contact_every_days=30)
        for code, name, rank in (("s", "白银客户", 91), ("g", "黄金客户", 92))
    )
    today = clock.today()
    then = today - timedelta(days=40)
    TierRating.objects.create(
        party=mine, tier=silver, during=(today - timedelta(days=200), today - timedelta(days=10))
    )
    TierRating.objects.create(party=mine, tier=gold, during=(today - timedelta(days=10), None))
    old, new = factories.person("旧友人", unit=unit), factories.person("新友人", unit=unit)
    Relation.objects.create(
        party=mine, other=old, kind="family", during=(then - timedelta(days=9), today)
    )
    Relation.objects.create(party=mine, other=new, kind="family", during=(today, None))
    services.update_party(actor=actor, party=mine, changes={"occupation": "校长"})
    successor = factories.employee_with_role(Role.CUSTOMER_MANAGER, unit)
    services.hand_over(actor=actor, party=mine, to=successor, reason="轮岗")
    entry(mine, "今天的电话", clock.now())
    entry(mine, "从前的电话", clock.now() - timedelta(days=60))
    address = mine.get_absolute_url()
    now = whole(lead, address)
    past = whole(lead, f"{address}?as_of={then}")
    for page, there, gone in (
        (now, ("黄金客户", "校长", successor.name, "今天的电话"), ()),
        (
            past,
            ("白银客户", "教师", manager.name, "从前的电话"),
            ("黄金客户", "校长", successor.name, "今天的电话"),
        ),
    ):
        for word in there:
            assert word in page, word
        for word in gone:
            assert word not in page, word
    assert "data-edit" not in past
    assert "note-dialog" not in past
    ties = text(lead.get(f"{address}?as_of={then}&panel=customers.relations", headers=HTMX))
    assert "旧友人" in ties
    assert "新友人" not in ties


def test_a_value_kept_as_a_digest_is_said_to_be_unknown(mine: Party) -> None:
    services.update_party(actor=factories.SYSTEM, party=mine, changes={"name": "张伟民"})
    mine.refresh_from_db()
    past = party_on(mine, clock.today() - timedelta(days=1))
    assert past.unknown_then == {"name"}  # type: ignore[attr-defined]
    assert past.name == "张伟民"


@pytest.mark.parametrize("day", ["2999-01-01", "gestern"])
def test_a_day_that_cannot_be_is_refused(lead: Client, mine: Party, day: str) -> None:
    assert lead.get(f"{mine.get_absolute_url()}?as_of={day}").status_code == 422


# Arranged, edited, peeked at, printed


def test_a_person_arranges_their_own_page_and_nobody_elses(
    lead: Client, mine: Party, manager: Employee
) -> None:
    other = factories.client_of(manager)
    address = mine.get_absolute_url()
    mine_first = {
        "panel": ["customers.relations", "customers.timeline", "stranger"],
        "hidden": ["customers.facts"],
    }
    other.post(address, {"panel": ["customers.timeline"], "closed": ["customers.timeline"]})
    mine_first["panel"].append("customers.facts")
    assert lead.post(address, mine_first).status_code == 204
    page = text(lead.get(address))
    assert page.index("panel-customersrelations") < page.index("panel-customerstimeline")
    assert 'data-panel="customers.facts" hidden' in page
    assert "stranger" not in page
    kept = Arrangement.objects.get(user=other.actor.user_id)  # type: ignore[attr-defined]
    assert [each["id"] for each in kept.panels] == ["customers.timeline"]
    assert 'data-panel="customers.facts" hidden' not in text(other.get(address))
    lead.post(address, {"reset": "1"})
    again = text(lead.get(address))
    assert again.index("panel-customerstimeline") < again.index("panel-customersrelations")


def test_a_field_is_edited_at_its_place_and_a_clash_is_shown_there(
    lead: Client, mine: Party
) -> None:
    address = f"{mine.get_absolute_url()}edit/occupation/"
    opened = text(lead.get(address, headers=HTMX))
    assert 'name="occupation"' in opened
    assert 'name="note"' not in opened
    form = {"version": mine.version, "initial-occupation": "教师", "occupation": "医生"}
    services.update_party(actor=factories.SYSTEM, party=mine, changes={"occupation": "校长"})
    clash = lead.post(address, form, headers=HTMX)
    assert clash.status_code == 409
    for word in ("教师", "医生", "校长"):
        assert word in text(clash)
    mine.refresh_from_db()
    assert mine.occupation == "校长"
    form |= {"version": mine.version, "initial-occupation": "校长"}
    saved = lead.post(address, form, headers=HTMX)
    assert saved.status_code == 204
    assert "customer-facts" in saved["HX-Trigger"]
    mine.refresh_from_db()
    assert mine.occupation == "医生"
    assert lead.get(f"{mine.get_absolute_url()}edit/provenance/").status_code == 404


def test_a_peek_is_the_head_and_a_few_panels(lead: Client, mine: Party) -> None:
    peek = text(lead.get(f"{mine.get_absolute_url()}?peek=1", headers=HTMX))
    assert mine.name in peek
    assert "panel-customerstimeline" in peek
    assert "panel-customersfacts" not in peek
    assert "<html" not in peek


def test_the_brief_is_masked_and_on_the_trail(lead: Client, mine: Party) -> None:
    services.add_contact_point(
        actor=factories.SYSTEM, party=mine, kind="mobile", value="15400001234"
    )
    page = text(lead.get(f"{mine.get_absolute_url()}brief/"))
    assert "154****1234" in page
    assert "15400001234" not in page
    assert lead.actor.name in page  # type: ignore[attr-defined]
    found = AuditEntry.objects.get(action="export.brief")
    assert found.party_id == mine.pk
    teller = factories.signed_in_client(Role.TELLER, mine.unit)
    assert teller.get(f"{mine.get_absolute_url()}brief/").status_code == 403
    assert AuditEntry.objects.filter(action="export.brief").count() == 1


# The web of relations


@pytest.mark.parametrize("count", [1, 5, 30])
def test_the_web_draws_each_neighbour_in_a_box_of_its_own(
    mine: Party, lead: Client, unit: Unit, count: int
) -> None:
    for number in range(count):
        other = factories.organisation(
            f"名字特别特别长的{number}号农产品贸易有限责任公司", unit=unit
        )
        Relation.objects.create(
            party=mine, other=other, kind="owner", during=(date(2024, 1, 1), None)
        )
        beyond = factories.person(f"远处{number}")
        Relation.objects.create(
            party=beyond, other=other, kind="employer", during=(date(2024, 1, 1), None)
        )
    actor = lead.actor  # type: ignore[attr-defined]
    drawn = web.drawn(actor, mine, Relations(actor, mine), None)
    assert drawn is not None
    shown = min(count, web.AT_MOST)
    assert drawn.more == count - shown
    assert len(drawn.nodes) == 1 + 2 * shown
    assert len({(node.x, node.y) for node in drawn.nodes}) == len(drawn.nodes)
    for one in drawn.nodes:
        for other_node in drawn.nodes:
            if one is not other_node and one.x == other_node.x:
                assert abs(one.y - other_node.y) >= 30
        assert abs(one.y) <= drawn.height // 2
    assert not any("远处" in node.title for node in drawn.nodes), "out of scope, without a name"


@pytest.fixture
def group(mine: Party, unit: Unit) -> list[Party]:
    """A hundred and twenty firms of one group, one of them out of scope, one the owner."""
    day = (date(2024, 1, 1), None)
    firms = [
        factories.organisation(f"集团成员{number:03}号公司", unit=unit) for number in range(119)
    ]
    firms.append(factories.organisation("别处的秘密公司"))
    Relation.objects.bulk_create(
        Relation(party=mine, other=firm, kind="group", during=day) for firm in firms
    )
    owner = factories.organisation("控股股东", unit=unit)
    Relation.objects.create(party=owner, other=mine, kind="owner", during=(date(2025, 1, 1), None))
    return [*firms, owner]


def test_very_many_relations_come_a_page_at_a_time(
    lead: Client, mine: Party, group: list[Party], django_assert_max_num_queries: Any
) -> None:
    panel = f"{mine.get_absolute_url()}?panel=customers.relations"
    with django_assert_max_num_queries(16):
        first = text(lead.get(panel, headers=HTMX))
    # The drawing begins with the owner; whoever is out of scope is neither named nor drawn before others.
    assert first.index("控股股东") < first.index("<table")
    assert first.count("<tr") == 1 + 50
    assert "97" in first.partition('<svg class="web"')[2].partition("</svg>")[2].split("</p>")[0]
    assert "别处的秘密公司" not in first
    pages = f"{mine.get_absolute_url()}ties/"
    third = text(lead.post(pages, {"start": "100"}, headers=HTMX))
    assert third.count("<tr") == 1 + 21
    assert "101–121 / 121" in third
    assert 'value="50"' in third
    assert text(lead.post(pages, {"start": "9999"}, headers=HTMX)).count("<tr") == 2


@pytest.mark.parametrize(
    ("asked", "rows"), [("成员11", 9), ("控股", 1), ("秘密", 0), ("控股股东 ", 1)]
)
def test_relations_are_found_by_name_in_scope_only(
    lead: Client, mine: Party, group: list[Party], asked: str, rows: int
) -> None:
    pages = f"{mine.get_absolute_url()}ties/"
    found = text(lead.post(pages, {"text": asked}, headers=HTMX))
    assert found.count("<tr") == (rows + 1 if rows else 0)
    stranger = factories.signed_in_client(Role.CUSTOMER_MANAGER, mine.unit)
    assert stranger.post(pages, {"text": asked}, headers=HTMX).status_code == 404
