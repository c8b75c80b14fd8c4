"""A database for processes of their own: what is killed must not be the test."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from urllib.parse import quote

import psycopg
from django.db import connection


@contextmanager
def database(name: str) -> Iterator[dict[str, str]]:
    """A database of its own, for a process of its own; answers its environment."""
    settings = connection.settings_dict
    place = {"host": settings["HOST"], "user": settings["USER"], "password": settings["PASSWORD"]}
    with closing(
        psycopg.connect(dbname="postgres", port=settings["PORT"] or None, autocommit=True, **place)
    ) as server:
        server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
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
        migrate = [sys.executable, "-m", "django", "migrate", "--verbosity", "0"]
        subprocess.run(migrate, env=environment, check=True, timeout=120)
        yield environment
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
