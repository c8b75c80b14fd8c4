"""Bulk jobs on the queue. A job whose worker was killed is asked for again and goes on where it was."""

from __future__ import annotations

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _
from procrastinate.contrib.django import app


@app.task
def run_bulk(run: int) -> None:
    """As its owner, in the owner's language, with the rights the owner has now: asked anew for every few rows."""
    from zhike.access.queries import actor_for
    from zhike.desk.models import BulkRun
    from zhike.desk.rules import BULK_JOB
    from zhike.desk.services import bulk
    from zhike.kernel.actor import system

    owner = BulkRun.objects.select_related("user__employee").get(pk=run).user
    with translation.override(owner.language or settings.LANGUAGE_CODE):
        while True:
            owner.refresh_from_db()
            actor = actor_for(owner, origin=f"{BULK_JOB} {run}")
            if actor.user_id is None or not actor.may("account.use"):
                reason = _("You hold no position today. Ask the security administrator.")
                bulk.fail_run(actor=system(BULK_JOB), run_id=run, reason=reason)
                return
            if not bulk.work_on(actor=actor, run_id=run):
                return


@app.task
def make_file(file: int) -> None:
    """As its owner, in the owner's language, with the rights the owner has now."""
    from zhike.access.queries import actor_for
    from zhike.desk.models import TakenFile
    from zhike.desk.services import files

    owner = TakenFile.objects.select_related("user__employee").get(pk=file).user
    actor = actor_for(owner, origin=f"job file {file}")
    if actor.may("account.use"):
        with translation.override(owner.language or settings.LANGUAGE_CODE):
            files.make(actor=actor, file_id=file)


@app.periodic(cron="*/10 * * * *")
@app.task(queueing_lock="old files")
def end_old_files(timestamp: int) -> None:
    """Requests nobody answered, for files and for bulk jobs, and files kept long enough."""
    from zhike.desk.services import agreeing, files
    from zhike.kernel.actor import system

    files.end_old(actor=system("job old files"))
    agreeing.end_old(actor=system("job old requests"))
