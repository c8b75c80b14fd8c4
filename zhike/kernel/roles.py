"""The role of the pages in the embedded database; on a server somebody makes it by hand (docs/operations.md)."""

from __future__ import annotations

from typing import Any

from psycopg import Connection, sql

PAGES_ROLE = "zhike_pages"  # owns nothing and by-passes nothing (see kernel.wall)

# Behind row-level security an index serves only functions that tell nothing of what they are given but their answer.
# These are such, but PostgreSQL marks few of its own: without them a search walks the whole table.
LEAKPROOF = (
    "int8out(bigint)",
    "textcat(text, text)",
    "textin(cstring)",
    "textlike(text, text)",
    "texticlike(text, text)",
    "array_append(anycompatiblearray, anycompatible)",
    "arraycontains(anyarray, anyarray)",
    "arrayoverlap(anyarray, anyarray)",
    "daterange_subdiff(date, date)",  # for the estimate of how many ranges hold a day
    "range_contains_elem(anyrange, anyelement)",
    "elem_contained_by_range(anyelement, anyrange)",
    "range_overlaps(anyrange, anyrange)",
    *(f"numeric_{each}(numeric, numeric)" for each in ("eq", "ne", "lt", "le", "gt", "ge")),
)


def make_pages_role(superuser: Connection[Any], owner: str) -> None:
    """The role, unless it is there; `owner` may from then on pass every policy."""
    there = "select 1 from pg_roles where rolname = %s"
    if superuser.execute(there, [PAGES_ROLE]).fetchone() is not None:
        return
    pages, owning = sql.Identifier(PAGES_ROLE), sql.Identifier(owner)
    superuser.execute(sql.SQL("create role {} login").format(pages))
    superuser.execute(sql.SQL("grant {} to {}").format(pages, owning))
    superuser.execute(sql.SQL("alter role {} bypassrls").format(owning))


def let_indexes_serve(superuser: Connection[Any]) -> None:
    """Mark what `LEAKPROOF` names in the database of the connection, where it is not marked yet."""
    with superuser.cursor() as cursor:
        for statement in unmarked(cursor):
            cursor.execute(statement.encode())


def unmarked(cursor: Any) -> list[str]:
    """What a superuser must say in the database of the cursor so that indexes serve there; nothing where they do."""
    cursor.execute(
        "select name from unnest(%s::text[]) name "
        "join pg_proc on pg_proc.oid = name::regprocedure where not proleakproof",
        [list(LEAKPROOF)],
    )
    return [f"alter function {name} leakproof;" for (name,) in cursor.fetchall()]
