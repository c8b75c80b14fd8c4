# ruff: noqa: S608  the words put into SQL are the schemes' own
"""Scores as SQL, written once from a model: the same CASE expressions Splink runs, without its planning.

The weight of a pair is the prior's plus one for each comparison: log2(m / u) of the level met, where a level with a
term takes the term's frequency for u (Fellegi and Sunter 1969; Winkler 2000).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from zhike.masterdata.matching.comparing import (
    COLUMNS,
    MADE,
    OTHERWISE,
    PRIVATE_TERMS,
    SCHEMES,
    Comparison,
    Key,
    Kind,
    Level,
)
from zhike.masterdata.matching.engine import MEMORY, Table, database, kinds_in, plain
from zhike.masterdata.matching.model import KindModel, Model

Ints = npt.NDArray[np.int64]
Uints = npt.NDArray[np.uint64]
Bytes = npt.NDArray[np.uint8]

# A key that more records share says little and would make pairs by the square.
LARGEST_BLOCK: Final = 200
SAME_NUMBER: Final = "same number"  # the rule: one valid identifier, names not wholly different


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


def term_column(level: Level) -> str | None:
    """The column that holds the frequency of a level's term."""
    return level.term and f"tf_{level.term}"


def weight_sql(comparison: Comparison, model: KindModel) -> str:
    """The weight of the level met, from gamma and the terms' frequencies."""
    known = model.likelihoods[comparison.name]
    cases = []
    for place, (gamma, level) in enumerate(comparison.numbered):
        term = term_column(level)
        least = f", {known.u[place]!r}" if level.counted else ""
        weight = (
            f"{math.log2(known.m[place])!r}::double - log2(greatest({term}_l, {term}_r{least}))"
            if term
            else f"{known.weight(place)!r}::double"
        )
        cases.append(f"when {gamma} then {weight}")
    return f"case gamma_{comparison.name} when -1 then 0::double {' '.join(cases)} end"


def score_sql(kind: Kind, model: KindModel, pairs: str, least: float | None) -> str:
    """Select the scored pairs of the table `pairs` (left_record, right_record) over `records`."""
    scheme = SCHEMES[kind]
    columns = [*COLUMNS, *MADE, *(f"tf_{term}" for term in scheme.terms)]
    sides = ", ".join(f"{side}.{c} as {c}_{side}" for side in "lr" for c in columns)
    gammas = ", ".join(f"{gamma_sql(c)} as gamma_{c.name}" for c in scheme.comparisons)
    kept = ", ".join(f"tf_{term}_{side}" for term in scheme.terms for side in "lr")
    identity = f"{scheme.identifier}_l = {scheme.identifier}_r"
    weights = ", ".join(f"{weight_sql(c, model)} as weight_{c.name}" for c in scheme.comparisons)
    total = " + ".join(f"weight_{c.name}" for c in scheme.comparisons)
    names = [c.name for c in scheme.comparisons]
    shown = ", ".join(
        [f"gamma_{n}::tinyint as gamma_{n}" for n in names] + [f"weight_{n}" for n in names]
    )
    by_rule = "(same_identifier and gamma_name <> 0)"
    probability = (
        f"1 / (1 + exp(-({model.offset!r}::double + {model.slope!r}::double * match_weight)))"
    )
    limit = "" if least is None else f"where probability >= {least!r}"
    return f"""
    with sides as (
        select {sides} from {pairs} p
        join records l on l.record = p.left_record join records r on r.record = p.right_record
    ), gammas as (
        select record_l, record_r, coalesce({identity}, false) as same_identifier, {kept}, {gammas} from sides
    ), weights as (
        select *, {weights} from gammas
    ), totals as (
        select *, {model.prior_weight!r}::double + {total} as match_weight from weights
    ), scored as (
        select *, case when {by_rule} then 1::double else {probability} end as probability from totals
    )
    select record_l as "left", record_r as "right", '{kind}' as kind, probability, match_weight,
        case when {by_rule} then '{SAME_NUMBER}' end as rule, {shown}
    from scored {limit}
    """


def attach_terms(
    con: duckdb.DuckDBPyConnection, kind: Kind, model: Model, loaded: str = "loaded"
) -> None:
    """Make the table `records` of the relation `loaded` and the frequency of each term."""
    joins, columns = [], []
    for number, term in enumerate(SCHEMES[kind].terms):
        known = model.kinds[kind].terms[term]
        con.register(f"term_{number}", known.table)
        value = term_value(term)
        joins.append(f"left join term_{number} t{number} on t{number}.value = {value}")
        columns.append(
            f"case when r.{term} is not null then coalesce(t{number}.share, {known.rare!r}) end as tf_{term}"
        )
    con.execute("set variable secret = ?", [model.secret.hex()])
    con.execute(
        f"create or replace table records as select r.*, {', '.join(columns)} from {loaded} r {' '.join(joins)}"
    )


def term_value(term: str) -> str:
    """A term as a model names it: itself, or its keyed digest where it is a person's own."""
    return f"sha256(getvariable('secret') || r.{term})" if term in PRIVATE_TERMS else f"r.{term}"


