"""Many rows at once: COPY into a model's table, one UPDATE from rows copied beside it, one DELETE a table. Called by
services only."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import connection, models
from django.db.models.deletion import get_candidate_relations_to_delete
from psycopg import sql
from psycopg.types.range import Range

from zhike.kernel import wall
from zhike.kernel.prepared import Among

LINES = 1_000
SPECIAL = re.compile(r"[\\\t\n\r]")
ESCAPES = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"))


def new_ids(model: type[models.Model], count: int) -> list[int]:
    """`count` fresh primary keys of the model, so that rows can name each other before they are written."""
    with connection.cursor() as cursor:
        # Asked for beside `nextval`, the sequence would be looked up for each key.
        cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [model._meta.db_table])
        cursor.execute(
            "SELECT nextval(%s::regclass) FROM generate_series(1, %s)",
            [*cursor.fetchone(), count],
        )
        return [id for (id,) in cursor.fetchall()]


def copy_rows(
    model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Write rows by COPY; `columns` are database columns, those left out take the database's defaults.

    Raises IntegrityError like any other write.
    """
    table = sql.Identifier(model._meta.db_table)
    if not wall.is_up():
        _copy(table, columns, rows)
        return
    # PostgreSQL refuses COPY behind a policy, so the rows go by a table of their own.
    beside = sql.Identifier("zhike_copied")
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    with connection.cursor() as cursor:
        made = sql.SQL("CREATE TEMP TABLE {} ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA")
        cursor.execute(made.format(beside, names, table))
        _copy(beside, columns, rows)
        taken = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {}")
        cursor.execute(taken.format(table, names, names, beside))
        cursor.execute(sql.SQL("DROP TABLE {}").format(beside))


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


def delete_rows(model: type[models.Model], ids: Sequence[int]) -> int:
    """Delete rows with what hangs on them, as the keys' `on_delete` says; answers how many of `model` went.

    The same as a queryset's delete, whose lists of keys cost several times what the database does with them. Raises
    ProtectedError.
    """
    relation: Any
    for relation in get_candidate_relations_to_delete(model._meta):
        hanging, column = relation.related_model, relation.field.attname
        rows = hanging._base_manager.filter(Among(models.F(column), ids))
        if relation.on_delete is models.SET_NULL:
            rows.update(**{column: None})
        elif relation.on_delete is not models.CASCADE:
            if rows.exists():
                raise models.ProtectedError(f"{hanging._meta.label} stands on it.", set(rows[:1]))
        elif any(get_candidate_relations_to_delete(hanging._meta)):
            delete_rows(hanging, list(rows.values_list("pk", flat=True)))
        else:
            rows._raw_delete(rows.db)
    own = model._base_manager.filter(Among(models.F("pk"), ids))
    return own._raw_delete(own.db)


def refresh_statistics(*models_written: type[models.Model]) -> None:
    """Tell the planner how large tables have grown: after many new rows its old idea picks plans that take minutes."""
    with connection.cursor() as cursor:
        for model in models_written:
            cursor.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(model._meta.db_table)))


def new_public_ids(count: int) -> list[str]:
    """Random public ids (UUID version 4) as text, made at once."""
    random = os.urandom(16 * count)
    return [_uuid(random[at : at + 16]) for at in range(0, 16 * count, 16)]


def _uuid(random: bytes) -> str:
    text = random.hex()
    variant = "89ab"[random[8] & 3]
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{variant}{text[17:20]}-{text[20:]}"


def _copy(table: sql.Identifier, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Rows as COPY's own text: written here, because one call a row of the driver costs several times as much."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        table, sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    coming = iter(rows)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        while lines := list(islice(coming, LINES)):
            written = [_column(values) for values in zip(*lines, strict=True)]
            copy.write("\n".join(map("\t".join, zip(*written, strict=True))) + "\n")


def _column(values: Sequence[Any]) -> Sequence[str]:
    """The values of one column as COPY's text: most are of one type, many all the same, few hold what is escaped."""
    if values.count(values[0]) == len(values) and len(set(map(type, values))) == 1:
        return [_written(values[0])] * len(values)
    there = [value for value in values if value is not None]
    if set(map(type, there)) == {str}:
        written = there if SPECIAL.search("".join(there)) is None else map(_string, there)
    else:
        written = map(_written, there)
    if len(there) == len(values):
        return list(written)
    following = iter(written)
    return ["\\N" if value is None else next(following) for value in values]


def _written(value: Any) -> str:
    return _WRITTEN.get(type(value), _other)(value)


def _string(value: str) -> str:
    if SPECIAL.search(value):
        for character, escaped in ESCAPES:
            value = value.replace(character, escaped)
    return value


def _array(values: list[str]) -> str:
    quoted = [value.replace("\\", "\\\\").replace('"', '\\"') for value in values]
    return _string("{" + ",".join([f'"{value}"' for value in quoted]) + "}")


def _range(value: Any) -> str:
    if value.isempty:
        return "empty"
    return f"{value.bounds[0]}{value.lower or ''},{value.upper or ''}{value.bounds[1]}"


def _other(value: Any) -> str:
    """Members of text enumerations and ranges of dates."""
    if isinstance(value, str):
        return _string(str(value))
    if isinstance(value, Range):
        return _range(value)
    raise TypeError(f"no COPY text for {type(value).__name__}")


_WRITTEN: dict[type, Callable[[Any], str]] = {
    str: _string,
    int: str,
    float: repr,
    bool: lambda value: "t" if value else "f",
    bytes: lambda value: "\\\\x" + value.hex(),
    memoryview: lambda value: "\\\\x" + value.hex(),
    type(None): lambda value: "\\N",
    date: date.isoformat,
    datetime: datetime.isoformat,
    Decimal: str,
    UUID: str,
    list: _array,
}
