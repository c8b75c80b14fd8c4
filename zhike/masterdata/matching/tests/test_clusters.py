"""Clusters: what no accepted path joins stays apart, what contradicts itself is cut, whatever the order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from zhike.masterdata.matching.clusters import (
    APART,
    CONTRADICTION,
    LARGE,
    MIXED,
    WEAK,
    Clusters,
    cluster,
    components,
)
from zhike.masterdata.matching.tests.people import person, table

Edge = tuple[int, int, float]


def _pairs(edges: list[Edge]) -> pa.Table:
    return pa.table(
        {
            "left": pa.array([min(a, b) for a, b, _ in edges], pa.int64()),
            "right": pa.array([max(a, b) for a, b, _ in edges], pa.int64()),
            "probability": pa.array([p for *_, p in edges], pa.float64()),
            "match_weight": pa.array([p for *_, p in edges], pa.float64()),
        }
    )


def _clusters(
    edges: list[Edge], records: int, ids: dict[int, str] | None = None, **more: Any
) -> Clusters:
    rows = [person(n, resident_id=(ids or {}).get(n)) for n in range(records)]
    return cluster(_pairs(edges), table(rows), **more)


def _groups(found: Clusters) -> set[frozenset[int]]:
    groups: dict[int, set[int]] = {}
    for row in found.members.to_pylist():
        groups.setdefault(row["cluster"], set()).add(row["record"])
    return {frozenset(group) for group in groups.values()}


def test_a_chain_is_one_cluster_named_by_its_smallest() -> None:
    found = _clusters([(1, 2, 0.999), (2, 3, 0.999)], 5)
    assert found.members["cluster"].to_pylist() == [0, 1, 1, 1, 4]
    assert found.cut.num_rows == 0


def test_pairs_below_the_threshold_join_nothing() -> None:
    assert len(_groups(_clusters([(0, 1, 0.94)], 2))) == 2


def test_a_contradiction_is_cut_at_the_weakest_pair() -> None:
    found = _clusters([(0, 1, 0.999), (1, 2, 0.96), (2, 3, 0.999)], 4, {0: "A", 3: "B"})
    assert _groups(found) == {frozenset({0, 1}), frozenset({2, 3})}
    assert found.cut.to_pylist() == [
        {"left": 1, "right": 2, "probability": 0.96, "reason": CONTRADICTION}
    ]


def test_no_chain_joins_what_somebody_keeps_apart() -> None:
    found = _clusters([(0, 1, 0.999), (1, 2, 0.98), (3, 4, 1.0)], 5, apart=[(2, 0), (3, 99)])
    assert _groups(found) == {frozenset({0, 1}), frozenset({2}), frozenset({3, 4})}
    assert found.cut.to_pylist() == [{"left": 1, "right": 2, "probability": 0.98, "reason": APART}]


def test_kinds_do_not_mix() -> None:
    rows = [person(0), person(1) | {"kind": "organisation"}]
    found = cluster(_pairs([(0, 1, 1.0)]), table(rows))
    assert found.cut["reason"].to_pylist() == [MIXED]


def test_a_large_cluster_is_held_to_its_limit() -> None:
    edges = [(n, n + 1, 0.999 - n / 10_000) for n in range(6)]
    found = _clusters(edges, 7, largest=3)
    assert max(len(group) for group in _groups(found)) == 3
    assert set(found.cut["reason"].to_pylist()) == {LARGE}


def test_two_groups_on_one_weak_pair_are_parted_and_a_triangle_is_not() -> None:
    chain = [(0, 1, 0.999), (2, 3, 0.999), (1, 2, 0.955)]
    found = _clusters(chain, 4)
    assert _groups(found) == {frozenset({0, 1}), frozenset({2, 3})}
    assert found.cut["reason"].to_pylist() == [WEAK]
    assert len(_groups(_clusters([*chain, (0, 3, 0.96)], 4))) == 1
    assert len(_groups(_clusters([(0, 1, 0.999), (1, 2, 0.955)], 3))) == 1


EDGES = st.lists(
    st.tuples(
        st.integers(0, 11), st.integers(0, 11), st.sampled_from([0.5, 0.95, 0.97, 0.995, 1.0])
    ),
    max_size=25,
).map(
    lambda edges: list({(min(a, b), max(a, b)): (a, b, p) for a, b, p in edges if a != b}.values())
)
IDS = st.dictionaries(st.integers(0, 11), st.sampled_from("ABC"), max_size=8)


@settings(max_examples=150, deadline=None)
@given(EDGES, IDS, st.randoms(use_true_random=False), st.integers(2, 12))
def test_what_always_holds(
    edges: list[Edge], ids: dict[int, str], chance: Any, largest: int
) -> None:
    found = _clusters(edges, 12, ids, largest=largest)
    shuffled = list(edges)
    chance.shuffle(shuffled)
    again = _clusters(shuffled, 12, ids, largest=largest)
    assert again.members.equals(found.members)
    assert again.cut.equals(found.cut)

    accepted = [(a, b) for a, b, p in edges if p >= 0.95]
    label = dict(zip(*(found.members[c].to_pylist() for c in ("record", "cluster")), strict=True))
    whole = components(
        12, np.array([a for a, _ in accepted], int), np.array([b for _, b in accepted], int)
    )
    for group in _groups(found):
        assert len({whole[n] for n in group}) == 1
        assert len({ids[n] for n in group if n in ids}) <= 1
        assert len(group) <= largest
    cut = {(row["left"], row["right"]) for row in found.cut.to_pylist()}
    parted = {(min(a, b), max(a, b)) for a, b in accepted if label[a] != label[b]}
    assert parted <= cut
    assert set(found.cut["reason"].to_pylist()) <= {CONTRADICTION, LARGE, WEAK}
