"""The data folder and its database as a command meets them: started, checked, brought up to date."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import django

from zhike.kernel.errors import UserError

FREE_BYTES = 512 * 2**20
OLDEST_POSTGRES = 150000


def begin() -> None:
    """Django ready, and no database asked for."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zhike.config.settings")
    django.setup()


@contextmanager
def opened(*, current: bool = True) -> Iterator[None]:
    """Django ready and the database answering; the embedded one is started, and stopped if started here.

    With `current`, a database older or newer than the code is refused.
    """
    begin()
    from django.conf import settings

    from zhike.kernel.postgres import running

    if not settings.ZHIKE_EMBEDDED:
        answering()
        if current:
            must_be_current()
        yield
        return
    with running(settings.ZHIKE_HOME / "postgres", log_to=settings.ZHIKE_LOG_TO):
        if current:
            must_be_current()
        yield


def unsettled() -> Path:
    """The mark of a restored institution in which somebody may stand who was erased since."""
    from django.conf import settings

    return Path(settings.ZHIKE_HOME) / "unsettled"


def sample_file() -> Path:
    """Stands in the data folder once the sample institution is complete (see `demo`)."""
    from django.conf import settings

    return Path(settings.ZHIKE_HOME) / "demo.json"


def answering() -> None:
    """Raise UserError when the database of DATABASE_URL does not answer or is too old."""
    from django.db import OperationalError, connection

    try:
        connection.ensure_connection()
    except OperationalError as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            f"The database does not answer: {reason}",
            "Start it, or correct DATABASE_URL; without DATABASE_URL an embedded one is used.",
        ) from error
    if connection.pg_version < OLDEST_POSTGRES:  # type: ignore[attr-defined]
        raise UserError("The database is older than PostgreSQL 15.", "Use 15 or newer.")


def must_be_current() -> None:
    """Raise UserError when the tables are older or newer than the code, or a restore came to no end."""
    if unsettled().exists():
        raise UserError(
            "What was restored is not settled: somebody may stand in it who was erased since.",
            "Run `zhike init`: it makes those erasures again.",
        )
    missing, unknown = migration_state()
    if unknown:
        raise UserError(
            f"The database is newer than this version of zhike (it knows {unknown[0]}).",
            "Install the version that wrote it, or restore a backup made with this one.",
        )
    if missing:
        raise UserError(
            f"The database is older than this version of zhike ({len(missing)} migrations to go).",
            "Run `zhike init`: it brings the tables up to date and loses nothing.",
        )


def migration_state() -> tuple[list[str], list[str]]:
    """Migrations still to be applied, and applied ones that this code does not know."""
    from django.db import connection
    from django.db.migrations.loader import MigrationLoader

    loader = MigrationLoader(connection)
    known, applied = set(loader.disk_migrations), set(loader.applied_migrations)
    replaced = {key for migration in loader.disk_migrations.values() for key in migration.replaces}
    rooms = {app for app, _name in known}
    return (
        [f"{app}.{name}" for app, name in sorted(known - applied)],
        [f"{app}.{name}" for app, name in sorted(applied - known - replaced) if app in rooms],
    )


def bring_up_to_date() -> None:
    """Tables, this month's partitions, tiers and thresholds; nothing that stands is touched."""
    from datetime import timedelta

    from django.conf import settings
    from django.core.management import call_command

    from zhike.customers.models import TimelineEntry
    from zhike.insight.seed import seed
    from zhike.kernel import clock, partitions, wall
    from zhike.kernel.actor import system
    from zhike.kernel.models import AuditEntry

    missing, unknown = migration_state()
    if unknown:
        must_be_current()
    if missing:
        call_command("migrate", verbosity=0, interactive=False)
    wall.build(settings.ZHIKE_PAGES_ROLE)  # the role may have come since
    today = clock.today()
    for model in (AuditEntry, TimelineEntry):
        partitions.ensure(model, today, today + timedelta(days=70))
    seed(actor=system("init"))


@dataclass(frozen=True)
class Check:
    """One line of `zhike doctor`."""

    what: str
    ok: bool
    found: str
    way_out: str = ""


def examine() -> list[Check]:
    """Look at everything a running institution needs; never raises for what it looks for."""
    from django.conf import settings

    from zhike.kernel.postgres import running

    checks = [_folder(), _room()]
    try:
        if settings.ZHIKE_EMBEDDED:
            with running(settings.ZHIKE_HOME / "postgres", log_to=settings.ZHIKE_LOG_TO):
                checks += _database()
        else:
            checks += _database()
    except UserError as error:
        checks.append(Check("database", False, error.message, error.way_out))
    checks += [_assets(), _languages(), _warehouse(), *_profile()]
    return checks


def _folder() -> Check:
    from django.conf import settings

    home = settings.ZHIKE_HOME
    writable = home.is_dir() and os.access(home, os.W_OK)
    return Check(
        "data folder",
        writable,
        f"{home} {'can' if writable else 'cannot'} be written",
        "" if writable else "Make it writable or set ZHIKE_HOME.",
    )


def _room() -> Check:
    from django.conf import settings

    free = shutil.disk_usage(settings.ZHIKE_HOME).free
    return Check(
        "free space",
        free > FREE_BYTES,
        f"{free / 2**30:.1f} GB free",
        "" if free > FREE_BYTES else "Make room: at least 0.5 GB.",
    )


def _database() -> list[Check]:
    from django.db import connection

    answering()
    found = f"PostgreSQL {connection.pg_version // 10000}"  # type: ignore[attr-defined]
    checks = [Check("database", True, found)]
    try:
        must_be_current()
    except UserError as error:
        checks.append(Check("tables", False, error.message, error.way_out))
    else:
        checks.append(Check("tables", True, "as this version wants them"))
    return [*checks, *_wall(), _way(), _second_place(), _keys()]


