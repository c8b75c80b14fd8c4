"""What a matching run leaves for people to judge, and what it joined by likeness, with the reasons."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from django.db.models import F, Q, QuerySet

from zhike.customers.models import Merge
from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.masterdata.matching import clusters
from zhike.masterdata.matching.model import Model
from zhike.masterdata.matching.scoring import Bands
from zhike.masterdata.models import Pair, SourceRecord

Key = tuple[int, int]
PLACE = "masterdata_sourcerecord.party_id"
WHY = {
    clusters.APART: Pair.Why.APART,
    clusters.CONTRADICTION: Pair.Why.CONTRADICTION,
    clusters.MIXED: Pair.Why.MIXED,
    clusters.LARGE: Pair.Why.LARGE,
    clusters.WEAK: Pair.Why.WEAK,
}
JUDGED = (Pair.State.SAME, Pair.State.DIFFERENT, Pair.State.UNSURE)


def refused() -> set[Key]:
    """Pairs that no likeness joins: somebody judged them to be different, or is asked about a document both claim."""
    asked = Q(why=Pair.Why.DOCUMENT, state__in=(Pair.State.OPEN, Pair.State.UNSURE))
    apart = Pair.objects.filter(Q(state=Pair.State.DIFFERENT) | asked)
    return set(apart.values_list("left_id", "right_id"))


def judgements() -> dict[Key, bool]:
    """Pair → whether somebody judged it to be the same."""
    found = Pair.objects.filter(state__in=(Pair.State.SAME, Pair.State.DIFFERENT))
    return {
        (left, right): state == Pair.State.SAME
        for left, right, state in found.values_list("left_id", "right_id", "state")
    }


def keep_apart(
    actor: Actor, some: Collection[SourceRecord], others: Collection[SourceRecord], note: str
) -> None:
    """Judge every pair of one of `some` and one of `others` to be different."""
    keys = {(min(one.pk, other.pk), max(one.pk, other.pk)) for one in some for other in others}
    judged: dict[str, Any] = {
        "state": Pair.State.DIFFERENT,
        "decided_at": clock.now(),
        "decided_by": actor.name,
        "note": note,
        "merge": None,
    }
    between(some, others).update(**judged)
    Pair.objects.bulk_create(
        [
            Pair(
                left_id=left,
                right_id=right,
                why=Pair.Why.HAND,
                probability=0.0,
                found_at=clock.now(),
                **judged,
            )
            for left, right in sorted(keys)
        ],
        ignore_conflicts=True,
    )


def no_longer_apart(
    actor: Actor, merge: Merge, some: Collection[SourceRecord], others: Collection[SourceRecord]
) -> None:
    """Somebody made one what was kept apart: these pairs are the same, by this merge."""
    between(some, others).filter(state=Pair.State.DIFFERENT).update(
        state=Pair.State.SAME, decided_at=clock.now(), decided_by=actor.name, merge=merge
    )


def between(some: Any, others: Any) -> QuerySet[Pair]:
    """Pairs of one record of `some` and one of `others`, each rows or a query for their keys."""
    return Pair.objects.filter(
        Q(left__in=some, right__in=others) | Q(left__in=others, right__in=some)
    )


def keep_pairs(
    pairs: pa.Table,
    found: clusters.Clusters,
    model: Model,
    *,
    joined: Sequence[Merge],
    bands: Bands,
) -> None:
    """Put down the pairs to judge among the records of `found`, and for each new merge what joined it.

    What was judged stands; open pairs that no longer hold go.
    """
    cut = {(row["left"], row["right"]): WHY[row["reason"]] for row in found.cut.to_pylist()}
    members = found.members
    cluster_of = dict(
        zip(members["record"].to_pylist(), members["cluster"].to_pylist(), strict=True)
    )
    records = list(cluster_of)
    among = Pair.objects.filter(left__in=records, right__in=records)
    judged = set(among.filter(state__in=JUDGED).values_list("left_id", "right_id"))
    among.filter(state=Pair.State.OPEN).exclude(why=Pair.Why.DOCUMENT).delete()
    among.filter(state=Pair.State.JOINED).exclude(left__party=F("right__party")).delete()

    doubtful = pairs.filter(
        pc.or_(pc.less(pairs["probability"], bands.accept), _listed(pairs, cut))
    )
    kept = [
        _pair(row, model, cut.get(key, Pair.Why.BAND), Pair.State.OPEN)
        for row in doubtful.to_pylist()
        if (key := (row["left"], row["right"])) not in judged
        and cluster_of[key[0]] != cluster_of[key[1]]
    ]
    links = _links(pairs, joined, bands)
    kept += [
        _pair(row, model, Pair.Why.BAND, Pair.State.JOINED)
        for key, row in links.items()
        if key not in judged
    ]
    Pair.objects.bulk_create(kept, ignore_conflicts=True, batch_size=2_000)


def _links(pairs: pa.Table, joined: Sequence[Merge], bands: Bands) -> dict[Key, Mapping[str, Any]]:
    """The strongest pair between the two sides of each merge."""
    side = {record: merge.absorbed for merge in joined for record in merge.moved.get(PLACE, ())}
    accepted = pairs.filter(pc.greater_equal(pairs["probability"], bands.accept))
    best: dict[int, Mapping[str, Any]] = {}
    for row in accepted.filter(_touching(accepted, side)).to_pylist():
        one, other = side.get(row["left"]), side.get(row["right"])
        if one == other:
            continue
        for absorbed in (one, other):
            if absorbed is not None and (
                absorbed not in best or row["match_weight"] > best[absorbed]["match_weight"]
            ):
                best[absorbed] = row
    return {(row["left"], row["right"]): row for row in best.values()}


def _touching(pairs: pa.Table, ids: Collection[int]) -> pa.Array:
    listed = pa.array(sorted(ids), pa.int64())
    return pc.or_(pc.is_in(pairs["left"], listed), pc.is_in(pairs["right"], listed))


def _listed(pairs: pa.Table, keys: Collection[Key]) -> pa.Array:
    among = zip(pairs["left"].to_pylist(), pairs["right"].to_pylist(), strict=True)
    return pa.array([key in keys for key in among], pa.bool_())


def _pair(row: Mapping[str, Any], model: Model, why: Pair.Why, state: Pair.State) -> Pair:
    return Pair(
        left_id=row["left"],
        right_id=row["right"],
        state=state,
        why=why,
        probability=row["probability"],
        match_weight=row["match_weight"],
        prior=model.kinds[row["kind"]].prior_weight,
        weights=_weights(row),
        found_at=clock.now(),
    )


def _weights(row: Mapping[str, Any]) -> dict[str, list[float]]:
    """Comparison → [level met, weight]; what is unknown on a side says nothing and is left out."""
    names = (name.removeprefix("gamma_") for name in row if name.startswith("gamma_"))
    return {
        name: [row[f"gamma_{name}"], round(row[f"weight_{name}"], 3)]
        for name in names
        if row[f"gamma_{name}"] is not None and row[f"gamma_{name}"] >= 0
    }
