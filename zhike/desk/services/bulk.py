"""Bulk jobs: one action on many rows, on their owner's behalf, each row done once however often the job is begun."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from zhike.desk.models import BulkRun
from zhike.desk.rules import BULK_JOB
from zhike.desk.services import agreeing
from zhike.desk.services.notices import notify, tell
from zhike.kernel import audit, clock
from zhike.kernel.actor import Actor, system
from zhike.kernel.errors import UserError
from zhike.kernel.services import service
from zhike.organisation.models import User
from zhike.ui.lists.bulk import BulkAction, bulk_actions, view_of
from zhike.ui.lists.drawing import said
from zhike.ui.views import visible

MOST = 100_000
"""How many rows one job may touch: what a person can answer for."""

CHUNK = 50
"""Rows done in one transaction: what a killed worker does again, and nobody sees twice."""

REFUSALS_KEPT = 2_000
"""A job that is refused so often is not going to help: it stops by itself."""

KIND = "desk.bulk"
logger = logging.getLogger(__name__)


@service("account.use")
def start_run(
    *,
    actor: Actor,
    action: str,
    params: Mapping[str, Any],
    query: str = "",
    public_ids: Sequence[UUID] | None = None,
) -> BulkRun:
    """Begin an action on the rows of `public_ids`, or on all that the list finds at `query` for None.

    Which rows these are is settled now: the action may itself change what the list would find. Above what one person
    does alone the job waits for a second one (`state`). Raises UserError for none or more than `MOST`, Refused without
    the action's right.
    """
    what = _action(action)
    actor.must(what.permission)
    assert actor.user_id is not None, "only a person answers for a bulk job"
    ids = _chosen(actor, what, query, public_ids)
    run = BulkRun(
        user_id=actor.user_id,
        page=what.page,
        action=what.id,
        params=dict(params),
        query=query,
        ids=ids,
        total=len(ids),
    )
    # The lock of the person: two jobs begun at once are counted one after the other.
    User.objects.select_for_update(of=("self",)).get(pk=actor.user_id)
    if agreeing.second_person_wanted(actor, what, len(ids)):
        ticked = public_ids is not None
        return agreeing.ask(
            actor, run, [_("ticked rows")] if ticked else said(view_of(what.page, actor, query))
        )
    run.save(force_insert=True)
    audit.record(actor, "desk.bulk.start", run, reason=f"{what.id}: {len(ids)}")
    agreeing.defer(run)
    return run


@service("account.use")
def ask_consent(
    *,
    actor: Actor,
    action: str,
    params: Mapping[str, Any],
    query: str = "",
    public_ids: Sequence[UUID] | None = None,
) -> str:
    """Let the rows wait for a second person where the action wants one; answers the address of that, else ""."""
    what = _action(action)
    actor.must(what.permission)
    if what.consent is None:
        return ""
    return what.consent(actor, _chosen(actor, what, query, public_ids), params)


def _chosen(
    actor: Actor, action: BulkAction, query: str, public_ids: Sequence[UUID] | None
) -> list[int]:
    view = view_of(action.page, actor, query)
    rows = (
        view.rows().rows
        if public_ids is None
        else visible(view.model, actor).filter(public_id__in=public_ids)
    )
    ids = list(rows.order_by("pk").values_list("pk", flat=True)[: MOST + 1])
    if not ids:
        raise UserError(_("No row is selected."), _("Tick some rows first."))
    if len(ids) > MOST:
        raise UserError(
            _("More than %(n)s rows at once are too many to answer for.") % {"n": f"{MOST:,}"},
            _("Narrow the list first."),
        )
    return ids


@service("account.use")
def stop_run(*, actor: Actor, public_id: UUID) -> BulkRun:
    """Stop after the rows in work just now; those done stay done. Raises Http404 for another's job."""
    run = _own(actor, public_id)
    if run.state in (BulkRun.State.WAITING, BulkRun.State.RUNNING):
        _end(run, BulkRun.State.STOPPED)
        audit.record(actor, "desk.bulk.stop", run)
    return run


