"""Reads over runs and scores."""

from __future__ import annotations

from datetime import date

from django.db.models import Exists, OuterRef, QuerySet

from zhike.customers.models import Party
from zhike.insight.models import Move, RefreshRun, Score
from zhike.kernel import wall
from zhike.kernel.actor import Actor
from zhike.ui.mirrors import mirrored


def last_run() -> RefreshRun | None:
    """The last refresh that finished."""
    done = RefreshRun.objects.filter(state=RefreshRun.State.DONE)
    return done.order_by("-as_of", "-pk").first()


def scores_seen(actor: Actor) -> QuerySet[Score]:
    """`Score.objects.visible_to(actor)` for a walk through many: whose they are is read from the narrow table, and of
    whoever sees everybody it is not asked at all."""
    if not actor.may("insight.view"):
        return Score.objects.none()
    if actor.everywhere:
        return Score.objects.all()
    parties = Party.objects.visible_to(actor).order_by()
    return Score.objects.filter(party__in=mirrored(parties.values("pk")))


def moves_seen(actor: Actor) -> QuerySet[Move]:
    """`Move.objects.visible_to(actor)`, alike."""
    if not actor.may("insight.view"):
        return Move.objects.none()
    if actor.everywhere:
        return Move.objects.all()
    parties = Party.objects.visible_to(actor).order_by()
    return Move.objects.filter(party__in=mirrored(parties.values("pk")))


def latest_score(actor: Actor, party: Party) -> Score | None:
    """What the actor may see of the party's newest score."""
    scores = Score.objects.visible_to(actor, party=party)
    found: Score | None = scores.select_related("run").order_by("-as_of").first()
    return found


def latest_scores(actor: Actor, party: Party, count: int, day: date) -> list[Score]:
    """The last `count` scores of the party up to `day` that the actor may see, the newest first."""
    return Score.objects.visible_rows(actor, _up_to, count, party=party, given={"day": day})


def _up_to(rows: QuerySet[Score], count: int, day: date) -> QuerySet[Score]:
    return rows.filter(as_of__lte=day).order_by("-as_of")[:count]


@wall.lowered()  # of the institution's days, not of customers
def score_days() -> list[date]:
    """The days that have scores, the latest first."""
    scores = Score.objects.filter(run=OuterRef("pk"))
    days = RefreshRun.objects.filter(Exists(scores)).values_list("as_of", flat=True)
    return sorted(set(days), reverse=True)


def scores_of(actor: Actor, party: Party) -> QuerySet[Score]:
    """Every score of the party that the actor may see, the oldest first."""
    return Score.objects.visible_to(actor, party=party).order_by("as_of")
