"""Asking for a run of the matching."""

from __future__ import annotations

from django.db import transaction
from procrastinate.exceptions import AlreadyEnqueued

from zhike.kernel import audit
from zhike.kernel.actor import Actor
from zhike.kernel.services import service


@service("masterdata.load")
def ask_for_matching(*, actor: Actor, whole: bool) -> bool:
    """Put a run on the queue, of what is new or of everything (`whole`); False where one waits there already."""
    from zhike.masterdata.tasks import run_matching  # the tasks are read before the rooms are ready

    assert actor.user_id is not None, "only a person asks for a run; the daily turn has its own"
    try:
        with transaction.atomic():
            run_matching.configure(queueing_lock="matching").defer(user=actor.user_id, whole=whole)
    except AlreadyEnqueued:
        return False
    audit.record(
        actor, "masterdata.match.ask", reason="everything anew" if whole else "what is new"
    )
    return True
