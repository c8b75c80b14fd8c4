"""How much hangs on how few: 80/20, the curve, ABC and the share of the largest (R-027, R-028, R-098).

Customers are laid out from the one who brings most; a loss counts as zero. The curve says which share of all the first
so many per cent bring. The refresh works it out for the institution and for every unit with all below it; for a person,
and for those who look after customers beyond their units, it is worked out when asked for.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from math import ceil
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from django.db import connection
from django.db.models import QuerySet
from pyarrow import csv

from zhike.insight.models import Curve, Score
from zhike.insight.queries.portfolio import View, looked_after_elsewhere, units_below, units_of
from zhike.insight.queries.scores import scores_seen
from zhike.insight.queries.terms import book
from zhike.insight.rules import Book
from zhike.organisation.models import Unit

LARGEST = (1, 10, 50, 100)
MEASURES = ("contribution", "balance")


@dataclass(frozen=True)
class Concentration:
    """`curve` has (share of customers, share of all) at each whole per cent; `largest` (how many, share);
    `abc` (letter, customers, share). Shares are 0 to 1 of the gains; `top_share` is that of the top per cent."""

    customers: int
    total: Decimal
    top_percent: int
    top_share: float | None
    curve: list[tuple[float, float]]
    largest: list[tuple[int, float]]
    abc: list[tuple[str, int, float]]

    def kept(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self) | {"total": str(self.total)}

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> Concentration:
        pairs = {name: [tuple(each) for each in kept[name]] for name in ("curve", "largest", "abc")}
        return cls(**{**kept, **pairs, "total": Decimal(kept["total"])})


def concentration(view: View, measure: str) -> Concentration | None:
    """Of the customers of `view` by "contribution" or "balance"; None where there are none."""
    if (whole := _kept_for(view)) is not None:
        curves = Curve.objects.visible_to(view.actor).filter(as_of=view.as_of, measure=measure)
        kept = curves.filter(unit=whole.unit).first()
        if kept is not None:
            return Concentration.read(kept.figures)
    scores = scores_seen(view.actor).filter(as_of=view.as_of)
    if view.unit is not None:
        scores = scores.filter(unit__in=units_below(view.unit))
    if view.employee is not None:
        scores = scores.filter(manager=view.employee)
    return laid_out(_gains(scores)[measure], book(view.as_of))


def every_curve(on: date) -> Iterator[tuple[int | None, str, Concentration]]:
    """(unit or None for the institution, measure, concentration) of every unit with customers at or below it."""
    cuts = book(on)
    gains = _gains(Score.objects.filter(as_of=on)).sort_by("unit_id")
    runs = pc.run_end_encode(gains["unit_id"].combine_chunks()) if len(gains) else None
    own: dict[int, pa.Table] = {}
    if runs is not None:
        begins = 0
        for unit, ends in zip(runs.values.to_pylist(), runs.run_ends.to_pylist(), strict=True):
            own[unit] = gains.slice(begins, ends - begins)
            begins = ends
    below: dict[int | None, list[pa.Table]] = {None: list(own.values())}
    for pk, path in Unit.objects.filter(pk__in=own).values_list("pk", "path"):
        for above in map(int, path.strip("/").split("/")):
            below.setdefault(above, []).append(own[pk])
    for unit, tables in below.items():
        for measure in MEASURES:
            if tables and (found := laid_out(pa.concat_tables(tables)[measure], cuts)):
                yield unit, measure, found


@dataclass(frozen=True)
class _Whole:
    unit: Unit | None


def _kept_for(view: View) -> _Whole | None:
    """The unit whose curve the refresh keeps for just these customers."""
    if view.employee is not None:
        return None
    if view.actor.everywhere:
        return _Whole(view.unit)
    seen = list(units_of(view))
    ids = {unit.pk for unit in seen}
    tops = [unit for unit in seen if unit.parent_id not in ids]
    if len(tops) != 1 or units_below(tops[0]) != ids or looked_after_elsewhere(view):
        return None
    return _Whole(tops[0])


def _gains(scores: QuerySet[Score]) -> pa.Table:
    """A row a customer: unit, and what they bring by each measure in whole cents, a loss as nothing."""
    inner, params = scores.order_by().values("unit_id", *MEASURES).query.sql_with_params()
    cents = ", ".join(f"(greatest({name}, 0) * 100)::bigint AS {name}" for name in MEASURES)
    with connection.cursor() as cursor:
        # The inner statement is the ORM's own; COPY takes no parameters, so they are written into it.
        rows = cursor.mogrify(f"SELECT unit_id, {cents} FROM ({inner}) scores", params)  # noqa: S608  SQL of our own
        with cursor.copy(f"COPY ({rows}) TO STDOUT (FORMAT csv)") as copy:
            data = b"".join(copy)
    types = dict.fromkeys(("unit_id", *MEASURES), pa.int64())
    if not data:
        return pa.schema(types).empty_table()
    return csv.read_csv(
        io.BytesIO(data),
        read_options=csv.ReadOptions(column_names=list(types)),
        convert_options=csv.ConvertOptions(column_types=types),
    )


def laid_out(gains: pa.ChunkedArray, cuts: Book) -> Concentration | None:
    """What whole cents, one a customer and none below zero, come to when the largest stands first."""
    size = len(gains)
    if not size:
        return None
    best = gains.combine_chunks()
    best = best.take(pc.sort_indices(best, sort_keys=[("", "descending")]))
    upto = pc.cumulative_sum(best)
    total = upto[-1].as_py()

    def first(count: int) -> int:
        """What the first so many bring."""
        return int(upto[min(count, size) - 1].as_py()) if count else 0

    def share(cents: int) -> float:
        return round(cents / total, 6) if total else 0.0

    def begun(percent: Decimal) -> int:
        """How many begin before so many per cent of all; who brings nothing is not among them."""
        before = pc.subtract(upto, best)
        among = pc.and_(pc.less(before, ceil(total * percent / 100)), pc.greater(best, 0))
        return int(pc.sum(among).as_py() or 0)

    a, b = begun(cuts.value("abc.a")), begun(cuts.value("abc.b"))
    top = int(cuts.value("top.percent"))
    places = sorted({-(-percent * size // 100) for percent in range(1, 101)})
    letters = (("A", 0, a), ("B", a, max(a, b)), ("C", max(a, b), size))
    return Concentration(
        customers=size,
        total=Decimal(total) / 100,
        top_percent=top,
        top_share=share(first(-(-size * top // 100))) if total else None,
        curve=[
            (0.0, 0.0),
            *((round(place / size, 6), share(first(place))) for place in places),
        ],
        largest=[(count, share(first(count))) for count in LARGEST if count <= size],
        abc=[
            (letter, until - since, share(first(until) - first(since)))
            for letter, since, until in letters
            if until > since
        ],
    )
