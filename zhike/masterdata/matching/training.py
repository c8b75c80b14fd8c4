# ruff: noqa: S608  the words put into SQL are the schemes' own
"""A model from records, without labels: u from strangers drawn by Splink, m by expectation and maximisation.

Splink's own maximisation lets a level that never occurs shrink to nothing and then fails; here what experience
expects counts as so many pairs, and no level becomes impossible.
"""

from __future__ import annotations

import dataclasses
import logging
import math
import re
from collections.abc import Mapping
from typing import Any, Final

import duckdb
import numpy as np
import numpy.typing as npt
from splink import DuckDBAPI, Linker

from zhike.masterdata.matching.comparing import (
    COLUMNS,
    KINDS,
    MADE,
    SCHEMES,
    Comparison,
    Key,
    Kind,
    Level,
    Scheme,
)
from zhike.masterdata.matching.engine import MEMORY, Table, count, database, load, plain
from zhike.masterdata.matching.model import (
    KindModel,
    Likelihoods,
    Model,
    Terms,
    expected,
    shares,
    untrained,
)
from zhike.masterdata.matching.scoring import (
    attach_terms,
    gamma_sql,
    pairs_by_key,
    pairs_of,
    score_sql,
    term_value,
)

STRANGER_PAIRS: Final = 250_000
SAMPLE: Final = 100_000  # records that m and u are learned from, at most
FREQUENT: Final = 20_000  # values of a term that a model remembers, at most
_LEAST_RECORDS: Final = 200
OWN: Final = 4  # records of a value that may well be one entity's
EXPERIENCE: Final = 20.0  # pairs that what a level is written down with weighs
ROUNDS: Final = 50
MOST_PAIRS: Final = 3  # pairs a record that a key may make among all records
LEAST_YIELD: Final = 0.01  # expected pairs of one entity for each pair that a key alone makes
_RECALL: Final = 0.8  # of the keys in `trained_on`, taken together, before the scores say better

# Splink tells a story of each step, with values of the records in it.
logging.getLogger("splink").setLevel(logging.CRITICAL)


def train(normalised: Table, *, secret: bytes, normaliser: str = "", memory: str = MEMORY) -> Model:
    """Learn from records alone what agreement is worth.

    normalised: as `normalise.records` makes it; secret: 16 bytes or more, kept from whoever may read the model;
    normaliser: version of the normaliser, kept in the model. Below 200 records of a kind experience stands for
    learning. The same records make the same model, in any order.
    """
    if len(secret) < 16:
        raise ValueError("A secret shorter than 16 bytes keeps nothing secret.")
    kinds = {kind: _train_kind(normalised, kind, secret, memory) for kind in KINDS}
    return Model(normaliser, kinds, secret)


def _train_kind(normalised: Table, kind: Kind, secret: bytes, memory: str) -> KindModel:
    scheme = SCHEMES[kind]
    with database(memory) as con:
        plain(con, "everyone", normalised, kind)
        records = count(con, "everyone")
        if records < _LEAST_RECORDS:
            return untrained(kind, records)
        con.execute("set variable secret = ?", [secret.hex()])
        terms = {term: _terms(con, term, term in scheme.counted_terms) for term in scheme.terms}
        size = load(con, "sample", normalised, kind, one_in=math.ceil(records / SAMPLE))
        learned = _learn(con, scheme)
        names = tuple(key.name for key in scheme.keys)
        first = KindModel(records, _prior(con, scheme, size), names, learned, terms)
        return _settle(con, kind, first, secret, size)


def _terms(con: duckdb.DuckDBPyConnection, term: str, counted: bool) -> Terms:
    """How often the values of a term occur; of a counted one, besides as many records as one entity may have."""
    total = con.execute(f"select count({term}) from everyone").fetchall()[0][0]
    if not total:
        return Terms({}, 1e-4)
    rows = con.execute(
        f"""select {term_value(term)}, n from
        (select {term}, count(*) as n from everyone where {term} is not null group by all having count(*) > 1) r
        order by n desc, {term} limit {FREQUENT + 1}"""
    ).fetchall()
    least = max(1, rows[-1][1] if len(rows) > FREQUENT else 1)
    own = OWN if counted else 0
    share = {value: max(n - own, 0) / total for value, n in rows if n > least}
    return Terms(share, max(least - own, 0) / total)


def splink_settings(
    scheme: Scheme, known: Mapping[str, Likelihoods], prior: float
) -> dict[str, Any]:
    """The scheme as Splink's settings, with these likelihoods and without term frequencies."""
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "record",
        "probability_two_random_records_match": prior,
        "retain_matching_columns": False,
        "retain_intermediate_calculation_columns": True,
        "em_convergence": 0.001,
        "comparisons": [_splink_comparison(c, known[c.name]) for c in scheme.comparisons],
        "blocking_rules_to_generate_predictions": [
            {"blocking_rule": splink_rule(key), "sql_dialect": "duckdb"} for key in scheme.keys
        ],
    }


