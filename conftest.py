"""What every test gets."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings as django_settings
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core.signals import request_finished, request_started
from django.db import connection
from django.db.models.signals import post_migrate
from hypothesis import settings
from psycopg.pq import TransactionStatus

from tests.chromium import LAUNCH
from zhike.kernel import wall

# No test is timed: a machine that others use too would fail it. All else stays as Hypothesis found its surroundings.
settings.register_profile("zhike", settings(), deadline=None)
settings.load_profile("zhike")


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    return LAUNCH


@pytest.fixture(autouse=True)
def _own_data_folder(tmp_path: Path, settings: Any) -> None:
    """Every test has a data folder and a warehouse of its own."""
    settings.ZHIKE_HOME = tmp_path
    settings.WAREHOUSE_URL = str(tmp_path / "warehouse")


@pytest.fixture(autouse=True)
def _empty_queue(request: pytest.FixtureRequest) -> Iterator[None]:
    """A transactional test leaves nobody's jobs behind, which the flush after it does not know."""
    marker = request.node.get_closest_marker("django_db")
    committed = marker is not None and marker.kwargs.get("transaction")
    if committed or {"transactional_db", "live_server"} & set(request.fixturenames):
        request.getfixturevalue("transactional_db")
        yield
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE procrastinate_jobs CASCADE")
    else:
        yield


def _behind_the_wall(**_signal: Any) -> None:
    """A request of a test reads under the role of the pages, as in `zhike serve`."""
    _as_role(f"SET ROLE {django_settings.ZHIKE_PAGES_ROLE}")
    wall.in_test.set(True)


def _before_it_again(**_signal: Any) -> None:
    wall.in_test.set(False)
    _as_role("RESET ROLE")


def _as_role(words: str) -> None:
    held: Any = connection.connection
    if held is None or held.closed or held.info.transaction_status == TransactionStatus.INERROR:
        return
    held.execute(words)


def _usual_levels(**_signal: Any) -> None:
    """What a migration wrote is gone with the flush after a transactional test: the levels of approval come again."""
    if apps.get_model("access", "ApprovalLevel").objects.exists():
        return
    for name in ("0008_grants", "0011_levels_of_reassignment"):
        import_module(f"zhike.access.migrations.{name}").usual_levels(apps, None)


post_migrate.connect(_usual_levels, sender=apps.get_app_config("access"))
request_started.connect(_behind_the_wall)
request_finished.connect(_before_it_again)


@pytest.fixture(scope="session", autouse=True)
def _quick_passwords() -> None:
    """Argon2 is slow on purpose: here it takes its least time and memory."""
    Argon2PasswordHasher.time_cost = 1
    Argon2PasswordHasher.memory_cost = 8
    Argon2PasswordHasher.parallelism = 1
