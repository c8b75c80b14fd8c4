"""Which records meet: the same pairs by name of the key in SQL, by Splink's rule, and never by null."""

from __future__ import annotations

from itertools import combinations

import pytest

from zhike.masterdata.matching import scoring, training
from zhike.masterdata.matching.comparing import PERSON, Key
from zhike.masterdata.matching.engine import database, load
from zhike.masterdata.matching.tests.people import SECRET, crowd, named, person, table


def _pairs(rows: list[dict[str, object]], keys: tuple[Key, ...]) -> set[tuple[int, int]]:
    with database() as con:
        load(con, "records", table(rows), "person")
        scoring.pairs_by_key(con, "records", keys)
        return set(con.execute("select left_record, right_record from pairs").fetchall())


@pytest.mark.parametrize("key", PERSON.keys, ids=lambda key: key.name)
def test_a_key_pairs_what_its_rule_pairs(key: Key) -> None:
    records = crowd(120, seed=8)[0]
    for column, of in (("county", "employer_core"), ("phone", "mobile")):
        records = records.set_column(records.column_names.index(column), column, records[of])
    with database() as con:
        load(con, "records", records, "person")
        scoring.pairs_by_key(con, "records", (key,))
        counted = scoring.pairs_of(con, "records", key)
        found = set(con.execute("select left_record, right_record from pairs").fetchall())
        expected = set(
            con.execute(
                f"select l.record, r.record from records l join records r "
                f"on {training.splink_rule(key)} where l.record < r.record"
            ).fetchall()
        )
    assert found == expected
    assert counted == len(found)
    assert found or key.name in {"email", "passport"}


def test_nulls_meet_nobody() -> None:
    assert _pairs([person(0), person(1), person(2)], PERSON.keys) == set()


def test_two_keys_make_one_pair() -> None:
    facts = {**named("王", "伟"), "mobile": "15400000001", "address_key": "路1"}
    assert _pairs([person(4, **facts), person(2, **facts)], PERSON.keys) == {(2, 4)}


def test_turned_names_meet() -> None:
    name = named("王", "伟杰")
    turned = {**name, "name_pinyin": name["name_rotated"], "name_rotated": name["name_pinyin"]}
    rows = [person(0, **name, address_key="路1"), person(1, **turned, address_key="路1")]
    assert _pairs(rows, PERSON.keys) == {(0, 1)}


def test_a_key_that_very_many_share_makes_no_pairs() -> None:
    crowded = [person(n, mobile="15400000001") for n in range(scoring.LARGEST_BLOCK + 1)]
    assert _pairs(crowded, PERSON.keys) == set()
    assert _pairs(crowded[:-1], PERSON.keys) == set(combinations(range(scoring.LARGEST_BLOCK), 2))


def test_kinds_never_meet() -> None:
    rows = [
        person(0, mobile="15400000001"),
        person(1, mobile="15400000001") | {"kind": "organisation"},
    ]
    model = training.train(table(rows), secret=SECRET)
    assert scoring.predict(model, table(rows), least=0.0).num_rows == 0
