"""A record whose key attached it to the wrong customer is taken out, with what came with it, and can be put back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from zhike.customers.models import ContactPoint, Identifier, Merge, Party
from zhike.customers.tests import factories as people
from zhike.kernel.actor import Actor, system
from zhike.kernel.errors import Refused, UserError
from zhike.masterdata.models import Pair, SourceRecord
from zhike.masterdata.services import match
from zhike.masterdata.services.looking import preview_merge, preview_take
from zhike.masterdata.services.reviewing import merge_customers
from zhike.masterdata.services.taking import came_with, take_record
from zhike.masterdata.tests.factories import (
    ACCOUNTS,
    ID_ONE,
    MAPPING,
    PEOPLE,
    POSTINGS,
    read_in,
)
from zhike.organisation.models import Role, Unit
from zhike.products.models import Agreement
from zhike.products.queries import balances_of

pytestmark = pytest.mark.django_db

SYSTEM = system("test")
OTHER = (
    MAPPING.replace('"small"', '"cards"')
    .replace("Small bank", "Cards")
    .replace("resident_id =", 'occupation = { column = "colour" }\nresident_id =')
)
MOBILE_ONE, MOBILE_TWO = "15400000001", "15400000002"
WITH_BALANCE = OTHER.replace("amount = {", 'balance = { column = "amount" }\namount = {')


@pytest.fixture
def record(tmp_path: Path) -> SourceRecord:
    """That of somebody in whose card the number of another one was typed; his account and mobile came with it."""
    read_in(
        tmp_path,
        {
            "people.csv": f"{PEOPLE}1,张伟,{ID_ONE},{MOBILE_ONE},1980-01-01,\n",
            "accounts.csv": f"{ACCOUNTS}11,1,A,2020-01-01,\n",
        },
    )
    other = tmp_path / "cards"
    other.mkdir()
    read_in(
        other,
        {
            "people.csv": f"{PEOPLE}9,李思远,{ID_ONE},{MOBILE_TWO},1991-01-01,教师\n",
            "accounts.csv": f"{ACCOUNTS}99,9,A,2021-01-01,\n",
            "postings.csv": f"{POSTINGS}1,99,2021-02-01,plus,70\n2,99,2021-02-02,plus,90\n",
        },
        WITH_BALANCE,
    )
    found = SourceRecord.objects.select_related("party", "system").get(key="9")
    assert Party.objects.get() == found.party
    return found


def take(record: SourceRecord, actor: Actor = SYSTEM, **fields: Any) -> Party:
    came = came_with(record)
    assert came is not None
    given = {"agreements": came.likely, "reason": "证件号录错"} | fields
    return take_record(actor=actor, record=record, **given)


def held(party: Party) -> tuple[list[int], list[str], list[str]]:
    """Years the customer's agreements began in, its mobiles and documents."""
    agreements = Agreement.objects.filter(party=party).values_list("opened_on__year", flat=True)
    points = ContactPoint.objects.filter(party=party)
    documents = Identifier.objects.filter(party=party).values_list("kind", flat=True)
    return sorted(agreements), sorted(each.in_clear() for each in points), sorted(documents)


def test_a_record_goes_with_what_came_with_it_and_is_kept_apart(record: SourceRecord) -> None:
    one = record.party
    assert one.occupation == "教师"
    two = take(record)
    one.refresh_from_db()
    two.refresh_from_db()
    assert held(one) == ([2020], [MOBILE_ONE], ["resident_id"])
    assert held(two) == ([2021], [MOBILE_TWO], [])
    assert (one.name, one.occupation, str(one.birth_on)) == ("张伟", "", "1980-01-01")
    assert (two.name, two.occupation, str(two.birth_on)) == ("李思远", "教师", "1991-01-01")
    pair = Pair.objects.get()
    assert (pair.state, pair.note) == (Pair.State.DIFFERENT, "证件号录错")
    match(actor=SYSTEM, whole=True)
    assert Party.objects.count() == 2


def test_the_same_files_again_change_nothing(record: SourceRecord, tmp_path: Path) -> None:
    two = take(record)
    changed = f"{PEOPLE}9,李思远,{ID_ONE},{MOBILE_TWO},1991-01-01,医生\n"
    read_in(tmp_path / "cards", {"people.csv": changed}, WITH_BALANCE)
    two.refresh_from_db()
    assert two.occupation == "医生"
    assert held(two) == ([2021], [MOBILE_TWO], [])


def test_a_merge_puts_it_back_and_a_split_takes_it_out_again(record: SourceRecord) -> None:
    one, two = record.party, take(record)
    against = preview_merge(actor=SYSTEM, absorbed=two, into=one).contradictions
    assert any(SYSTEM.name in each for each in against)
    merge = merge_customers(actor=SYSTEM, absorbed=two, into=one, reason="证件号无误")
    one.refresh_from_db()
    assert one.occupation == "教师"
    assert held(one) == ([2020, 2021], [MOBILE_ONE, MOBILE_TWO], ["resident_id"])
    assert Pair.objects.get().state == Pair.State.SAME
    match(actor=SYSTEM, whole=True)
    assert Party.objects.count() == 1
    assert Merge.objects.get(undone_at=None) == merge


