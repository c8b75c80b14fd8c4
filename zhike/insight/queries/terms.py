"""The thresholds of a day, those that are to come, and what was changed when."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from decimal import Decimal

from django.db.models import QuerySet

from zhike.insight.marts import Terms
from zhike.insight.methods.contribution import Prices
from zhike.insight.methods.value_grid import Weights
from zhike.insight.models import Threshold
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


def history(actor: Actor, names: Collection[str]) -> QuerySet[Threshold]:
    """Every value these thresholds had, have or will have, the latest first."""
    rows = Threshold.objects.visible_to(actor).filter(name__in=names).select_related("unit")
    return rows.filter(during__isempty=False).order_by("-during__startswith", "name", "pk")


def units_with_their_own(names: Collection[str], on: date) -> QuerySet[Unit]:
    """The units that have a value of their own for one of these on a day."""
    rows = Threshold.objects.filter(name__in=names, during__contains=on, unit__isnull=False)
    return Unit.objects.filter(pk__in=rows.values("unit")).order_by("path")
