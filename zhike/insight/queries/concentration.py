"""How much hangs on how few: 80/20, the curve, ABC and the share of the largest (R-027, R-028, R-098).

Customers are laid out from the one who brings most; a loss counts as zero. The curve says which share of all the first
so many per cent bring. For the whole institution it is worked out by the refresh and read from the run.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import F, QuerySet

from zhike.insight.models import Score
from zhike.insight.queries.portfolio import View
from zhike.insight.queries.scores import last_run, score_days
from zhike.insight.queries.terms import book
from zhike.kernel.actor import Actor
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


def curves(actor: Actor) -> dict[str, Any]:
    """The concentration of all that the actor sees, a measure each, as a run keeps it."""
    days = score_days()
    if not days:
        return {}
    view = View(actor, days[0], days[0])
    return {
        measure: asdict(found) | {"total": str(found.total)}
        for measure in MEASURES
        if (found := _worked_out(view, measure))
    }


def concentration(view: View, measure: str) -> Concentration | None:
    """Of the customers of `view` by "contribution" or "balance"; None where there are none."""
    run = last_run()
    if view.actor.everywhere and view.unit is None and view.employee is None and run is not None:
        kept = run.curves.get(measure)
        if kept is None:
            return None
        pairs = {name: [tuple(each) for each in kept[name]] for name in ("curve", "largest", "abc")}
        return Concentration(**kept | pairs | {"total": Decimal(kept["total"])})
    return _worked_out(view, measure)


def _worked_out(view: View, measure: str) -> Concentration | None:
    scores = Score.objects.visible_to(view.actor).filter(as_of=view.as_of).order_by()
    if view.unit is not None:
        scores = scores.filter(unit__in=Unit.objects.filter(path__startswith=view.unit.path))
    if view.employee is not None:
        scores = scores.filter(manager=view.employee)
    cuts = book(view.as_of)
    top = int(cuts.value("top.percent"))
    wanted = sorted({*LARGEST})
    rows = _laid_out(
        scores,
        measure,
        """
        SELECT 'at', place::text, size, total, upto FROM laid
        WHERE place = ANY(%s) OR place * 100 / size > (place - 1) * 100 / size
        UNION ALL
        SELECT 'abc', letter, count(*), max(total), sum(gain) FROM (
            SELECT CASE WHEN gain = 0 THEN 'C' WHEN (upto - gain) * 100 < total * %s THEN 'A'
                WHEN (upto - gain) * 100 < total * %s THEN 'B' ELSE 'C' END AS letter, gain, total
            FROM laid) lettered GROUP BY letter
        UNION ALL
        SELECT 'top', '', count(*), max(total), sum(gain) FROM laid
        WHERE (place - 1) * 100 < size * %s
        """,
        [wanted, cuts.value("abc.a"), cuts.value("abc.b"), top],
    )
    if not rows:
        return None
    sizes = {int(key): (size, upto) for kind, key, size, _total, upto in rows if kind == "at"}
    if not sizes:
        return None
    size = next(iter(sizes.values()))[0]
    total = Decimal(next(row[3] for row in rows))

    def share(gain: Decimal) -> float:
        return round(float(gain / total), 6) if total else 0.0

    edges = [
        (round(place / size, 6), share(upto))
        for place, (_size, upto) in sorted(sizes.items())
        if place * 100 // size > (place - 1) * 100 // size
    ]
    return Concentration(
        customers=size,
        total=total,
        top_percent=top,
        top_share=next((share(row[4]) for row in rows if row[0] == "top"), None) if total else None,
        curve=[(0.0, 0.0), *edges],
        largest=[(place, share(sizes[place][1])) for place in wanted if place in sizes],
        abc=sorted(
            (key, count, share(gain)) for kind, key, count, _t, gain in rows if kind == "abc"
        ),
    )


def _laid_out(scores: QuerySet[Score], measure: str, select: str, more: list[Any]) -> list[Any]:
    inner, params = scores.values("party_id", worth=F(measure)).query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH mine AS ({inner}),
            laid AS MATERIALIZED (
                SELECT gain, row_number() OVER best AS place, sum(gain) OVER best AS upto,
                    count(*) OVER () AS size, sum(gain) OVER () AS total
                FROM (SELECT party_id, greatest(worth, 0) AS gain FROM mine) gains
                WINDOW best AS (ORDER BY gain DESC, party_id ROWS UNBOUNDED PRECEDING)
            )
            {select}
            """,  # noqa: S608  the inner statement is the ORM's own, with its parameters
            [*params, *more],
        )
        rows: list[Any] = cursor.fetchall()
    return rows
