"""The second wall: PostgreSQL itself answers only rows of whom asks, should a query ever forget `visible_to`.

Pages and the API sign in to the database under a role that owns nothing and may by-pass nothing. Each request says
there who asks (`face`); each table has a policy made from its model's scope (`Scope.wall`). Who says nothing sees
nothing. Services write across scopes, after they have asked the scope themselves, with the wall `lowered`. Commands
and jobs do the institution's own work: their role owns the tables and passes by.

The conditions name what the request said within sub-selects, which PostgreSQL asks once a statement and not once a
row (measured: 0.8 to 1.6 ms for a page of 50 of a million rows, 10 ms without).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING, Any

import psycopg
from django.apps import apps
from django.conf import settings
from django.db import connection
from psycopg.pq import TransactionStatus

if TYPE_CHECKING:
    from zhike.kernel.actor import Actor

POLICY = "wall"
SCOPELESS = ("django_", "auth_", "procrastinate_")  # sessions, the job queue: no rows of ours
KEEPER = "kernel_auditentry"  # its policy bears the digest of all

NOTHING = "false"
OPEN = "(SELECT current_setting('zhike.open', true) = 'yes')"
EVERYWHERE = "(SELECT current_setting('zhike.everywhere', true) = 'yes')"
SIGNED_IN = "(SELECT nullif(current_setting('zhike.roles', true), '') <> '{}')"
USER = "(SELECT nullif(current_setting('zhike.user', true), '')::bigint)"
EMPLOYEE = "(SELECT nullif(current_setting('zhike.employee', true), '')::bigint)"
UNITS = "((SELECT nullif(current_setting('zhike.units', true), '')::bigint[])::bigint[])"
PEOPLE = "((SELECT nullif(current_setting('zhike.people', true), '')::bigint[])::bigint[])"
PERMISSIONS = "((SELECT nullif(current_setting('zhike.permissions', true), '')::text[])::text[])"
TODAY = "(SELECT nullif(current_setting('zhike.today', true), '')::date)"

in_test: ContextVar[bool] = ContextVar("in_test", default=False)
"""Whether this thread answers a request of a test, as a process of the pages does."""
_lowered: ContextVar[bool] = ContextVar("lowered", default=False)

_SAID = ("roles", "everywhere", "user", "employee", "units", "people", "permissions", "today")
_looked_up: dict[str, str] = {}


def look_up(name: str, sql: str) -> str:
    """Let each request say what `sql` finds for the one who asks, once; the condition's name for that array of ids.

    For what the policies themselves could not ask without going round in circles.
    """
    _looked_up[name] = sql
    return f"((SELECT nullif(current_setting('zhike.{name}', true), '')::bigint[])::bigint[])"


def may(permission: str) -> str:
    """Whether whom asks holds the permission, in SQL."""
    return f"(SELECT '{permission}' = ANY (nullif(current_setting('zhike.permissions', true), '')::text[]))"


def holds_one_of(roles: Iterable[str]) -> str:
    """Whether whom asks has one of the roles, in SQL."""
    names = ", ".join(f"'{role}'" for role in sorted(roles))
    return f"(SELECT nullif(current_setting('zhike.roles', true), '')::text[] && ARRAY[{names}])"


def either(*conditions: str) -> str:
    return f"({' OR '.join(conditions)})"


def both(*conditions: str) -> str:
    return f"({' AND '.join(conditions)})"


def face(actor: Actor) -> None:
    """Say on this connection for whom it reads from now on; the wall stands then, also where it was lowered.

    One message, however much is said: each way to the server costs a page more than what is said on it.
    """
    if not is_up():
        return
    from zhike.kernel import clock

    said = [
        f"{{{','.join(sorted(actor.roles))}}}",
        "yes" if actor.everywhere else "",
        _text(actor.user_id),
        _text(actor.employee_id),
        f"{{{','.join(map(str, sorted(actor.units)))}}}",
        f"{{{','.join(map(str, sorted(actor.people)))}}}",
        f"{{{','.join(sorted(actor.permissions))}}}",
        clock.today().isoformat(),
    ]
    statements = [_say()]
    if _looked_up and actor.employee_id is not None:
        statements += [_LOWER, _find()]
    _execute("; ".join([*statements, _RAISE]), said)
    _lowered.set(False)


def _saying(values: Mapping[str, str]) -> str:
    said = (f"set_config('zhike.{name}', {value}, false)" for name, value in values.items())
    return f"SELECT {', '.join(said)}"


_LOWER = _saying({"open": "'yes'"})
_RAISE = _saying({"open": "''"})


@cache
def _say() -> str:
    return _saying({**dict.fromkeys(_SAID, "%s"), **dict.fromkeys(_looked_up, "''")})


@cache
def _find() -> str:
    arrays = {
        name: f"(SELECT array_agg(found)::text FROM ({sql}) looked_up (found))"  # noqa: S608
        for name, sql in _looked_up.items()
    }
    return _saying({name: f"coalesce({array}, '')" for name, array in arrays.items()})


@contextmanager
def lowered() -> Iterator[None]:
    """Read and write every row: for what asks the scope itself, and for what comes before there is an actor."""
    if not is_up() or _lowered.get():
        yield
        return
    _execute(_LOWER)
    before = _lowered.set(True)
    try:
        yield
    finally:
        stands = not _lowered.get()
        _lowered.reset(before)
        if not stands:
            _execute(_RAISE)


def is_up() -> bool:
    """In every process of the pages; in a test, while a request is answered."""
    return settings.ZHIKE_WALL or in_test.get()


def _execute(sql: str, values: list[str] | None = None) -> None:
    """Beneath Django's cursors: it is no query of the page, and costs a third."""
    connection.ensure_connection()
    held: Any = connection.connection
    # A transaction that failed takes back what was said in it with everything else.
    if held.info.transaction_status != TransactionStatus.INERROR:
        held.execute(sql, values)


