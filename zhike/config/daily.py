"""The loop's daily turn: records become customers, facts become scores, scores become work on named people's pages.

It stands on the roof because `insight` finds and `activities` hands out, and the two do not know each other.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from django.db.models import Count
from django.urls import reverse
from django.utils.translation import gettext_noop

from zhike.activities.models import WorkItem
from zhike.activities.services import Found, replace_findings
from zhike.customers.models import Standing
from zhike.desk.services.notices import notify
from zhike.insight.findings import findings
from zhike.insight.models import Figures
from zhike.insight.services import Progress, refresh
from zhike.kernel import clock
from zhike.kernel.actor import Actor, system
from zhike.kernel.sweeping import sweep
from zhike.masterdata.quality.models import Quality
from zhike.masterdata.services import match
from zhike.masterdata.services.quality import measure


@dataclass(frozen=True)
class DailyReport:
    """What one turn did: counts of the refresh, and of work items by what became of them."""

    as_of: date
    refreshed: dict[str, Any]
    work: dict[str, int]


def run_daily(
    *,
    actor: Actor,
    as_of: date | None = None,
    full: bool = False,
    progress: Progress | None = None,
) -> DailyReport:
    """Resolve what is new, refresh, hand out what was found. The same day again gives the same result."""
    day = as_of or clock.today()
    match(actor=system("daily run"))
    run = refresh(actor=actor, as_of=day, full=full, progress=progress)
    counts = replace_findings(
        actor=actor,
        as_of=day,
        found=(
            Found(each.party_id, each.rule, each.priority, each.due_on, each.figures)
            for each in findings(day)
        ),
    )
    measure(actor=actor, as_of=day, whole=full)
    sweep(Standing, Figures, Quality)
    if counts.created and day == clock.today():
        _tell_whose_list_grew(actor, day)
    return DailyReport(day, run.counts, asdict(counts))


def _tell_whose_list_grew(actor: Actor, day: date) -> None:
    """One notice for everybody whose list the run added to; none for a day long past."""
    new = WorkItem.objects.filter(found_on=day, state=WorkItem.State.OPEN)
    new = new.exclude(rule=WorkItem.Rule.PROMISE)
    for employee, count in new.values_list("employee").annotate(Count("pk")).order_by("employee"):
        notify(
            actor=actor,
            kind="activities.today",
            text=gettext_noop("Today's list is ready: %(count)s new lines."),
            employees=[employee],
            params={"count": count},
            url=reverse("activities:today"),
        )
