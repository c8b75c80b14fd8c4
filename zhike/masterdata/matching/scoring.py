# ruff: noqa: S608  the words put into SQL are the schemes' own
"""Pairs of records and what they are worth.

Which level a pair meets is SQL, the same CASE expressions Splink runs. Its weight is the prior's plus one for each
comparison: log2(m / u) of the level met, where a level with a term takes the term's frequency for u (Fellegi and
Sunter 1969; Winkler 2000).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from zhike.masterdata.matching.comparing import (
    EQUAL_ONLY,
    OTHERWISE,
    PRIVATE_TERMS,
    SCHEMES,
    Comparison,
    Key,
    Kind,
    Scheme,
    columns_in,
)
from zhike.masterdata.matching.engine import MEMORY, Records, Table, database, kinds_in, of_kind
from zhike.masterdata.matching.model import KindModel, Model, Terms

Ints = npt.NDArray[np.int64]
Uints = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float64]
Levels = npt.NDArray[np.int8]
Pairs = tuple[Ints, Ints, Ints]  # rows of the one, rows of the other, bits of the keys they share

# A key that more records share says little and would make pairs by the square.
LARGEST_BLOCK: Final = 200
SAME_NUMBER: Final = "same number"  # the rule: one valid identifier, names not wholly different
_ODD: Final = np.uint64(0x9E3779B97F4A7C15)


def part_sql(key: Key) -> str:
    """One string of a key's parts, or null."""
    return " || '\\x1f' || ".join(f"cast({part} as varchar)" for part in key.parts)


def gamma_sql(comparison: Comparison) -> str:
    """The number of the level a pair meets, -1 where a value is absent."""
    cases = "\n".join(
        f"else {gamma}" if level.sql == OTHERWISE else f"when {level.sql} then {gamma}"
        for gamma, level in comparison.numbered
    )
    return f"case when {comparison.absent} then -1\n{cases} end"


def key_hashes(
    con: duckdb.DuckDBPyConnection, records: Table, keys: Iterable[Key]
) -> dict[str, Uints]:
    """By name of a key: a number for each row of `records` (as `of_kind` makes them), equal where the key is equal
    and 0 where a part of it is null."""
    keys = tuple(keys)
    parts = tuple(dict.fromkeys(part for key in keys for part in key.parts))
    hashes = {part: _codes(records[part]) for part in parts if part in records.column_names}
    made = [part for part in parts if part not in hashes]
    if made:
        read = ", ".join(
            f"case when ({part}) is null then 0::ubigint else hash({part}) end as part_{n}"
            for n, part in enumerate(made)
        )
        con.register("keyed", records.select(["row", *columns_in(*made)]))
        found = con.sql(f"select row, {read} from keyed").to_arrow_table()
        con.unregister("keyed")
        place = found["row"].to_numpy()
        for n, part in enumerate(made):
            hashes[part] = np.zeros(len(place), np.uint64)
            hashes[part][place] = found[f"part_{n}"].to_numpy()
    return {key.name: _together([hashes[part] for part in key.parts]) for key in keys}


def _codes(column: Any) -> Uints:
    """A number for each row of a column as `of_kind` makes them, equal for equal values, 0 for null."""
    values = column.combine_chunks()
    codes = values.indices if pa.types.is_dictionary(values.type) else values.cast(pa.int32())
    known = codes.is_valid().to_numpy(zero_copy_only=False)
    spread = (codes.fill_null(0).to_numpy().astype(np.uint64) + np.uint64(1)) * _ODD
    return np.where(known, spread, np.uint64(0))


def _together(parts: Sequence[Uints]) -> Uints:
    known = np.logical_and.reduce([part != 0 for part in parts])
    whole = parts[0]
    for part in parts[1:]:
        whole = whole * _ODD + part
    return np.where(known, whole, np.uint64(0))


def meetings(hashes: Uints) -> tuple[Ints, Ints]:
    """The rows whose key is not 0 and not theirs alone, ordered by key, and how many share each key."""
    rows = np.flatnonzero(hashes)
    # Most keys are one record's own; counted by some of their bits, most of those need not be sorted.
    bits = max(len(rows).bit_length() + 2, 8)
    place = (hashes[rows] >> np.uint64(64 - bits)).astype(np.int64)
    rows = rows[np.bincount(place)[place] > 1]
    order = np.argsort(hashes[rows])
    rows = rows[order]
    ordered = hashes[rows]
    start = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(rows)])
    size = np.diff(np.append(start, len(rows)))
    return rows[np.repeat(size > 1, size)], size[size > 1]


