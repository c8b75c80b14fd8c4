"""One PostgreSQL for a whole test run: the one in DATABASE_URL, else a throw-away embedded cluster.

A plugin, not a conftest, because the settings are read before any conftest is.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import pytest

from zhike.kernel.postgres import running

_stack = ExitStack()

# The browser's driver keeps an event loop in the thread of the tests for as long as a session lasts; no test of
# ours runs inside it, but Django would refuse the database to every test that comes after a browser's.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

if "ZHIKE_TEST_HOME" not in os.environ:
    _home = _stack.enter_context(tempfile.TemporaryDirectory(prefix="zhike-test-"))
    os.environ["ZHIKE_TEST_HOME"] = os.environ["ZHIKE_HOME"] = _home
    if "DATABASE_URL" not in os.environ:
        os.environ["DATABASE_URL"] = _stack.enter_context(
            running(Path(_home, "pg"), throwaway=True)
        )


def url_of(name: str) -> str:
    """Where the tests' server keeps the database of that name."""
    from django.db import connection

    where = connection.settings_dict
    user = quote(str(where["USER"])) + (
        f":{quote(str(where['PASSWORD']))}" if where["PASSWORD"] else ""
    )
    port = f"&port={where['PORT']}" if where["PORT"] else ""
    return f"postgresql://{user}@/{name}?host={quote(str(where['HOST']), safe='')}{port}"


def pytest_unconfigure(config: pytest.Config) -> None:
    _stack.close()
