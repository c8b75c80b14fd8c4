"""Source records resolved into customers: compared, joined where they are one, parted where that no longer holds.

The whole is one transaction: killed at any moment and started again it ends as undisturbed.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from django.db import connection, transaction
from django.utils.translation import gettext as _

from zhike.customers import rules
from zhike.customers.models import Merge, Party
from zhike.customers.services import merge_many, split_party
from zhike.kernel import audit, clock
from zhike.kernel.actor import Actor, system
from zhike.kernel.errors import UserError
from zhike.masterdata.matching import normalise
from zhike.masterdata.matching.clusters import Clusters, cluster
from zhike.masterdata.matching.engine import apart
from zhike.masterdata.matching.incremental import score
from zhike.masterdata.matching.judging import judged
from zhike.masterdata.matching.model import VERSION, Model
from zhike.masterdata.matching.scoring import Bands, predict
from zhike.masterdata.matching.training import train
from zhike.masterdata.models import MatchModel, MatchRun, Pair, SourceRecord
from zhike.masterdata.services import records
from zhike.masterdata.services.pairs import PLACE, judgements, keep_pairs, refused
from zhike.masterdata.services.surviving import survive

Progress = Callable[[str], None]
BANDS = Bands()
MATCHER = system("matching")
LOCK = int.from_bytes(hashlib.sha256(b"zhike matching").digest()[:8], signed=True)
NORMALISER = f"{normalise.VERSION}.{VERSION}"  # forms, and what a model holds


@dataclass(frozen=True)
class MatchReport:
    """`joined` records share their customer with another; `compared` ones were new or changed, for which customers
    were `merged` and `split`; `pairs_for_review` wait for a person."""

    records: int
    customers: int
    joined: int
    compared: int
    merged: int
    split: int
    pairs_for_review: int


def match(*, actor: Actor, whole: bool = False, progress: Progress | None = None) -> MatchReport:
    """Resolve what is new since the last run, or everything anew with a model trained anew (`whole`).

    Judgements of people and merges by hand stand. Raises UserError while another run is under way.
    """
    actor.must("masterdata.load")
    tell = progress or (lambda phase: None)
    with _alone():
        newest = MatchModel.objects.order_by("-pk").first()
        if not SourceRecord.objects.filter(
            **({} if whole or newest is None else {"keys": None})
        ).exists():
            return _report(0, 0, 0)
        whole = whole or newest is None or newest.normaliser != NORMALISER
        run = MatchRun.objects.create(
            whole=whole,
            model=newest,
            started_at=clock.now(),
            actor_name="" if actor.user_id is None else actor.name[:80],
        )
        try:
            with transaction.atomic():
                report = _everything(run, tell) if whole else _what_is_new(run, tell)
                _end(run, MatchRun.State.DONE, counts=asdict(report))
                audit.record(
                    actor,
                    "masterdata.match",
                    run,
                    reason=f"{report.compared} compared, {report.merged} merged, {report.split} split",
                )
        except Exception as error:
            _end(run, MatchRun.State.FAILED, error=str(error)[:500])
            raise
    return report


def _end(run: MatchRun, state: MatchRun.State, **told: Any) -> None:
    ended = clock.now()
    MatchRun.objects.filter(pk=run.pk).update(
        state=state,
        ended_at=ended,
        seconds=(ended - run.started_at).total_seconds(),
        model=run.model,
        **told,
    )


@contextmanager
def _alone() -> Iterator[None]:
    """One run at a time; a lock that a killed process lets go of by itself."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            raise UserError(
                _("Records are being compared already."), _("Wait until that run has ended.")
            )
    try:
        MatchRun.objects.filter(state=MatchRun.State.RUNNING).update(
            state=MatchRun.State.FAILED, ended_at=clock.now(), error="ended before its time"
        )
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def _everything(run: MatchRun, tell: Progress) -> MatchReport:
    tell(_("Reading records"))
    table = records.normalised()
    parted = apart(table)
    tell(_("Training"))
    model = _taught(train(parted, secret=records.secret(), normaliser=NORMALISER), table)
    run.model = MatchModel.objects.create(
        normaliser=NORMALISER,
        records=table.num_rows,
        trained_at=clock.now(),
        text=model.as_json(),
    )
    records.keep_keys(parted, model)
    tell(_("Comparing"))
    pairs = predict(model, parted, least=BANDS.review)
    return _settle(run, table, pairs, model, compared=table.num_rows, tell=tell)


