"""Refreshing what is known about every customer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date

from django.db import connection
from django.db.models.functions import Now

from zhike.customers.models import Tier
from zhike.customers.queries.merges import last_taken
from zhike.customers.services.standing import (
    StandingRow,
    TierRatingRow,
    rate_tiers,
    record_standings,
)
from zhike.insight import build, queries, scoring, snapshot, staging
from zhike.insight.marts import CUSTOMER_VALUE, Period
from zhike.insight.models import RefreshRun, Score
from zhike.insight.rules import Book, contact_every, kept_days
from zhike.insight.scoring import Rated, ScoreRow
from zhike.insight.services.figures import keep_figures
from zhike.insight.services.tallies import keep_curves, tally
from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.kernel.copying import copy_rows, refresh_statistics
from zhike.kernel.errors import UserError
from zhike.kernel.services import service
from zhike.kernel.warehouse import Warehouse
from zhike.products.facts import TRANSACTIONS

MODEL_VERSION = "1"
"""Raised when a formula of a mart changes: kept marts are then built anew."""

STEPS = ("crm", *build.KEPT, CUSTOMER_VALUE, "scores")
Progress = Callable[[str, float], None]
"""Called with a step's name and the share of it that is done: 0 when it begins, 1 when it has ended."""

_LOCK = 0x7A68_696B


def refresh(
    *,
    actor: Actor,
    as_of: date | None = None,
    names: Sequence[str] | None = None,
    full: bool = False,
    progress: Progress | None = None,
) -> RefreshRun:
    """Bring marts, scores, tiers and standings to a day; again for the same day gives the same.

    Without `as_of` it is the last day the facts know, at most today. `names` keeps to those of `STEPS`;
    `full` builds every month of the kept marts. Scores, ratings and standings change in one transaction at the
    very end: whoever stops a refresh keeps the old ones. Raises UserError when another refresh runs, a name is
    unknown, or a later day was refreshed before.
    """
    actor.must("insight.refresh")
    steps = _chosen(names)
    warehouse = Warehouse()
    with _alone():
        before = queries.last_run()
        day = as_of or _last_day(warehouse)
        if before is not None and day < before.as_of:
            raise UserError(
                f"{before.as_of} is refreshed already; {day} lies before it.",
                "Refresh that day again or a later one: ratings are kept as they were.",
            )
        run = _begin(day)
        try:
            _work(actor, warehouse, run, before, steps, full, progress)
        except BaseException as error:
            _failed(run, error)
            raise
    return run


def _chosen(names: Sequence[str] | None) -> tuple[str, ...]:
    short = {step.rsplit("/", 1)[-1]: step for step in STEPS}
    unknown = [name for name in names or () if name not in STEPS and name not in short]
    if unknown:
        raise UserError(f"There is nothing called {unknown[0]} to refresh.", ", ".join(short))
    wanted = {short.get(name, name) for name in names or STEPS}
    return tuple(step for step in STEPS if step in wanted)


@contextmanager
def _alone() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            raise UserError("Another refresh is running.", "Wait until it is done.")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def _last_day(warehouse: Warehouse) -> date:
    today = clock.today()
    if not warehouse.exists(TRANSACTIONS):
        return today
    with staging.reading(warehouse) as staged:
        facts = staged[TRANSACTIONS]
        newest = facts.filter(facts.month == facts.month.max()).booked_on.max()
        last = staged.backend.to_pyarrow(newest).as_py()
    return today if last is None else min(today, last)


def _begin(day: date) -> RefreshRun:
    stopped = RefreshRun.objects.filter(state=RefreshRun.State.RUNNING)
    stopped.update(state=RefreshRun.State.FAILED, error="stopped before its end", ended_at=Now())
    return RefreshRun.objects.create(as_of=day, model_version=MODEL_VERSION, started_at=clock.now())


def _failed(run: RefreshRun, error: BaseException) -> None:
    run.state = RefreshRun.State.FAILED
    # The text of a foreign error may quote data; its kind is enough to find it in the log.
    run.error = str(error) if isinstance(error, UserError) else type(error).__name__
    run.ended_at = clock.now()
    run.save(update_fields=["state", "error", "ended_at"])


