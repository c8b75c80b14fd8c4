"""Every write to customers: what it does, what it refuses, and that a refusal leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateRange

from zhike.customers import services
from zhike.customers.identifiers import id_check
from zhike.customers.models import (
    Address,
    Assignment,
    ConsentEvent,
    ContactPoint,
    Identifier,
    Party,
    Relation,
    Standing,
    TimelineEntry,
)
from zhike.customers.tests import factories
from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.kernel.errors import Conflict, Refused, UserError
from zhike.kernel.models import AuditEntry
from zhike.organisation.models import Employee, Role, Unit

pytestmark = pytest.mark.django_db

# No province has the area code 29, no operator the range 1540: see packs/bank/sample/marks.py.
ID_17 = "29010119850315012"
RESIDENT_ID = ID_17 + id_check(ID_17)
MOBILE = "15400001234"


@contextmanager
def nothing_written() -> Iterator[None]:
    """What is refused leaves every table of the room, and the trail, as it was."""

    def state() -> list[object]:
        tables = (
            Party,
            Identifier,
            ContactPoint,
            Address,
            Relation,
            Assignment,
            Standing,
            ConsentEvent,
            TimelineEntry,
            AuditEntry,
        )
        return [sorted(map(str, model._default_manager.values_list())) for model in tables]

    before = state()
    yield
    assert state() == before


@pytest.fixture
def unit() -> Unit:
    return factories.unit()


@pytest.fixture
def manager(unit: Unit) -> Employee:
    return factories.employee_with_role(Role.CUSTOMER_MANAGER, unit)


@pytest.fixture
def lead(unit: Unit) -> Actor:
    return factories.actor_with_role(Role.TEAM_LEAD, unit)


@pytest.fixture
def mine(manager: Employee, unit: Unit) -> Party:
    return factories.person(manager=manager, unit=unit)


def trail(action: str) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(action=action))


# Parties


def test_a_new_customer_belongs_to_the_one_who_enters_it(manager: Employee, unit: Unit) -> None:
    actor = factories.actor_of(manager)
    party = services.create_party(
        actor=actor,
        kind="person",
        type="individual",
        name="李清和",
        fields={"birth_on": date(1990, 5, 1), "occupation": "教师"},
    )
    assert party.unit == unit
    assert party.stage == Party.Stage.CUSTOMER
    assert "清和" in party.search_tokens
    assert party.provenance["birth_on"]["source"] == "zhike"
    assert Party.objects.visible_to(actor).get() == party
    assert Assignment.objects.get(party=party).employee == manager
    assert Standing.objects.filter(party=party).exists()
    (entry,) = trail("customers.party.create")
    assert entry.party_id == party.pk
    assert "李清和" not in str(entry.changes)


def test_a_head_s_new_customer_waits_for_a_manager(unit: Unit) -> None:
    head = factories.actor_with_role(Role.BRANCH_HEAD, unit)
    party = services.create_party(
        actor=head, kind="organisation", type="company", name="青禾农机有限公司", stage="prospect"
    )
    assert not Assignment.objects.filter(party=party).exists()
    assert party.since_on is None


def test_a_unit_out_of_scope_is_refused(lead: Actor) -> None:
    elsewhere = factories.unit("城西支行")
    with nothing_written(), pytest.raises(Refused):
        services.create_party(
            actor=lead, kind="person", type="individual", name="李清和", unit=elsewhere
        )


@pytest.mark.parametrize(
    ("kind", "type", "name", "fields"),
    [
        ("person", "company", "李清和", {}),
        ("person", "individual", "李", {}),
        ("organisation", "company", "青禾公司", {"sex": "F"}),
        ("person", "individual", "李清和", {"birth_on": date(2999, 1, 1)}),
        ("person", "individual", "李清和", {"note": f"手机 {MOBILE}"}),
    ],
)
def test_what_cannot_be_is_refused(
    lead: Actor, kind: str, type: str, name: str, fields: dict[str, object]
) -> None:
    with nothing_written(), pytest.raises(UserError):
        services.create_party(actor=lead, kind=kind, type=type, name=name, fields=fields)


def test_fields_of_the_row_itself_are_not_changed_by_hand(lead: Actor, mine: Party) -> None:
    with nothing_written(), pytest.raises(Refused):
        services.update_party(actor=lead, party=mine, changes={"search_tokens": []})


def test_a_change_is_audited_found_and_knows_its_source(lead: Actor, mine: Party) -> None:
    services.update_party(
        actor=lead, party=mine, changes={"name": "张维明", "occupation": "农机手"}, version=1
    )
    mine.refresh_from_db()
    assert mine.version == 2
    assert "维明" in mine.search_tokens
    assert mine.provenance["occupation"]["source"] == "zhike"
    (entry,) = trail("customers.party.change")
    assert entry.changes["occupation"] == [None, "农机手"]
    assert entry.changes["name"][1].startswith("digest:")


def test_two_people_may_change_different_fields(lead: Actor, mine: Party) -> None:
    seen = {"occupation": "", "education": ""}
    services.update_party(
        actor=lead, party=mine, changes={"occupation": "农机手"}, version=1, originals=seen
    )
    again = Party.objects.get(pk=mine.pk)
    services.update_party(
        actor=lead,
        party=again,
        changes={"occupation": "", "education": "大专"},
        version=1,
        originals=seen,
    )
    again.refresh_from_db()
    assert (again.occupation, again.education) == ("农机手", "大专")


def test_the_same_field_changed_twice_is_a_conflict(lead: Actor, mine: Party) -> None:
    seen = {"occupation": ""}
    services.update_party(
        actor=lead, party=mine, changes={"occupation": "农机手"}, version=1, originals=seen
    )
    again = Party.objects.get(pk=mine.pk)
    with nothing_written(), pytest.raises(Conflict) as caught:
        services.update_party(
            actor=lead, party=again, changes={"occupation": "教师"}, version=1, originals=seen
        )
    assert caught.value.fields == {"occupation": ("", "教师", "农机手")}


def test_a_customer_out_of_scope_cannot_be_changed(mine: Party) -> None:
    stranger = factories.actor_with_role(Role.CUSTOMER_MANAGER)
    with nothing_written(), pytest.raises(Refused):
        services.update_party(actor=stranger, party=mine, changes={"occupation": "x"})


def test_a_change_that_moves_the_row_out_of_sight_is_refused(unit: Unit) -> None:
    teller = factories.actor_with_role(Role.TELLER, unit)
    party = factories.person(unit=unit)
    elsewhere = factories.unit("城西支行")
    with nothing_written(), pytest.raises(Refused):
        services.update_party(actor=teller, party=party, changes={"unit": elsewhere})


def test_confirmed_fields_stand_as_verified(lead: Actor, mine: Party) -> None:
    services.confirm_fields(actor=lead, party=mine, fields=["name"])
    mine.refresh_from_db()
    assert mine.provenance["name"]["verified_on"] == clock.today().isoformat()
    assert len(trail("customers.party.confirm")) == 1


def test_a_prospect_becomes_a_customer_and_keeps_its_past(lead: Actor, unit: Unit) -> None:
    prospect = factories.organisation(unit=unit, stage="prospect", since_on=None)
    services.add_timeline_entry(
        actor=lead, party=prospect, kind="contact", channel="visit", title="初访"
    )
    services.convert_prospect(actor=lead, party=prospect)
    prospect.refresh_from_db()
    assert (prospect.stage, prospect.since_on) == ("customer", clock.today())
    assert prospect.timeline.count() == 2
    with nothing_written(), pytest.raises(UserError):
        services.convert_prospect(actor=lead, party=prospect)


def test_a_closed_customer_can_be_opened_again(lead: Actor, mine: Party) -> None:
    with nothing_written(), pytest.raises(UserError):
        services.close_party(actor=lead, party=mine, reason="")
    services.close_party(actor=lead, party=mine, reason="销户")
    mine.refresh_from_db()
    assert (mine.stage, mine.until_on) == ("former", clock.today())
    services.reopen_party(actor=lead, party=mine, reason="回来了")
    mine.refresh_from_db()
    assert (mine.stage, mine.until_on) == ("customer", None)
    assert [entry.reason for entry in trail("customers.party.close")] == ["销户"]


# Sealed values


def test_an_identifier_is_sealed_found_and_told_by_digest(lead: Actor, mine: Party) -> None:
    row = services.add_identifier(actor=lead, party=mine, kind="resident_id", value=RESIDENT_ID)
    stored = Identifier.objects.get()
    assert RESIDENT_ID.encode() not in bytes(stored.sealed)
    assert stored.in_clear() == RESIDENT_ID
    assert stored.masked == "2****************" + RESIDENT_ID[-1]
    mine.refresh_from_db()
    assert (mine.birth_on, mine.sex) == (date(1985, 3, 15), "F")
    assert mine.provenance["birth_on"]["source"] == "resident_id"
    (entry,) = trail("customers.identifier.add")
    assert entry.party_id == mine.pk
    assert RESIDENT_ID not in str(entry.changes)
    assert row.pk == stored.pk


def test_an_identifier_names_one_customer_in_sight(lead: Actor, mine: Party, unit: Unit) -> None:
    services.add_identifier(actor=lead, party=mine, kind="resident_id", value=RESIDENT_ID)
    visible = factories.person("张小明", unit=unit)
    with nothing_written(), pytest.raises(Refused, match=mine.name):
        services.add_identifier(actor=lead, party=visible, kind="resident_id", value=RESIDENT_ID)
    with nothing_written(), pytest.raises(UserError):
        services.add_identifier(actor=lead, party=mine, kind="resident_id", value=RESIDENT_ID)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("resident_id", RESIDENT_ID[:-1] + ("0" if RESIDENT_ID[-1] != "0" else "1")),
        ("credit_code", "91290101MA000000XX"),
        ("resident_id", "12"),
    ],
)
def test_an_implausible_identifier_is_refused_without_being_repeated(
    lead: Actor, mine: Party, kind: str, value: str
) -> None:
    with nothing_written(), pytest.raises(UserError) as caught:
        services.add_identifier(actor=lead, party=mine, kind=kind, value=value)
    assert value not in str(caught.value)


def test_an_identifier_that_contradicts_the_birth_date_is_refused(lead: Actor, unit: Unit) -> None:
    party = factories.person(unit=unit, birth_on=date(1986, 3, 15))
    with nothing_written(), pytest.raises(UserError):
        services.add_identifier(actor=lead, party=party, kind="resident_id", value=RESIDENT_ID)


def test_a_contact_point_is_preferred_alone(lead: Actor, mine: Party) -> None:
    first = services.add_contact_point(
        actor=lead, party=mine, kind="mobile", value="+86 154 0000 1234", is_preferred=True
    )
    second = services.add_contact_point(
        actor=lead, party=mine, kind="mobile", value="15400005678", is_preferred=True
    )
    assert first.in_clear() == MOBILE
    assert list(ContactPoint.objects.filter(is_preferred=True)) == [second]
    with nothing_written(), pytest.raises(UserError):
        services.add_contact_point(actor=lead, party=mine, kind="mobile", value=MOBILE)


def test_an_address_is_sealed_and_its_region_readable(lead: Actor, mine: Party) -> None:
    row = services.add_address(
        actor=lead, party=mine, kind="home", value="青川县 柳河镇 1 号", region="青川县"
    )
    assert row.masked == "青川县****"
    assert row.region == "青川县"


def test_verify_and_remove(lead: Actor, mine: Party) -> None:
    row = services.add_contact_point(actor=lead, party=mine, kind="mobile", value=MOBILE)
    services.verify_value(actor=lead, row=row)
    row.refresh_from_db()
    assert row.verified_on == clock.today()
    stranger = factories.actor_with_role(Role.CUSTOMER_MANAGER)
    with nothing_written(), pytest.raises(Refused):
        services.remove_value(actor=stranger, row=row, reason="号码换了")
    services.remove_value(actor=lead, row=row, reason="号码换了")
    assert not ContactPoint.objects.exists()
    (entry,) = trail("customers.contact_point.remove")
    assert entry.reason == "号码换了"
    assert MOBILE not in str(entry.changes)


def test_a_reveal_writes_one_line_and_a_refused_one_none(
    lead: Actor, mine: Party, unit: Unit
) -> None:
    row = services.add_contact_point(actor=lead, party=mine, kind="mobile", value=MOBILE)
    before = AuditEntry.objects.count()
    assert services.reveal(actor=lead, row=row, field="sealed", purpose="回访") == MOBILE
    assert AuditEntry.objects.count() == before + 1
    entry = trail("reveal.sealed")[0]
    assert (entry.reason, entry.party_id) == ("回访", mine.pk)
    teller = factories.actor_with_role(Role.TELLER, unit)
    stranger = factories.actor_with_role(Role.CUSTOMER_MANAGER)
    for actor, error in ((teller, Refused), (stranger, Refused), (lead, UserError)):
        with nothing_written(), pytest.raises(error):
            services.reveal(
                actor=actor, row=row, field="sealed", purpose="" if actor is lead else "看看"
            )
    with nothing_written(), pytest.raises(Refused):
        services.reveal(actor=lead, row=row, field="label", purpose="回访")


# Relations


def test_a_relation_is_dated_and_ends(lead: Actor, mine: Party, unit: Unit) -> None:
    firm = factories.organisation(unit=unit)
    start = clock.today() - timedelta(days=30)
    relation = services.relate(
        actor=lead, party=mine, other=firm, kind="decision_maker", since=start, role="总经理"
    )
    with nothing_written(), pytest.raises(UserError):
        services.relate(actor=lead, party=mine, other=firm, kind="decision_maker")
    with nothing_written(), pytest.raises(UserError):
        services.end_relation(actor=lead, relation=relation, on=start)
    services.end_relation(actor=lead, relation=relation)
    relation.refresh_from_db()
    assert relation.during == DateRange(start, clock.today())
    services.relate(actor=lead, party=mine, other=firm, kind="decision_maker")
    assert Relation.objects.count() == 2


def test_nobody_relates_a_customer_out_of_sight(lead: Actor, mine: Party) -> None:
    hidden = factories.organisation()
    for party, other in ((mine, hidden), (hidden, mine), (mine, mine)):
        with nothing_written(), pytest.raises(UserError):
            services.relate(actor=lead, party=party, other=other, kind="owner")


# Assignments


def test_hand_over_ends_the_old_main_the_day_before(
    lead: Actor, mine: Party, manager: Employee, unit: Unit
) -> None:
    successor = factories.employee_with_role(Role.CUSTOMER_MANAGER, unit)
    services.hand_over(actor=lead, party=mine, to=successor, reason="轮岗")
    before, after = Assignment.objects.filter(party=mine).order_by("during")
    assert before.employee == manager
    assert before.during.upper == clock.today() == after.during.lower
    assert after.employee == successor
    assert after.during.upper is None
    assert TimelineEntry.objects.filter(party=mine, kind="decision").count() == 1
    assert not Party.objects.visible_to(factories.actor_of(manager)).exists()
    assert Party.objects.visible_to(factories.actor_of(successor)).exists()


def test_a_hand_over_of_today_can_be_put_right_today(lead: Actor, mine: Party, unit: Unit) -> None:
    wrong, right = (factories.employee_with_role(Role.CUSTOMER_MANAGER, unit) for _ in range(2))
    services.hand_over(actor=lead, party=mine, to=wrong, reason="轮岗")
    services.hand_over(actor=lead, party=mine, to=right, reason="选错了人")
    assert not Assignment.objects.filter(employee=wrong).exists()
    assert Assignment.objects.get(party=mine, during__endswith__isnull=True).employee == right
    assert len(trail("customers.assignment.take_back")) == 1


def test_one_main_manager_and_a_reason(
    lead: Actor, mine: Party, manager: Employee, unit: Unit
) -> None:
    other = factories.employee_with_role(Role.CUSTOMER_MANAGER, unit)
    teller = factories.employee_with_role(Role.TELLER, unit)
    with nothing_written():
        with pytest.raises(UserError):
            services.assign(actor=lead, party=mine, employee=other, reason="想要")
        with pytest.raises(UserError):
            services.hand_over(actor=lead, party=mine, to=other, reason="")
        with pytest.raises(UserError):
            services.hand_over(actor=lead, party=mine, to=manager, reason="轮岗")
        with pytest.raises(UserError):
            services.hand_over(actor=lead, party=mine, to=teller, reason="轮岗")
        with pytest.raises(Refused):
            services.hand_over(
                actor=factories.actor_of(manager), party=mine, to=other, reason="轮岗"
            )
    services.assign(actor=lead, party=mine, employee=other, role="assistant", reason="协办")
    assert Party.objects.visible_to(factories.actor_of(other)).get() == mine


def test_release_leaves_the_customer_unassigned(
    lead: Actor, mine: Party, manager: Employee
) -> None:
    services.release(actor=lead, party=mine, employee=manager, reason="休假")
    today = clock.today()
    assert not Assignment.objects.filter(party=mine, during__contains=today).exists()
    assert Assignment.objects.filter(party=mine).count() == 1
    with nothing_written(), pytest.raises(UserError):
        services.release(actor=lead, party=mine, employee=manager, reason="休假")


def test_the_database_itself_keeps_assignments_and_relations_apart(
    mine: Party, manager: Employee, unit: Unit
) -> None:
    other = factories.employee_with_role(Role.CUSTOMER_MANAGER, unit)
    firm = factories.organisation(unit=unit)
    open_range = DateRange(clock.today(), None)
    Relation.objects.create(party=mine, other=firm, kind="owner", during=open_range)
    for make in (
        lambda: Assignment.objects.create(party=mine, employee=other, during=open_range),
        lambda: Assignment.objects.create(
            party=mine, employee=manager, role="assistant", during=open_range
        ),
        lambda: Relation.objects.create(party=mine, other=firm, kind="owner", during=open_range),
        lambda: Relation.objects.create(party=mine, other=mine, kind="owner", during=open_range),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            make()


# Consent


def test_consent_is_a_row_of_events(mine: Party, manager: Employee) -> None:
    actor = factories.actor_of(manager)
    with nothing_written(), pytest.raises(UserError):
        services.give_consent(
            actor=actor, party=mine, purpose="marketing", channel="sms", text_version=""
        )
    services.give_consent(
        actor=actor, party=mine, purpose="marketing", channel="sms", text_version="2026-1"
    )
    services.withdraw_consent(actor=actor, party=mine, purpose="marketing", channel="sms")
    assert list(ConsentEvent.objects.order_by("id").values_list("given", flat=True)) == [
        True,
        False,
    ]
    assert len(trail("customers.consent.withdraw")) == 1


def test_a_teller_records_no_consent(mine: Party, unit: Unit) -> None:
    teller = factories.actor_with_role(Role.TELLER, unit)
    with nothing_written(), pytest.raises(Refused):
        services.withdraw_consent(actor=teller, party=mine, purpose="marketing", channel="any")
