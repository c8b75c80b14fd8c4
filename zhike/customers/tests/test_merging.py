from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zhike.customers.models import Assignment, ContactPoint, Merge, Party, Relation, Standing
from zhike.customers.services import (
    add_contact_point,
    add_timeline_entry,
    assign,
    merge_many,
    merge_parties,
    relate,
    split_party,
    take_out,
)
from zhike.customers.services.hanging import hanging
from zhike.customers.tests import factories
from zhike.kernel import clock
from zhike.kernel.actor import system
from zhike.kernel.errors import Refused, UserError
from zhike.organisation.models import Role

pytestmark = pytest.mark.django_db

SYSTEM = system("test")
MOBILES = [f"1390000{number:04}" for number in range(6)]


def everything() -> dict[str, list[str]]:
    """Every row that hangs on a party, and the parties, as the database writes them."""
    found = {}
    for table in sorted({"customers_party", *(each.table for each in hanging())}):
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT to_jsonb(t)::text FROM {table} t")
            found[table] = sorted(row for (row,) in cursor.fetchall())
    return found


def contact(party: Party, mobile: str) -> None:
    add_contact_point(actor=SYSTEM, party=party, kind="mobile", value=mobile)


def mobiles(party_id: int) -> list[str]:
    points = ContactPoint.objects.filter(party=party_id, kind="mobile")
    return sorted(point.in_clear() for point in points)


def test_what_hangs_on_a_party_is_whatever_has_a_key_to_it() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.conrelid::regclass || '.' || a.attname FROM pg_constraint c "
            "JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY(c.conkey) "
            "JOIN pg_class t ON t.oid = c.conrelid "
            "WHERE c.contype = 'f' AND c.confrelid = 'customers_party'::regclass AND NOT t.relispartition"
        )
        keys = {place for (place,) in cursor.fetchall()}
    assert {each.place for each in hanging()} == keys - {"customers_merge.root_id"}
    assert "products_agreement.party_id" in keys


def test_merge_moves_what_hangs_and_a_split_brings_all_of_it_back() -> None:
    manager, other = factories.employee_with_role(), factories.employee_with_role()
    one, two = factories.party("张伟明", manager=manager), factories.party("张伟明", manager=other)
    third = factories.party("李小红")
    for party in (one, two):
        contact(party, MOBILES[0])
    contact(two, MOBILES[1])
    relate(actor=SYSTEM, party=two, other=third, kind="family", since=clock.today())
    relate(actor=SYSTEM, party=two, other=one, kind="family", since=clock.today())
    relate(actor=SYSTEM, party=third, other=two, kind="guarantor", since=clock.today())
    add_timeline_entry(
        actor=SYSTEM, party=two, kind="contact", channel="phone", title="问候", at=clock.now()
    )
    Standing.objects.filter(party=two).update(balance="12345678901234567.89")
    before = everything()

    merge = merge_parties(actor=SYSTEM, absorbed=two, into=one, reason="同一人")

    assert not Party.objects.filter(pk=two.pk).exists()
    assert mobiles(one.pk) == MOBILES[:2]
    assert one.timeline.count() == 1
    assert {(each.party_id, each.other_id, each.kind) for each in Relation.objects.all()} == {
        (one.pk, third.pk, "family"),
        (third.pk, one.pk, "guarantor"),
    }
    # One main manager at a time: the root's stays, the other's waits in the folder.
    assert [each.employee_id for each in Assignment.objects.filter(party=one)] == [manager.pk]
    connection.check_constraints()

    split_party(actor=SYSTEM, merge=merge, reason="两个人")

    assert everything() == before
    connection.check_constraints()


def test_what_was_written_meanwhile_stays_with_the_root_unless_it_is_taken_along() -> None:
    one, two = factories.party("张伟明"), factories.party("张伟明")
    merge = merge_parties(actor=SYSTEM, absorbed=two, into=one, reason="同一人")
    contact(one, MOBILES[2])
    contact(one, MOBILES[3])
    along = ContactPoint.objects.order_by("-pk").first()
    assert along is not None
    split_party(
        actor=SYSTEM,
        merge=merge,
        reason="两个人",
        along={"customers_contactpoint.party_id": [along.pk]},
    )
    assert mobiles(one.pk) == [MOBILES[2]]
    assert mobiles(two.pk) == [MOBILES[3]]