def _work(
    actor: Actor,
    warehouse: Warehouse,
    run: RefreshRun,
    before: RefreshRun | None,
    steps: tuple[str, ...],
    full: bool,
    progress: Progress | None,
) -> None:
    book = queries.book(run.as_of)
    now = build.digests(warehouse, last_taken())
    usable = before is not None and before.model_version == MODEL_VERSION and not full
    built: dict[str, build.Digests] = dict(before.snapshot.get("built", {})) if before else {}
    for step in steps:
        if progress:
            progress(step, 0.0)
        if step == "crm":
            snapshot.take(warehouse, run.as_of, book)
        elif step in build.KEPT:
            months = build.touched(built[step], now) if usable and step in built else None
            build.keep_up(warehouse, step, months)
            built[step] = now
        elif step == CUSTOMER_VALUE:
            build.value(warehouse, Period(run.as_of), queries.terms(book))
        else:
            run.counts = _publish(actor=actor, warehouse=warehouse, run=run, book=book)
        if progress:
            progress(step, 1.0)
    run.snapshot = {
        "built": built,
        "versions": {
            name: warehouse.version(name)
            for name in (*scoring.INPUTS, *build.KEPT, CUSTOMER_VALUE)
            if warehouse.exists(name)
        },
    }
    run.state = RefreshRun.State.DONE
    run.ended_at = clock.now()
    run.save(update_fields=["state", "ended_at", "snapshot", "counts"])


@service("insight.refresh")
def _publish(*, actor: Actor, warehouse: Warehouse, run: RefreshRun, book: Book) -> dict[str, int]:
    """Scores, ratings and standings of the mart into PostgreSQL, all or nothing."""
    levels = {tier.code: tier for tier in Tier.objects.order_by("rank")}
    tiers = {code: tier.pk for code, tier in levels.items()}
    rated = scoring.Ratings(book, tuple(tiers), run.as_of)

    def standing(row: Rated) -> StandingRow:
        return StandingRow(
            party_id=row.party_id,
            tier_id=tiers[row.rating.code],
            value_class=row.value_class,
            balance=row.balance,
            contribution=row.contribution,
            current_value=row.current_value,
            potential_value=row.potential_value,
            contact_every_days=contact_every(
                levels[row.rating.code].contact_every_days, row.value_class
            ),
            as_of=run.as_of,
        )

    def moved(row: Rated) -> TierRatingRow:
        return TierRatingRow(row.party_id, tiers[row.rating.code], row.rating.change, row.figures)

    with staging.reading(warehouse, CUSTOMER_VALUE) as staged:
        scores = _write_scores(run, scoring.scores(staged, rated), tiers)
        standings = record_standings(actor=actor, rows=map(standing, scoring.rated(staged, rated)))
        changed = rate_tiers(
            actor=actor,
            ratings=(moved(row) for row in scoring.rated(staged, rated) if row.to_write),
            on=run.as_of,
        )
    keep_figures(run.as_of)
    days = queries.score_days()
    tally(days, run.as_of)
    keep_curves(days, run.as_of)
    return {"scores": scores, "standings": standings, "tiers_changed": changed}


def _write_scores(run: RefreshRun, rows: Iterator[ScoreRow], tiers: Mapping[str, int]) -> int:
    """Replace the day's scores, and drop those of days that are kept no longer (`rules.kept_days`)."""
    days = queries.score_days()
    kept = kept_days(days, run.as_of) - {run.as_of}
    Score.objects.filter(as_of__in=({*days, run.as_of} - kept)).delete()
    columns = (
        "party_id", "run_id", "as_of", "unit_id", "manager_id", "tier_id", "value_class", "outlook",
        "balance", "contribution", "values", "reasons",
    )  # fmt: skip
    copy_rows(
        Score,
        columns,
        (
            (
                row.party_id, run.pk, run.as_of, row.unit_id, row.manager_id, tiers[row.tier],
                row.value_class, row.outlook, row.balance, row.contribution, row.values, row.reasons,
            )
            for row in rows
        ),
    )  # fmt: skip
    refresh_statistics(Score)
    return Score.objects.filter(run=run).count()
