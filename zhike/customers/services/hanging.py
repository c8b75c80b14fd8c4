"""What hangs on a party: every table with a key to it, and which rows cannot stand beside each other there.

Both are read off the models and the database's own constraints, so that a room opened tomorrow is moved along by a
merge without a word of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db import connection, models
from django.db.models.deletion import get_candidate_relations_to_delete
from psycopg import sql

from zhike.customers.models import Merge, Party

MERGING = sql.Identifier("zhike_merging")


@dataclass(frozen=True)
class Rivalry:
    """Rows of a table that agree by each (column, operator), among those that `where` holds for, exclude each other."""

    columns: tuple[tuple[str, str], ...]
    where: str


@dataclass(frozen=True)
class Hanging:
    """One key to a party: rows of `model` hang on it by `column`. `single`: one row a party."""

    model: type[models.Model]
    column: str
    rivalries: tuple[Rivalry, ...]
    ends: tuple[str, ...]
    single: bool

    @property
    def table(self) -> str:
        return self.model._meta.db_table

    @property
    def place(self) -> str:
        return f"{self.table}.{self.column}"

    @property
    def key(self) -> str:
        """The column that tells one row from the other: of a partitioned table its own number."""
        return "party_id" if self.single else "id"


@lru_cache
def hanging() -> tuple[Hanging, ...]:
    """Every key to a party but the merges' own, in the order of their tables."""
    keys: dict[type[models.Model], list[str]] = {}
    options: Any = Party._meta
    relation: Any
    # Those without a name on the party's side (`related_name="+"`) too.
    for relation in get_candidate_relations_to_delete(options):
        if relation.related_model is not Merge:
            field: Any = relation.field
            keys.setdefault(relation.related_model, []).append(field.column)
    known = _rivalries([model._meta.db_table for model in keys])
    found = []
    for model, columns in keys.items():
        rivalries = known.get(model._meta.db_table, ())
        for column in columns:
            mine = tuple(each for each in rivalries if (column, "=") in each.columns)
            single = any(each.columns == ((column, "="),) and not each.where for each in mine)
            others = tuple(other for other in columns if other != column)
            found.append(Hanging(model, column, mine, others, single))
    return tuple(sorted(found, key=lambda each: each.place))


def _rivalries(tables: Sequence[str]) -> dict[str, tuple[Rivalry, ...]]:
    found: dict[str, list[Rivalry]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.relname, i.indnullsnotdistinct, coalesce(pg_get_expr(i.indpred, c.oid), ''),
                (SELECT array_agg(a.attname::text ORDER BY k.place)
                 FROM unnest(i.indkey::int2[]) WITH ORDINALITY k(number, place)
                 JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number
                 WHERE k.place <= i.indnkeyatts),
                (SELECT array_agg(o.oprname::text ORDER BY k.place)
                 FROM unnest(e.conexclop) WITH ORDINALITY k(number, place)
                 JOIN pg_operator o ON o.oid = k.number)
            FROM pg_index i
            JOIN pg_class c ON c.oid = i.indrelid
            LEFT JOIN pg_constraint e ON e.conindid = i.indexrelid AND e.contype = 'x'
            WHERE (i.indisunique OR i.indisexclusion) AND c.relname = ANY(%s)
            """,
            [list(tables)],
        )
        for table, nulls_meet, where, columns, operators in cursor.fetchall():
            alike = "IS NOT DISTINCT FROM" if nulls_meet else "="
            pairs = tuple(zip(columns, operators or [alike] * len(columns), strict=True))
            found.setdefault(table, []).append(Rivalry(pairs, where))
    return {table: tuple(each) for table, each in found.items()}


def rivals(each: Hanging) -> Iterator[sql.Composed]:
    """Queries for the keys of rows that may not follow their party to where `zhike_merging` sends it.

    Some cannot stand beside what is there, some would tie a party to itself; of what there is one of a party, the
    root keeps its own.
    """
    table, column, key = map(sql.Identifier, (each.table, each.column, each.key))
    if each.single:
        yield sql.SQL(
            "SELECT t.{key} FROM {table} t JOIN {merging} m ON t.{column} = m.leaves"
        ).format(key=key, table=table, merging=MERGING, column=column)
        return
    for rivalry in each.rivalries:
        where = sql.SQL(rivalry.where or "true")  # from the catalogue of the database
        meet = [
            sql.SQL("o.{0} {1} t.{0}").format(sql.Identifier(name), sql.SQL(operator))
            for name, operator in rivalry.columns
            if name != each.column
        ]
        yield sql.SQL(
            "SELECT t.{key} FROM (SELECT * FROM {table} WHERE {where}) t "
            "JOIN {merging} m ON t.{column} = m.leaves "
            "JOIN (SELECT * FROM {table} WHERE {where}) o ON {meet}"
        ).format(
            key=key,
            table=table,
            where=where,
            merging=MERGING,
            column=column,
            meet=sql.SQL(" AND ").join([sql.SQL("o.{0} = m.root").format(column), *meet]),
        )
    for end in each.ends:
        yield sql.SQL(
            "SELECT t.{key} FROM {table} t JOIN {merging} m ON t.{column} = m.leaves AND t.{end} = m.root"
        ).format(key=key, table=table, merging=MERGING, column=column, end=sql.Identifier(end))