def test_of_two_records_of_a_source_a_person_says_whose_agreements(tmp_path: Path) -> None:
    read_in(
        tmp_path,
        {
            "people.csv": f"{PEOPLE}1,张伟,{ID_ONE},{MOBILE_ONE},1980-01-01,\n"
            f"2,张伟,{ID_ONE},{MOBILE_ONE},1980-01-01,\n",
            "accounts.csv": f"{ACCOUNTS}11,1,A,2020-01-01,\n22,2,A,2022-01-01,\n",
        },
    )
    second = SourceRecord.objects.get(key="2")
    came = came_with(second)
    assert came is not None
    assert (came.alone, came.likely, len(came.agreements)) == (False, frozenset(), 2)
    chosen = Agreement.objects.get(opened_on__year=2022)
    two = take(second, agreements=[chosen.pk])
    # What both say is both's, but for the document.
    assert held(two) == ([2022], [MOBILE_ONE], [])
    assert held(Party.objects.exclude(pk=two.pk).get()) == (
        [2020],
        [MOBILE_ONE],
        ["resident_id"],
    )


def test_a_record_of_an_absorbed_customer_is_taken_out_of_that_one(record: SourceRecord) -> None:
    one = record.party
    root = people.person("张伟", unit=one.unit)
    merge = merge_customers(actor=SYSTEM, absorbed=one, into=root, reason="同一人")
    record.refresh_from_db()
    two = take(record)
    assert held(two) == ([2021], [MOBILE_TWO], [])
    assert Merge.objects.get(absorbed=two.pk).into == one.pk
    merge.refresh_from_db()
    assert record.pk not in merge.moved["masterdata_sourcerecord.party_id"]


def test_all_there_is_and_what_people_entered_stay(record: SourceRecord) -> None:
    take(record)
    for each in SourceRecord.objects.all():
        assert came_with(each) is None
        with pytest.raises(UserError), transaction.atomic():
            take_record(actor=SYSTEM, record=each, agreements=[], reason="证件号录错")
    assert Party.objects.count() == 2


def test_balances_follow_the_agreements(record: SourceRecord) -> None:
    one = record.party
    agreement = Agreement.objects.get(opened_on__year=2021)
    both = list(Agreement.objects.values_list("pk", flat=True))
    stranger = people.actor_with_role(Role.BRANCH_HEAD, people.unit())
    assert balances_of(stranger, both, [one.pk]) == {}
    [(id, (on, balance))] = balances_of(SYSTEM, both, [one.pk]).items()
    assert (id, str(on), str(balance)) == (agreement.pk, "2021-02-02", "90.00")
    look = preview_take(actor=SYSTEM, record=record, agreements=[agreement.pk])
    assert look.goes.agreements == (agreement.pk,)
    assert look.stays.agreements == tuple(set(both) - {agreement.pk})
    assert look.kept == (str(Identifier.Kind.RESIDENT_ID.label),)
    assert Party.objects.get() == one
    assert not Pair.objects.exists()


@pytest.fixture
def head(record: SourceRecord) -> Client:
    return people.signed_in_client(Role.BRANCH_HEAD, record.party.unit)


def page_of(record: SourceRecord, party: Party | None = None) -> str:
    return reverse("review:take", args=[(party or record.party).public_id, record.public_id])


def test_the_page_shows_both_sides_and_does_it(head: Client, record: SourceRecord) -> None:
    party, page = record.party, page_of(record)
    panel = head.get(
        f"{party.get_absolute_url()}?panel=masterdata.records", headers={"HX-Request": "true"}
    )
    assert page in panel.content.decode()
    shown = head.get(page).content.decode()
    for words in ("李思远", "张伟", "90.00", "居民身份证"):
        assert words in shown
    agreement = Agreement.objects.get(opened_on__year=2021)
    ticked = f'value="{agreement.public_id}" checked'
    assert ticked in shown
    assert ticked not in head.get(page, {"look": "1"}).content.decode()
    assert head.post(page, {"reason": " "}).status_code == 422
    assert Party.objects.get() == party
    done = head.post(page, {"reason": "证件号录错", "agreement": str(agreement.public_id)})
    new = Party.objects.get(name="李思远")
    assert done.headers["Location"] == new.get_absolute_url()
    assert agreement.public_id in new.agreements.values_list("public_id", flat=True)


def test_out_of_sight_or_without_the_right_it_is_refused(record: SourceRecord) -> None:
    here: Unit = record.party.unit
    for role, unit, status in (
        (Role.BRANCH_HEAD, people.unit("城西支行"), 404),
        (Role.TEAM_LEAD, here, 403),
    ):
        client = people.signed_in_client(role, unit)
        assert client.get(page_of(record)).status_code == status
        assert client.post(page_of(record), {"reason": "证件号录错"}).status_code == status
        with pytest.raises(Refused), transaction.atomic():
            take(record, client.actor)  # type: ignore[attr-defined]
    head = people.signed_in_client(Role.BRANCH_HEAD, here)
    assert head.get(page_of(record, people.person(unit=here))).status_code == 404
    alone = SourceRecord.objects.exclude(pk=record.pk).get()
    take(record)
    assert head.get(page_of(alone)).status_code == 404
    assert Party.objects.count() == 3
