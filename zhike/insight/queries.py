"""Reads over thresholds, runs and scores."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Count, QuerySet, Sum
from django.utils.functional import Promise

from zhike.customers.models import Party, Standing, Tier
from zhike.insight.marts import Terms
from zhike.insight.methods.contribution import Prices
from zhike.insight.methods.value_grid import Weights
from zhike.insight.metrics import Metric, metrics
from zhike.insight.models import RefreshRun, Score, Threshold
from zhike.insight.rules import Book
from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.organisation.models import Unit


def book(on: date) -> Book:
    """The thresholds in force on a day, with every unit's place in the tree."""
    rows = Threshold.objects.filter(during__contains=on).values_list("name", "unit_id", "value")
    values: dict[tuple[str, int | None], Decimal] = {
        (name, unit): value for name, unit, value in rows
    }
    paths = {
        pk: tuple(int(part) for part in path.strip("/").split("/") if part)
        for pk, path in Unit.objects.values_list("pk", "path")
    }
    return Book(values, paths)


def terms(book: Book) -> Terms:
    """The institution's prices, weights and cuts; these are the same for every unit, so that figures compare."""
    return Terms(
        prices=Prices(
            transfer_liability=book.value("price.transfer.liability"),
            transfer_asset=book.value("price.transfer.asset"),
            rate_liability=book.value("price.rate.liability"),
            rate_asset=book.value("price.rate.asset"),
            margin_intermediary=book.value("price.margin.intermediary"),
            cost_assisted=book.value("cost.assisted"),
            cost_device=book.value("cost.device"),
            cost_remote=book.value("cost.remote"),
            cost_agreement=book.value("cost.agreement"),
        ),
        weights=Weights(
            current_contribution=book.value("weight.current.contribution"),
            current_balance=book.value("weight.current.balance"),
            potential_growth=book.value("weight.potential.growth"),
            potential_gap=book.value("weight.potential.gap"),
            potential_inflow=book.value("weight.potential.inflow"),
            growth_floor=book.value("weight.potential.growth_floor"),
        ),
        abc_a=int(book.value("abc.a")),
        abc_b=int(book.value("abc.b")),
        top=int(book.value("top.percent")),
        recent_days=int(book.value("work.idle_inflow.days")),
    )


def last_run() -> RefreshRun | None:
    """The last refresh that finished."""
    done = RefreshRun.objects.filter(state=RefreshRun.State.DONE)
    return done.order_by("-as_of", "-pk").first()


def latest_score(actor: Actor, party: Party) -> Score | None:
    """What the actor may see of the party's newest score."""
    scores = Score.objects.visible_to(actor).filter(party=party)
    found: Score | None = scores.select_related("run").order_by("-as_of").first()
    return found


@dataclass(frozen=True)
class Group:
    """Customers of one class, tier or ABC letter; `share` is their part of the contribution that is a gain."""

    code: str
    label: str | Promise
    customers: int
    balance: Decimal
    contribution: Decimal
    share: Decimal | None = None
    tone: str = "secondary"


@dataclass(frozen=True)
class Overview:
    """Value within one actor's scope. `top_share` is 0 to 1, None when nobody brings anything."""

    as_of: date | None
    customers: int
    classes: list[Group]
    tiers: list[Group]
    abc: list[Group]
    top_share: Decimal | None
    abc_metric: Metric
    top_metric: Metric


def overview(actor: Actor) -> Overview:
    """Classes, tiers, ABC and 80/20 over the standings that the actor may see."""
    mine = Standing.objects.visible_to(actor).exclude(value_class="")
    run = last_run()
    by_class, by_tier = _summed(mine, "value_class"), _summed(mine, "tier")
    on = run.as_of if run else clock.today()
    abc, top_share = _shares(actor, on) if by_class else ([], None)
    return Overview(
        as_of=run.as_of if run else None,
        customers=sum(count for count, _balance, _contribution in by_class.values()),
        classes=[
            Group(str(code), label, *by_class.get(code, NOTHING))
            for code, label in Standing.ValueClass.choices
        ],
        tiers=[
            Group(tier.code, tier.name, *by_tier.get(tier.pk, NOTHING), tone=tier.colour)
            for tier in Tier.objects.visible_to(actor).order_by("-rank")
        ],
        abc=abc,
        top_share=top_share,
        abc_metric=metrics.get("abc_class"),
        top_metric=metrics.get("top20_share"),
    )


Sums = tuple[int, Decimal, Decimal]
NOTHING: Sums = (0, Decimal(0), Decimal(0))


def _summed(standings: QuerySet[Standing], by: str) -> dict[Any, Sums]:
    """A value of `by` → customers, balance and contribution."""
    sums = (
        standings.order_by()
        .values_list(by)
        .annotate(Count("pk"), Sum("balance"), Sum("contribution"))
    )
    return {key: (count, balance, gain) for key, count, balance, gain in sums}


def _shares(actor: Actor, on: date) -> tuple[list[Group], Decimal | None]:
    """ABC and the share of the top within the scope, by the same rules as `methods.abc` and `concentration`."""
    cuts = book(on)
    mine = Standing.objects.visible_to(actor).exclude(value_class="").order_by()
    scope, params = mine.values("party_id", "balance", "contribution").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH mine AS ({scope}),
            worth AS (SELECT *, greatest(contribution, 0) AS gain FROM mine),
            ranked AS (
                SELECT *, row_number() OVER best AS place, sum(gain) OVER () AS total,
                    sum(gain) OVER best - gain AS before, count(*) OVER () AS size
                FROM worth
                WINDOW best AS (ORDER BY gain DESC, party_id ROWS UNBOUNDED PRECEDING)
            )
            SELECT CASE WHEN gain = 0 THEN 'C' WHEN before * 100 < total * %s THEN 'A'
                        WHEN before * 100 < total * %s THEN 'B' ELSE 'C' END AS letter,
                count(*), sum(balance), sum(contribution), sum(gain), max(total),
                coalesce(sum(gain) FILTER (WHERE (place - 1) * 100 < size * %s), 0)
            FROM ranked GROUP BY letter ORDER BY letter
            """,  # noqa: S608  the inner statement is the ORM's own, with its parameters
            [*params, cuts.value("abc.a"), cuts.value("abc.b"), cuts.value("top.percent")],
        )
        rows = cursor.fetchall()
    total = rows[0][5] if rows else Decimal(0)
    groups = [
        Group(letter, letter, count, balance, contribution, gain / total if total else None)
        for letter, count, balance, contribution, gain, _total, _top in rows
    ]
    return groups, sum((row[6] for row in rows), Decimal(0)) / total if total else None
