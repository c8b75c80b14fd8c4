"""Data quality measured and kept: who is measured when, what is summed for whom, what a confirmation does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from zhike.customers import services as customers
from zhike.customers.models import Party
from zhike.customers.tests.factories import (
    SYSTEM,
    actor_of,
    actor_with_role,
    employee_with_role,
    organisation,
    party,
    person,
    unit,
)
from zhike.kernel import clock, crypto
from zhike.kernel.errors import Refused, UserError
from zhike.masterdata.models import SourceRecord
from zhike.masterdata.quality import queries
from zhike.masterdata.quality.models import (
    Quality,
    QualityRule,
    QualityRun,
    QualityTally,
    QualityTouched,
)
from zhike.masterdata.quality.queries import By, Sight, Sums
from zhike.masterdata.quality.rules import Terms
from zhike.masterdata.services import quality
from zhike.masterdata.services.surviving import hand_system, keep_words
from zhike.organisation.models import Role

pytestmark = pytest.mark.django_db
ANALYST = Role.ANALYST


def of(row: Party) -> Quality:
    return Quality.objects.get(party=row)


def said(row: Party, days_ago: int, **fields: Any) -> Party:
    """Fields as they were said so many days ago."""
    on = (clock.today() - timedelta(days=days_ago)).isoformat()
    for name, value in fields.items():
        setattr(row, name, value)
        row.provenance[name] = {"source": "core", "on": on}
    row.save()
    return row


def test_what_is_missing_old_and_unchecked_is_found() -> None:
    row = said(party("张伟明"), 400, occupation="教师")
    quality.measure(actor=SYSTEM)
    found = of(row)
    assert {"complete.identifier", "complete.manager", "fresh.occupation", "verified.name"} <= {
        *found.broken
    }
    assert "complete.occupation" not in found.broken
    assert found.to_verify == 1
    assert found.plausible == 100
    assert 0 < found.score < 100


def test_the_same_day_again_changes_nothing() -> None:
    said(party(), 400, occupation="教师")
    assert quality.measure(actor=SYSTEM) == quality.Measured(1, 1, whole=True)
    assert quality.measure(actor=SYSTEM) == quality.Measured(0, 0, whole=False)
    assert quality.measure(actor=SYSTEM, whole=True) == quality.Measured(1, 0, whole=True)


def test_only_who_was_written_of_is_measured_again() -> None:
    one, other = party("张伟明"), party("李小红")
    quality.measure(actor=SYSTEM)
    customers.add_contact_point(actor=SYSTEM, party=one, kind="wechat", value="wx_one")
    before = of(other)
    assert quality.measure(actor=SYSTEM) == quality.Measured(1, 1, whole=False)
    assert "complete.contact_point" not in of(one).broken
    assert of(other).broken == before.broken
    assert not QualityTouched.objects.exists()


def test_what_is_taken_away_is_missed() -> None:
    row = party()
    point = customers.add_contact_point(actor=SYSTEM, party=row, kind="wechat", value="wx_one")
    quality.measure(actor=SYSTEM)
    customers.remove_value(actor=SYSTEM, row=point, reason="不是本人")
    quality.measure(actor=SYSTEM)
    assert "complete.contact_point" in of(row).broken


def test_a_fact_grows_old_by_itself() -> None:
    row = said(party(), 0, occupation="教师")
    quality.measure(actor=SYSTEM)
    assert of(row).to_verify == 0
    due = clock.today() + timedelta(days=366)
    assert of(row).next_on == due
    QualityRun.objects.update(as_of=due - timedelta(days=1))
    assert quality.measure(actor=SYSTEM, as_of=due) == quality.Measured(1, 1, whole=False)
    assert of(row).to_verify == 1


def test_documents_are_held_against_birth_and_sex() -> None:
    row = party(birth_on=clock.today().replace(year=1980, month=1, day=1))
    customers.add_identifier(
        actor=SYSTEM, party=row, kind="resident_id", value="290101198001010019"
    )
    quality.measure(actor=SYSTEM)
    assert not [code for code in of(row).broken if code.startswith("plausible")]
    Party.objects.filter(pk=row.pk).update(birth_on=clock.today().replace(year=1981), sex="F")
    quality.measure(actor=SYSTEM)
    assert {"plausible.birth_on.identity", "plausible.sex.identity"} <= {*of(row).broken}


@pytest.mark.parametrize(
    ("kind", "value", "code"),
    [
        ("resident_id", "290101198001010018", "plausible.identifier.form"),
        ("credit_code", "91350100M000100Y44", "plausible.identifier.form"),
        ("mobile", "10000000000", "plausible.contact_point.form"),
    ],
)
def test_what_cannot_be_what_it_is_given_as_is_found(kind: str, value: str, code: str) -> None:
    """As old rows and loads hold it: what people enter is refused."""
    row = organisation() if kind == "credit_code" else person()
    other = person("王先生")
    if kind == "mobile":
        kept: Any = customers.add_contact_point(
            actor=SYSTEM, party=row, kind=kind, value="15400001234"
        )
    else:
        sound = {"resident_id": "290101198001010019", "credit_code": "91350100M000100Y43"}
        kept = customers.add_identifier(actor=SYSTEM, party=row, kind=kind, value=sound[kind])
    quality.measure(actor=SYSTEM)
    assert code not in of(row).broken
    place = f"{kept._meta.db_table}.sealed:{kept.public_id}"
    type(kept).objects.filter(pk=kept.pk).update(sealed=crypto.encrypt(value, place))
    quality.measure(actor=SYSTEM)
    assert code in of(row).broken
    assert "plausible.name.title" in of(other).broken


def test_sources_that_disagree_are_found_until_somebody_checks() -> None:
    row = party(occupation="教师")
    system = hand_system()
    for key, word in (("1", "教师"), ("2", "医生")):
        SourceRecord.objects.create(
            system=system, table="t", key=key, digest=b"", party=row, values={"occupation": word}
        )
    quality.measure(actor=SYSTEM)
    assert "consistent.occupation" in of(row).broken
    keep_words(SYSTEM, row, ["occupation"], True)
    quality.measure(actor=SYSTEM)
    assert "consistent.occupation" not in of(row).broken


def test_a_source_that_writes_in_the_other_script_agrees() -> None:
    row = party("张伟明")
    for key, word in (("1", "张伟明"), ("2", "張偉明 ")):
        SourceRecord.objects.create(
            system=hand_system(), table="t", key=key, digest=b"", party=row, values={"name": word}
        )
    quality.measure(actor=SYSTEM)
    assert "consistent.name" not in of(row).broken


def test_sums_are_of_what_one_sees() -> None:
    branch = unit("分行", kind="branch")
    here, there = unit("城东", parent=branch), unit("城西", parent=branch)
    manager = employee_with_role(Role.CUSTOMER_MANAGER, here)
    mine, others, far = party(unit=here, manager=manager), party(unit=here), party(unit=there)
    party(unit=here, stage=Party.Stage.FORMER)
    quality.measure(actor=SYSTEM)
    scores = {row.pk: of(row).score for row in (mine, others, far)}

    def seen(actor: Any) -> dict[int, tuple[int, int]]:
        found = queries.by_unit(Sight(actor))
        return {unit: (sums.customers, sums.score) for unit, sums in found.items()}

    assert seen(actor_of(manager)) == {here.pk: (1, scores[mine.pk])}
    both = scores[mine.pk] + scores[others.pk]
    assert seen(actor_with_role(Role.TEAM_LEAD, here)) == {here.pk: (2, both)}
    whole = {here.pk: (2, both), there.pk: (1, scores[far.pk])}
    assert seen(actor_with_role(Role.BRANCH_HEAD, branch)) == whole
    assert seen(actor_with_role(ANALYST)) == whole
    assert seen(actor_with_role(Role.AUDITOR)) == {}
    narrowed = queries.by_unit(Sight(actor_with_role(ANALYST), there))
    assert [*narrowed] == [there.pk]


def test_customers_looked_after_beyond_ones_units_are_added() -> None:
    here, there = unit("城东"), unit("城西")
    lead = employee_with_role(Role.TEAM_LEAD, here)
    party(unit=here)
    party(unit=there, manager=lead)
    party(unit=there)
    quality.measure(actor=SYSTEM)
    sight = Sight(actor_of(lead))
    assert {unit: sums.customers for unit, sums in queries.by_unit(sight).items()} == {
        here.pk: 1,
        there.pk: 1,
    }
    assert {who and who.pk: sums.customers for who, sums in queries.by_owner(sight).items()} == {
        None: 1,
        lead.pk: 1,
    }
    assert queries.by_rule(sight)["complete.identifier"] == 2


def test_sums_by_source_count_a_customer_once_a_source() -> None:
    row = party(manager=(lead := employee_with_role()))
    for key in ("1", "2"):
        SourceRecord.objects.create(
            system=hand_system(), table="t", key=key, digest=b"", party=row, values={}
        )
    quality.measure(actor=SYSTEM)
    for actor in (actor_with_role(ANALYST), actor_of(lead)):
        found = queries.by_system(Sight(actor))
        assert {system.code: sums.customers for system, sums in found.items()} == {"zhike": 1}
        assert found[hand_system()].score == of(row).score


def test_the_list_to_verify_is_of_ones_own_customers() -> None:
    manager = employee_with_role()
    mine = said(party(manager=manager), 400, occupation="教师")
    said(party(manager=employee_with_role()), 400, occupation="教师")
    party(manager=manager)
    quality.measure(actor=SYSTEM)
    assert [*queries.to_verify(actor_of(manager))] == [mine]


def test_a_confirmation_shows_at_once() -> None:
    manager = employee_with_role()
    row = said(party(manager=manager), 400, occupation="教师")
    point = customers.add_contact_point(
        actor=SYSTEM, party=row, kind="wechat", value="wx_one",
        observed_on=clock.today() - timedelta(days=500),
    )  # fmt: skip
    quality.measure(actor=SYSTEM)
    assert of(row).to_verify == 2
    quality.confirm(actor=actor_of(manager), party=row, fields=["occupation"], rows=[point])
    assert of(row).to_verify == 0
    assert not [code for code in of(row).broken if code.startswith("fresh")]


def test_nobody_confirms_for_customers_out_of_sight() -> None:
    row = said(party(), 400, occupation="教师")
    quality.measure(actor=SYSTEM)
    with pytest.raises(Refused):
        quality.confirm(actor=actor_with_role(), party=row, fields=["occupation"], rows=[])
    assert of(row).to_verify == 1
    row.refresh_from_db()
    assert "verified_on" not in row.provenance["occupation"]


def test_a_value_of_somebody_else_is_not_confirmed() -> None:
    one, other = party(), party()
    point = customers.add_contact_point(actor=SYSTEM, party=other, kind="wechat", value="wx_one")
    with pytest.raises(Refused):
        quality.confirm(actor=SYSTEM, party=one, fields=[], rows=[point])
    point.refresh_from_db()
    assert point.verified_on is None


def test_a_rule_set_anew_is_in_force_for_everybody() -> None:
    row = said(party(), 400, occupation="教师")
    quality.measure(actor=SYSTEM)
    analyst = actor_with_role(ANALYST)
    quality.set_terms(actor=analyst, code="fresh.occupation", terms=Terms(5, 500))
    assert quality.measure(actor=SYSTEM) == quality.Measured(1, 1, whole=True)
    assert of(row).to_verify == 0
    kept = QualityRule.objects.get()
    quality.set_terms(
        actor=analyst,
        code="fresh.occupation",
        terms=Terms(5, 100, frozenset({"company"})),
        seen=kept.version,
    )
    quality.measure(actor=SYSTEM)
    assert of(row).to_verify == 0
    with pytest.raises(UserError):
        quality.set_terms(actor=analyst, code="fresh.occupation", terms=None, seen=kept.version)
    quality.set_terms(actor=analyst, code="fresh.occupation", terms=None, seen=kept.version + 1)
    quality.measure(actor=SYSTEM)
    assert of(row).to_verify == 1


@pytest.mark.parametrize(
    "terms", [Terms(101, 5), Terms(-1, 5), Terms(5, 0), Terms(5, 5, frozenset({"x"}))]
)
def test_terms_no_rule_can_have_are_refused(terms: Terms) -> None:
    with pytest.raises(UserError):
        quality.set_terms(actor=actor_with_role(ANALYST), code="fresh.occupation", terms=terms)
    assert not QualityRule.objects.exists()


def test_rules_are_set_by_those_who_see_everybody() -> None:
    with pytest.raises(Refused):
        quality.set_terms(
            actor=actor_with_role(Role.BRANCH_HEAD), code="fresh.occupation", terms=Terms(5, 5)
        )
    assert not QualityRule.objects.exists()


def test_measuring_takes_as_many_queries_for_many(django_assert_max_num_queries: Any) -> None:
    def count(n: int) -> int:
        for _each in range(n):
            said(party(), 400, occupation="教师")
        with django_assert_max_num_queries(60) as asked:
            quality.measure(actor=SYSTEM, whole=True)
        return len(asked)

    assert count(1) == count(6)


def test_a_merge_and_a_split_are_noticed() -> None:
    first, second = party("张伟明"), party("张伟明")
    customers.add_contact_point(actor=SYSTEM, party=second, kind="wechat", value="wx_two")
    quality.measure(actor=SYSTEM)
    from zhike.customers.services import merging

    merge = merging.merge_parties(actor=SYSTEM, absorbed=second, into=first, reason="同一人")
    quality.measure(actor=SYSTEM)
    assert "complete.contact_point" not in of(first).broken
    assert Quality.objects.count() == 1
    merging.split_party(actor=SYSTEM, merge=merge, reason="不是同一人")
    quality.measure(actor=SYSTEM)
    assert "complete.contact_point" in of(first).broken
    assert Quality.objects.count() == 2


def test_no_value_that_identifies_is_kept() -> None:
    row = party()
    customers.add_contact_point(actor=SYSTEM, party=row, kind="mobile", value="15400001234")
    quality.measure(actor=SYSTEM)
    with connection.cursor() as cursor:
        cursor.execute("SELECT q::text FROM masterdata_quality q")
        text = " ".join(line for (line,) in cursor.fetchall())
    assert "1234" not in text
    assert "张伟明" not in text
    assert Sums(2, 151).mean("score") == 75


def test_scores_are_kept_by_day_for_whom_one_sees() -> None:
    branch = unit("分行", kind="branch")
    here, there = unit("城东", parent=branch), unit("城西", parent=branch)
    manager = employee_with_role(Role.CUSTOMER_MANAGER, here)
    mine = said(party(unit=here, manager=manager), 0, occupation="教师")
    far = party(unit=there)
    today = clock.today()
    days = [today - timedelta(days=400), today - timedelta(days=9), today]
    for day in days:
        quality.measure(actor=SYSTEM, as_of=day, whole=True)
    quality.measure(actor=SYSTEM, as_of=today, whole=True)

    def seen(actor: Any, *args: Any) -> dict[str, dict[Any, int]]:
        found = queries.history(Sight(actor, *args))
        return {key: {day: sums.customers for day, sums in of.items()} for key, of in found.items()}

    assert seen(actor_with_role(ANALYST)) == {"": {days[1]: 2, today: 2}}
    assert seen(actor_with_role(ANALYST), there) == {"": {days[1]: 1, today: 1}}
    assert seen(actor_with_role(Role.TEAM_LEAD, here)) == {"": {days[1]: 1, today: 1}}
    assert seen(actor_of(manager)) == {str(manager.pk): {days[1]: 1, today: 1}}
    assert seen(actor_with_role(Role.AUDITOR)) == {}
    owners = queries.history(Sight(actor_with_role(ANALYST)), By.OWNER, [str(manager.pk)])
    assert owners[str(manager.pk)][today].score == of(mine).score
    assert queries.by_unit(Sight(actor_with_role(ANALYST)))[there.pk].score == of(far).score
    quality.measure(actor=SYSTEM, as_of=today + timedelta(days=500), whole=True)
    kept = QualityTally.objects.filter(by=By.UNIT).values_list("as_of", flat=True).distinct()
    assert {*kept} == {days[1], today, today + timedelta(days=500)}