def pairs_of(con: duckdb.DuckDBPyConnection, table: str, key: Key) -> int:
    """How many pairs of records of `table` share a key."""
    known = " and ".join(f"({part}) is not null" for part in key.parts)
    found = con.execute(
        f"""select coalesce(sum(n * (n - 1) // 2), 0) from (
            select count(*) as n from {table} where {known} group by hash({", ".join(key.parts)})
        ) where n <= {LARGEST_BLOCK}"""
    ).fetchall()
    return int(found[0][0])


def pairs_by_key(
    con: duckdb.DuckDBPyConnection, table: str, keys: tuple[Key, ...], fresh: str | None = None
) -> None:
    """Make the table `pairs` of all two records of `table` that share a key, each once, left below right, with a
    mask of the keys they share (bit n: keys[n]); with `fresh` (a table of records) only those of which one is in it.
    """
    of_key = (
        f"select {n}::utinyint as number, hash({n}, {', '.join(key.parts)}) as key, rowid as row from {table} "
        f"where {' and '.join(f'({part}) is not null' for part in key.parts)}"
        for n, key in enumerate(keys)
    )
    keyed = con.sql(" union all ".join([_NO_KEYS, *of_key])).to_arrow_table()
    record = (
        con.sql(f"select record from {table} order by rowid").to_arrow_table()["record"].to_numpy()
    )
    left, right, mask = _met(*(keyed[c].to_numpy() for c in ("key", "row", "number")))
    if fresh:
        new = np.isin(record, con.sql(f"from {fresh}").to_arrow_table()["record"].to_numpy())
        some = new[left] | new[right]
        left, right, mask = left[some], right[some], mask[some]
    left, right = record[left], record[right]
    met = pa.table({"l": np.minimum(left, right), "r": np.maximum(left, right), "mask": mask})
    con.register("met", met)
    con.execute(
        "create or replace table pairs as select l as left_record, r as right_record, mask from met"
    )
    con.unregister("met")


_NO_KEYS: Final = "select 0::utinyint as number, 0::ubigint as key, 0::bigint as row where false"


def _met(key: Uints, row: Ints, number: Bytes) -> tuple[Ints, Ints, Ints]:
    """Pairs of rows of the same key, each once, and the bits of the key numbers they share."""
    order = np.argsort(key)
    key, row, bit = key[order], row[order], np.left_shift(1, number[order].astype(np.int64))
    start = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]])[: len(key)])
    size = np.diff(np.append(start, len(key)))
    # How many of the same key follow each row; those of a key that too many share are left alone.
    last = np.where(size > LARGEST_BLOCK, 0, start + size - 1)
    follow = np.repeat(last, size) - np.arange(len(key))
    found, bits = [], []
    here = np.flatnonzero(follow > 0)
    for apart in range(1, LARGEST_BLOCK):
        if not len(here):
            break
        one, other = row[here], row[here + apart]
        found.append(np.minimum(one, other) << 32 | np.maximum(one, other))
        bits.append(bit[here])
        here = here[follow[here] > apart]
    if not found:
        return (np.zeros(0, dtype=np.int64),) * 3
    pair, mask = np.concatenate(found), np.concatenate(bits)
    order = np.argsort(pair)
    pair, mask = pair[order], mask[order]
    first = np.flatnonzero(np.concatenate([[True], pair[1:] != pair[:-1]]))
    pair = pair[first]
    return pair >> 32, pair & 0xFFFFFFFF, np.bitwise_or.reduceat(mask, first)


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


def predict(model: Model, normalised: Table, *, least: float = 0.5, memory: str = MEMORY) -> Table:
    """Score all pairs that share a key.

    normalised: as `normalise.records` makes it. Returns a table of the pairs of probability `least` or more:
    left, right (records, left < right), kind, probability, match_weight, rule (null, or the rule that made them
    one), and gamma_x (level met, -1 unknown) and weight_x (log2, adding up to match_weight with the prior) of each
    comparison; null where the kind has no such comparison. No order is promised.
    """
    return scored(model, normalised, least=least, memory=memory)


def scored(
    model: Model, normalised: Table, *, fresh: Table | None = None, least: float, memory: str
) -> Table:
    """`predict`, with `fresh` (a column `record`) of those pairs alone of which a record is in it."""
    tables = []
    for kind in kinds_in(normalised):
        with database(memory) as con:
            plain(con, "loaded", normalised, kind)
            if fresh is not None:
                con.register("arrived", fresh)
                con.execute("create table fresh as select record from arrived")
            attach_terms(con, kind, model)
            keys = tuple(k for k in SCHEMES[kind].keys if k.name in model.kinds[kind].keys)
            pairs_by_key(con, "records", keys, fresh=None if fresh is None else "fresh")
            sql = score_sql(kind, model.kinds[kind], "pairs", least)
            tables.append(con.sql(sql).to_arrow_table())
    return pa.concat_tables([_SCORED.empty_table(), *tables], promote_options="default")


_NAMES = tuple(dict.fromkeys(c.name for scheme in SCHEMES.values() for c in scheme.comparisons))
_SCORED: Final = pa.schema(
    [("left", pa.int64()), ("right", pa.int64()), ("kind", pa.string()), ("probability", pa.float64()),
     ("match_weight", pa.float64()), ("rule", pa.string())]
    + [(f"gamma_{name}", pa.int8()) for name in _NAMES]
    + [(f"weight_{name}", pa.float64()) for name in _NAMES]
)  # fmt: skip
