"""A database for processes of their own: what is killed must not be the test."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import quote

import psycopg
from django.db import connection
from psycopg import sql


def drop_database(server: psycopg.Connection[Any], name: str) -> None:
    """Without FORCE, which fails at an autovacuum worker, a superuser's; without it the worker is asked to go."""
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND usename = current_user"
    server.execute(others, [name])
    server.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))


@contextmanager
def database(name: str) -> Iterator[dict[str, str]]:
    """A database of its own with every table, for a process of its own; answers its environment."""
    with empty_database(name) as environment:
        migrate = [sys.executable, "-m", "django", "migrate", "--verbosity", "0", "--skip-checks"]
        subprocess.run(migrate, env=environment, check=True, timeout=120)
        yield environment


@contextmanager
def empty_database(name: str) -> Iterator[dict[str, str]]:
    """The same without a table."""
    settings = connection.settings_dict
    place = {"host": settings["HOST"], "user": settings["USER"], "password": settings["PASSWORD"]}
    with closing(
        psycopg.connect(dbname="postgres", port=settings["PORT"] or None, autocommit=True, **place)
    ) as server:
        drop_database(server, name)
        server.execute(f'CREATE DATABASE "{name}"')
        user = quote(str(settings["USER"]))
        if settings["PASSWORD"]:
            user += f":{quote(str(settings['PASSWORD']))}"
        url = f"postgresql://{user}@/{name}?host={quote(str(settings['HOST']), safe='')}"
        if settings["PORT"]:
            url += f"&port={settings['PORT']}"
        environment = {
            **os.environ,
            "DATABASE_URL": url,
            "DJANGO_SETTINGS_MODULE": "zhike.config.settings",
        }
        yield environment
        drop_database(server, name)