def _taught(model: Model, table: pa.Table) -> Model:
    """The model with its probabilities fitted to what people judged, where they judged."""
    verdicts = judgements()
    told = pa.array(sorted({id for key in verdicts for id in key}), pa.int64())
    among = table.filter(pc.is_in(table["record"], told))
    pairs = score(model, among, among.slice(0, 0), least=0.0).to_pylist()
    rows = [
        {"kind": row["kind"], "match_weight": row["match_weight"], "same": verdicts[key]}
        for row in pairs
        if (key := (row["left"], row["right"])) in verdicts
    ]
    return judged(model, pa.Table.from_pylist(rows, schema=_LABELS)) if rows else model


def _what_is_new(run: MatchRun, tell: Progress) -> MatchReport:
    """The new records, what shares a key with them, and what is part of the same customers as that."""
    tell(_("Reading records"))
    new = list(SourceRecord.objects.filter(keys=None).values_list("pk", flat=True))
    assert run.model is not None  # without one, everything is compared
    model = Model.from_json(run.model.text, records.secret())
    arrived = records.normalised(new)
    records.keep_keys(arrived, model)
    tell(_("Comparing"))
    near = records.sharing_a_key(new)
    known = records.normalised(near)
    met = score(model, arrived, known, least=BANDS.review)
    touched = {*new, *met["left"].to_pylist(), *met["right"].to_pylist()}
    family = set(_family(touched))
    everyone = pa.concat_tables([arrived, known, records.normalised(family - set(new) - set(near))])
    among = everyone.filter(pc.is_in(everyone["record"], pa.array(sorted(family), pa.int64())))
    pairs = score(model, among, among.slice(0, 0), least=BANDS.review)
    return _settle(run, among, pairs, model, compared=len(new), tell=tell)


def _family(ids: Collection[int]) -> list[int]:
    """All records of the customers that these are part of."""
    parties = SourceRecord.objects.filter(pk__in=ids).values("party")
    return list(SourceRecord.objects.filter(party__in=parties).values_list("pk", flat=True))


def _settle(
    run: MatchRun, table: pa.Table, pairs: pa.Table, model: Model, *, compared: int, tell: Progress
) -> MatchReport:
    """Clusters of the records of `table` into customers, and what is left for people to judge."""
    tell(_("Joining"))
    forest = _Forest(table["record"].to_pylist())
    apart = refused()
    found = cluster(
        pa.concat_tables([_without(pairs, apart), forest.certain()], promote_options="default"),
        table,
        accept=BANDS.accept,
        apart=forest.doubtful(apart),
    )
    split = forest.part(found, _reason(run))
    merged = forest.join(found, _reason(run))
    keep_pairs(pairs, found, model, joined=merged, bands=BANDS)
    survive({*split, *(merge.root_id for merge in merged)})
    return _report(compared, len(merged), len(split))


def _reason(run: MatchRun) -> str:
    return f"matching run {run.pk}"


def _report(compared: int, merged: int, split: int) -> MatchReport:
    all_records = SourceRecord.objects.count()
    customers = SourceRecord.objects.order_by().values("party").distinct().count()
    return MatchReport(
        records=all_records,
        customers=customers,
        joined=all_records - customers,
        compared=compared,
        merged=merged,
        split=split,
        pairs_for_review=Pair.objects.filter(state=Pair.State.OPEN).count(),
    )


def _without(pairs: pa.Table, apart: Collection[tuple[int, int]]) -> pa.Table:
    """The pairs but for those somebody judged to be different."""
    if not apart:
        return pairs
    keys = zip(pairs["left"].to_pylist(), pairs["right"].to_pylist(), strict=True)
    return pairs.filter(pa.array([key not in apart for key in keys], pa.bool_()))