def pairs_made(hashes: Uints) -> int:
    """How many pairs a key makes."""
    size = meetings(hashes)[1]
    size = size[size <= LARGEST_BLOCK]
    return int((size * (size - 1) // 2).sum())


def met(hashes: Sequence[Uints], largest: int = LARGEST_BLOCK) -> Pairs:
    """All two rows that share a key, each once, the smaller row left, with a mask of the keys they share (bit n:
    the n-th); a key of more than `largest` rows makes none."""
    found, bits = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for number, each in enumerate(hashes):
        rows, size = meetings(each)
        # How many of the same key follow each row.
        last = np.where(size > largest, 0, np.cumsum(size) - 1)
        follow = np.repeat(last, size) - np.arange(len(rows))
        here = np.flatnonzero(follow > 0)
        for apart in range(1, largest):
            if not len(here):
                break
            one, other = rows[here], rows[here + apart]
            found.append(np.minimum(one, other) << 32 | np.maximum(one, other))
            bits.append(np.full(len(here), 1 << number))
            here = here[follow[here] > apart]
    pair, mask = np.concatenate(found), np.concatenate(bits)
    order = np.argsort(pair)
    pair, mask = pair[order], mask[order]
    first = np.flatnonzero(np.concatenate([[True], pair[1:] != pair[:-1]])[: len(pair)])
    pair = pair[first]
    mask = np.bitwise_or.reduceat(mask, first) if len(first) else mask
    return pair >> 32, pair & 0xFFFFFFFF, mask


def gammas(
    con: duckdb.DuckDBPyConnection,
    scheme: Scheme,
    records: Table,
    left: Ints,
    right: Ints,
    also: Mapping[str, str] = {},
) -> dict[str, Levels]:
    """By name of a comparison the level that each pair of rows of `records` meets, -1 where a value is absent.
    `also`: further conditions by name, 1 where a pair meets them."""
    read = {c.name: gamma_sql(c) for c in scheme.comparisons}
    read |= {name: f"coalesce({sql}, false)" for name, sql in also.items()}
    sides: dict[str, Any] = {"pair": pa.array(np.arange(len(left), dtype=np.int32))}
    names = columns_in(*read.values())
    for side, rows in (("l", left), ("r", right)):
        taken = pa.array(rows)
        for name in names:
            column = records[name].combine_chunks()
            plain = name in EQUAL_ONLY and pa.types.is_dictionary(column.type)
            sides[f"{name}_{side}"] = (column.indices if plain else column).take(taken)
    con.register("sides", pa.table(sides))
    levels = ", ".join(f"cast({sql} as tinyint) as {name}" for name, sql in read.items())
    found = con.sql(f"select pair, {levels} from sides").to_arrow_table()
    con.unregister("sides")
    pair = found["pair"].to_numpy()
    levels_met = {}
    for name in read:
        levels_met[name] = np.empty(len(pair), np.int8)
        levels_met[name][pair] = found[name].to_numpy()
    return levels_met


def weights(
    kind: Kind,
    model: KindModel,
    secret: bytes,
    records: Table,
    left: Ints,
    levels: Mapping[str, Levels],
) -> dict[str, Floats]:
    """By name of a comparison the log2 weight of the level each pair met; `left`: the pairs' left rows."""
    found = {}
    for comparison in SCHEMES[kind].comparisons:
        known, gamma = model.likelihoods[comparison.name], levels[comparison.name]
        place = {gamma: place for place, (gamma, _) in enumerate(comparison.numbered)}
        bits = np.array([0.0, *(known.weight(place[gamma]) for gamma in sorted(place))])
        found[comparison.name] = weight = bits[gamma + 1]  # a copy
        for number, level in comparison.numbered:
            if level.term:
                same = np.flatnonzero(gamma == number)
                share = _shares(model.terms[level.term], level.term, secret, records, left[same])
                u = known.u[place[number]] if level.counted else 0.0
                weight[same] = math.log2(known.m[place[number]]) - np.log2(np.maximum(share, u))
    return found


def _shares(terms: Terms, term: str, secret: bytes, records: Table, rows: Ints) -> Floats:
    """How frequent the term of each of these rows is; each distinct value is looked up once."""
    column = records[term].combine_chunks()
    codes = column.indices.take(pa.array(rows)).to_numpy()
    share: Floats = np.full(len(column.dictionary), terms.rare)
    if terms.share:
        there = np.flatnonzero(np.bincount(codes, minlength=len(share)))
        values = column.dictionary.take(pa.array(there))
        place = pc.index_in(term_values(term, values, secret), terms.table["value"])
        known = place.is_valid().to_numpy(zero_copy_only=False)
        share[there[known]] = terms.table["share"].to_numpy()[place.drop_null().to_numpy()]
    found: Floats = share[codes]
    return found


def term_values(term: str, values: Any, secret: bytes) -> Any:
    """Terms as a model names them: themselves, or their keyed digests where they are a person's own."""
    if term not in PRIVATE_TERMS:
        return values
    key = secret.hex().encode()
    clear = values.cast(pa.binary()).to_pylist()
    digests = (sha256(key + value, usedforsecurity=False) for value in clear)  # half the time
    return pa.array([digest.hexdigest() for digest in digests], pa.string())


@dataclass(frozen=True)
class Bands:
    """Which probabilities are taken (from `accept` on) and which a person looks at (from `review` on)."""

    accept: float = 0.95
    review: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.review <= self.accept <= 1:
            raise ValueError(
                f"Bands go up from 0 to 1, not review {self.review}, accept {self.accept}."
            )


def predict(
    model: Model, normalised: Records, *, least: float = 0.5, memory: str = MEMORY
) -> Table:
    """Score all pairs that share a key.

    normalised: as `normalise.records` makes it. Returns a table of the pairs of probability `least` or more:
    left, right (records, left < right), kind, probability, match_weight, rule (null, or the rule that made them
    one), and gamma_x (level met, -1 unknown) and weight_x (log2, adding up to match_weight with the prior) of each
    comparison; null where the kind has no such comparison. No order is promised.
    """
    return scored(model, normalised, least=least, memory=memory)


def scored(
    model: Model, normalised: Records, *, fresh: Table | None = None, least: float, memory: str
) -> Table:
    """`predict`, with `fresh` (a column `record`) of those pairs alone of which a record is in it."""
    tables = [_SCORED.empty_table()]
    with database(memory) as con:
        for kind in kinds_in(normalised):
            records = of_kind(normalised, kind)
            keys = (key for key in SCHEMES[kind].keys if key.name in model.kinds[kind].keys)
            left, right, _ = met([*key_hashes(con, records, keys).values()])
            if fresh is not None:
                new = np.isin(records["record"].to_numpy(), fresh["record"].to_numpy())
                left, right = (side[new[left] | new[right]] for side in (left, right))
            levels = gammas(con, SCHEMES[kind], records, left, right)
            tables.append(_scored(kind, model, records, left, right, levels, least))
    return pa.concat_tables(tables, promote_options="default")


def _scored(
    kind: Kind,
    model: Model,
    records: Table,
    left: Ints,
    right: Ints,
    levels: Mapping[str, Levels],
    least: float,
) -> Table:
    known = model.kinds[kind]
    worth = weights(kind, known, model.secret, records, left, levels)
    weight = known.prior_weight + sum(worth.values(), np.zeros(len(left)))
    identifier = records[SCHEMES[kind].identifier].combine_chunks().indices.fill_null(-1).to_numpy()
    by_rule = (
        (identifier[left] == identifier[right]) & (identifier[left] >= 0) & (levels["name"] != 0)
    )
    odds = known.offset + known.slope * weight
    probability = np.where(by_rule, 1.0, 1 / (1 + np.exp(-np.maximum(odds, -700))))
    kept = np.flatnonzero(probability >= least)
    record = records["record"].to_numpy()
    one, other = record[left[kept]], record[right[kept]]
    rule = pa.array(np.where(by_rule[kept], 0, -1), mask=~by_rule[kept])
    return pa.table(
        {
            "left": np.minimum(one, other),
            "right": np.maximum(one, other),
            "kind": pa.array([kind]).take(pa.array(np.zeros(len(kept), np.int8))),
            "probability": probability[kept],
            "match_weight": weight[kept],
            "rule": pa.array([SAME_NUMBER]).take(rule),
            **{f"gamma_{name}": levels[name][kept] for name in worth},
            **{f"weight_{name}": worth[name][kept] for name in worth},
        }
    )


_NAMES = tuple(dict.fromkeys(c.name for scheme in SCHEMES.values() for c in scheme.comparisons))
_SCORED: Final = pa.schema(
    [("left", pa.int64()), ("right", pa.int64()), ("kind", pa.string()), ("probability", pa.float64()),
     ("match_weight", pa.float64()), ("rule", pa.string())]
    + [(f"gamma_{name}", pa.int8()) for name in _NAMES]
    + [(f"weight_{name}", pa.float64()) for name in _NAMES]
)  # fmt: skip