def splink_rule(key: Key) -> str:
    """A key as Splink's condition on a pair."""
    columns = re.compile(rf"\b({'|'.join((*COLUMNS, *MADE))})\b")
    sides = ([columns.sub(rf"{side}.\1", part) for side in "lr"] for part in key.parts)
    return " and ".join(f"{left} = {right}" for left, right in sides)


def _splink_comparison(comparison: Comparison, known: Likelihoods) -> dict[str, Any]:
    levels: list[dict[str, Any]] = [
        {"sql_condition": comparison.absent, "label_for_charts": "absent", "is_null_level": True}
    ]
    for place, level in enumerate(comparison.levels):
        levels.append(
            {
                "sql_condition": level.sql,
                "label_for_charts": level.label,
                "m_probability": known.m[place],
                "u_probability": known.u[place],
            }
        )
    return {"output_column_name": comparison.name, "comparison_levels": levels}


def _learn(con: duckdb.DuckDBPyConnection, scheme: Scheme) -> dict[str, Likelihoods]:
    known = _strangers(con, scheme)
    # Pairs of one entity that experience stands for, so that no level ever counts for impossible.
    matches = {c.name: EXPERIENCE * np.array(known[c.name].m) for c in scheme.comparisons}
    for key in scheme.trained_on:
        pairs_by_key(con, "sample", (key,))
        free = [c for c in scheme.comparisons if c.name not in key.decides]
        for name, counts in matches_of(_patterns(con, free), free, known).items():
            matches[name] = matches[name] + counts
    return {
        name: Likelihoods(shares(counts.tolist()), known[name].u)
        for name, counts in matches.items()
    }


def _strangers(con: duckdb.DuckDBPyConnection, scheme: Scheme) -> dict[str, Likelihoods]:
    """u: by Splink from pairs drawn at random, or counted where these are too few to show any."""
    known = {c.name: expected(c) for c in scheme.comparisons}
    sample = DuckDBAPI(con).register("sample")
    linker = Linker(
        sample, splink_settings(scheme, known, 1e-4), log_level=None, validate_settings=False
    )
    linker.training.estimate_u_using_random_sampling(
        max_pairs=STRANGER_PAIRS, min_count_per_level=None, num_chunks=1
    )
    found = _found(linker)
    counted = _counted(con, scheme)
    for comparison in scheme.comparisons:
        u = [
            counted.get(
                (comparison.name, place), found.get((comparison.name, level.label), level.u)
            )
            for place, level in enumerate(comparison.levels)
        ]
        u[-1] = max(1 - sum(u[:-1]), 0.01)
        known[comparison.name] = Likelihoods(known[comparison.name].m, tuple(u))
    return known


def _patterns(con: duckdb.DuckDBPyConnection, comparisons: list[Comparison]) -> Table:
    """How often each pattern of gammas occurs among the table `pairs`."""
    columns = (*COLUMNS, *MADE)
    sides = ", ".join(f"{side}.{c} as {c}_{side}" for side in "lr" for c in columns)
    gammas = ", ".join(f"{gamma_sql(c)} as {c.name}" for c in comparisons)
    return con.sql(
        f"""with sides as (
            select {sides} from pairs p
            join sample l on l.record = p.left_record join sample r on r.record = p.right_record
        ) select {gammas}, count(*) as n from sides group by all order by all"""
    ).to_arrow_table()


def matches_of(
    patterns: Table, comparisons: list[Comparison], known: Mapping[str, Likelihoods]
) -> dict[str, npt.NDArray[np.float64]]:
    """Expected pairs of one entity at each level, by expectation and maximisation with u held fast (Winkler 1988).

    patterns: a gamma column for each comparison, and n. Returns per comparison an array in the order of its levels.
    """
    number = patterns["n"].to_numpy().astype(np.float64)
    gamma = {c.name: patterns[c.name].to_numpy() for c in comparisons}
    size = {c.name: len(c.levels) for c in comparisons}
    m = {c.name: np.array(known[c.name].m) for c in comparisons}
    share = 0.5
    for _ in range(ROUNDS):
        odds = np.full(len(number), math.log(share / (1 - share)))
        for name, seen in gamma.items():
            ratio = np.log(m[name] / np.array(known[name].u))[
                ::-1
            ]  # by gamma, the least alike first
            odds += np.where(seen < 0, 0.0, ratio[seen])
        match = number / (1 + np.exp(-np.clip(odds, -500, 500)))
        before, share = share, float(np.clip(match.sum() / max(number.sum(), 1), 1e-9, 1 - 1e-9))
        counts = {
            name: np.bincount(seen[seen >= 0], match[seen >= 0], size[name])[::-1].astype(float)
            for name, seen in gamma.items()
        }
        m = {
            name: np.array(shares((counts[name] + EXPERIENCE * np.array(known[name].m)).tolist()))
            for name in counts
        }
        if abs(share - before) < 1e-6:
            break
    return counts


