"""Bulk jobs too large for one person: begun with the word of a second one and not before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import F, Sum
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from zhike.access.models import ApprovalKind
from zhike.desk import rules
from zhike.desk.models import BulkRun
from zhike.desk.services.asking import Asking
from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.kernel.errors import UserError
from zhike.organisation.models import User
from zhike.ui.lists.bulk import BulkAction, bulk_actions

State = BulkRun.State


class Jobs(Asking[BulkRun]):
    model = BulkRun
    waiting, agreed = State.ASKED, State.WAITING
    open = frozenset({State.ASKED})
    deed = "desk.bulk"
    page = "desk:run"
    notices = ("desk.run_asked", "desk.run_answered")
    asks = gettext_noop(
        "%(who)s asks to do one thing to %(rows)s rows at once, and waits for a second person."
    )
    refused = gettext_noop("The bulk job you asked for was refused: %(reason)s")
    unanswered = gettext_noop("Nobody answered in time for the bulk job you asked for. Ask again.")

    def level(self, row: BulkRun) -> ApprovalKind:
        if row.action not in bulk_actions:
            raise UserError(_("There is no such action any more."), _("Reload the page."))
        return ApprovalKind(bulk_actions.get(row.action).level)

    def amount(self, row: BulkRun) -> int:
        return row.total

    def told(self, row: BulkRun) -> Mapping[str, tuple[Any, Any]]:
        return {"action": (None, row.action), "total": (None, row.total)}

    def begin(self, row: BulkRun) -> None:
        defer(row)

    def over(self, row: BulkRun) -> None:
        row.finished_at = clock.now()
        row.save(update_fields=["finished_at"])


jobs = Jobs()
approve, refuse, take_back = jobs.approve, jobs.refuse, jobs.take_back
end_old, end_of = jobs.end_old, jobs.end_of


def second_person_wanted(actor: Actor, action: BulkAction, rows: int) -> bool:
    """Whether so many rows, with those of the last day that nobody else agreed to, are more than one person does.

    Those of jobs count as those that the actor did one by one: many small ones are a large one.
    """
    if action.alone is None:
        return False
    since = clock.now() - rules.WITHIN
    alone = BulkRun.objects.filter(
        user=actor.user_id,
        action=action.id,
        approval="",
        created_at__gt=since,
    )
    # What was stopped can be gone on with: it counts whole.
    done = alone.aggregate(rows=Sum(F("total") - F("refused")))["rows"] or 0
    return bool(rows + done + action.one_by_one(actor, since) > action.alone)


def ask(actor: Actor, run: BulkRun, said: Sequence[str]) -> BulkRun:
    """Let the new job wait for whoever may agree to so many rows."""
    who = User.objects.select_related("employee__unit").get(pk=run.user_id).employee
    assert who is not None
    run.state, run.until = State.ASKED, clock.now() + rules.ANSWERED_WITHIN
    run.approval, run.unit, run.said = "desk.approve_runs", who.unit, list(said)
    run.save(force_insert=True)
    return jobs.ask(actor, run, who)


def defer(run: BulkRun) -> None:
    """Onto the queue, in the transaction that says the job may begin."""
    from zhike.desk.tasks import run_bulk  # the tasks are read before the rooms are ready

    run_bulk.configure(lock=f"bulk-{run.pk}").defer(run=run.pk)
