"""After a sweep the database knows how many rows there are and that all see them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.contrib.sessions.models import Session
from django.db import connection

from zhike.kernel.sweeping import sweep

ROWS = 300


def known() -> tuple[float, int, int]:
    """Rows, pages, and pages all see, as the planner has them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT reltuples, relpages, relallvisible FROM pg_class WHERE oid = %s::regclass",
            [Session._meta.db_table],
        )
        row: tuple[float, int, int] = cursor.fetchone()
    return row


def fill() -> None:
    Session.objects.bulk_create(
        Session(
            session_key=f"{n:032}", session_data="-", expire_date=datetime(2027, 1, 1, tzinfo=UTC)
        )
        for n in range(ROWS)
    )


@pytest.mark.django_db(transaction=True)
def test_a_swept_table_is_known() -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE django_session")  # no pages of what other tests rolled back
        cursor.execute("SET synchronous_commit = on")  # nobody sees for good what may yet be lost
        fill()
        cursor.execute("RESET synchronous_commit")
    for _again in range(200):
        sweep(Session)
        rows, pages, seen_by_all = known()
        if seen_by_all == pages:
            break  # whoever looked at the table meanwhile, the database's own housekeeping too, holds it back
    assert (rows, seen_by_all) == (ROWS, pages)
    assert pages > 0


@pytest.mark.django_db
def test_within_a_transaction_nothing_is_swept() -> None:
    before = known()
    fill()
    sweep(Session)
    assert known() == before
    assert Session.objects.count() == ROWS
