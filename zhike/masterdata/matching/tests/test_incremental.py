"""A day's records against those known give the pairs of a whole run."""

from __future__ import annotations

import dataclasses

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from zhike.masterdata.matching import clusters, incremental, scoring, training
from zhike.masterdata.matching.model import Model
from zhike.masterdata.matching.tests.people import SECRET, crowd, named, person, table

ORDER = [("left", "ascending"), ("right", "ascending")]


EVERY_KEY = training.train(table([]), secret=SECRET)
FEWER = ("number", "name and birthday")


def _looked_up(model: Model, known: pa.Table, new: pa.Table) -> pa.Table:
    """What a store of keys would find: the known records that share a key with a new one."""
    wanted = {k for keys in incremental.block_keys(new, model)["keys"].to_pylist() for k in keys}
    rows = incremental.block_keys(known, model).to_pylist()
    found = pa.array([row["record"] for row in rows if wanted & set(row["keys"])], pa.int64())
    return known.filter(pc.is_in(known["record"], found))


@pytest.mark.parametrize(("seed", "keys"), [(1, ()), (2, ()), (3, FEWER)])
def test_a_day_equals_the_whole(seed: int, keys: tuple[str, ...]) -> None:
    """With the keys that training kept, and with only a few."""
    normalised = crowd(400, seed=seed)[0]
    model = training.train(normalised, secret=SECRET)
    if keys:
        person_model = dataclasses.replace(model.kinds["person"], keys=keys)
        model = dataclasses.replace(model, kinds={**model.kinds, "person": person_model})
    whole = scoring.predict(model, normalised, least=0.2)
    arrived = np.random.default_rng(seed).random(len(normalised)) < 0.2
    new, known = normalised.filter(pa.array(arrived)), normalised.filter(pa.array(~arrived))
    candidates = _looked_up(model, known, new)
    assert 0 < len(candidates) < len(known)
    day = incremental.score(model, new, candidates, least=0.2)
    before = scoring.predict(model, known, least=0.2)
    together = pa.concat_tables([before, day])
    assert day.num_rows > 20
    assert together.sort_by(ORDER).equals(whole.sort_by(ORDER))
    assert clusters.cluster(together, normalised).members.equals(
        clusters.cluster(whole, normalised).members
    )


def test_more_candidates_do_no_harm_and_a_known_record_may_come_again() -> None:
    normalised = crowd(150, seed=4)[0]
    model = training.train(normalised, secret=SECRET)
    new = normalised.slice(0, 30)
    small = incremental.score(model, new, _looked_up(model, normalised, new), least=0.2)
    assert (
        incremental.score(model, new, normalised, least=0.2)
        .sort_by(ORDER)
        .equals(small.sort_by(ORDER))
    )


def test_keys_depend_on_the_secret_and_tell_nothing() -> None:
    records = table([person(7, **named("王", "伟"), mobile="15400000001"), person(8)])
    keys, other = (
        {row["record"]: row["keys"] for row in incremental.block_keys(records, model).to_pylist()}
        for model in (EVERY_KEY, dataclasses.replace(EVERY_KEY, secret=b"another, as long"))
    )
    assert len(keys[7]) == 2  # mobile; name and end of mobile
    assert keys[7] == sorted(keys[7])
    assert not set(keys[7]) & set(other[7])
    assert keys[8] == []


def test_only_the_keys_that_a_model_uses_are_looked_up() -> None:
    model = dataclasses.replace(EVERY_KEY.kinds["person"], keys=("number",))
    poor = dataclasses.replace(EVERY_KEY, kinds={**EVERY_KEY.kinds, "person": model})
    records = table([person(1, resident_id_raw="29", mobile="15400000001"), person(2, mobile="1")])
    number, none = incremental.block_keys(records, poor)["keys"].to_pylist()
    assert len(number) == 1
    assert none == []
    assert number[0] in incremental.block_keys(records, EVERY_KEY)["keys"].to_pylist()[0]


def test_a_value_has_other_keys_under_another_rule() -> None:
    same = {"resident_id_raw": "15400000001", "mobile": "15400000001"}
    keys = incremental.block_keys(table([person(1, **same)]), EVERY_KEY)["keys"].to_pylist()[0]
    assert len(keys) == 2