@service("account.use")
def resume_run(*, actor: Actor, public_id: UUID) -> BulkRun:
    """Go on where a stopped or failed job ended. Raises Http404 for another's job."""
    run = _own(actor, public_id)
    if run.state in (BulkRun.State.STOPPED, BulkRun.State.FAILED):
        run.state, run.finished_at = BulkRun.State.WAITING, None
        run.save(update_fields=["state", "finished_at"])
        audit.record(actor, "desk.bulk.resume", run)
        agreeing.defer(run)
    return run


@service("account.use")
def work_on(*, actor: Actor, run_id: int) -> bool:
    """Do the next rows of a job as its owner; answers whether there is more to do.

    The rows done and the place reached are written in one transaction, so a job begun again goes on behind them.
    """
    run = BulkRun.objects.select_for_update().get(pk=run_id, user=actor.user_id)
    if run.state not in (BulkRun.State.WAITING, BulkRun.State.RUNNING):
        return False
    action = _action(run.action)
    if not (decision := actor.may(action.permission)):
        run.report = [*run.report, ["", decision.reason]]
        _end(run, BulkRun.State.FAILED)
        return False
    reached = run.done + run.refused
    ids = (run.ids or [])[reached : reached + CHUNK]
    model = view_of(run.page, actor, "").model
    rows = {row.pk: row for row in visible(model, actor).filter(pk__in=ids)}
    refusals = [refusal for id in ids if (refusal := _one(actor, action, rows.get(id), run.params))]
    run.state = BulkRun.State.RUNNING
    run.started_at = run.started_at or clock.now()
    run.done += len(ids) - len(refusals)
    run.refused += len(refusals)
    run.report = [*run.report, *refusals]
    if reached + len(ids) >= run.total:
        _end(run, BulkRun.State.DONE)
    elif run.refused >= REFUSALS_KEPT:
        _end(run, BulkRun.State.STOPPED)
    else:
        run.save(update_fields=["state", "started_at", "done", "refused", "report"])
        _tell(run)
    return run.state == BulkRun.State.RUNNING


@service("account.use", proof=True)
def note_report_taken(*, actor: Actor, run: BulkRun) -> None:
    """Put on record that the owner takes the report away: names of refused rows, `REFUSALS_KEPT` at most.

    No second person: the job itself was on more rows than that, and its report holds a name and a reason.
    """
    _own(actor, run.public_id)
    audit.record(actor, "export.report", run, reason=str(len(run.report)))


@service("system.operate")
def fail_run(*, actor: Actor, run_id: int, reason: str) -> None:
    """A job whose owner may not even use their account any more."""
    run = BulkRun.objects.select_for_update().get(pk=run_id)
    if run.state in (BulkRun.State.WAITING, BulkRun.State.RUNNING):
        run.report = [*run.report, ["", reason]]
        _end(run, BulkRun.State.FAILED)


def _own(actor: Actor, public_id: UUID) -> BulkRun:
    mine = BulkRun.objects.visible_to(actor).filter(user=actor.user_id, public_id=public_id)
    run = mine.select_for_update(of=("self",)).first()
    if run is None:
        raise Http404
    return run


def _action(id: str) -> BulkAction:
    if id not in bulk_actions:
        raise UserError(_("There is no such action any more."), _("Reload the page."))
    return bulk_actions.get(id)


def _one(actor: Actor, action: BulkAction, row: Any, params: Mapping[str, Any]) -> list[str] | None:
    """One row; answers [its public id, why it was refused], or None."""
    if row is None:
        return ["", _("This row is not among those you see any more.")]
    try:
        with transaction.atomic():
            action.run_one(actor, row, params)
    except UserError as error:
        return [str(row.public_id), str(error)]
    except Exception:
        logger.exception("Bulk action %s failed on a row", action.id)
        return [str(row.public_id), _("Something went wrong with this row; it was left as it was.")]
    return None


def _end(run: BulkRun, state: BulkRun.State) -> None:
    run.state, run.finished_at = state, clock.now()
    run.save()
    _tell(run)
    notify(
        actor=system(BULK_JOB),
        kind=KIND,
        text=gettext_noop("A bulk job ended: %(done)s rows done, %(refused)s refused."),
        users=[run.user_id],
        params={"done": run.done, "refused": run.refused},
        url=reverse("desk:run", kwargs={"public_id": run.public_id}),
    )


def _tell(run: BulkRun) -> None:
    tell(run.user_id, "bulk", {"run": str(run.public_id), "done": run.done + run.refused})