def _found(linker: Linker) -> dict[tuple[str, str], float]:
    settings = linker.misc.save_model_to_json()
    return {
        (comparison["output_column_name"], level["label_for_charts"]): level["u_probability"]
        for comparison in settings["comparisons"]
        for level in comparison["comparison_levels"]
        if "u_probability" in level
    }


def _counted(con: duckdb.DuckDBPyConnection, scheme: Scheme) -> dict[tuple[str, int], float]:
    """u of agreements too rare for a sample: how often strangers by name and birthday agree all the same."""
    return {
        (comparison.name, place): _strangers_alike(con, scheme, comparison, level)
        for comparison in scheme.comparisons
        for place, level in enumerate(comparison.levels)
        if level.counted
    }


def _strangers_alike(
    con: duckdb.DuckDBPyConnection, scheme: Scheme, comparison: Comparison, level: Level
) -> float:
    column, stranger = level.counted, comparison.stranger or scheme.stranger
    columns = (*COLUMNS, *MADE)
    sides = ", ".join(f"{side}.{c} as {c}_{side}" for side in "lr" for c in columns)
    told = comparison.stranger_columns or scheme.stranger_columns
    known = " and ".join(f"{c} is not null" for c in (column, *told))
    found = con.execute(
        f"""with known as (select * from sample where {known}), few as (
            select * from known qualify count(*) over (partition by {column}) between 2 and 100
        ), pairs as (
            select {sides} from few l join few r on l.{column} = r.{column} and l.record < r.record
        )
        select (select count(*) from pairs where {level.sql} and {stranger}),
               (select count(*) from known)"""
    ).fetchall()
    alike, records = (int(number) for number in found[0])
    pairs = records * (records - 1) / 2
    return max(level.u, alike / pairs) if pairs else level.u


def _prior(con: duckdb.DuckDBPyConnection, scheme: Scheme, size: int) -> float:
    pairs_by_key(con, "sample", scheme.trained_on)
    return min(0.1, max(count(con, "pairs") / _RECALL, 1) / (size * (size - 1) / 2))


def _settle(
    con: duckdb.DuckDBPyConnection, kind: Kind, model: KindModel, secret: bytes, size: int
) -> KindModel:
    """The model with the prior at which the pairs' probabilities add up to the pairs it expects, and without the
    keys that make too many pairs, or whose own pairs are hardly ever of one entity."""
    attach_terms(con, kind, Model("", {kind: model}, secret), "sample")
    most = MOST_PAIRS * size**2 / model.records  # the pairs of a sample shrink by its square
    keys = tuple(key for key in SCHEMES[kind].keys if pairs_of(con, "records", key) <= most)
    pairs_by_key(con, "records", keys)
    scored = con.sql(
        f"""select mask, match_weight from ({score_sql(kind, model, "pairs", None)}) s
        join pairs p on p.left_record = s."left" and p.right_record = s."right"
        order by match_weight, mask"""
    ).to_arrow_table()
    weights = scored["match_weight"].to_numpy() - model.prior_weight
    total = size * (size - 1) / 2
    prior, probability = model.prior, np.zeros(len(weights))
    for _ in range(20):
        odds = np.exp2(np.minimum(weights + math.log2(prior / (1 - prior)), 500))
        probability = odds / (1 + odds)
        prior = float(np.clip(probability.sum() / total, 0.5 / total, 0.5))
    names = tuple(key.name for key in keys)
    worthwhile = _worthwhile(scored["mask"].to_numpy(), probability, names)
    return dataclasses.replace(model, prior=prior, keys=worthwhile)


def _worthwhile(
    masks: npt.NDArray[np.int32], probability: npt.NDArray[np.float64], names: tuple[str, ...]
) -> tuple[str, ...]:
    """The keys left after those have gone, the poorest first, of which a hundred pairs that no other key makes
    hold less than one expected pair of one entity. Bit n of a pair's mask: key n makes it."""
    kinds, place = np.unique(masks, return_inverse=True)
    pairs, matches = np.bincount(place), np.bincount(place, probability)
    left = list(range(len(names)))
    while True:
        bits = kinds & sum(1 << n for n in left)
        alone = {n: bits == 1 << n for n in left}
        worth = {n: matches[own].sum() / pairs[own].sum() for n, own in alone.items() if own.any()}
        poorest = min(worth, key=lambda n: (worth[n], n), default=None)
        if poorest is None or worth[poorest] >= LEAST_YIELD:
            return tuple(names[n] for n in left)
        left.remove(poorest)
