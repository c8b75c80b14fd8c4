"""Many rows at once: COPY into a model's table, and one UPDATE from rows copied beside it. Called by services only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, models
from psycopg import sql


def new_ids(model: type[models.Model], count: int) -> list[int]:
    """`count` fresh primary keys of the model, so that rows can name each other before they are written."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
            [model._meta.db_table, count],
        )
        return [id for (id,) in cursor.fetchall()]


def copy_rows(
    model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Write rows by COPY; `columns` are database columns, those left out take the database's defaults.

    Raises IntegrityError like any other write.
    """
    _copy(sql.Identifier(model._meta.db_table), columns, rows)


def update_rows(
    model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Give rows new values in one statement; each of `rows` is the primary key and then `columns`."""
    table = sql.Identifier(model._meta.db_table)
    beside = sql.Identifier("zhike_update")
    names = [sql.Identifier(name) for name in ("id", *columns)]
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("CREATE TEMP TABLE {} ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA").format(
                beside, sql.SQL(", ").join(names), table
            )
        )
        _copy(beside, ("id", *columns), rows)
        cursor.execute(
            sql.SQL(
                "UPDATE {table} SET {sets}, version = {table}.version + 1, changed_at = now() "
                "FROM {beside} WHERE {table}.id = {beside}.id"
            ).format(
                table=table,
                beside=beside,
                sets=sql.SQL(", ").join(
                    sql.SQL("{0} = {1}.{0}").format(name, beside) for name in names[1:]
                ),
            )
        )
        cursor.execute(sql.SQL("DROP TABLE {}").format(beside))


def _copy(table: sql.Identifier, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        table, sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