def _text(value: int | None) -> str:
    return "" if value is None else str(value)


def policies() -> dict[str, str]:
    """For each table of ours, the condition on its rows."""
    return {
        model._meta.db_table: f"({OPEN} OR {model.scope.wall(model)})"
        for model in apps.get_models()
        if hasattr(model, "scope")
    }


def passes() -> bool:
    """Whether the role of this connection reads past every policy, as the owner of the tables must."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        return bool(cursor.fetchone() == (True,))


def faults_of_owner() -> list[tuple[str, str]]:
    """What is wrong with the role of this connection, which is to own the tables, and the way out."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
        )
        role, above, passing = cursor.fetchone()
    if above:
        return [
            (
                f"DATABASE_URL signs in as the superuser {role}",
                "Make the role `zhike` of docs/operations.md, let it own the database and its tables.",
            )
        ]
    if not passing:
        return [
            (f"{role} does not pass the policies", f"As a superuser: alter role {role} bypassrls;")
        ]
    return []


def faults_of_pages(url: str) -> list[tuple[str, str]]:
    """What is wrong with the role of that address, which is to stand behind every policy, and the way out."""
    try:
        with psycopg.connect(url, connect_timeout=10) as pages:
            found = pages.execute(
                "SELECT current_user, rolsuper, rolbypassrls, "
                "EXISTS (SELECT FROM pg_tables WHERE pg_has_role(tableowner, 'MEMBER') "
                "AND schemaname = 'public'), "
                "NOT coalesce(has_table_privilege(to_regclass(%s), 'INSERT'), false) "
                "FROM pg_roles WHERE rolname = current_user",
                [KEEPER],
            ).fetchone()
    except psycopg.Error as error:
        said = (str(error).strip().splitlines() or ["no answer"])[-1]
        return [(f"PAGES_DATABASE_URL does not open the database: {said}", "Correct it.")]
    assert found
    role, above, passing, owning, without = found
    if owning and not above:
        return [
            (
                f"{role}, the role of the pages, owns tables, or may take the role of who does",
                "Let DATABASE_URL and PAGES_DATABASE_URL name two roles, and do not grant the first to the second.",
            )
        ]
    faults = {
        f"{role} is a superuser": (above, f"As a superuser: alter role {role} nosuperuser;"),
        f"{role} passes every policy": (passing, f"As a superuser: alter role {role} nobypassrls;"),
        f"{role} may not write": (without, "Run `zhike init`."),
    }
    return [(what, way_out) for what, (wrong, way_out) in faults.items() if wrong]


def _granted(role: str) -> bool:
    """Whether the role may write already; also when there is none."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT bool_and(has_table_privilege(oid, %s, 'INSERT')) FROM pg_roles WHERE rolname = %s",
            [KEEPER, role],
        )
        return bool(cursor.fetchone() != (False,))


def build(role: str) -> None:
    """Put up the policies and say what `role` may do; again changes nothing. Called after every migration.

    Where the role of DATABASE_URL could not pass by itself, nothing is put up: `zhike doctor` says so.
    """
    wanted = policies()
    digest = hashlib.sha256(repr((role, sorted(wanted.items()))).encode()).hexdigest()
    if not passes():
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND NOT EXISTS (SELECT FROM pg_inherits "
            "WHERE inhrelid = (quote_ident(schemaname) || '.' || quote_ident(tablename))::regclass)"
        )
        tables = {name for (name,) in cursor.fetchall()}
        cursor.execute(
            "SELECT obj_description(oid, 'pg_policy') FROM pg_policy WHERE polname = %s "
            "AND polrelid = to_regclass(%s)",
            [POLICY, KEEPER],
        )
        if KEEPER not in tables or (cursor.fetchone() == (digest,) and _granted(role)):
            return
        for table, condition in wanted.items():
            if table not in tables:
                continue
            cursor.execute(
                f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; "
                f"DROP POLICY IF EXISTS {POLICY} ON {table}; "
                f"CREATE POLICY {POLICY} ON {table} USING {condition}"
            )
        granted = sorted(name for name in tables if name in wanted or name.startswith(SCOPELESS))
        cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", [role])
        if cursor.fetchone() is not None:
            name = connection.ops.quote_name(role)
            cursor.execute(
                f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {name}; "
                f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(granted)} TO {name}; "
                f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {name}"
            )
        cursor.execute(f"COMMENT ON POLICY {POLICY} ON {KEEPER} IS '{digest}'")
