"""Reads over thresholds, runs and scores."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from zhike.customers.models import Party
from zhike.insight.marts import Terms
from zhike.insight.methods.contribution import Prices
from zhike.insight.methods.value_grid import Weights
from zhike.insight.models import RefreshRun, Score, Threshold
from zhike.insight.rules import Book
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
