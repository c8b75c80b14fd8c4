"""What PostgreSQL is told after a night that rewrote whole tables."""

from __future__ import annotations

from django.db import connection, models
from psycopg import sql


def sweep(*models_rewritten: type[models.Model]) -> None:
    """Tell the database which pages of rewritten tables all see, so that counting them reads the index alone.

    Nothing within a transaction, where the database refuses to.
    """
    if connection.in_atomic_block:
        return
    with connection.cursor() as cursor:
        for model in models_rewritten:
            table = sql.Identifier(model._meta.db_table)
            cursor.execute(sql.SQL("VACUUM (ANALYZE) {}").format(table))
