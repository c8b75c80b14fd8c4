"""The lists of work and contacts: scope, what is left out, what is done with many lines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest

from zhike.activities import records
from zhike.activities.models import WorkItem
from zhike.activities.tests import factories
from zhike.activities.tests.factories import Person
from zhike.customers.models import TimelineEntry
from zhike.customers.services import add_timeline_entry
from zhike.desk.models import BulkRun
from zhike.desk.services import bulk
from zhike.kernel import clock
from zhike.kernel.errors import Refused
from zhike.organisation.models import Role
from zhike.ui.lists import criteria
from zhike.ui.lists.bulk import actions_for

pytestmark = pytest.mark.django_db
HTMX = {"hx-request": "true", "hx-request-type": "partial"}


@pytest.fixture
def manager() -> Person:
    return factories.person()


@pytest.fixture
def lead(manager: Person) -> Person:
    return factories.person(Role.TEAM_LEAD, manager.employee.unit)


@pytest.fixture
def line(manager: Person) -> WorkItem:
    return factories.item(manager, factories.party(manager, name="张伟明"))


@pytest.fixture
def hidden() -> WorkItem:
    other = factories.person()
    return factories.item(other, factories.party(other, name="王小芳"))


def text(answer: Any) -> str:
    assert answer.status_code == 200
    return unescape(answer.content.decode())


@pytest.mark.parametrize(
    "query",
    [
        *("", "group=rule", "part=group&in=rule:birthday", "show=board", "show=calendar"),
        *("where=planned.today", "when=today", "where=any(rule.is.birthday,priority.over.90)"),
    ],
)
def test_lines_out_of_scope_are_nowhere(
    manager: Person, lead: Person, line: WorkItem, hidden: WorkItem, query: str
) -> None:
    for who in (manager, lead):
        page = text(who.client.get(f"/lines/?{query}", headers=HTMX))
        assert "王小芳" not in page
        assert "张伟明" in page or "1" in page


def test_what_is_closed_is_shown_to_who_asks(manager: Person, line: WorkItem) -> None:
    WorkItem.objects.update(state="done", closed_at=clock.now(), result="已回访")
    assert "张伟明" not in text(manager.client.get("/lines/"))
    for query in ("state=done", "where=closed.today", "where=closed.last.1", "in=state:done"):
        assert "已回访" in text(manager.client.get(f"/lines/?{query}"))
    yesterday = (clock.today() - timedelta(1)).isoformat()
    assert "已回访" not in text(
        manager.client.get(f"/lines/?where=closed.between.2020-01-01|{yesterday}")
    )
    assert "已回访" not in text(manager.client.get(f"/lines/?where=closed.before.{clock.today()}"))
    assert "已回访" in text(manager.client.get(f"/lines/?where=closed.after.{yesterday}"))


def run(who: Person, action: str, line: WorkItem, **params: Any) -> BulkRun:
    started = bulk.start_run(
        actor=who.actor, action=action, params=params, public_ids=[line.public_id]
    )
    while bulk.work_on(actor=who.actor, run_id=started.pk):
        pass
    started.refresh_from_db()
    return started


def test_many_lines_are_put_off_done_or_dismissed(
    manager: Person, line: WorkItem, hidden: WorkItem
) -> None:
    until = clock.today() + timedelta(3)
    assert run(manager, "activities.later", line, until=until.isoformat()).done == 1
    line.refresh_from_db()
    assert line.postponed_until == until
    past = run(manager, "activities.later", line, until="2020-01-01")
    assert (past.done, past.refused) == (0, 1)
    report = text(manager.client.get(f"/jobs/{past.public_id}/"))
    assert "张伟明" in report
    assert run(manager, "activities.done", line, result="短信祝福", channel="sms").done == 1
    assert TimelineEntry.objects.get(party=line.party).channel == "sms"
    # What is done already is refused, and stays as it was.
    again = run(manager, "activities.useless", line, because="settled", reason="")
    assert (again.done, again.refused) == (0, 1)
    line.refresh_from_db()
    assert line.state == WorkItem.State.DONE


def test_a_follow_up_is_planned_on_many_customers(manager: Person, line: WorkItem) -> None:
    on = (clock.today() + timedelta(2)).isoformat()
    started = bulk.start_run(
        actor=manager.actor, action="activities.promise_customers",
        params={"on": on, "text": "介绍新存单"}, public_ids=[line.party.public_id],
    )  # fmt: skip
    while bulk.work_on(actor=manager.actor, run_id=started.pk):
        pass
    assert WorkItem.objects.get(rule="promise").party_id == line.party_id


def test_who_only_reads_may_do_nothing_with_lines(line: WorkItem) -> None:
    analyst = factories.person(Role.ANALYST)
    assert "张伟明" in text(analyst.client.get("/lines/"))
    assert actions_for(records.WORK, analyst.actor) == []
    with pytest.raises(Refused):
        run(analyst, "activities.later", line, until=clock.today().isoformat())


@pytest.fixture
def contact(manager: Person, line: WorkItem) -> None:
    add_timeline_entry(
        actor=manager.actor, party=line.party, kind="contact", channel="phone", direction="out",
        title="询问到期安排", result="愿意续存",
    )  # fmt: skip


@pytest.mark.parametrize(
    "query",
    ["", "channel=phone", "who=mine", "within=7", "where=at.today", "group=channel", "part=totals"],
)
def test_contacts_in_scope_alone(
    manager: Person, hidden: WorkItem, contact: None, query: str
) -> None:
    stranger = factories.person()
    seen = text(manager.client.get(f"/contacts/?{query}", headers=HTMX))
    assert "愿意续存" in seen or "电话" in seen or "1" in seen
    unseen = text(stranger.client.get(f"/contacts/?{query}", headers=HTMX))
    assert "愿意续存" not in unseen
    assert "张伟明" not in unseen


def test_a_calendar_of_contacts_by_business_day(
    manager: Person, line: WorkItem, contact: None
) -> None:
    # Late in the evening of the last day of a month in UTC is the first of the next one here.
    add_timeline_entry(
        actor=manager.actor, party=line.party, kind="contact", channel="visit", title="上门",
        direction="out", at=datetime(2026, 3, 31, 20, 0, tzinfo=UTC),
    )  # fmt: skip
    stranger = factories.person()

    def seen(query: str, who: Person = manager) -> str:
        return text(who.client.get(f"/contacts/?{query}", headers=HTMX))

    assert "张伟明 · 电话" in seen("show=calendar")
    assert "张伟明 · 拜访" not in seen("show=calendar&month=2026-03")
    assert "张伟明 · 拜访" in seen("show=calendar&month=2026-04")
    assert "张伟明" not in seen("show=calendar&month=2026-04", stranger)
    assert "上门" in seen("on=at:2026-04-01")
    assert "上门" not in seen("on=at:2026-03-31")
    assert "愿意续存" in seen(f"on=at:{clock.today()}")
    for nowhere in ("at:nonsense", "at:9999-12-31", "at:0001-01-01"):
        assert "已不存在" in seen(f"on={nowhere}")
    for beyond in ("0001-01", "9999-12"):
        assert "张伟明 · 电话" in seen(f"show=calendar&month={beyond}")


def test_contacts_are_walked_page_by_page(
    manager: Person, line: WorkItem, contact: None, django_assert_max_num_queries: Any
) -> None:
    for n in range(25):
        add_timeline_entry(
            actor=manager.actor, party=line.party, kind="contact", channel="phone",
            direction="out", title=f"第{n}次",
        )  # fmt: skip
    add_timeline_entry(
        actor=manager.actor, party=line.party, kind="note", channel="system", title="不是联系"
    )
    client = manager.client
    with django_assert_max_num_queries(16):
        first = client.get("/contacts/?size=20")
    assert "不是联系" not in text(first)
    assert first.context["page"].next
    second = client.get("/contacts/", {"size": "20", "cursor": first.context["page"].next})
    assert len(second.context["page"].rows) == 6


def test_no_criterion_asks_for_who_somebody_is() -> None:
    for page, model in ((records.WORK, WorkItem), (records.CONTACTS, TimelineEntry)):
        known = [each for each in criteria.criteria if each.page == page and each.within is None]
        assert len(known) > 4
        assert criteria.must_be_open(model, known) == []
