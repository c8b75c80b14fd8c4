"""A model from records, without labels: u from strangers drawn at random, m by expectation and maximisation.

Splink's own maximisation lets a level that never occurs shrink to nothing and then fails; here what experience
expects counts as so many pairs, and no level becomes impossible.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from zhike.masterdata.matching.comparing import (
    COLUMNS,
    KINDS,
    MADE,
    SCHEMES,
    Comparison,
    Key,
    Kind,
    Scheme,
)
from zhike.masterdata.matching.engine import MEMORY, Records, Table, database, of_kind
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
    Ints,
    Levels,
    Pairs,
    Uints,
    gammas,
    key_hashes,
    met,
    pairs_made,
    term_values,
    weights,
)

STRANGER_PAIRS: Final = 100_000
SAMPLE: Final = 100_000  # records that m and u are learned from, at most
FREQUENT: Final = 20_000  # values of a term that a model remembers, at most
_LEAST_RECORDS: Final = 200
FEW: Final = 100  # records of a value that may still show how often strangers share it
OWN: Final = 4  # records of a value that may well be one entity's
EXPERIENCE: Final = 20.0  # pairs that what a level is written down with weighs
ROUNDS: Final = 50
MOST_PAIRS: Final = 3  # pairs a record that a key may make among all records
LEAST_YIELD: Final = 0.01  # expected pairs of one entity for each pair that a key alone makes
_RECALL: Final = 0.8  # of the keys in `trained_on`, taken together, before the scores say better


def train(
    normalised: Records, *, secret: bytes, normaliser: str = "", memory: str = MEMORY
) -> Model:
    """Learn from records alone what agreement is worth.

    normalised: as `normalise.records` makes it; secret: 16 bytes or more, kept from whoever may read the model;
    normaliser: version of the normaliser, kept in the model. Below 200 records of a kind experience stands for
    learning. The same records make the same model, in any order.
    """
    if len(secret) < 16:
        raise ValueError("A secret shorter than 16 bytes keeps nothing secret.")
    kinds = {kind: _train_kind(normalised, kind, secret, memory) for kind in KINDS}
    return Model(normaliser, kinds, secret)


def _train_kind(normalised: Records, kind: Kind, secret: bytes, memory: str) -> KindModel:
    scheme = SCHEMES[kind]
    everyone = of_kind(normalised, kind)
    if len(everyone) < _LEAST_RECORDS:
        return untrained(kind, len(everyone))
    terms = {t: _terms(everyone, t, t in scheme.counted_terms, secret) for t in scheme.terms}
    lesson = _lesson(scheme, everyone, memory)
    learned = _learn(lesson)
    keys = tuple(key.name for key in scheme.keys)
    first = KindModel(len(everyone), _prior(lesson), keys, learned, terms)
    return _settle(kind, first, secret, lesson)


def _terms(records: Table, term: str, counted: bool, secret: bytes) -> Terms:
    """How often the values of a term occur; of a counted one, besides as many records as one entity may have."""
    column = records[term].combine_chunks()
    codes = column.indices.drop_null().to_numpy()
    if not len(codes):
        return Terms({}, 1e-4)
    number = np.bincount(codes)
    several = np.sort(number[number > 1])[::-1]
    least = int(several[FREQUENT]) if len(several) > FREQUENT else 1
    own = OWN if counted else 0
    frequent = np.flatnonzero(number > max(least, own))
    values = term_values(term, column.dictionary.take(pa.array(frequent)), secret).to_pylist()
    share = ((number[frequent] - own) / len(codes)).tolist()
    return Terms(dict(zip(values, share, strict=True)), max(least - own, 0) / len(codes))


@dataclass(frozen=True)
class _Pairs:
    """Rows of the two, bits of what they share, and the levels they meet."""

    left: Ints
    right: Ints
    shared: Ints
    levels: Mapping[str, Levels]

    def __len__(self) -> int:
        return len(self.left)

    def only(self, bit: int) -> Mapping[str, Levels]:
        """The levels of those that share one thing."""
        there = self.shared >> bit & 1 == 1
        return {name: met[there] for name, met in self.levels.items()}


@dataclass(frozen=True)
class _Lesson:
    """Records drawn from all, ascending, and four sorts of pairs of them.

    strangers: drawn at random; taught: of the keys for training; alike: of the columns in `_counted_by`; found: of
    `keys`, those of the scheme's that make few enough pairs.
    """

    scheme: Scheme
    records: Table
    strangers: _Pairs
    taught: _Pairs
    alike: _Pairs
    found: _Pairs
    keys: tuple[Key, ...]

    @property
    def all_pairs(self) -> float:
        """Of any two records drawn."""
        return len(self.records) * (len(self.records) - 1) / 2


def _lesson(scheme: Scheme, everyone: Table, memory: str) -> _Lesson:
    """What all is learned from. The levels of all pairs are found in one go: each costs a plan."""
    records = _drawn(everyone)
    size = len(records)
    most = MOST_PAIRS * size**2 / len(everyone)  # the pairs of a sample shrink by its square
    with database(memory) as con:
        hashes = key_hashes(con, records, [*scheme.keys, *scheme.trained_on])
        keys = tuple(key for key in scheme.keys if pairs_made(hashes[key.name]) <= most)
        sorts = (
            _at_random(size),
            met([hashes[key.name] for key in scheme.trained_on]),
            met([_hashes(records, *each) for each in _counted_by(scheme)], FEW),
            met([hashes[key.name] for key in keys]),
        )
        left, right = (np.concatenate([pairs[side] for pairs in sorts]) for side in (0, 1))
        also = {f"stranger_{n}": sql for n, sql in enumerate(_strangers_by(scheme))}
        levels = gammas(con, scheme, records, left, right, also)
    ends = np.cumsum([0, *(len(pairs[0]) for pairs in sorts)])
    strangers, taught, alike, found = (
        _Pairs(*pairs, {name: each[ends[n] : ends[n + 1]] for name, each in levels.items()})
        for n, pairs in enumerate(sorts)
    )
    return _Lesson(scheme, records, strangers, taught, alike, found, keys)


def _drawn(everyone: Table) -> Table:
    """At most about `SAMPLE` records, evenly by a mix of their numbers (splitmix64, Steele 2014), ascending."""
    record = everyone["record"].to_numpy().astype(np.uint64)
    mixed = record * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ mixed >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ mixed >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    rows = np.flatnonzero((mixed ^ mixed >> np.uint64(31)) % math.ceil(len(record) / SAMPLE) == 0)
    drawn = everyone.take(pa.array(rows[np.argsort(record[rows])]))
    return drawn.set_column(
        drawn.column_names.index("row"), "row", pa.array(np.arange(len(rows), dtype=np.int32))
    )


def _at_random(size: int) -> Pairs:
    """Pairs of two different rows below `size`, always the same."""
    rng = np.random.default_rng(size)
    left = rng.integers(0, size, STRANGER_PAIRS)
    right = (left + rng.integers(1, size, STRANGER_PAIRS)) % size
    return left, right, np.zeros(STRANGER_PAIRS, np.int64)


def _strangers_by(scheme: Scheme) -> tuple[str, ...]:
    """The conditions of strangers, the scheme's first."""
    return tuple(
        dict.fromkeys((scheme.stranger, *(c.stranger for c in scheme.comparisons if c.stranger)))
    )


