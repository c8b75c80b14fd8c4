"""Findings become items, items are worked off; what is refused changes nothing."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from zhike.activities import services
from zhike.activities.models import WorkItem
from zhike.activities.rules import QUIET_DAYS
from zhike.activities.services import Counts, Found
from zhike.activities.tests.factories import SYSTEM, Person, found, item, party, person, unit
from zhike.customers.events import AssignmentChanged
from zhike.customers.models import Assignment, Party, Standing, TimelineEntry
from zhike.customers.services import add_timeline_entry
from zhike.kernel import clock
from zhike.kernel.errors import Refused, UserError
from zhike.kernel.events import publish
from zhike.kernel.models import AuditEntry
from zhike.organisation.models import Role
from zhike.organisation.services import leave

pytestmark = pytest.mark.django_db
DAY = date(2026, 3, 2)


def replace(*findings: Found, as_of: date | None = None) -> Counts:
    return services.replace_findings(actor=SYSTEM, found=findings, as_of=as_of or clock.today())


def state() -> list[tuple[object, ...]]:
    return sorted(WorkItem.objects.values_list("pk", "state", "version", "result", "employee"))


def test_a_new_reason_opens_an_item_for_the_main_manager() -> None:
    manager, assistant = person(), person()
    customer = party(manager)
    Assignment.objects.create(
        party=customer, employee=assistant.employee, role="assistant", during=(DAY, None)
    )
    counts = replace(found(customer, priority=70, figures={"on": "2026-03-09", "age": 60}))
    made = WorkItem.objects.get()
    assert counts == Counts(1, 0, 0, 0, 0, 0)
    assert (made.employee, made.priority, made.state) == (manager.employee, 70, "open")
    assert made.figures == {"on": "2026-03-09", "age": 60}
    assert made.found_on == clock.today()


def test_the_same_day_again_changes_nothing() -> None:
    customer = party(person())
    replace(found(customer))
    before = state()
    assert replace(found(customer)) == Counts(0, 0, 1, 0, 0, 0)
    assert state() == before


def test_an_open_item_takes_the_new_figures() -> None:
    customer = party(person())
    replace(found(customer))
    tomorrow = clock.today() + timedelta(days=1)
    counts = replace(found(customer, priority=90, due_on=tomorrow, figures={"age": 61}))
    made = WorkItem.objects.get()
    assert counts.refreshed == 1
    assert (made.priority, made.due_on, made.figures, made.version) == (
        90,
        tomorrow,
        {"age": 61},
        2,
    )


def test_an_item_whose_reason_is_gone_lapses_and_may_come_back() -> None:
    customer = party(person())
    replace(found(customer))
    assert replace().lapsed == 1
    lapsed = WorkItem.objects.get()
    assert lapsed.state == WorkItem.State.LAPSED
    assert lapsed.closed_at is not None
    assert replace(found(customer)).created == 1


def test_a_customer_without_a_manager_goes_to_nobody_and_is_counted() -> None:
    former = person()
    customer = party()
    Assignment.objects.create(
        party=customer, employee=former.employee, during=(date(2000, 1, 1), clock.today())
    )
    assert replace(found(customer)) == Counts(0, 0, 0, 0, 0, 1)
    assert not WorkItem.objects.exists()


def test_items_follow_a_changed_manager() -> None:
    old, new = person(), person()
    customer = party(old)
    replace(found(customer))
    Assignment.objects.update(during=(date(2000, 1, 1), clock.today()))
    Assignment.objects.create(party=customer, employee=new.employee, during=(clock.today(), None))
    assert replace(found(customer)).refreshed == 1
    assert WorkItem.objects.get().employee == new.employee


def test_items_follow_at_once_when_asked_and_lapse_without_a_manager() -> None:
    old, new = person(), person()
    followed, orphan = party(old), party(old)
    replace(found(followed), found(orphan))
    Assignment.objects.update(during=(date(2000, 1, 1), clock.today()))
    Assignment.objects.create(party=followed, employee=new.employee, during=(clock.today(), None))
    services.follow_managers(actor=SYSTEM, party_ids=[followed.pk, orphan.pk])
    assert WorkItem.objects.get(party=followed).employee == new.employee
    assert WorkItem.objects.get(party=orphan).state == WorkItem.State.LAPSED


def test_a_handover_takes_the_open_items_with_it(
    django_capture_on_commit_callbacks: Any,
) -> None:
    old, new = person(), person()
    line = item(old)
    hand_over(line.party, new, clock.today())
    with django_capture_on_commit_callbacks(execute=True):
        publish(AssignmentChanged(line.party_id))
    line.refresh_from_db()
    assert (line.employee, line.state) == (new.employee, "open")


@pytest.mark.parametrize("close", ["complete", "dismiss"])
def test_what_was_closed_stays_quiet_for_a_fortnight(close: str) -> None:
    manager = person()
    customer = party(manager)
    with clock.stopped_at(DAY):
        replace(found(customer))
        line = WorkItem.objects.get()
        if close == "complete":
            services.complete(actor=manager.actor, item=line, result="reached, will come")
        else:
            services.dismiss(actor=manager.actor, item=line, reason="abroad until May")
    last_quiet = DAY + timedelta(days=QUIET_DAYS - 1)
    assert replace(found(customer), as_of=last_quiet) == Counts(0, 0, 0, 0, 1, 0)
    other_rule = found(customer, rule="maturing")
    assert replace(found(customer), other_rule, as_of=last_quiet).created == 1
    assert replace(found(customer), as_of=DAY + timedelta(days=QUIET_DAYS)).created == 1


def test_findings_are_refused_without_the_permission_and_change_nothing() -> None:
    manager = person()
    item(manager)
    before = state()
    with pytest.raises(Refused):
        services.replace_findings(actor=manager.actor, found=[], as_of=DAY)
    assert state() == before


def test_a_rule_that_is_none_changes_nothing() -> None:
    customer = party(person())
    replace(found(customer))
    before = state()
    with pytest.raises(ValueError, match="gossip"):
        replace(found(customer, priority=1), found(customer, rule="gossip"))
    assert state() == before


@pytest.mark.parametrize("seed", range(6))
def test_runs_and_people_against_a_slow_model(seed: int) -> None:
    """Random days of findings, closings and handovers agree with a plain dictionary."""
    chance = random.Random(seed)
    managers = [person() for _ in range(3)]
    customers = [party() for _ in range(4)]
    owner: dict[int, Person | None] = {each.pk: None for each in customers}
    open_now: dict[tuple[int, str], Person] = {}
    closed_on: dict[tuple[int, str], date] = {}
    for days in range(30):
        today = DAY + timedelta(days=days)
        with clock.stopped_at(today):
            for customer in customers:
                if chance.random() < 0.3:
                    hand_over(customer, new := chance.choice([None, *managers]), today)
                    owner[customer.pk] = new
            keys = [
                (each.pk, rule)
                for each in customers
                for rule in ("birthday", "maturing")
                if chance.random() < 0.6
            ]
            by_pk = {each.pk: each for each in customers}
            replace(*(found(by_pk[pk], rule) for pk, rule in keys))
            wanted = {}
            for key in keys:
                manager = owner[key[0]]
                quiet = key in closed_on and (today - closed_on[key]).days < QUIET_DAYS
                if manager is not None and (key in open_now or not quiet):
                    wanted[key] = manager
            open_now = wanted
            for key in [each for each in open_now if chance.random() < 0.3]:
                line = WorkItem.objects.get(party=key[0], rule=key[1], state="open")
                services.dismiss(actor=open_now.pop(key).actor, item=line, reason="not now")
                closed_on[key] = today
        held = {
            (each.party_id, each.rule): each.employee_id
            for each in WorkItem.objects.filter(state="open")
        }
        assert held == {key: each.employee.pk for key, each in open_now.items()}


def hand_over(customer: Party, manager: Person | None, day: date) -> None:
    Assignment.objects.filter(party=customer, during__startswith=day).delete()
    for each in Assignment.objects.filter(party=customer, during__contains=day):
        each.during = (each.during.lower, day)
        each.save()
    if manager is not None:
        Assignment.objects.create(party=customer, employee=manager.employee, during=(day, None))


def test_a_contact_goes_on_the_timeline_and_moves_the_last_contact() -> None:
    manager = person()
    line = item(manager)
    services.complete(actor=manager.actor, item=line, result="wants a deposit", channel="phone")
    line.refresh_from_db()
    entry = TimelineEntry.objects.get(party=line.party)
    assert (line.state, line.result) == ("done", "wants a deposit")
    assert (entry.kind, entry.channel, entry.direction) == ("contact", "phone", "out")
    assert (entry.result, entry.employee) == ("wants a deposit", manager.employee)
    assert Standing.objects.get(party=line.party).last_contact_on == clock.today()
    assert AuditEntry.objects.filter(action="activities.item.complete", object_id=line.pk).exists()


def test_work_without_a_contact_is_a_note() -> None:
    manager = person()
    line = item(manager)
    services.complete(actor=manager.actor, item=line, result="papers prepared")
    assert TimelineEntry.objects.get(party=line.party).kind == "note"
    assert not Standing.objects.filter(party=line.party, last_contact_on__isnull=False).exists()


CLOSINGS: list[Callable[[Person, WorkItem, str], object]] = [
    lambda who, line, text: services.complete(actor=who.actor, item=line, result=text),
    lambda who, line, text: services.dismiss(actor=who.actor, item=line, reason=text),
]


@pytest.mark.parametrize("close", CLOSINGS)
@pytest.mark.parametrize("text", ["", "  ", "x", "y" * 201])
def test_closing_needs_words_and_changes_nothing_without(
    close: Callable[[Person, WorkItem, str], object], text: str
) -> None:
    manager = person()
    line = item(manager)
    before = state()
    with pytest.raises(UserError):
        close(manager, line, text)
    assert state() == before
    assert not TimelineEntry.objects.exists()


@pytest.mark.parametrize("close", CLOSINGS)
def test_closing_twice_is_told_apart(close: Callable[[Person, WorkItem, str], object]) -> None:
    manager = person()
    line = item(manager)
    services.dismiss(actor=manager.actor, item=line, reason="first one")
    before = state()
    with pytest.raises(UserError):
        close(manager, line, "second one")
    assert state() == before


@pytest.mark.parametrize("close", CLOSINGS)
@pytest.mark.parametrize("role", [Role.CUSTOMER_MANAGER, Role.TEAM_LEAD, Role.BRANCH_HEAD])
def test_nobody_closes_what_they_do_not_see(
    close: Callable[[Person, WorkItem, str], object], role: str
) -> None:
    line = item(person())
    before = state()
    with pytest.raises(Refused):
        close(person(role), line, "not mine")
    assert state() == before
    assert not TimelineEntry.objects.exists()


@pytest.mark.parametrize("close", CLOSINGS)
@pytest.mark.parametrize("role", [Role.ANALYST, Role.TELLER, Role.SYSTEM_ADMINISTRATOR, None])
def test_nobody_closes_without_the_permission(
    close: Callable[[Person, WorkItem, str], object], role: str | None
) -> None:
    manager = person()
    line = item(manager)
    before = state()
    with pytest.raises(Refused):
        close(person(role, manager.employee.unit), line, "not my work")
    assert state() == before


def test_a_team_lead_closes_the_work_of_the_team() -> None:
    manager = person()
    lead = person(Role.TEAM_LEAD, manager.employee.unit)
    line = item(manager)
    services.complete(actor=lead.actor, item=line, result="done for a colleague")
    line.refresh_from_db()
    assert line.state == "done"


def test_undo_within_the_day_opens_the_item_and_takes_the_contact_back() -> None:
    manager = person()
    line = item(manager)
    before = clock.now() - timedelta(days=20)
    contact(manager, line.party, at=before)
    services.complete(actor=manager.actor, item=line, result="the wrong line", channel="phone")
    services.reopen(actor=manager.actor, item=line)
    line.refresh_from_db()
    assert (line.state, line.result, line.closed_at) == ("open", "", None)
    kinds = (
        TimelineEntry.objects.filter(party=line.party).order_by("at").values_list("kind", flat=True)
    )
    assert list(kinds) == ["contact", "withdrawn"]
    last = Standing.objects.get(party=line.party).last_contact_on
    assert last == before.astimezone(clock.BUSINESS_ZONE).date()
    trail = AuditEntry.objects.get(action="customers.timeline.withdraw", party_id=line.party_id)
    assert trail.actor_user_id == manager.user.pk


def test_undo_leaves_what_was_done_again_or_by_others() -> None:
    manager = person()
    line, other = item(manager), item(manager)
    services.complete(actor=manager.actor, item=other, result="another line", channel="phone")
    for result in ("first", "second"):
        services.complete(actor=manager.actor, item=line, result=result, channel="visit")
        services.reopen(actor=manager.actor, item=line)
    services.complete(actor=manager.actor, item=line, result="third", channel="visit")
    stands = TimelineEntry.objects.filter(kind="contact").values_list("result", flat=True)
    assert set(stands) == {"another line", "third"}
    assert Standing.objects.get(party=line.party).last_contact_on == clock.today()


def contact(who: Person, customer: Party, **fields: Any) -> None:
    details = {"kind": "contact", "channel": "phone", "title": "called", "result": "will come"}
    add_timeline_entry(actor=who.actor, party=customer, **(details | fields))


@pytest.fixture
def told(django_capture_on_commit_callbacks: Any) -> Callable[..., None]:
    """A contact made, and everybody who waits for one told."""

    def make(who: Person, customer: Party, **fields: Any) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            contact(who, customer, **fields)

    return make


def test_a_contact_closes_the_line_that_asked_for_one(told: Callable[..., None]) -> None:
    manager = person()
    line = item(manager, rule="no_contact", figures={"every": "90"})
    teller = person(Role.TELLER, manager.employee.unit)
    told(teller, line.party)
    line.refresh_from_db()
    assert (line.state, line.result) == ("done", "will come")
    trail = AuditEntry.objects.get(action="activities.item.complete", object_id=line.pk)
    assert (trail.actor_user_id, trail.actor_name) == (teller.user.pk, teller.employee.name)
    before = state()
    told(teller, line.party, title="again")
    assert state() == before


def test_other_lines_notes_other_customers_and_old_contacts_close_nothing(
    told: Callable[..., None],
) -> None:
    manager = person()
    customer = party(manager)
    item(manager, customer, rule="no_contact", figures={"every": "90"})
    item(manager, customer, rule="maturing")
    item(manager, rule="no_contact", figures={"every": "90"})
    before = state()
    told(manager, customer, kind="note")
    told(manager, party(manager))
    told(manager, customer, at=clock.now() - timedelta(days=90))
    assert state() == before
    told(manager, customer, at=clock.now() - timedelta(days=89))
    assert WorkItem.objects.filter(state="open").count() == 2


def test_undo_of_a_line_closed_by_a_contact_leaves_the_contact(told: Callable[..., None]) -> None:
    manager = person()
    line = item(manager, rule="no_contact")
    told(manager, line.party)
    services.reopen(actor=manager.actor, item=line)
    assert TimelineEntry.objects.get(party=line.party).kind == "contact"


def test_there_is_no_undo_on_the_next_day() -> None:
    manager = person()
    with clock.stopped_at(DAY):
        line = item(manager)
        services.dismiss(actor=manager.actor, item=line, reason="settled")
    before = state()
    with clock.stopped_at(DAY + timedelta(days=1)), pytest.raises(UserError):
        services.reopen(actor=manager.actor, item=line)
    assert state() == before


def test_what_lapsed_is_not_reopened_by_hand() -> None:
    manager = person()
    line = item(manager, state=WorkItem.State.LAPSED, closed_at=clock.now())
    with pytest.raises(UserError):
        services.reopen(actor=manager.actor, item=line)


def test_a_result_hides_no_identity_number() -> None:
    manager = person()
    line = item(manager)
    before = state()
    with pytest.raises(UserError):
        services.dismiss(actor=manager.actor, item=line, reason="call 13800138000 instead")
    assert state() == before


def test_nobody_leaves_with_open_work() -> None:
    manager = person()
    line = item(manager, party(place=unit()))
    with pytest.raises(Refused):
        leave(actor=SYSTEM, employee=manager.employee, on=clock.today(), reason="moves away")
    manager.employee.refresh_from_db()
    assert manager.employee.left_on is None
    WorkItem.objects.filter(pk=line.pk).update(state="lapsed")
    leave(actor=SYSTEM, employee=manager.employee, on=clock.today(), reason="moves away")
