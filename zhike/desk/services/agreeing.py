"""Bulk jobs too large for one person: asked for, answered by a second one, begun with their word and not before."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db.models import F, QuerySet, Sum
from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from zhike.access.models import ApprovalKind
from zhike.access.queries import must_approve, roles_agreeing
from zhike.desk import rules
from zhike.desk.models import BulkRun
from zhike.desk.queries import holders_over
from zhike.desk.services.notices import notify
from zhike.kernel import audit, clock
from zhike.kernel.actor import Actor
from zhike.kernel.errors import UserError
from zhike.kernel.services import must_be_another, must_see, service
from zhike.organisation.models import User
from zhike.ui.lists.bulk import BulkAction, bulk_actions

State = BulkRun.State
ASKED, ANSWERED = "desk.run_asked", "desk.run_answered"
APPROVAL = "desk.approve_runs"


def second_person_wanted(actor: Actor, action: BulkAction, rows: int) -> bool:
    """Whether so many rows, with those of the last day that nobody else agreed to, are more than one person does."""
    if action.alone is None:
        return False
    alone = BulkRun.objects.filter(
        user=actor.user_id,
        action=action.id,
        approval="",
        created_at__gt=clock.now() - rules.WITHIN,
    )
    # What was stopped can be gone on with: it counts whole.
    done = alone.aggregate(rows=Sum(F("total") - F("refused")))["rows"] or 0
    return bool(rows + done > action.alone)


def ask(actor: Actor, run: BulkRun, said: Sequence[str]) -> BulkRun:
    """Let the new job wait, and tell whoever may agree to so many rows."""
    who = User.objects.select_related("employee__unit").get(pk=run.user_id).employee
    assert who is not None
    run.state, run.until = State.ASKED, clock.now() + rules.ANSWERED_WITHIN
    run.approval, run.unit, run.said = APPROVAL, who.unit, list(said)
    run.save(force_insert=True)
    _note(actor, "desk.bulk.ask", run)
    notify(
        actor=actor,
        kind=ASKED,
        text=gettext_noop(
            "%(who)s asks to do one thing to %(rows)s rows at once, and waits for a second person."
        ),
        employees=holders_over(
            APPROVAL,
            who.unit,
            besides=who.pk,
            among=roles_agreeing(_kind(run), run.total),
        ),
        params={"who": actor.name, "rows": run.total},
        url=_url(run),
    )
    return run


@service("account.use", proof=True)
def approve(*, actor: Actor, public_id: UUID) -> BulkRun:
    """Agree to what somebody else asks for: the job begins, as theirs and with their rights.

    Refused for one's own request, without the right, and for more rows than one's role agrees to; raises UserError
    where nothing waits any more, Http404 for what one does not see.
    """
    run = _waiting(actor, public_id, "desk.bulk.approve")
    must_approve(
        actor,
        asked_by=run.user_id,
        kind=_kind(run),
        amount=run.total,
        action="desk.bulk.approve",
    )
    _answer(actor, run, State.WAITING, "")
    _note(actor, "desk.bulk.approve", run)
    defer(run)
    return run


@service("account.use")
def refuse(*, actor: Actor, public_id: UUID, reason: str) -> BulkRun:
    """Somebody else's job does not begin, with the reason they are told."""
    run = _waiting(actor, public_id, "desk.bulk.refuse")
    if len(reason.strip()) < 2:
        raise UserError(_("A reason is missing."), _("Say in a few words why."))
    _answer(actor, run, State.REFUSED, reason.strip()[:200])
    _note(actor, "desk.bulk.refuse", run, run.reason)
    notify(
        actor=actor,
        kind=ANSWERED,
        text=gettext_noop("The bulk job you asked for was refused: %(reason)s"),
        users=[run.user_id],
        params={"reason": run.reason},
        url=_url(run),
    )
    return run


@service("account.use")
def take_back(*, actor: Actor, public_id: UUID) -> BulkRun:
    """One's own request is no longer wanted. Raises Http404 for another's."""
    mine = BulkRun.objects.visible_to(actor).filter(user=actor.user_id, public_id=public_id)
    run = mine.select_for_update(of=("self",)).first()
    if run is None:
        raise Http404
    if run.state == State.ASKED:
        _end(actor, run, "desk.bulk.take_back")
    return run


@service("system.operate")
def end_old(*, actor: Actor) -> int:
    """Requests that nobody answered in time are over; answers how many."""
    old = _asked().filter(until__lte=clock.now()).select_for_update(of=("self",), skip_locked=True)
    ended = list(old)
    for run in ended:
        _end(actor, run, "desk.bulk.expire")
        notify(
            actor=actor,
            kind=ANSWERED,
            text=gettext_noop("Nobody answered in time for the bulk job you asked for. Ask again."),
            users=[run.user_id],
            url=_url(run),
        )
    return len(ended)


@service("organisation.administer")
def end_of(*, actor: Actor, user: User, reason: str) -> int:
    """Nobody agrees any more to what somebody who leaves asked for; answers how much it was."""
    ended = list(_asked().filter(user=user).select_for_update(of=("self",)))
    for run in ended:
        _end(actor, run, "desk.bulk.end", reason)
    return len(ended)


def defer(run: BulkRun) -> None:
    """Onto the queue, in the transaction that says the job may begin."""
    from zhike.desk.tasks import run_bulk  # the tasks are read before the rooms are ready

    run_bulk.configure(lock=f"bulk-{run.pk}").defer(run=run.pk)


def _asked() -> QuerySet[BulkRun]:
    return BulkRun.objects.filter(state=State.ASKED)


def _waiting(actor: Actor, public_id: UUID, action: str) -> BulkRun:
    run = (
        BulkRun.objects.visible_to(actor)
        .select_for_update(of=("self",))
        .filter(public_id=public_id)
        .exclude(approval="")
        .first()
    )
    if run is None:
        raise Http404
    must_be_another(actor, action, user=run.user_id)
    actor.must(run.approval)
    must_see(actor.within(run.approval), run)
    if run.state != State.ASKED or run.until is None or run.until <= clock.now():
        raise UserError(_("This does not wait for an answer any more."), _("Reload the page."))
    return run


def _kind(run: BulkRun) -> ApprovalKind:
    if run.action not in bulk_actions:
        raise UserError(_("There is no such action any more."), _("Reload the page."))
    return ApprovalKind(bulk_actions.get(run.action).level)


def _answer(actor: Actor, run: BulkRun, state: BulkRun.State, reason: str) -> None:
    run.state, run.reason = state, reason
    run.answered_by_id, run.answered_name = actor.user_id, actor.name
    run.answered_at = clock.now()
    run.save(update_fields=["state", "reason", "answered_by", "answered_name", "answered_at"])


def _end(actor: Actor, run: BulkRun, action: str, reason: str = "") -> None:
    run.state, run.reason, run.finished_at = State.ENDED, reason[:200], clock.now()
    run.save(update_fields=["state", "reason", "finished_at"])
    _note(actor, action, run, reason)


def _note(actor: Actor, action: str, run: BulkRun, why: str = "") -> None:
    changes = {"action": (None, run.action), "rows": (None, run.total)}
    audit.record(actor, action, run, changes=changes, reason=why)


def _url(run: BulkRun) -> str:
    return reverse("desk:run", kwargs={"public_id": run.public_id})