def _wall() -> list[Check]:
    """Whether the database itself keeps the pages to the rows of whom they ask for, and indexes serve them there."""
    from django.conf import settings
    from django.db import connection

    from zhike.kernel import wall
    from zhike.kernel.roles import unmarked

    if not settings.PAGES_DATABASE_URL:
        return [
            Check(
                "second wall",
                not settings.ZHIKE_PRODUCTION,
                "the database does not tell the pages from the owner of the tables",
                "Make the two roles of docs/operations.md, set PAGES_DATABASE_URL, run `zhike init`.",
            )
        ]
    faults = [*wall.faults_of_owner(), *wall.faults_of_pages(settings.PAGES_DATABASE_URL)]
    checks = [Check("second wall", False, found, way_out) for found, way_out in faults] or [
        Check("second wall", True, f"pages sign in to the database as {settings.ZHIKE_PAGES_ROLE}")
    ]
    with connection.cursor() as cursor:
        statements = unmarked(cursor)
    if statements:
        found = f"{len(statements)} functions are not marked leakproof: searches walk whole tables"
        say = f"As a superuser, in this database: {' '.join(statements)}"
        return [*checks, Check("indexes behind it", False, found, say)]
    return [*checks, Check("indexes behind it", True, "serve")]


def _way() -> Check:
    """Whether what goes to the database and comes from it can be read on its way."""
    from django.conf import settings
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), inet_server_addr() IS NULL, "
            "inet_server_addr() <<= ANY ('{127.0.0.0/8,::1/128}')"
        )
        sealed, socket, here = cursor.fetchone()
    if sealed:
        return Check("way to the database", True, "TLS")
    if socket or here:
        return Check("way to the database", True, "on this machine")
    return Check(
        "way to the database",
        not settings.ZHIKE_PRODUCTION,
        "over the network in clear",
        "Switch on TLS at the server, and add ?sslmode=verify-full&sslrootcert=… to both URLs.",
    )


def _second_place() -> Check:
    """Whether what is answered lies in a second place when the database is lost."""
    from django.conf import settings
    from django.db import connection

    from zhike.kernel.second_log import RECEIVER

    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('synchronous_standby_names')")
        waits_for = cursor.fetchone()[0]
        cursor.execute("SELECT active FROM pg_replication_slots WHERE slot_name = %s", [RECEIVER])
        receives = cursor.fetchone() == (True,)
    if settings.ZHIKE_EMBEDDED and settings.ZHIKE_LOG_TO:
        return Check(
            "second place",
            receives,
            f"{settings.ZHIKE_LOG_TO} {'receives the log' if receives else 'does not receive the log'}",
            "" if receives else "No commit is answered: see postgres/log_to.log; make room there.",
        )
    if waits_for:
        return Check("second place", True, f"each commit waits for {waits_for}")
    return Check("second place", True, "none: with the database all since the last backup is lost")


def _keys() -> Check:
    """Whether anything sealed stands under another key than the newest."""
    from django.conf import settings

    from zhike.privacy.services.resealing import standing

    *older, newest = settings.ZHIKE_DATA_KEYS.numbers()
    if left := standing():
        return Check(
            "key of sealed values",
            False,
            f"older than {newest}: {', '.join(f'{count:,} in {place}' for place, count in left.items())}",
            "`zhike keys reseal`; files go by themselves, in the time they are kept.",
        )
    if older:
        found = f"everything stands under {newest}; {', '.join(map(str, older))} still open"
        return Check(
            "key of sealed values", True, found, "A day after the change: `zhike keys retire`."
        )
    return Check("key of sealed values", True, f"everything stands under {newest}")


def _assets() -> Check:
    from django.contrib.staticfiles import finders

    missing = [n for n in ("vendor/tabler.min.css", "vendor/htmx.min.js") if not finders.find(n)]
    return Check(
        "styles and scripts",
        not missing,
        f"missing: {', '.join(missing)}" if missing else "in place",
        "Run `make setup`." if missing else "",
    )


def _languages() -> Check:
    from django.conf import settings

    missing = [
        name
        for name in ("zh_Hans", "zh_Hant")
        if not (settings.LOCALE_PATHS[0] / name / "LC_MESSAGES" / "django.mo").exists()
    ]
    return Check(
        "languages",
        not missing,
        f"not compiled: {', '.join(missing)}" if missing else "compiled",
        "Run `make setup`." if missing else "",
    )


def _warehouse() -> Check:
    from zhike.kernel.warehouse import Warehouse

    folder = Warehouse().folder
    writable = not folder.exists() or os.access(folder, os.W_OK)
    return Check(
        "warehouse",
        writable,
        f"{folder} {'is ready' if writable else 'cannot be written'}",
        "" if writable else "Check its rights or set WAREHOUSE_URL.",
    )


def _profile() -> list[Check]:
    """Where the running settings ask for less than the profile."""
    from django.conf import settings

    from zhike.access.profiles import shortfalls

    profile = settings.ZHIKE_PROFILE
    if not profile:
        return [Check("profile", True, "none; ZHIKE_PROFILE names asvs or dengbao3")]
    found = [
        Check(
            f"profile {profile}: {each.name.replace('_', ' ')}",
            False,
            f"{each.runs}, the profile asks for {each.asked} ({each.clause})",
            f"Unset ZHIKE_{each.name.upper()}.",
        )
        for each in shortfalls(profile, settings.ZHIKE_NUMBERS)
    ]
    return found or [Check(f"profile {profile}", True, "every number is at least its own")]
