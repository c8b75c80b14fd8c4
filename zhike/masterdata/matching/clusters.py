"""Accepted pairs joined into clusters, and cut again where they cannot be one entity."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from zhike.masterdata.matching.engine import Table
from zhike.masterdata.matching.normalise.coding import coded

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

APART: Final = "kept apart"
CONTRADICTION: Final = "contradiction"
MIXED: Final = "mixed kinds"
LARGE: Final = "too large"
WEAK: Final = "weak link"
LARGEST: Final = 50  # records of one entity
STRONG: Final = 0.99  # a probability that holds two groups together alone


@dataclass(frozen=True)
class Clusters:
    """members: record, cluster (its smallest record), sorted by record; one row for each record given.
    cut: left, right, probability, reason of each accepted pair that was not followed, sorted: for a person to see."""

    members: Table
    cut: Table


def cluster(
    pairs: Table,
    normalised: Table,
    *,
    accept: float = 0.95,
    largest: int = LARGEST,
    strong: float = STRONG,
    apart: Collection[tuple[int, int]] = (),
) -> Clusters:
    """Connected components over the pairs of probability `accept` or more, cut at their weakest pairs until none
    holds two verified identifiers of a sort, two kinds, more than `largest` records or a pair of `apart`, and no two
    groups of two or more hang together by one pair below `strong`.

    pairs: left, right, probability, match_weight; normalised: record, kind, resident_id, credit_code of all
    records of the pairs. The result depends on neither's order.
    """
    records = np.sort(normalised["record"].to_numpy().astype(np.int64))
    table = pairs.filter(pc.greater_equal(pairs["probability"], accept))
    probability = table["probability"].to_numpy()
    weight = table["match_weight"].to_numpy()
    left, right = (_places(records, table[side].to_numpy()) for side in ("left", "right"))
    facts = _facts(normalised, _against(records, apart))

    root = components(len(records), left, right)
    torn = _torn(root, facts, largest)
    doubtful = (torn | _hanging(root, left, probability, strong))[root[left]]
    kept_left, kept_right = [left[~doubtful]], [right[~doubtful]]
    # The strongest first; equals in the order of their records.
    order = np.flatnonzero(doubtful)
    by = (right, left, -weight, -probability)
    order = order[np.lexsort([each[order] for each in by])]
    cuts: list[tuple[int, int, float, str]] = []
    for edges in _groups(root[left], order):
        within = left[edges], right[edges]
        kept = [*range(len(edges))]
        cut: list[tuple[int, str]] = []
        if torn[root[within[0][0]]]:
            kept, cut = _guarded(*within, facts, largest)
        weak = _weak_links(
            {n: (int(within[0][n]), int(within[1][n])) for n in kept},
            {n for n in kept if probability[edges[n]] < strong},
        )
        kept = [n for n in kept if n not in weak]
        cut += [(n, WEAK) for n in sorted(weak)]
        kept_left.append(left[edges[kept]])
        kept_right.append(right[edges[kept]])
        cuts += [
            (
                int(records[left[edges[n]]]),
                int(records[right[edges[n]]]),
                float(probability[edges[n]]),
                why,
            )
            for n, why in cut
        ]
    root = components(len(records), np.concatenate(kept_left), np.concatenate(kept_right))
    members = pa.table({"record": records, "cluster": records[root]})
    columns = list(zip(*sorted(cuts), strict=True)) or [(), (), (), ()]
    return Clusters(members, pa.table(columns, schema=_CUT))


_CUT: Final = pa.schema(
    [
        ("left", pa.int64()),
        ("right", pa.int64()),
        ("probability", pa.float64()),
        ("reason", pa.string()),
    ]
)


def _places(records: Ints, wanted: Ints) -> Ints:
    """Where in the ascending `records` each one wanted is; numbers without great gaps are looked up in a table."""
    if not len(records) or records[-1] - records[0] > 4 * len(records):
        return np.searchsorted(records, wanted)
    place = np.zeros(records[-1] - records[0] + 1, np.int64)
    place[records - records[0]] = np.arange(len(records))
    found: Ints = place[wanted - records[0]]
    return found


def components(size: int, left: Ints, right: Ints) -> Ints:
    """The smallest member of each one's component, shape (size,): members 0 to size - 1, edges left-right."""
    label = np.arange(size)
    while True:
        before = label.copy()
        least = np.minimum(label[left], label[right])
        np.minimum.at(label, label[left], least)
        np.minimum.at(label, label[right], least)
        label = label[label]
        if np.array_equal(label, before):
            return label


@dataclass(frozen=True)
class _Facts:
    """Codes of what must not differ within a cluster, shape (records,): -1 where unknown."""

    identifiers: tuple[Ints, ...]
    kind: Ints
    apart: Mapping[int, frozenset[int]]


