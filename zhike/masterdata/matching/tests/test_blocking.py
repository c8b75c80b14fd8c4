"""Which records meet: the same pairs by name of the key in SQL, by Splink's rule, and never by null."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhike.masterdata.matching import scoring, training
from zhike.masterdata.matching.comparing import PERSON, Key
from zhike.masterdata.matching.engine import database, load, of_kind
from zhike.masterdata.matching.tests.people import SECRET, crowd, named, person, table


def _met(records: Any, keys: tuple[Key, ...]) -> set[tuple[int, int]]:
    given = of_kind(records, "person")
    with database() as con:
        hashes = scoring.key_hashes(con, given, keys)
    number = given["record"].to_numpy()
    left, right, mask = scoring.met([*hashes.values()])
    assert (mask > 0).all()
    pairs = zip(number[left].tolist(), number[right].tolist(), strict=True)
    return {(min(pair), max(pair)) for pair in pairs}


def _pairs(rows: list[dict[str, object]], keys: tuple[Key, ...]) -> set[tuple[int, int]]:
    return _met(table(rows), keys)


@pytest.mark.parametrize("key", PERSON.keys, ids=lambda key: key.name)
def test_a_key_pairs_what_its_rule_pairs(key: Key) -> None:
    records = crowd(120, seed=8)[0]
    for column, of in (("county", "employer_core"), ("phone", "mobile")):
        records = records.set_column(records.column_names.index(column), column, records[of])
    with database() as con:
        load(con, "records", records, "person")
        expected = set(
            con.execute(
                f"select l.record, r.record from records l join records r "
                f"on {training.splink_rule(key)} where l.record < r.record"
            ).fetchall()
        )
        counted = scoring.pairs_made(
            scoring.key_hashes(con, of_kind(records, "person"), (key,))[key.name]
        )
    found = _met(records, (key,))
    assert found == expected
    assert counted == len(found)
    assert found or key.name in {"email", "passport"}


def test_nulls_meet_nobody() -> None:
    assert _pairs([person(0), person(1), person(2)], PERSON.keys) == set()


def test_two_keys_make_one_pair() -> None:
    facts = {**named("王", "伟"), "mobile": "15400000001", "address_key": "路1"}
    assert _pairs([person(4, **facts), person(2, **facts)], PERSON.keys) == {(2, 4)}


@given(st.lists(st.lists(st.integers(0, 6), min_size=12, max_size=12), min_size=1, max_size=4))
def test_pairs_are_those_of_the_definition(values: list[list[int]]) -> None:
    """Of every two rows the bits of the keys, not 0 and held by three at most, that both have."""
    hashes = [np.array(each, np.uint64) * np.uint64(0x9E3779B97F4A7C15) for each in values]
    found = {(i, j): bits for i, j, bits in zip(*scoring.met(hashes, 3), strict=True)}
    expected = {}
    for i, j in combinations(range(12), 2):
        shared = (each[i] == each[j] != 0 and each.count(each[i]) <= 3 for each in values)
        if bits := sum(1 << n for n, same in enumerate(shared) if same):
            expected[i, j] = bits
    assert found == expected


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