def _counted_by(scheme: Scheme) -> tuple[tuple[str, ...], ...]:
    """Columns whose agreement is counted, each with the columns that tell strangers."""
    return tuple(
        dict.fromkeys(
            (level.counted, *(comparison.stranger_columns or scheme.stranger_columns))
            for comparison in scheme.comparisons
            for level in comparison.levels
            if level.counted
        )
    )


def _hashes(records: Table, column: str, *told: str) -> Uints:
    """Equal where a column is equal, 0 where it or one of those in `told` is null."""
    known = np.logical_and.reduce([records[name].is_valid().to_numpy() for name in (column, *told)])
    codes = records[column].combine_chunks().indices.fill_null(0).to_numpy().astype(np.uint64)
    return np.where(known, (codes + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15), np.uint64(0))


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


def _learn(lesson: _Lesson) -> dict[str, Likelihoods]:
    scheme = lesson.scheme
    known = _strangers(lesson)
    # Pairs of one entity that experience stands for, so that no level ever counts for impossible.
    matches = {c.name: EXPERIENCE * np.array(known[c.name].m) for c in scheme.comparisons}
    for bit, key in enumerate(scheme.trained_on):
        free = [c for c in scheme.comparisons if c.name not in key.decides]
        patterns = _patterns(lesson.taught.only(bit), free)
        for name, counts in matches_of(patterns, free, known).items():
            matches[name] = matches[name] + counts
    return {
        name: Likelihoods(shares(counts.tolist()), known[name].u)
        for name, counts in matches.items()
    }


