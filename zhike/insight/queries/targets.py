"""Targets and how far they are reached."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import QuerySet

from zhike.customers.models import Tier
from zhike.insight.metrics import Metric, metrics
from zhike.insight.models import Tally, Target
from zhike.insight.queries.scores import last_run
from zhike.insight.rules import ends_on
from zhike.kernel import wall
from zhike.kernel.actor import Actor
from zhike.organisation.models import Employee, Unit

TARGETED = ("portfolio_balance", "portfolio_contribution", "portfolio_customers", "portfolio_upper")
"""The metrics that a target can be set in."""


@wall.lowered()  # who sees a target sees how far it is reached, though a unit's sums are not theirs to read
def actuals(who: Employee | Unit) -> dict[str, Decimal]:
    """What the main customers of a person, or the customers of a unit and all below it, come to on the last day
    with scores, by the name of the metric."""
    run = last_run()
    rows = Tally.objects.filter(since=run.as_of, as_of=run.as_of) if run else Tally.objects.none()
    if isinstance(who, Employee):
        rows = rows.filter(manager=who)
    else:
        rows = rows.filter(unit__in=Unit.objects.filter(path__startswith=who.path))
    lowest = Tier.objects.order_by("rank").values_list("pk", flat=True).first()
    found = dict.fromkeys(TARGETED, Decimal(0))
    for tier, customers, balance, contribution in rows.values_list(
        "tier_id", "customers", "balance", "contribution"
    ):
        found["portfolio_customers"] += customers
        found["portfolio_upper"] += customers if tier != lowest else 0
        found["portfolio_balance"] += balance
        found["portfolio_contribution"] += contribution
    return found


@dataclass(frozen=True)
class Progress:
    """One target, what is reached of it, and how much of its period has gone; shares are 0 to 1 and above."""

    target: Target
    metric: Metric
    actual: Decimal
    share: Decimal | None
    gone: Decimal
    ends_on: date

    @property
    def who(self) -> str:
        """Whose target it is: a person's name or a unit's."""
        of = self.target.employee or self.target.unit
        return of.name if of else ""

    @property
    def bar(self) -> Decimal:
        return min(max(self.share or Decimal(0), Decimal(0)), Decimal(1))

    @property
    def missing(self) -> Decimal:
        return max(self.target.amount - self.actual, Decimal(0))


def targets_of(actor: Actor, on: date) -> QuerySet[Target]:
    """The targets in the actor's scope whose period holds the day."""
    rows = Target.objects.visible_to(actor).select_related("employee__unit", "unit")
    running = [
        target.pk
        for target in rows.filter(starts_on__lte=on, starts_on__gt=on - timedelta(days=366))
        if ends_on(target.period, target.starts_on) >= on
    ]
    return rows.filter(pk__in=running).order_by(
        "unit__path", "employee__code", "starts_on", "metric"
    )


def progress(targets: QuerySet[Target], on: date) -> list[Progress]:
    """How far each is on the day."""
    reached: dict[tuple[str, int], dict[str, Decimal]] = {}
    lines = []
    for target in targets:
        who = target.employee or target.unit
        assert who is not None, "a target is a person's or a unit's"
        key = (type(who).__name__, who.pk)
        if key not in reached:
            reached[key] = actuals(who)
        actual = reached[key][target.metric]
        last = ends_on(target.period, target.starts_on)
        length = (last - target.starts_on).days + 1
        gone = min(max((on - target.starts_on).days + 1, 0), length)
        lines.append(
            Progress(
                target,
                metrics.get(target.metric),
                actual,
                actual / target.amount if target.amount else None,
                Decimal(gone) / length,
                last,
            )
        )
    return lines
