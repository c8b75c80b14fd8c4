"""A narrow table beside a wide one, with one row for each of its rows: what a million rows are counted from.

A model says `mirror = Mirror("standing", ("unit", "stage"))`: its one-to-one row `standing` is always there and
repeats these columns. A query that asks for nothing else is then read from the narrow table alone, where an index
holds all of it, in place of a join of both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.db.models.expressions import Col
from django.db.models.sql.datastructures import BaseTable

M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Mirror:
    """`path` leads from the row to its one row in the narrow table, which repeats `fields`, under their names."""

    path: str
    fields: tuple[str, ...]


def mirrored(rows: QuerySet[M, Any]) -> QuerySet[M, Any]:
    """The same query, finished but for its slice, read from the mirror of its model; itself where that lacks something.

    What it sorts by must stand among its annotations.
    """
    mirror: Mirror | None = getattr(rows.model, "mirror", None)
    if mirror is None or rows.query.is_sliced or rows.query.combinator:
        return rows
    meta: Any = rows.model._meta
    relation = meta.get_field(mirror.path)
    narrow = relation.related_model._meta
    link = relation.remote_field.column
    found: QuerySet[M, Any] = rows._chain()  # type: ignore[attr-defined]
    query: Any = found.query
    base = query.get_initial_alias()
    beside = [
        alias
        for alias, table in query.alias_map.items()
        if table.parent_alias == base and table.table_name == narrow.db_table
    ]
    repeated = {meta.get_field(name).column for name in mirror.fields}
    wide = {field.column for field in meta.concrete_fields}
    own = {field.column for field in narrow.concrete_fields} - wide - {link}
    can = {base: {*repeated, meta.pk.column}, **dict.fromkeys(beside, own)}
    if len(beside) > 1 or any(
        alias in can and column not in can[alias] for alias, column in _asked(query)
    ):
        return rows
    # What joins name is laid by under the names of the wide table, so that nothing else in the query changes.
    query.table_map = {table: [*aliases] for table, aliases in query.table_map.items()}
    query.change_aliases(dict.fromkeys(beside, base))
    for alias, table in query.alias_map.items():
        query.alias_map[alias] = table.relabeled_clone(dict.fromkeys(beside, base))
    query.table_map[narrow.db_table] = [base]
    query.alias_refcount[base] = 1
    query.alias_map[base] = _Instead(
        narrow.db_table, base, {link: meta.pk.column}, sorted(repeated | own)
    )
    return found


def is_mirrored(rows: QuerySet[Any, Any]) -> bool:
    """Whether this query came from `mirrored` as one over the narrow table."""
    return any(isinstance(table, _Instead) for table in rows.query.alias_map.values())


class _Instead(BaseTable):
    """The narrow table under the name of the wide one."""

    def __init__(self, table: str, alias: str, renamed: dict[str, str], columns: list[str]) -> None:
        super().__init__(table, alias)
        self.renamed, self.columns = renamed, columns

    def relabeled_clone(self, change_map: dict[str | None, str]) -> _Instead:
        alias = str(change_map.get(self.table_alias, self.table_alias))
        return _Instead(self.table_name, alias, self.renamed, self.columns)

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[str | int, ...]]:
        quote: Callable[[str], str] = connection.ops.quote_name
        columns = [
            *(f"{quote(name)} AS {quote(known)}" for name, known in self.renamed.items()),
            *map(quote, self.columns),
        ]
        table, alias = quote(self.table_name), compiler.quote_name_unless_alias(self.table_alias)
        return f"(SELECT {', '.join(columns)} FROM {table}) {alias}", ()  # noqa: S608  names of our own


def _asked(query: Any) -> Iterator[tuple[str, str]]:
    """Every (alias, column) that the query and its joins name."""
    parts = [query.where, *query.annotations.values(), *query.select]
    if isinstance(query.group_by, tuple):
        parts += query.group_by
    for column in query._gen_cols(parts, include_external=True):
        if isinstance(column, Col):
            yield column.alias, str(column.target.column)
    for table in query.alias_map.values():
        for mine, _theirs in getattr(table, "join_cols", ()) or ():
            yield table.parent_alias, mine