def test_refused_merges_change_nothing() -> None:
    unit = factories.unit()
    head = factories.actor_with_role(Role.BRANCH_HEAD, unit)
    mine, hidden = factories.party(unit=unit), factories.party(unit=factories.unit())
    firm = factories.party("新风商行", unit=unit, kind=Party.Kind.ORGANISATION)
    clerk = factories.actor_with_role(Role.CUSTOMER_MANAGER, unit)
    before = everything()
    for absorbed, into, reason, actor in (
        (mine, mine, "同一人", head),
        (mine, firm, "同一人", head),
        (mine, hidden, "同一人", head),
        (hidden, mine, "同一人", head),
        (firm, factories.party("新风", unit=unit, kind="organisation"), " ", head),
        (mine, hidden, "同一人", clerk),
    ):
        before = everything()
        with pytest.raises((UserError, Refused)), transaction.atomic():
            merge_parties(actor=actor, absorbed=absorbed, into=into, reason=reason)
        assert everything() == before
        assert not Merge.objects.exists()


def test_split_twice_is_refused() -> None:
    one, two = factories.party(), factories.party()
    merge = merge_parties(actor=SYSTEM, absorbed=two, into=one, reason="同一人")
    split_party(actor=SYSTEM, merge=merge, reason="两个人")
    with pytest.raises(UserError):
        split_party(actor=SYSTEM, merge=merge, reason="两个人")


def test_a_merge_of_many_is_as_one_after_the_other() -> None:
    one, two, three = (factories.party() for _ in range(3))
    for number, party in enumerate((one, two, three)):
        contact(party, MOBILES[0])
        contact(party, MOBILES[1 + number])
    merges = merge_many(
        actor=SYSTEM,
        pairs=[(two.pk, one.pk), (three.pk, one.pk)],
        how=Merge.How.RULE,
        reason="same document",
    )
    assert mobiles(one.pk) == MOBILES[:4]
    for merge in merges:
        split_party(actor=SYSTEM, merge=merge, reason="两个人")
    assert [mobiles(each.pk) for each in (one, two, three)] == [
        [MOBILES[0], MOBILES[1 + number]] for number in range(3)
    ]


def taken(party: Party, home: int, mobile: str) -> Party:
    points = ContactPoint.objects.filter(party=party, kind="mobile")
    return take_out(
        actor=SYSTEM,
        party=party,
        home=home,
        fields={"name": "张玮明", "type": party.type, "stage": party.stage},
        rows={
            "customers_contactpoint.party_id": [
                point.pk for point in points if point.in_clear() == mobile
            ]
        },
        since=clock.now(),
        reason="另一个人",
    )


def test_what_never_was_theirs_is_taken_out_and_put_back() -> None:
    one, two = factories.party("张伟明"), factories.party("张伟明")
    for party, mobile in ((one, MOBILES[0]), (two, MOBILES[1]), (two, MOBILES[2])):
        contact(party, mobile)
    merge = merge_parties(actor=SYSTEM, absorbed=two, into=one, reason="同一人")
    new = taken(one, two.pk, MOBILES[1])
    assert (mobiles(one.pk), mobiles(new.pk)) == ([MOBILES[0], MOBILES[2]], [MOBILES[1]])
    assert (new.name, new.kind, new.unit) == ("张玮明", one.kind, one.unit)
    split_party(actor=SYSTEM, merge=merge, reason="两个人")
    assert mobiles(two.pk) == [MOBILES[2]]
    back = merge_parties(
        actor=SYSTEM, absorbed=new, into=Party.objects.get(pk=two.pk), reason="还是同一人"
    )
    assert mobiles(two.pk) == MOBILES[1:3]
    split_party(actor=SYSTEM, merge=back, reason="两个人")
    assert (mobiles(two.pk), mobiles(new.pk)) == ([MOBILES[2]], [MOBILES[1]])


def test_a_refused_taking_out_changes_nothing() -> None:
    unit = factories.unit()
    mine, hidden = factories.party(unit=unit), factories.party(unit=factories.unit())
    for party in (mine, hidden):
        contact(party, MOBILES[0])
    head = factories.actor_with_role(Role.BRANCH_HEAD, unit)
    clerk = factories.actor_with_role(Role.CUSTOMER_MANAGER, unit)
    before = everything()
    for actor, party, reason in (
        (head, hidden, "另一个人"),
        (clerk, mine, "另一个人"),
        (head, mine, " "),
    ):
        with pytest.raises((UserError, Refused)), transaction.atomic():
            take_out(
                actor=actor,
                party=party,
                home=party.pk,
                fields={"name": "张玮明", "type": party.type},
                rows={},
                since=clock.now(),
                reason=reason,
            )
    assert everything() == before


