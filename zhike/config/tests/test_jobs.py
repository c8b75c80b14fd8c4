"""The queue: a job commits with what asks for it, is run, and one whose worker died is run again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.contrib.django.models import ProcrastinateJob

from zhike.config import tasks
from zhike.kernel.models import AuditEntry

pytestmark = pytest.mark.django_db(transaction=True)


def work() -> None:
    """Run what waits, as the worker does, and stop; in a thread, for a browser's loop may run in this one."""

    def run() -> None:
        connector = app.connector
        assert isinstance(connector, DjangoConnector)
        with app.replace_connector(connector.get_worker_connector()) as worker:
            worker.run_worker(wait=False, install_signal_handlers=False, listen_notify=False)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(run).result()


def status(job: int) -> str:
    found: str = ProcrastinateJob.objects.get(pk=job).status
    return found


def test_a_job_of_a_transaction_that_fails_was_never_asked_for() -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        tasks.months_ahead.configure().defer(timestamp=0)
        raise RuntimeError
    assert not ProcrastinateJob.objects.exists()


def test_the_months_ahead_are_made() -> None:
    job = tasks.months_ahead.configure().defer(timestamp=0)
    work()
    assert status(job) == "succeeded"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_inherits WHERE inhparent = %s::regclass",
            [AuditEntry._meta.db_table],
        )
        assert cursor.fetchone()[0] >= 3


def test_a_job_whose_worker_died_is_asked_for_again() -> None:
    job = tasks.months_ahead.configure().defer(timestamp=0)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) "
            "VALUES (now() - interval '1 hour') RETURNING id"
        )
        worker = cursor.fetchone()[0]
        cursor.execute(
            "UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s WHERE id = %s",
            [worker, job],
        )
    tasks.retry_stalled.configure().defer(timestamp=0)
    work()
    work()
    assert status(job) == "succeeded"
