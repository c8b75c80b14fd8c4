"""Checks, loads and revertings of uploads on the queue, and files nobody went on with; runs of the matching."""

from __future__ import annotations

from django.conf import settings
from django.utils import translation
from procrastinate.contrib.django import app


@app.task
def work_on_upload(upload: int) -> None:
    """What its owner asked for, as its owner. Begun again after its worker was killed it does the same."""
    from zhike.access.queries import actor_for
    from zhike.kernel.errors import UserError
    from zhike.masterdata.models import Upload
    from zhike.masterdata.services import importing, reverting
    from zhike.masterdata.wizard import vault

    work = {
        Upload.State.CHECKING: importing.check,
        Upload.State.LOADING: importing.load,
        Upload.State.REVERTING: reverting.revert,
    }
    row = Upload.objects.select_related("user__employee").get(pk=upload)
    if row.state in (Upload.State.LOADED, Upload.State.REVERTED):
        vault.discard(row.stored)  # its worker died between the last word and this
    if row.state not in work:
        return
    with translation.override(row.user.language or settings.LANGUAGE_CODE):
        was = Upload.State(row.state)
        try:
            work[was](actor=actor_for(row.user, origin=f"job upload {upload}"), upload=row)
        except UserError as error:
            importing.halt(row, was, str(error))
        except Exception:
            importing.halt(row, was)
            raise


@app.task
def run_matching(user: int, whole: bool) -> None:
    """Records resolved into customers, as whoever asked for it."""
    from zhike.access.queries import actor_for
    from zhike.masterdata.services import match
    from zhike.organisation.models import User

    owner = User.objects.select_related("employee").get(pk=user)
    with translation.override(owner.language or settings.LANGUAGE_CODE):
        match(actor=actor_for(owner, origin="job matching"), whole=whole)


@app.periodic(cron="40 18 * * *")
@app.task(queueing_lock="uploads")
def forget_uploads(timestamp: int) -> None:
    """Files that nobody went on with for a week."""
    from zhike.kernel.actor import system
    from zhike.masterdata.services.wizard import forget_old

    forget_old(actor=system("job uploads"))
