"""A document that somebody out of sight has: entered as if nobody had it, and put to a person who sees both."""

from __future__ import annotations

import pytest
from django.urls import reverse

from zhike.customers import services
from zhike.customers.models import Identifier, Party
from zhike.customers.tests import factories as people
from zhike.kernel.models import AuditEntry
from zhike.masterdata.models import Pair
from zhike.masterdata.services import match
from zhike.masterdata.services.reviewing import judge
from zhike.masterdata.tests.factories import ID_ONE, ID_TWO
from zhike.organisation.models import Role

pytestmark = pytest.mark.django_db
SYSTEM = people.SYSTEM


@pytest.fixture
def theirs() -> Party:
    return services.open_party(
        actor=SYSTEM,
        kind="person",
        type="individual",
        name="欧阳建国",
        unit=people.unit("城西支行"),
        document=ID_ONE,
    )


def entered(document: str, name: str = "欧阳建国") -> Party:
    """By a customer manager of another branch, in the form of a new customer."""
    client = people.signed_in_client(Role.CUSTOMER_MANAGER)
    form = {
        "kind": "person",
        "stage": "customer",
        "type": "individual",
        "name": name,
        "unit": str(client.employee.unit.public_id),  # type: ignore[attr-defined]
        "document": document,
    }
    answer = client.post(reverse("customers:new"), form)
    assert answer.status_code == 303
    made = Party.objects.get(public_id=answer["Location"].strip("/").rsplit("/")[-1])
    assert client.get(answer["Location"]).status_code == 200
    assert client.get(reverse("review:pairs")).status_code == 403
    assert AuditEntry.objects.filter(party_id=made.pk, action__contains="claim").count() == 0
    return made


def test_a_document_of_somebody_out_of_sight_is_taken_and_put_to_a_person(theirs: Party) -> None:
    mine = entered(ID_ONE)
    assert [row.party for row in Identifier.objects.order_by("pk")] == [theirs, mine]
    pair = Pair.objects.get()
    assert (pair.why, pair.state) == (Pair.Why.DOCUMENT, Pair.State.OPEN)
    assert {pair.left.party, pair.right.party} == {theirs, mine}
    for unit, rows in ((theirs.unit, 0), (mine.unit, 0)):
        head = people.actor_with_role(Role.BRANCH_HEAD, unit)
        assert Pair.objects.visible_to(head).count() == rows
    steward = people.actor_with_role(Role.ANALYST)
    assert Pair.objects.visible_to(steward).get() == pair


def test_a_document_of_nobody_makes_no_pair(theirs: Party) -> None:
    entered(ID_TWO)
    assert not Pair.objects.exists()


def test_no_likeness_joins_them_before_somebody_judged(theirs: Party) -> None:
    mine = entered(ID_ONE)
    for number in range(30):
        name = (
            f"{'王李张刘陈杨黄赵吴周'[number % 10]}{'伟芳娜敏静'[number % 5]}{'丽强磊'[number % 3]}"
        )
        people_of = {"kind": "person", "type": "individual", "unit": theirs.unit}
        services.open_party(actor=SYSTEM, name=name, **people_of)  # type: ignore[arg-type]
    assert match(actor=SYSTEM).merged == 0
    assert match(actor=SYSTEM, whole=True).merged == 0
    pair = Pair.objects.get(why=Pair.Why.DOCUMENT)
    assert pair.state == Pair.State.OPEN
    judge(actor=SYSTEM, pair=pair, verdict="same")
    assert Party.objects.filter(pk__in=(theirs.pk, mine.pk)).count() == 1
    assert Identifier.objects.count() == 1
    pair.refresh_from_db()
    assert pair.merge is not None
    assert pair.merge.left["customers_identifier"] == 1
