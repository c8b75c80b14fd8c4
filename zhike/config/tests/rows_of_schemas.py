"""Rows of any schema, invented from what the database says of its columns; for tests of migrations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.db import DatabaseError, transaction

COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
       a.attidentity <> '' OR a.attgenerated <> '' OR d.oid IS NOT NULL, f.confrelid::regclass::text
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
LEFT JOIN pg_constraint f ON f.conrelid = c.oid AND f.contype = 'f' AND f.conkey = ARRAY[a.attnum]
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped
  AND c.relnamespace = 'public'::regnamespace
ORDER BY c.relname, a.attnum
"""
KEYS = """
SELECT c.relname, array_agg(a.attname ORDER BY a.attnum) FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (k.conkey)
WHERE k.contype = 'p' AND NOT c.relispartition GROUP BY c.relname
"""
# What a check constraint asks for beyond the type; the same for every schema so far.
WORDS: dict[str, str] = {}

Row = dict[str, Any]


class Rows:
    """Adds a row to each table of the rooms as often as asked, and knows later what became of each."""

    def __init__(self, connection: Any, rooms: Iterable[str]) -> None:
        self._connection = connection
        self._rooms = tuple(f"{room}_" for room in rooms)
        self._number = 0
        self._added: dict[str, list[Row]] = defaultdict(list)
        self._why: dict[str, str] = {}

    def add(self) -> None:
        """One row more a table; those that hang on others come after them."""
        self._number += 1
        waiting = self._tables()
        before = len(waiting) + 1
        while waiting and len(waiting) < before:
            before = len(waiting)
            waiting = {name: each for name, each in waiting.items() if not self._insert(name, each)}

    def count(self) -> int:
        return sum(map(len, self._added.values()))

    def empty(self) -> dict[str, str]:
        """Tables that never got a row, and why."""
        return {name: self._why.get(name, "") for name in self._tables() if not self._added[name]}

    def lost(self) -> list[str]:
        """Rows that are gone or say something else, by table and column."""
        told = []
        keys = dict(self._ask(KEYS))
        for table, rows in self._added.items():
            if table not in self._tables():
                continue
            for row in rows:
                where = " AND ".join(f'"{key}" = %s' for key in keys[table])
                found = self._one(
                    f'SELECT * FROM "{table}" WHERE {where}', [row[key] for key in keys[table]]
                )
                if found is None:
                    told.append(f"{table}: a row is gone")
                    continue
                told += [
                    f"{table}.{name}: {value!r} became {found[name]!r}"
                    for name, value in row.items()
                    if name in found and found[name] != value
                ]
        return told

    def _tables(self) -> dict[str, list[tuple[Any, ...]]]:
        found = defaultdict(list)
        for table, *column in self._ask(COLUMNS):
            if table.startswith(self._rooms):
                found[table].append(tuple(column))
        return dict(found)

    def _insert(self, table: str, columns: list[tuple[Any, ...]]) -> bool:
        values: Row = {}
        for name, kind, needed, given, target in columns:
            if given:
                continue
            if target is not None:
                key = self._newest(target)
                if key is None and needed:
                    self._why[table] = f"{name} leads to {target}, which is empty"
                    return False
                values[name] = key
            else:
                values[name] = self._value(f"{table}.{name}", kind)
        names = ", ".join(f'"{name}"' for name in values)
        marks = ", ".join(["%s"] * len(values))
        try:
            with transaction.atomic():
                row = self._one(
                    f'INSERT INTO "{table}" ({names}) VALUES ({marks}) RETURNING *',
                    list(values.values()),
                )
        except DatabaseError as error:
            self._why[table] = str(error).splitlines()[0]
            return False
        if row is not None:
            self._added[table].append(row)
        return True

    def _newest(self, table: str) -> Any:
        column = dict(self._ask(KEYS))[table][0]
        found = self._one(f'SELECT max("{column}") AS newest FROM "{table}"', [])
        return found and found["newest"]

    def _value(self, column: str, kind: str) -> Any:
        number = self._number
        if column in WORDS:
            return WORDS[column].format(number=number)
        if kind.endswith("[]"):
            return "{}"
        base, _brackets, size = kind.partition("(")
        match base:
            case "character varying" | "text":
                text = f"w{number}"
                return text[-int(size.rstrip(")")) :] if size else text
            case "boolean":
                return False
            case "date":
                return f"{2000 + number}-03-05"
            case "timestamp with time zone":
                return "now"
            case "daterange":
                return f"[{2000 + number}-03-05,{2000 + number}-03-06)"
            case "uuid":
                return f"00000000-0000-4000-8000-{number:012}"
            case "jsonb":
                return "{}"
            case "bytea":
                return f"w{number}".encode()
            case _:
                return number

    def _ask(self, sql: str) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def _one(self, sql: str, values: list[Any]) -> Row | None:
        with self._connection.cursor() as cursor:
            cursor.execute(sql, values)
            row = cursor.fetchone()
            return row and dict(zip([each.name for each in cursor.description], row, strict=True))