def _strangers(lesson: _Lesson) -> dict[str, Likelihoods]:
    """u: from pairs drawn at random, or counted where these are too few to show any."""
    known = {}
    for comparison in lesson.scheme.comparisons:
        gamma = lesson.strangers.levels[comparison.name]
        number = np.bincount(gamma[gamma >= 0], minlength=len(comparison.levels))
        u = []
        for place, level in comparison.numbered:
            if level.counted:
                u.append(max(level.u, _counted(lesson, comparison, place, level.counted)))
            else:
                u.append(number[place] / number.sum() if number[place] else level.u)
        u[-1] = max(1 - sum(u[:-1]), 0.01)
        known[comparison.name] = Likelihoods(expected(comparison).m, tuple(u))
    return known


def _counted(lesson: _Lesson, comparison: Comparison, gamma: int, column: str) -> float:
    """u of an agreement too rare for a sample: how often strangers by name and birthday agree all the same."""
    scheme = lesson.scheme
    by = (column, *(comparison.stranger_columns or scheme.stranger_columns))
    alike = lesson.alike.only(_counted_by(scheme).index(by))
    stranger = _strangers_by(scheme).index(comparison.stranger or scheme.stranger)
    found = (alike[comparison.name] == gamma) & (alike[f"stranger_{stranger}"] == 1)
    records = np.count_nonzero(_hashes(lesson.records, *by))
    return float(found.sum() / max(records * (records - 1) / 2, 1))


def _patterns(levels: Mapping[str, Levels], comparisons: list[Comparison]) -> Table:
    """How often each pattern of levels occurs: a column for each comparison, and n."""
    pattern = np.zeros(len(next(iter(levels.values()))), np.int64)
    for comparison in comparisons:
        pattern = pattern * (len(comparison.levels) + 1) + levels[comparison.name] + 1
    _, first, number = np.unique(pattern, return_index=True, return_counts=True)
    return pa.table({**{c.name: levels[c.name][first] for c in comparisons}, "n": number})


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


def _prior(lesson: _Lesson) -> float:
    return min(0.1, max(len(lesson.taught) / _RECALL, 1) / lesson.all_pairs)


def _settle(kind: Kind, model: KindModel, secret: bytes, lesson: _Lesson) -> KindModel:
    """The model with the prior at which the pairs' probabilities add up to the pairs it expects, and without the
    keys that make too many pairs, or whose own pairs are hardly ever of one entity."""
    found, records = lesson.found, lesson.records
    worth = weights(kind, model, secret, records, found.left, found.levels)
    weight = sum(worth.values(), np.zeros(len(found)))
    prior, probability = model.prior, np.zeros(len(weight))
    for _ in range(20):
        odds = np.exp2(np.minimum(weight + math.log2(prior / (1 - prior)), 500))
        probability = odds / (1 + odds)
        prior = float(np.clip(probability.sum() / lesson.all_pairs, 0.5 / lesson.all_pairs, 0.5))
    names = tuple(key.name for key in lesson.keys)
    return dataclasses.replace(
        model, prior=prior, keys=_worthwhile(found.shared, probability, names)
    )


def _worthwhile(
    masks: Ints, probability: npt.NDArray[np.float64], names: tuple[str, ...]
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
