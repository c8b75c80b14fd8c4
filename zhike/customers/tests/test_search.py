"""The search box against a reader who looks at every row."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from zhike.customers import names, services
from zhike.customers import search as box
from zhike.customers.models import PLACED_TOKENS, Assignment, Party, Standing
from zhike.customers.search import Hit, Match, search
from zhike.customers.tests import factories
from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.organisation.models import Role

pytestmark = pytest.mark.django_db

SURNAMES = "张王李赵单曾"
GIVEN = "伟明芳娜敏"
FIRMS = ("青禾农机有限公司", "红柳运输（集团）有限公司", "Blue Reed 贸易行", "张伟面馆", "58号仓储")
QUERIES = (
    *("张伟", "伟明", "单芳", "曾敏娜", "李", "有限", "柳运", "集团)有限"),
    *("zw", "zwm", "zhangwei", "sf", "shanfang", "qh", "blue", "reed", "Blue Reed", "lue"),
    *("1234", "5678", "15400001234", "+86 154-0000-5678", "58号", "xx", "不存在"),
)


@dataclass
class Person:
    """A row as the oracle knows it."""

    party: Party
    balance: int
    numbers: list[str] = field(default_factory=list)


@pytest.fixture
def population() -> list[Person]:
    chance = random.Random(11)
    units = [factories.unit("城东支行"), factories.unit("城西支行")]
    people = []
    for number in range(150):
        name = chance.choice(SURNAMES) + "".join(
            chance.choice(GIVEN) for _ in range(chance.choice((1, 2)))
        )
        if number % 12 == 0:
            name = chance.choice(FIRMS)
        party = factories.party(
            name,
            unit=chance.choice(units),
            kind=Party.Kind.ORGANISATION if name in FIRMS else Party.Kind.PERSON,
        )
        balance = chance.randrange(40)
        Standing.objects.filter(party=party).update(balance=balance)
        people.append(Person(party, balance))
    for person, mobile in zip(people, ("15400001234", "15400005678", "15420001234"), strict=False):
        services.add_contact_point(
            actor=factories.SYSTEM, party=person.party, kind="mobile", value=mobile
        )
        person.numbers.append(mobile)
    return people


def oracle(people: list[Person], text: str) -> list[tuple[int, Match]]:
    """Every row looked at, every way of reading the text tried, the best one kept."""
    digits = text.replace("+86", "").replace("-", "").replace(" ", "")
    found = []
    for person in people:
        ways = set(_ways(person.party, names.folded(text)))
        ways |= {Match.NUMBER for number in person.numbers if number == digits}
        ways |= {
            Match.TAIL for number in person.numbers if len(digits) == 4 and number[-4:] == digits
        }
        if ways:
            found.append((min(ways), -person.balance, person.party.pk))
    return [(pk, match) for match, _balance, pk in sorted(found)]


def _ways(party: Party, text: str) -> Iterator[Match]:
    if len(text) < 2:
        return
    name = names.folded(party.name)
    if text in name:
        yield Match.NAME_PART
    if name.startswith(text):
        yield Match.NAME_START
    if name == text:
        yield Match.NAME
    if not (text.isascii() and text.isalpha()) or name.isascii():
        return
    read = names.syllables(party.name, person=party.kind == Party.Kind.PERSON)
    initials = "".join(each[:1] for each in read)
    beginnings = {"".join(read[:count]) for count in range(1, 5)}
    if text in beginnings or (initials.startswith(text) and len(text) <= names.LONGEST_INITIALS):
        yield Match.NAME_START
    if text in ("".join(read), initials):
        yield Match.NAME


def seen(hits: list[Hit]) -> list[tuple[int, Match]]:
    return [(hit.party.pk, hit.match) for hit in hits]


@pytest.mark.parametrize("text", QUERIES)
def test_the_box_finds_what_a_reader_finds_in_the_same_order(
    population: list[Person], text: str
) -> None:
    assert seen(search(factories.SYSTEM, text, 500)) == oracle(population, text)


def test_scope_is_as_if_the_other_rows_were_not_there(population: list[Person]) -> None:
    unit = population[0].party.unit
    actor = factories.actor_with_role(Role.TEAM_LEAD, unit)
    own = [person for person in population if person.party.unit_id == unit.pk]
    for text in QUERIES:
        assert seen(search(actor, text, 500)) == oracle(own, text), text
    auditor = factories.actor_with_role(Role.AUDITOR, unit)
    assert search(auditor, "张伟") == []


@pytest.mark.parametrize("role", Role.values)
def test_every_role_finds_what_is_in_its_scope_and_nothing_else(
    population: list[Person], role: str
) -> None:
    unit = population[0].party.unit
    employee = factories.employee_with_role(role, unit)
    for person in population[::5]:
        Assignment.objects.create(
            party=person.party, employee=employee, during=(date(2021, 1, 1), None)
        )
    actor = factories.actor_of(employee)
    reached = set(Party.objects.visible_to(actor).values_list("pk", flat=True))
    seen_people = [person for person in population if person.party.pk in reached]
    for text in QUERIES:
        assert seen(search(actor, text, 500)) == oracle(seen_people, text), text


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5])
def test_a_common_word_finds_the_wealthiest_first(
    population: list[Person], monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    """Walked down the balances or through the index, however far off the estimate: the same hits."""
    monkeypatch.setattr(box, "_commonness", lambda ways: (1e9, share))
    for text in ("有限", "公司", "限公", "伟明", "张伟", "贸易行"):
        expected = oracle(population, text)
        for limit in (1, 3, 500):
            assert seen(search(factories.SYSTEM, text, limit)) == expected[:limit], (text, limit)


def test_a_common_word_is_not_looked_up_in_the_index(
    population: list[Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(box, "_commonness", lambda ways: (1e9, 0.01))
    with CaptureQueriesContext(connection) as queries:
        search(factories.SYSTEM, "限公", 3)
    *_name_start, walk, _rows = (query["sql"] for query in queries.captured_queries)
    assert "LIMIT 576" in walk
    assert "array_append" not in walk


def test_how_common_a_word_is_comes_from_the_planner(population: list[Person]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE customers_party")
    holders = sum("限公" in person.party.search_tokens for person in population)
    rows, share = box._commonness([["有限", "限公"], ["不存"]])
    assert rows == len(population)
    assert share == pytest.approx(holders / len(population), abs=0.01)
    assert box._commonness([["有限", "不存"]]) == (rows, 0)


def test_names_within_units_are_one_reading_of_the_index(population: list[Person]) -> None:
    rows: QuerySet[Any, Any] = Party.objects.alias(placed=PLACED_TOKENS).order_by()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    wanted = {"placed__contains": ["限公"], "placed__overlap": ["u:1", "u:2"]}
    plan = rows.filter(**wanted).explain()
    (condition,) = [line for line in plan.splitlines() if "Index Cond" in line]
    assert "party_by_tokens" in plan
    assert "限公" in condition
    assert "u:2" in condition


def test_the_cap_counts_only_rows_in_scope(
    population: list[Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many strangers match, they take no place from one's own."""
    monkeypatch.setattr(box, "CANDIDATES", 3)
    manager = factories.employee_with_role(Role.CUSTOMER_MANAGER)
    mine = factories.person("张伟明", manager=manager)
    actor: Actor = factories.actor_of(manager)
    for text in ("张伟", "伟明", "zw", "zhangwei"):
        assert [hit.party for hit in search(actor, text)] == [mine], text


