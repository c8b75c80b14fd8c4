"""Lines put off, promised by hand, settled together or of no use: against the daily run, and refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from zhike.activities import queries, services
from zhike.activities.models import WorkItem
from zhike.activities.services import Counts
from zhike.activities.tests.factories import SYSTEM, Person, found, item, party, person, unit
from zhike.customers.models import Assignment, Party, Standing, TimelineEntry
from zhike.kernel import clock
from zhike.kernel.errors import Refused, UserError
from zhike.kernel.models import AuditEntry
from zhike.organisation.models import Role
from zhike.products.models import Agreement, Product

pytestmark = pytest.mark.django_db
DAY = date(2026, 3, 2)


def state() -> list[tuple[object, ...]]:
    fields = "pk state version result employee postponed_until useless_because quiet_until"
    return sorted(WorkItem.objects.values_list(*fields.split()), key=str)


def on_list(who: Person, today: date) -> list[int]:
    work = queries.work_list(who.actor, who.employee.pk, today)
    return [line.pk for group in work.groups for card in group.cards for line in card.lines]


def tomorrow() -> date:
    return clock.today() + timedelta(days=1)


def test_a_line_put_off_is_away_until_its_day_and_back_by_itself() -> None:
    who = person()
    with clock.stopped_at(DAY):
        line = item(who)
        other = item(who)
        services.postpone(actor=who.actor, item=line, until=DAY + timedelta(days=3))
        assert on_list(who, DAY) == [other.pk]
        waits = queries.waiting(who.actor, who.employee.pk, DAY)
        assert [each.pk for each in waits] == [line.pk]
    for days, there in ((2, False), (3, True), (4, True)):
        today = DAY + timedelta(days=days)
        with clock.stopped_at(today):
            assert (line.pk in on_list(who, today)) is there
    # On its day it is due today, whatever day the finding named.
    with clock.stopped_at(DAY + timedelta(days=3)):
        work = queries.work_list(who.actor, who.employee.pk, DAY + timedelta(days=3), rule="")
        due = {line.pk: group.due for group in work.groups for c in group.cards for line in c.lines}
        assert (due[line.pk], due[other.pk]) == ("today", "overdue")
    trail = AuditEntry.objects.get(action="activities.item.postpone")
    assert trail.object_id == line.pk


def test_the_daily_run_leaves_waiting_what_waits() -> None:
    who = person()
    customer = party(who)
    with clock.stopped_at(DAY):
        services.replace_findings(actor=SYSTEM, found=[found(customer)], as_of=DAY)
        line = WorkItem.objects.get()
        until = DAY + timedelta(days=5)
        services.postpone(actor=who.actor, item=line, until=until)
    next_day = DAY + timedelta(days=1)
    with clock.stopped_at(next_day):
        again = found(customer, priority=90, due_on=next_day)
        for expected in (Counts(0, 1, 0, 0, 0, 0), Counts(0, 0, 1, 0, 0, 0)):
            run = services.replace_findings(actor=SYSTEM, found=[again], as_of=next_day)
            assert run == expected
        line.refresh_from_db()
        assert (line.state, line.priority, line.postponed_until) == ("open", 90, until)
        assert (line.plan_on, on_list(who, next_day)) == (until, [])
        assert services.replace_findings(actor=SYSTEM, found=[], as_of=next_day).lapsed == 1


@pytest.mark.parametrize("days", [-1, 0, 93])
def test_a_day_that_is_none_changes_nothing(days: int) -> None:
    who = person()
    line, customer = item(who), party(who)
    before, day = state(), clock.today() + timedelta(days=days)
    with pytest.raises(UserError):
        services.postpone(actor=who.actor, item=line, until=day)
    if days:
        with pytest.raises(UserError):
            services.plan_follow_up(actor=who.actor, party=customer, on=day, text="call back")
    assert state() == before


def test_a_line_comes_back_sooner_when_asked() -> None:
    who = person()
    line = item(who)
    services.postpone(actor=who.actor, item=line, until=tomorrow())
    services.resume(actor=who.actor, item=line)
    line.refresh_from_db()
    assert (line.postponed_until, on_list(who, clock.today())) == (None, [line.pk])


def test_a_promise_appears_on_its_day_and_no_run_takes_it() -> None:
    who = person()
    customer = party(who)
    services.plan_follow_up(actor=who.actor, party=customer, on=tomorrow(), text="回电谈车贷")
    services.plan_follow_up(actor=who.actor, party=customer, on=tomorrow(), text="寄资料")
    before = state()
    assert services.replace_findings(actor=SYSTEM, found=[], as_of=clock.today()).lapsed == 0
    assert state() == before
    assert on_list(who, clock.today()) == []
    with clock.stopped_at(tomorrow()):
        assert len(on_list(who, clock.today())) == 2
    promise = WorkItem.objects.all()[0]
    assert promise.figures["text"] in ("回电谈车贷", "寄资料")
    assert AuditEntry.objects.filter(action="activities.item.plan").count() == 2
    with pytest.raises(ValueError, match="promise"):
        services.replace_findings(
            actor=SYSTEM, found=[found(customer, "promise")], as_of=clock.today()
        )


@pytest.mark.parametrize("text", ["", "x", "打 13800138000", "x" * 201])
def test_a_promise_without_words_or_with_a_number_is_refused(text: str) -> None:
    who = person()
    with pytest.raises(UserError) as refused:
        services.plan_follow_up(actor=who.actor, party=party(who), on=tomorrow(), text=text)
    assert "13800138000" not in str(refused.value)
    assert not WorkItem.objects.exists()


def test_a_promise_needs_a_customer_in_sight_the_right_and_a_list() -> None:
    manager = person()
    customer = party(manager)
    for who in (person(), person(Role.TELLER, manager.employee.unit), person(Role.ANALYST)):
        with pytest.raises(Refused):
            services.plan_follow_up(actor=who.actor, party=customer, on=tomorrow(), text="call")
    with pytest.raises(Refused):
        services.plan_follow_up(actor=SYSTEM, party=customer, on=tomorrow(), text="call back")
    assert not WorkItem.objects.exists()


def hand_over(customer: Party, to: Person) -> None:
    Assignment.objects.update(during=(date(2000, 1, 1), clock.today()))
    Assignment.objects.create(party=customer, employee=to.employee, during=(clock.today(), None))
    services.follow_managers(actor=SYSTEM, party_ids=[customer.pk])


def test_a_promise_goes_with_the_customer_but_a_heads_own_stays() -> None:
    old, new = person(), person()
    head = person(Role.BRANCH_HEAD, old.employee.unit)
    customer = party(old)
    for who in (old, head):
        services.plan_follow_up(actor=who.actor, party=customer, on=tomorrow(), text="call back")
    hand_over(customer, new)
    holders = WorkItem.objects.values_list("employee", flat=True)
    assert set(holders) == {new.employee.pk, head.employee.pk}


def test_one_contact_settles_several_lines_and_one_undo_opens_them() -> None:
    who = person()
    customer = party(who)
    lines = [item(who, customer, rule=rule) for rule in ("maturing", "tier_up", "birthday")]
    services.complete(
        actor=who.actor, item=lines[0], result="will renew", channel="phone", also=[lines[1]]
    )
    assert list(WorkItem.objects.order_by("pk").values_list("state", flat=True)) == [
        "done",
        "done",
        "open",
    ]
    assert TimelineEntry.objects.get(kind="contact").result == "will renew"
    services.reopen(actor=who.actor, item=lines[0])
    assert set(WorkItem.objects.values_list("state", flat=True)) == {"open"}
    assert not TimelineEntry.objects.filter(kind="contact").exists()
    assert not WorkItem.objects.exclude(closed_with=None, quiet_until=None).exists()


def test_a_contact_settles_no_line_of_somebody_else() -> None:
    who = person()
    mine, other = item(who), item(who)
    before = state()
    with pytest.raises(UserError):
        services.complete(actor=who.actor, item=mine, result="reached", also=[other])
    assert state() == before
    assert not TimelineEntry.objects.exists()


def test_undo_of_a_contact_opens_the_silence_it_answered(
    django_capture_on_commit_callbacks: Any,
) -> None:
    who = person()
    customer = party(who)
    silence, line = (item(who, customer, rule=rule) for rule in ("no_contact", "maturing"))
    with django_capture_on_commit_callbacks(execute=True):
        services.complete(actor=who.actor, item=line, result="will come", channel="visit")
    silence.refresh_from_db()
    assert (silence.state, silence.closed_with) == ("done", line)
    services.reopen(actor=who.actor, item=line)
    silence.refresh_from_db()
    assert (silence.state, silence.closed_with) == ("open", None)


def test_why_a_line_was_of_no_use_is_kept_and_keeps_it_away() -> None:
    who = person()
    customer = party(who)
    with clock.stopped_at(DAY):
        services.replace_findings(actor=SYSTEM, found=[found(customer)], as_of=DAY)
        line = WorkItem.objects.get()
        services.dismiss(actor=who.actor, item=line, because="not_wanted")
    line.refresh_from_db()
    assert (line.state, line.useless_because, line.result) == ("dismissed", "not_wanted", "")
    for days, expected in ((14, 0), (89, 0), (90, 1)):
        as_of = DAY + timedelta(days=days)
        run = services.replace_findings(actor=SYSTEM, found=[found(customer)], as_of=as_of)
        assert run.created == expected


@pytest.mark.parametrize(
    ("because", "reason"), [("other", ""), ("other", "x"), ("wrong", "打 13800138000")]
)
def test_another_reason_needs_words_and_no_words_hide_a_number(because: str, reason: str) -> None:
    who = person()
    line = item(who)
    before = state()
    with pytest.raises(UserError):
        services.dismiss(actor=who.actor, item=line, because=because, reason=reason)
    assert state() == before


Act = Callable[[Person, WorkItem], object]


@pytest.mark.parametrize(
    "act",
    [
        lambda who, line: services.postpone(actor=who.actor, item=line, until=tomorrow()),
        lambda who, line: services.resume(actor=who.actor, item=line),
        lambda who, line: services.dismiss(actor=who.actor, item=line, because="wrong"),
    ],
    ids=["postpone", "resume", "dismiss"],
)
def test_nobody_else_moves_a_line(act: Act) -> None:
    manager = person()
    line = item(manager)
    before = state()
    for who in (person(), person(Role.TELLER, manager.employee.unit), person(Role.ANALYST)):
        with pytest.raises(Refused):
            act(who, line)
    WorkItem.objects.update(state="done")
    with pytest.raises(UserError):
        act(manager, line)
    WorkItem.objects.update(state="open")
    assert state() == before


def test_the_team_counts_what_is_in_reach_and_nothing_else() -> None:
    branch = unit()
    head = person(Role.BRANCH_HEAD, branch)
    mine, stranger = person(place=unit(branch)), person()
    for days in (-2, -1, 0):
        item(mine, days=days)
    waits = item(mine)
    services.postpone(actor=mine.actor, item=waits, until=tomorrow())
    done, useless = item(mine), item(mine)
    services.complete(actor=mine.actor, item=done, result="reached")
    services.dismiss(actor=mine.actor, item=useless, because="wrong")
    item(stranger)
    [seen] = queries.team_work(head.actor, clock.today()).people
    assert seen.employee == mine.employee
    assert (seen.open, seen.overdue, seen.waiting) == (3, 2, 1)
    assert (seen.done_today, seen.done, dict(seen.useless)) == (1, 1, {"wrong": 1})
    assert (seen.customers, seen.coverage) == (6, None)
    *_before, today = queries.days_of_work(head.actor, clock.today())
    assert (today.found, today.done, today.dismissed) == (6, 1, 1)


def test_a_head_counts_own_customers_elsewhere_once() -> None:
    branch = unit()
    head = person(Role.BRANCH_HEAD, branch)
    for customer in (party(head), party(head, unit())):
        item(head, customer, days=-1)
    [seen] = queries.team_work(head.actor, clock.today()).people
    assert (seen.open, seen.overdue, seen.customers) == (2, 2, 2)
    *_before, today = queries.days_of_work(head.actor, clock.today())
    assert today.found == 2


def test_coverage_is_the_share_of_customers_reached_within_their_period() -> None:
    lead = person(Role.TEAM_LEAD)
    who = person(place=lead.employee.unit)
    today = clock.today()
    for last, every in ((30, 30), (31, 30), (None, 30), (5, None)):
        Standing.objects.filter(party=party(who)).update(
            last_contact_on=None if last is None else today - timedelta(days=last),
            contact_every_days=every,
        )
    [seen] = queries.team_work(lead.actor, today).people
    assert (seen.periods, seen.in_touch) == (3, 1)


def test_the_week_ahead_holds_what_falls_due_for_ones_own_customers() -> None:
    who, stranger = person(), person()
    today = clock.today()
    product = Product.objects.create(code="d", name="定期", category="deposit", side="liability")
    for manager in (who, stranger):
        customer = party(manager)
        Agreement.objects.create(
            party=customer,
            product=product,
            unit=customer.unit,
            source="t",
            source_key=str(customer.pk),
            opened_on=today,
            matures_on=today + timedelta(days=2),
        )
        born = today + timedelta(days=3)
        Party.objects.filter(pk=customer.pk).update(birth_on=date(2000, born.month, born.day))
        Standing.objects.filter(party=customer).update(
            last_contact_on=today - timedelta(days=26), contact_every_days=30
        )
        services.plan_follow_up(
            actor=manager.actor, party=customer, on=today + timedelta(days=6), text="call back"
        )
    week = queries.week_ahead(who.actor, who.employee.pk, today)
    assert [day.on for day in week] == [today + timedelta(days=n) for n in range(7)]
    found_on = {n: [each.kind for each in day.coming] for n, day in enumerate(week) if day.coming}
    assert found_on == {2: ["maturing"], 3: ["birthday"], 4: ["contact"], 6: ["planned"]}
    [own] = Party.objects.filter(assignments__employee=who.employee)
    assert {(each.name, each.url) for day in week for each in day.coming} == {
        (own.name, own.get_absolute_url())
    }