def _against(records: Ints, apart: Collection[tuple[int, int]]) -> Mapping[int, frozenset[int]]:
    """Place of a record → places of those it must not be with."""
    found: dict[int, set[int]] = {}
    given = np.array(list(apart), np.int64).reshape(-1, 2)
    for one, other in np.searchsorted(records, given[np.isin(given, records).all(axis=1)]).tolist():
        found.setdefault(one, set()).add(other)
        found.setdefault(other, set()).add(one)
    return {place: frozenset(others) for place, others in found.items()}


def _facts(normalised: Table, apart: Mapping[int, frozenset[int]]) -> _Facts:
    order = np.argsort(normalised["record"].to_numpy())

    def codes(column: str) -> Ints:
        found: Ints = (
            pc.fill_null(coded(normalised[column]).indices, -1)
            .to_numpy(zero_copy_only=False)
            .astype(np.int64)
        )
        return found[order]

    return _Facts((codes("resident_id"), codes("credit_code")), codes("kind"), apart)


def _torn(root: Ints, facts: _Facts, largest: int) -> npt.NDArray[np.bool_]:
    """Which roots hold what cannot be one."""
    torn = np.bincount(root, minlength=len(root)) > largest
    for code in (*facts.identifiers, facts.kind):
        known = code >= 0
        highest = np.full(len(root), -1)
        np.maximum.at(highest, root[known], code[known])
        torn[root[known & (code != highest[root])]] = True
    for one, others in facts.apart.items():
        torn[root[one]] |= bool((root[list(others)] == root[one]).any())
    return torn


def _hanging(root: Ints, left: Ints, probability: Floats, strong: float) -> npt.NDArray[np.bool_]:
    """Which roots may hold two groups of two that hang together by a weak pair."""
    found = np.zeros(len(root), dtype=bool)
    weak = root[left[probability < strong]]
    found[weak[np.bincount(root, minlength=len(root))[weak] >= 4]] = True
    return found


def _groups(root: Ints, edges: Ints) -> Iterable[Ints]:
    ordered = edges[np.argsort(root[edges], kind="stable")]
    return np.split(ordered, np.flatnonzero(np.diff(root[ordered])) + 1) if len(ordered) else ()


def _guarded(
    left: Ints, right: Ints, facts: _Facts, largest: int
) -> tuple[list[int], list[tuple[int, str]]]:
    """Edges of one component, strongest first, followed while what they join may be one."""
    group: dict[int, _Group] = {}
    kept: list[int] = []
    cut: list[tuple[int, str]] = []
    for n, (a, b) in enumerate(zip(left.tolist(), right.tolist(), strict=True)):
        one = group.setdefault(a, _Group.of(a, facts))
        other = group.setdefault(b, _Group.of(b, facts))
        why = None if one is other else one.against(other, largest)
        if why:
            cut.append((n, why))
            continue
        kept.append(n)
        if one is not other:
            joined = one.with_(other)
            group.update(dict.fromkeys(joined.members, joined))
    return kept, cut


@dataclass(frozen=True, eq=False)
class _Group:
    members: frozenset[int]
    identifiers: tuple[frozenset[int], ...]
    kinds: frozenset[int]
    apart: frozenset[int]

    @classmethod
    def of(cls, record: int, facts: _Facts) -> _Group:
        return cls(
            frozenset({record}),
            tuple(frozenset({int(c[record])} - {-1}) for c in facts.identifiers),
            frozenset({int(facts.kind[record])}),
            facts.apart.get(record, frozenset()),
        )

    def with_(self, other: _Group) -> _Group:
        return _Group(
            self.members | other.members,
            tuple(a | b for a, b in zip(self.identifiers, other.identifiers, strict=True)),
            self.kinds | other.kinds,
            self.apart | other.apart,
        )

    def against(self, other: _Group, largest: int) -> str | None:
        """Why these two cannot be one."""
        if self.apart & other.members:
            return APART
        joined = self.with_(other)
        if any(len(codes) > 1 for codes in joined.identifiers):
            return CONTRADICTION
        if len(joined.kinds) > 1:
            return MIXED
        return LARGE if len(joined.members) > largest else None


def _weak_links(edges: Mapping[int, tuple[int, int]], weak: set[int]) -> set[int]:
    """Those of `weak` without which two groups of two or more records would fall apart (bridges)."""
    near: dict[int, list[tuple[int, int]]] = {}
    for n, (a, b) in edges.items():
        near.setdefault(a, []).append((b, n))
        near.setdefault(b, []).append((a, n))
    found = set()
    for n in weak:
        start, end = edges[n]
        reached, waiting = {start}, [start]
        while waiting and end not in reached:
            for record, edge in near[waiting.pop()]:
                if edge != n and record not in reached:
                    reached.add(record)
                    waiting.append(record)
        if end not in reached and len(reached) > 1 and len(near[end]) > 1:
            found.add(n)
    return found