def test_whole_names_come_first_however_many_begin_so(
    population: list[Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(box, "CANDIDATES", 3)
    for number in range(8):
        factories.person(f"欧{chr(0x4E00 + number)}{'甲乙'[number % 2]}")
        factories.person("欧阳" + "甲乙丙丁"[number % 4])
    whole = factories.person("欧阳")
    hits = search(factories.SYSTEM, "欧阳")
    assert (hits[0].party, hits[0].match) == (whole, Match.NAME)


def test_a_page_of_hits_costs_few_queries(population: list[Person]) -> None:
    with CaptureQueriesContext(connection) as queries:
        hits = search(factories.SYSTEM, "张伟", 20)
    assert len(hits) == 20 or len(hits) == len(oracle(population, "张伟"))
    assert len(queries) <= 4


def test_a_line_of_hits_asks_for_nothing_more(population: list[Person]) -> None:
    hits = search(factories.SYSTEM, "张伟", 20)
    with CaptureQueriesContext(connection) as queries:
        for party in (hit.party for hit in hits):
            shown = (party.get_absolute_url(), party.name, party.get_type_display(), party.stage)
            assert all(map(str, (*shown, party.unit.code, party.unit.name, party.standing.balance)))
            assert (party.standing.tier, party.standing.last_contact_on) == (None, None)
    assert not queries.captured_queries


def test_the_sql_is_put_together_once_and_the_scope_asked_each_time(
    population: list[Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    holders = box._holders

    def counted(actor: Actor, most: int, **ways: list[str]) -> QuerySet[Party, Any]:
        made.append(ways)
        return holders(actor, most, **ways)

    monkeypatch.setattr(box, "_holders", counted)
    manager = factories.employee_with_role(Role.CUSTOMER_MANAGER)
    mine = factories.person("张伟明", manager=manager)
    actor: Actor = factories.actor_of(manager)
    assert [hit.party for hit in search(actor, "伟明")] == [mine]
    put_together = len(made)
    Assignment.objects.filter(party=mine).delete()
    assert search(actor, "伟明") == []
    other = factories.person("李明娜", manager=manager)
    assert [hit.party for hit in search(actor, "明娜")] == [other]
    assert len(made) == put_together > 0


@pytest.mark.parametrize(
    "role", [Role.CUSTOMER_MANAGER, Role.BRANCH_HEAD, Role.ANALYST, Role.AUDITOR]
)
def test_the_doors_together_are_what_is_visible(role: Role) -> None:
    here, elsewhere = factories.unit("城东支行"), factories.unit("城西支行")
    looks = factories.employee_with_role(role, here)
    for number, unit in enumerate((here, here, elsewhere)):
        factories.person(f"孔有缘{number}", unit=unit)
    factories.person("孔有缘远", unit=elsewhere, manager=looks)
    actor = factories.actor_of(looks)
    behind = [set(rows) for _door, rows in Party.objects.visible_through(actor)]
    seen = set(Party.objects.visible_to(actor))
    assert set().union(*behind) == seen
    assert len(seen) == {Role.CUSTOMER_MANAGER: 1, Role.BRANCH_HEAD: 3, Role.ANALYST: 4}.get(
        role, 0
    )


def test_the_day_of_an_assignment_stands_in_the_words_of_the_query() -> None:
    """As a parameter it made the plan kept for any day read a million periods for three hundred rows."""
    actor = factories.actor_of(factories.employee_with_role(Role.BRANCH_HEAD))
    sql, parameters = Party.objects.visible_to(actor).query.sql_with_params()
    today = clock.today()
    assert f"@> DATE '{today}'" in sql
    assert today not in parameters
