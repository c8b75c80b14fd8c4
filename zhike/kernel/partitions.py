"""Tables partitioned by month of their `at`: how a migration makes one, how months are added ahead of time."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import connection, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import CreateModel
from django.db.migrations.state import ProjectState

APPEND_ONLY = """
CREATE OR REPLACE FUNCTION zhike_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege'; END $$;
"""


class CreatePartitionedModel(CreateModel):
    """CreateModel for a table `PARTITION BY RANGE (at)` with a default partition, so that no row is ever homeless."""

    append_only = False

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model: Any = to_state.apps.get_model(app_label, self.name)
        editor: Any = schema_editor
        table = model._meta.db_table
        editor.execute(f"CREATE SEQUENCE {table}_id_seq")
        sql, params = editor.table_sql(model)
        editor.execute(f"{sql} PARTITION BY RANGE (at)", params or None)
        editor.execute(f"CREATE TABLE {table}_rest PARTITION OF {table} DEFAULT")
        editor.deferred_sql.extend(editor._model_indexes_sql(model))
        if self.append_only:
            editor.execute(APPEND_ONLY, None)
            editor.execute(
                f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION zhike_append_only()"
            )

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        super().database_backwards(app_label, schema_editor, from_state, to_state)
        table = from_state.apps.get_model(app_label, self.name)._meta.db_table
        schema_editor.execute(f"DROP SEQUENCE {table}_id_seq")


class CreateAppendOnlyModel(CreatePartitionedModel):
    """The same, and the database refuses to change or delete a row."""

    append_only = True


def months(first: date, last: date) -> list[date]:
    """The first days of every month from that of `first` to that of `last`."""
    count = (last.year - first.year) * 12 + last.month - first.month
    start = first.year * 12 + first.month - 1
    return [date((start + i) // 12, (start + i) % 12 + 1, 1) for i in range(count + 1)]


def ensure(model: type[models.Model], first: date, last: date) -> None:
    """Make the partitions for the months from `first` to `last`; rows that waited in the rest move in."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        for month in months(first, last):
            name = f"{table}_{month:%Y_%m}"
            cursor.execute("SELECT to_regclass(%s)", [name])
            if cursor.fetchone()[0] is not None:
                continue
            after = months(month, date(month.year + month.month // 12, month.month % 12 + 1, 1))[-1]
            bounds = [f"{month} 00:00+08", f"{after} 00:00+08"]
            cursor.execute(f"CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS)")
            cursor.execute(f"ALTER TABLE {table}_rest DISABLE TRIGGER USER")
            cursor.execute(  # table and month are ours, never a person's words
                f"WITH moved AS (DELETE FROM {table}_rest WHERE at >= %s AND at < %s RETURNING *) "  # noqa: S608  names of our own
                f"INSERT INTO {name} SELECT * FROM moved",
                bounds,
            )
            cursor.execute(f"ALTER TABLE {table}_rest ENABLE TRIGGER USER")
            cursor.execute(
                f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM (%s) TO (%s)", bounds
            )
