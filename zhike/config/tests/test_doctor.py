"""`zhike doctor` says what is wrong with a server's roles and functions, and what to say there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from django.conf import LazySettings
from django.db import connection

from tests.cluster import url_of
from zhike.config import institution
from zhike.kernel import wall
from zhike.kernel.postgres import SUPERUSER
from zhike.kernel.roles import LEAKPROOF, unmarked

pytestmark = pytest.mark.django_db(transaction=True)
ROLE = "zhike_tried"


def url(role: str) -> str:
    owner = quote(str(connection.settings_dict["USER"]))
    return url_of(connection.settings_dict["NAME"]).replace(f"//{owner}@", f"//{role}@")


@pytest.fixture
def superuser() -> Iterator[psycopg.Connection[Any]]:
    with closing(psycopg.connect(url(SUPERUSER), autocommit=True)) as server:
        server.execute(f"DROP ROLE IF EXISTS {ROLE}")
        server.execute(f"CREATE ROLE {ROLE} LOGIN")
        try:
            yield server
        finally:
            server.execute(f"DROP OWNED BY {ROLE}")
            server.execute(f"DROP ROLE {ROLE}")


def told(role: str = ROLE) -> list[str]:
    return [f"{found} {way_out}" for found, way_out in wall.faults_of_pages(url(role))]


def test_what_is_wrong_with_the_role_of_the_pages(superuser: psycopg.Connection[Any]) -> None:
    [fault] = told()
    assert "may not write" in fault, "it was made after the tables"
    superuser.execute(f"GRANT INSERT ON {wall.KEEPER} TO {ROLE}")
    assert told() == []
    superuser.execute(f"ALTER ROLE {ROLE} BYPASSRLS")
    assert f"alter role {ROLE} nobypassrls;" in told()[0]
    superuser.execute(f"ALTER ROLE {ROLE} NOBYPASSRLS SUPERUSER")
    assert f"alter role {ROLE} nosuperuser;" in told()[0]
    owner = connection.settings_dict["USER"]
    superuser.execute(f"ALTER ROLE {ROLE} NOSUPERUSER; GRANT {owner} TO {ROLE}")
    [fault] = told()
    assert "owns tables" in fault
    assert "does not open the database" in told("zhike_nobody")[0]


def test_a_role_made_later_may_write_after_the_next_init(
    superuser: psycopg.Connection[Any], settings: LazySettings
) -> None:
    assert told()
    try:
        wall.build(ROLE)
        assert told() == []
        superuser.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {ROLE}")
        wall.build(ROLE)
        assert told() == []
    finally:
        wall.build(settings.ZHIKE_PAGES_ROLE)


def test_functions_that_are_not_marked_are_told_with_what_marks_them(
    superuser: psycopg.Connection[Any], settings: LazySettings
) -> None:
    settings.PAGES_DATABASE_URL = url(settings.ZHIKE_PAGES_ROLE)
    with superuser.cursor() as cursor:
        missing = unmarked(cursor)
        assert missing, "the database of the tests is made without"
        check = institution._wall()[-1]
        assert not check.ok
        assert check.way_out.endswith(": " + " ".join(missing))
        try:
            superuser.execute(" ".join(missing).encode())
            assert unmarked(cursor) == []
            assert institution._wall()[-1].ok
        finally:
            superuser.execute(" ".join(missing).replace(" leakproof", " not leakproof").encode())


def test_the_page_for_operators_names_every_function() -> None:
    page = (Path(__file__).parents[3] / "docs" / "operations.md").read_text()
    assert [each for each in LEAKPROOF if f"alter function {each} leakproof;" not in page] == []
