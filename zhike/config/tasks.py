"""Jobs on the PostgreSQL queue: the daily turn, coming months, the trail's seals, the outbox, stalled work."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from procrastinate import JobContext
from procrastinate.contrib.django import app

from zhike.access import directory
from zhike.access.services import end_who_is_gone
from zhike.access.services.pace import forget_old_pace
from zhike.customers.models import TimelineEntry
from zhike.desk.services.remembered import forget_old
from zhike.kernel import clock, events, idempotency, outbox, partitions
from zhike.kernel.actor import system
from zhike.kernel.models import AuditEntry

STALLED_AFTER_SECONDS = 120


@app.periodic(cron="30 20 * * *")  # 04:30 in Shanghai, when the core system has closed its day
@app.task(queueing_lock="daily", lock="daily")
def daily(timestamp: int) -> None:
    """Scores and today's lists, each night."""
    from zhike.config.daily import run_daily  # the tasks are read before the rooms are ready

    run_daily(actor=system("job daily"))


@app.periodic(cron="10 18 * * *")
@app.task(queueing_lock="months")
def months_ahead(timestamp: int) -> None:
    """The partitions of the coming two months, long before a row needs them."""
    today = clock.today()
    for model in (AuditEntry, TimelineEntry):
        partitions.ensure(model, today, today + timedelta(days=70))


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="seal", lock="seal")
def seal(timestamp: int) -> None:
    """The entries of the last minutes, sealed."""
    from zhike.config.trail import seal_trail  # the tasks are read before the rooms are ready

    seal_trail(system("job seal"))


@app.periodic(cron="30 18 * * *")
@app.task(queueing_lock="verify", lock="verify")
def verify(timestamp: int) -> None:
    """The whole trail compared with its seals, each night."""
    from zhike.config.trail import verify_trail

    verify_trail(system("job verify"))


@app.periodic(cron="20 18 * * *")
@app.task(queueing_lock="remembered")
def forget_old_records(timestamp: int) -> None:
    """Of what people opened, the newest few are kept; how much they saw, for a month."""
    forget_old(actor=system("job remembered"))
    forget_old_pace(actor=system("job remembered"))
    idempotency.forget_old()
    outbox.forget_old()


@app.periodic(cron="*/5 * * * *")
@app.task(queueing_lock="directory", lock="directory")
def ask_the_directory(timestamp: int) -> None:
    """Whoever was taken out of the institution's directory is out here within five minutes."""
    if directory.may_be_asked():
        with suppress(directory.Unreachable):  # asked again in five minutes
            end_who_is_gone(actor=system("job directory"))


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="outbox", lock="outbox")
def deliver(timestamp: int) -> None:
    """What is to be said outside; and what followed from an event whose process died."""
    events.react()
    outbox.deliver()


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="stalled", lock="stalled", pass_context=True)
async def retry_stalled(context: JobContext, timestamp: int) -> None:
    """A job whose worker was killed stays “doing” for ever unless somebody asks for it."""
    manager = context.app.job_manager
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER_SECONDS):
        await manager.retry_job(job)