class _Forest:
    """Where records stand, and which of that is certain: all but merges by likeness, which a run may undo."""

    def __init__(self, ids: Sequence[int]) -> None:
        self.root = dict(SourceRecord.objects.filter(pk__in=ids).values_list("pk", "party_id"))
        self.merges = {
            merge.absorbed: merge
            for merge in Merge.objects.filter(
                root__in=set(self.root.values()), undone_at__isnull=True
            )
        }
        home = dict(self.root)
        for merge in self.merges.values():
            home.update(
                dict.fromkeys(set(merge.moved.get(PLACE, ())) & home.keys(), merge.absorbed)
            )
        self.unit = {record: self._unit(party) for record, party in home.items()}

    def _unit(self, party: int) -> int:
        """The party a record belongs to beyond doubt."""
        while (merge := self.merges.get(party)) and merge.how != Merge.How.LIKENESS:
            party = merge.into
        return party

    def doubtful(self, apart: Collection[tuple[int, int]]) -> list[tuple[int, int]]:
        """Those of the pairs that nobody made one beyond doubt since."""
        unit = self.unit
        return [
            (one, other)
            for one, other in apart
            if one in unit and other in unit and unit[one] != unit[other]
        ]

    def certain(self) -> pa.Table:
        """Pairs that hold the records of one unit together."""
        first: dict[int, int] = {}
        pairs = []
        for record in sorted(self.unit):
            leader = first.setdefault(self.unit[record], record)
            if leader != record:
                pairs.append(
                    {"left": leader, "right": record, "probability": 1.0, "match_weight": 99.0}
                )
        return pa.Table.from_pylist(pairs, schema=_EDGES)

    def part(self, found: Clusters, reason: str) -> set[int]:
        """Undo merges by likeness whose sides are no longer one; answers the parties that changed."""
        of_unit = self._clusters(found)
        changed: set[int] = set()
        for merge in self.merges.values():
            if merge.how != Merge.How.LIKENESS:
                continue
            mine, theirs = of_unit.get(merge.absorbed), of_unit.get(self._unit(merge.into))
            if mine is not None and theirs is not None and mine != theirs:
                merge.refresh_from_db()
                changed.add(merge.root_id)
                changed.add(split_party(actor=MATCHER, merge=merge, reason=reason).pk)
        return changed

    def join(self, found: Clusters, reason: str) -> list[Merge]:
        """Merge the customers whose records are one cluster."""
        now = dict(SourceRecord.objects.filter(pk__in=self.root).values_list("pk", "party_id"))
        parties: dict[int, set[int]] = defaultdict(set)
        for record, label in _labels(found):
            parties[label].add(now[record])
        several = [members for members in parties.values() if len(members) > 1]
        facts = Party.objects.in_bulk({party for members in several for party in members})
        pairs = []
        for members in several:
            root = min(members, key=lambda id: _precedence(facts[id]))
            pairs += [(id, root) for id in sorted(members) if id != root]
        return merge_many(actor=MATCHER, pairs=pairs, how=Merge.How.LIKENESS, reason=reason)

    def _clusters(self, found: Clusters) -> dict[int, int]:
        return {self.unit[record]: label for record, label in _labels(found)}


def _precedence(party: Party) -> tuple[int, date, int]:
    return rules.precedence(party.stage, party.since_on, party.pk)


_LABELS = pa.schema([("kind", pa.string()), ("match_weight", pa.float64()), ("same", pa.bool_())])
_EDGES = pa.schema(
    [
        ("left", pa.int64()),
        ("right", pa.int64()),
        ("probability", pa.float64()),
        ("match_weight", pa.float64()),
    ]
)


def _labels(found: Clusters) -> Iterable[tuple[int, int]]:
    members = found.members
    return zip(members["record"].to_pylist(), members["cluster"].to_pylist(), strict=True)
