"""What training learns, and that a score is Splink's."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from splink import DuckDBAPI, Linker

from zhike.masterdata.matching import scoring, training
from zhike.masterdata.matching.comparing import EQUAL_ONLY, PERSON, SCHEMES
from zhike.masterdata.matching.engine import database, load
from zhike.masterdata.matching.judging import judged
from zhike.masterdata.matching.model import Likelihoods, Model, expected, untrained
from zhike.masterdata.matching.tests.people import SECRET, crowd, named, person, table

People = tuple[Any, npt.NDArray[np.int64]]


@pytest.fixture(scope="module")
def people() -> People:
    return crowd(800, seed=5)


@pytest.fixture(scope="module")
def model(people: People) -> Model:
    return training.train(people[0], secret=SECRET, normaliser="1")


def test_what_training_learns_is_near_the_truth(model: Model, people: People) -> None:
    whose = people[1]
    known = model.kinds["person"]
    sizes = np.bincount(whose)
    pairs = len(whose) * (len(whose) - 1) / 2
    assert known.prior == pytest.approx((sizes * (sizes - 1) // 2).sum() / pairs, rel=0.15)
    assert known.likelihoods["sex"].u[0] == pytest.approx(0.5, abs=0.02)
    assert known.likelihoods["employer"].u[0] == pytest.approx(1 / 40, rel=0.1)
    assert known.likelihoods["mobile"].m[0] > 0.95
    assert known.likelihoods["name"].m[0] == pytest.approx(0.95**2, abs=0.06)
    for each in known.likelihoods.values():
        assert sum(each.m) == pytest.approx(1)
        assert min(*each.m, *each.u) > 0


def test_accepted_pairs_are_right_and_most_are_found(model: Model, people: People) -> None:
    normalised, whose = people
    pairs = scoring.predict(model, normalised, least=0.95)
    right = whose[pairs["left"].to_numpy()] == whose[pairs["right"].to_numpy()]
    sizes = np.bincount(whose)
    assert right.mean() > 0.995
    assert right.sum() > 0.93 * (sizes * (sizes - 1) // 2).sum()


def test_scores_are_those_of_splink(model: Model, people: People) -> None:
    """Without term frequencies, over the same pairs: the weights to the last digits."""
    known = model.kinds["person"]
    plain = {
        name: [level.term for level in c.levels if level.term]
        for name, c in ((c.name, c) for c in PERSON.comparisons)
    }
    settings = training.splink_settings(PERSON, known.likelihoods, known.prior)
    settings["retain_matching_columns"] = True
    with database() as con:
        load(con, "sample", people[0], "person")
        linker = Linker(DuckDBAPI(con).register("sample"), settings, log_level=None)
        theirs = (
            linker.inference.predict(warning_mode="never").as_duckdbpyrelation().to_arrow_table()
        )
    every_key = dataclasses.replace(known, keys=tuple(key.name for key in PERSON.keys))
    ours = scoring.predict(
        dataclasses.replace(model, kinds={**model.kinds, "person": every_key}), people[0], least=0.0
    )
    expected = {(row["record_l"], row["record_r"]): row for row in theirs.to_pylist()}
    found, wanted = ours.num_rows, len(expected)
    assert found == wanted > 500
    for row in ours.to_pylist():
        same = expected[row["left"], row["right"]]
        for comparison in PERSON.comparisons:
            assert row[f"gamma_{comparison.name}"] == same[f"gamma_{comparison.name}"]
            if not plain[comparison.name]:
                assert row[f"weight_{comparison.name}"] == pytest.approx(
                    same[f"mw_{comparison.name}"]
                )


def test_a_terms_frequency_takes_the_place_of_u(model: Model) -> None:
    normalised = crowd(800, seed=5)[0]
    counts = {v["values"]: v["counts"] for v in normalised["name"].value_counts().to_pylist()}
    known = model.kinds["person"]
    pairs = scoring.predict(model, normalised, least=0.0).filter(pc.field("gamma_name") == 7)
    assert pairs.num_rows > 300
    for row in pairs.slice(0, 50).to_pylist():
        name = normalised["name"][row["left"]].as_py()
        expected = np.log2(known.likelihoods["name"].m[0] * len(normalised) / counts[name])
        assert row["weight_name"] == pytest.approx(expected)


def test_weights_add_up(model: Model, people: People) -> None:
    names = [c.name for c in PERSON.comparisons]
    for row in scoring.predict(model, people[0], least=0.0).slice(0, 300).to_pylist():
        total = model.kinds["person"].prior_weight + sum(row[f"weight_{n}"] for n in names)
        assert row["match_weight"] == pytest.approx(total)
        if row["rule"] is None:
            assert row["probability"] == pytest.approx(1 / (1 + 2 ** -row["match_weight"]))


def test_a_model_is_plain_data_without_anything_of_a_person(model: Model, people: People) -> None:
    text = model.as_json()
    assert Model.from_json(text, SECRET) == model
    assert SECRET.hex() not in text
    assert repr(SECRET) not in repr(model)
    for column in ("resident_id", "mobile", "address_key"):
        for value in people[0][column].drop_null().to_pylist()[:300]:
            assert value not in text
    with pytest.raises(ValueError, match="train it anew"):
        Model.from_json(json.dumps(json.loads(text) | {"version": 0}), SECRET)


def test_the_order_of_records_changes_nothing(people: People, model: Model) -> None:
    order = np.random.default_rng(1).permutation(len(people[0]))
    again = training.train(people[0].take(pa.array(order)), secret=SECRET, normaliser="1")
    assert again.as_json() == model.as_json()


def test_few_records_are_scored_from_experience() -> None:
    facts = {
        **named("王", "伟杰"),
        "resident_id_raw": "290001199001011234",
        "resident_id": "290001199001011234",
    }
    records = table([person(0, **facts), person(1, **facts), person(2, **named("李", "娜"))])
    model = training.train(records, secret=SECRET)
    assert model.kinds["person"] == untrained("person", 3)
    pairs = scoring.predict(model, records)
    assert pairs.select(["left", "right", "rule"]).to_pylist() == [
        {"left": 0, "right": 1, "rule": scoring.SAME_NUMBER}
    ]
    assert pairs["probability"].to_pylist() == [1.0]


def test_one_number_under_two_wholly_different_names_is_no_rule() -> None:
    number = {"resident_id_raw": "290001199001011234", "resident_id": "290001199001011234"}
    records = table(
        [person(0, **named("王", "伟杰"), **number), person(1, **named("李", "娜芳"), **number)]
    )
    pairs = scoring.predict(training.train(records, secret=SECRET), records, least=0.0)
    assert pairs["rule"].to_pylist() == [None]


def test_chinese_text_is_never_measured_in_edits() -> None:
    for scheme in SCHEMES.values():
        for comparison in scheme.comparisons:
            for level in comparison.levels:
                if "levenshtein(" in level.sql:
                    ascii_columns = ("pinyin", "resident_id", "mobile", "birth_text", "credit_code")
                    assert "bit_length" in level.sql or any(c in level.sql for c in ascii_columns)


@pytest.mark.parametrize("column", sorted(EQUAL_ONLY))
def test_what_is_compared_by_code_is_only_asked_whether_it_is_equal(column: str) -> None:
    told = re.compile(rf"\b{column}_l (=|<>) {column}_r|\b{column}_[lr] is null")
    for scheme in SCHEMES.values():
        levels = (level.sql for c in scheme.comparisons for level in c.levels)
        for sql in (*levels, *(c.absent + c.stranger for c in scheme.comparisons), scheme.stranger):
            assert f"{column}_" not in re.sub(r"\baddress_key|company_core", "", told.sub("", sql))


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        training.train(table([]), secret=b"short")


def test_bands_must_rise() -> None:
    with pytest.raises(ValueError, match="go up"):
        scoring.Bands(accept=0.5, review=0.9)


def test_nothing_is_written_to_disk() -> None:
    with database() as con:
        rows = con.execute("select current_setting('temp_directory')").fetchall()
        assert rows == [("",)]


def test_maximisation_finds_what_made_the_patterns() -> None:
    """Patterns drawn from known m, u and share: recovered to within their sampling error."""
    rng = np.random.default_rng(3)
    free = [c for c in PERSON.comparisons if c.name in {"sex", "phone", "email", "passport"}]
    truth, chance = {"sex": 0.97, "phone": 0.8, "email": 0.7, "passport": 0.9}, 0.02
    match = rng.random(20_000) < 0.4
    gammas = {
        n: (rng.random(20_000) < np.where(match, truth[n], chance)).astype(int) for n in truth
    }
    known = {
        c.name: Likelihoods(c_expected.m, (chance, 1 - chance))
        for c in free
        for c_expected in [expected(c)]
    }
    patterns = pa.table({**gammas, "n": np.ones(20_000, dtype=np.int64)})
    counts = training.matches_of(patterns, free, known)
    for name, share in truth.items():
        assert counts[name][0] / counts[name].sum() == pytest.approx(share, abs=0.02)
        assert counts[name].sum() == pytest.approx(8_000, rel=0.03)


def test_keys_that_bring_nothing_are_dropped_the_poorest_first() -> None:
    """Bits 0 and 1 together make 2,000 poor pairs: one of the two must stay for the pairs of both that are right."""
    masks = np.array([1] * 3_000 + [3] * 2_000 + [4] * 10)
    probability = np.concatenate([np.zeros(3_000), np.full(2_000, 0.5), np.full(10, 0.9)])
    assert training._worthwhile(masks, probability, ("a", "b", "c")) == ("b", "c")
    assert training._worthwhile(masks, np.zeros(5_010), ("a", "b", "c")) == ()


def test_judgements_move_probabilities_towards_what_people_found(model: Model) -> None:
    weights = np.random.default_rng(2).uniform(-4, 8, 2_000)
    chance = 1 / (1 + np.exp(-(-2.0 + 0.9 * weights)))
    same = np.random.default_rng(3).random(2_000) < chance
    labels = pa.table({"kind": ["person"] * 2_000, "match_weight": weights, "same": same})
    fitted = judged(model, labels).kinds["person"]
    assert fitted.offset == pytest.approx(-2.0, abs=0.35)
    assert fitted.slope == pytest.approx(0.9, abs=0.1)
    assert judged(model, labels).kinds["organisation"] == model.kinds["organisation"]
    hardly = judged(model, labels.slice(0, 1)).kinds["person"]
    assert abs(hardly.offset) < 1.5
    rows = scoring.predict(judged(model, labels), crowd(200, seed=9)[0], least=0.0).to_pylist()
    pairs = {row["match_weight"]: row["probability"] for row in rows if row["rule"] is None}
    assert len(pairs) > 20
    for weight, probability in pairs.items():
        assert probability == pytest.approx(
            1 / (1 + np.exp(-(fitted.offset + fitted.slope * weight)))
        )