@dataclass
class Reference:
    """What the forest means, said the short way: who went into whom, and which rows were written for whom."""

    into: dict[int, int] = field(default_factory=dict)
    mobiles: dict[int, set[str]] = field(default_factory=dict)
    ties: list[tuple[int, int]] = field(default_factory=list)
    managers: dict[int, int] = field(default_factory=dict)

    def root(self, party: int) -> int:
        while party in self.into:
            party = self.into[party]
        return party

    def members(self, root: int) -> list[int]:
        return [party for party in self.mobiles if self.root(party) == root]

    def reached(self, root: int) -> list[str]:
        return sorted({mobile for each in self.members(root) for mobile in self.mobiles[each]})

    def own(self, root: int, mobile: str) -> int:
        """The one member that this mobile was written for; 0 for none or several."""
        writers = [each for each in self.members(root) if mobile in self.mobiles[each]]
        return writers[0] if len(writers) == 1 else 0

    def tied(self) -> set[tuple[int, int]]:
        pairs = {(self.root(one), self.root(other)) for one, other in self.ties}
        return {(one, other) for one, other in pairs if one != other}


OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(["merge", "merge", "split", "split", "mobile", "tie", "manager", "take"]),
        st.integers(0, 4),
        st.integers(0, 4),
    ),
    max_size=14,
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(operations=OPERATIONS)
def test_random_histories_follow_the_reference(operations: list[tuple[str, int, int]]) -> None:
    with transaction.atomic():
        people = [factories.employee_with_role() for _ in range(2)]
        parties = [factories.party(f"王小{number}") for number in range(5)]
        model = Reference(mobiles={party.pk: set() for party in parties})
        ids = [party.pk for party in parties]
        for what, first, second in operations:
            # The one taken out last is as likely as the others.
            one, two = model.root(ids[first]), model.root(ids[-1 - second])
            if what == "merge" and one != two:
                merge_parties(
                    actor=SYSTEM,
                    absorbed=Party.objects.get(pk=one),
                    into=Party.objects.get(pk=two),
                    reason="同一人",
                )
                model.into[one] = two
            elif what == "split" and ids[first] in model.into:
                merge = Merge.objects.get(absorbed=ids[first], undone_at__isnull=True)
                split_party(actor=SYSTEM, merge=merge, reason="两个人")
                del model.into[ids[first]]
            elif what == "mobile" and MOBILES[second] not in model.reached(one):
                contact(Party.objects.get(pk=one), MOBILES[second])
                model.mobiles[one].add(MOBILES[second])
            elif what == "tie" and one != two and (one, two) not in model.tied():
                relate(
                    actor=SYSTEM,
                    party=Party.objects.get(pk=one),
                    other=Party.objects.get(pk=two),
                    kind="family",
                    since=clock.today(),
                )
                model.ties.append((one, two))
            elif what == "manager" and not any(
                each in model.managers for each in model.members(one)
            ):
                employee = people[second % 2]
                assign(
                    actor=SYSTEM,
                    party=Party.objects.get(pk=one),
                    employee=employee,
                    since=clock.today(),
                    reason="分配",
                )
                model.managers[one] = employee.pk
            elif what == "take" and (came := model.own(one, MOBILES[second])):
                new = taken(Party.objects.get(pk=one), came, MOBILES[second])
                model.mobiles[came].discard(MOBILES[second])
                model.mobiles[new.pk] = {MOBILES[second]}
                ids.append(new.pk)
            agrees(model)
        undo(model)
        connection.check_constraints()
        transaction.set_rollback(True)


def agrees(model: Reference) -> None:
    roots = {model.root(party) for party in model.mobiles}
    assert set(Party.objects.values_list("pk", flat=True)) >= roots
    assert not Party.objects.filter(pk__in=set(model.mobiles) - roots).exists()
    for root in roots:
        assert mobiles(root) == model.reached(root)
    found = [(each.party_id, each.other_id) for each in Relation.objects.filter(kind="family")]
    assert sorted(found) == sorted(model.tied())


def undo(model: Reference) -> None:
    """Whatever the order, in the end everything is where it was written."""
    for absorbed in sorted(model.into, key=lambda party: party % 3):
        merge = Merge.objects.get(absorbed=absorbed, undone_at__isnull=True)
        split_party(actor=SYSTEM, merge=merge, reason="两个人")
    model.into.clear()
    agrees(model)
    looked_after = dict(
        Assignment.objects.filter(party__in=model.mobiles).values_list("party_id", "employee_id")
    )
    assert looked_after == model.managers
    ties = Relation.objects.filter(kind="family").values_list("party_id", "other_id")
    assert sorted(ties) == sorted(model.ties)
