"""What this room says in the head and on the timeline of the customer page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from zhike.activities import queries
from zhike.activities.models import WorkItem
from zhike.activities.rules import sentence
from zhike.customers.models import Party
from zhike.customers.queries.timeline import (
    Asked,
    Happening,
    TimelineSource,
    sources,
)
from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.kernel.wording import sentences
from zhike.ui.heads import BriefPart, HeadNote, HeadSource, Step, briefs, notes, steps

PAGE = "customers.party"


def open_work(actor: Actor, party: Any) -> list[WorkItem]:
    """The open lines, read once for a row: notes and the next step of one head ask for the same."""
    if not hasattr(party, "open_work_read"):
        party.open_work_read = queries.open_work_on(actor, party)
    items: list[WorkItem] = party.open_work_read
    return items


def head_notes(actor: Actor, party: Party, day: date | None) -> Sequence[HeadNote]:
    """That the tier is about to fall, and that a reason for work is overdue; what waits is not."""
    if day is not None:
        return ()
    today = clock.today()
    items = open_work(actor, party)
    found = [
        HeadNote(_("The tier is about to fall"), icon="trending-down", panel="activities.open")
        for item in items
        if item.rule == WorkItem.Rule.TIER_DOWN
    ]
    late = sum(item.plan_on < today and item.rule != WorkItem.Rule.NO_CONTACT for item in items)
    if late:
        text = _("Overdue work: %(count)d") % {"count": late}
        found.append(
            HeadNote(text, tone="orange", icon="clock-exclamation", panel="activities.open")
        )
    return found


def next_steps(actor: Actor, party: Party, day: date | None) -> Sequence[Step]:
    """The open lines that do not wait: one's own first, then by priority, then by when they are due."""
    if day is not None:
        return ()
    may_work = bool(actor.may("activities.work"))
    today = clock.today()
    return [
        Step(
            (item.employee_id != actor.employee_id, -item.priority, item.plan_on, item.pk),
            "activities/next_step.html",
            {
                "item": item,
                "late": item.plan_on < today,
                "may_work": may_work and item.employee_id == actor.employee_id,
            },
        )
        for item in open_work(actor, party)
        if item.postponed_until is None or item.postponed_until <= today
    ]


def put_aside(actor: Actor, party: Party, asked: Asked) -> Sequence[Happening]:
    """Lines that were found to need no work; what was done is on the timeline as its contact or note."""
    at, key = asked.before
    if asked.text:
        mine = WorkItem.objects.visible_to(actor, party=party)
        rows = list(_dismissed(mine.filter(result__icontains=asked.text), asked.limit, at, key))
    else:
        rows = WorkItem.objects.visible_rows(
            actor, _dismissed, asked.limit, party=party, given={"at": at, "key": key}
        )
    return [
        Happening(
            at=row.closed_at,
            key=row.pk,
            kind="work",
            title=_("Needed no work: %(why)s") % {"why": row.get_rule_display()},
            text=sentences((row.get_useless_because_display(), row.result)),
            who=row.employee.name,
            icon="checklist",
        )
        for row in rows
        if row.closed_at is not None
    ]


def _dismissed(rows: QuerySet[WorkItem], limit: int, at: datetime, key: int) -> QuerySet[WorkItem]:
    rows = rows.filter(state=WorkItem.State.DISMISSED, closed_at__lte=at)
    rows = rows.exclude(closed_at=at, pk__gte=key).select_related("employee")
    return rows.order_by("-closed_at", "-pk")[:limit]


def brief(actor: Actor, party: Party, day: date | None) -> Sequence[BriefPart]:
    """What is promised and what is to be done."""
    language = get_language() or "en"
    lines: list[tuple[str | Promise, str]] = [
        (
            item.due_on.isoformat(),
            f"{item.get_rule_display()}: {sentence(item.rule, item.figures, language)}",
        )
        for item in open_work(actor, party)[:6]
    ]
    return [BriefPart(_("Open work and promises"), lines)]


def register() -> None:
    """Called once when the room starts."""
    permission = "activities.view"
    briefs.register(
        HeadSource(id="activities.brief", page=PAGE, permission=permission, order=20, load=brief)
    )
    notes.register(
        HeadSource(
            id="activities.notes", page=PAGE, permission=permission, order=20, load=head_notes
        )
    )
    steps.register(
        HeadSource(
            id="activities.step", page=PAGE, permission=permission, order=10, load=next_steps
        )
    )
    sources.register(
        TimelineSource(
            "activities.put_aside", {"work": gettext_lazy("work")}, put_aside, permission=permission
        )
    )
