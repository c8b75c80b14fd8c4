"""Each route of the site as each principal; and the matrix itself against planted faults."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.db import transaction
from django.test import override_settings
from django.urls import get_resolver

from tests.access_matrix import planted_urls
from tests.access_matrix.checking import cells, faults, undeclared
from tests.access_matrix.entries import EVERYBODY, LINE, READERS, Entry, on
from tests.access_matrix.routes import Route, routes
from tests.access_matrix.rows import party
from tests.access_matrix.table import TABLE
from tests.access_matrix.world import PRINCIPALS, World, build, relatives

pytestmark = pytest.mark.django_db

SITE = list(routes(get_resolver().url_patterns))
PLANTED = {route.pattern: route for route in routes(planted_urls.urlpatterns)}
ROW = on(party)


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """One world for all: every question is undone in a savepoint of its own."""
    with (
        django_db_blocker.unblock(),
        override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]),
        transaction.atomic(),
    ):
        world = build()
        yield replace(world, relatives=relatives(world))
        transaction.set_rollback(True)


def test_every_deny_has_an_allow() -> None:
    """Whoever is let in must get in (`Entry.ok`), so that a denial cannot pass for the wrong reason."""
    assert [line for line, entry in TABLE.items() if not entry.allowed or not entry.ok] == []


def test_every_cell_is_declared(record_property: Callable[[str, object], None]) -> None:
    """The eight roles, two positions at once, a cover, a share, a token, a closed login, nobody."""
    assert len(PRINCIPALS) >= 14
    assert cells(TABLE) >= 25_000
    record_property("cells", cells(TABLE))


def test_every_route_and_method_stands_in_the_table() -> None:
    assert list(undeclared(SITE, TABLE)) == []


@pytest.mark.parametrize(
    "route",
    [each for each in SITE if any(each.pattern == where for where, _ in TABLE)],
    ids=lambda r: r.pattern,
)
def test_route(world: World, route: Route) -> None:
    assert list(faults(world, route, TABLE)) == []


def test_undeclared_route_and_method_are_caught() -> None:
    found = [Route("new/", frozenset({"GET"})), Route("old/", frozenset({"GET", "POST"}))]
    table = {("old/", "GET"): Entry(EVERYBODY), ("gone/", "GET"): Entry(EVERYBODY)}
    assert list(undeclared(found, table)) == [
        "new/: no line in the table",
        "POST old/: no line in the table",
        "GET gone/: there is no such route",
    ]


@pytest.mark.parametrize(
    ("pattern", "method", "entry", "caught"),
    [
        ("planted/sound/<uuid:public_id>/", "GET", Entry(READERS, rows=ROW), ""),
        ("planted/sound/<uuid:public_id>/", "GET", Entry(LINE, rows=ROW), "instead of a refusal"),
        ("planted/sound/<uuid:public_id>/", "GET", Entry(EVERYBODY, rows=ROW), "instead of [200]"),
        (
            "planted/no-scope/<uuid:public_id>/",
            "GET",
            Entry(READERS, rows=ROW),
            "200 instead of 404 for a row out of scope",
        ),
        ("planted/no-permission/", "GET", Entry(READERS), "instead of a refusal"),
        (
            "planted/tells/<uuid:public_id>/",
            "GET",
            Entry(READERS, rows=ROW),
            "403 instead of 404 for a row out of scope",
        ),
        (
            "planted/writes/<uuid:public_id>/",
            "POST",
            Entry(LINE, rows=ROW),
            "something was written",
        ),
        ("health/any-method/", "GET", Entry(EVERYBODY), "is not in the table"),
        ("health/any-method/", "POST", Entry(LINE), "instead of the sign-in"),
    ],
)
@override_settings(ROOT_URLCONF="tests.access_matrix.planted_urls")
def test_planted_fault_is_caught(
    world: World, pattern: str, method: str, entry: Entry, caught: str
) -> None:
    found = list(faults(world, PLANTED[pattern], {(pattern, method): entry}))
    assert bool(found) is bool(caught)
    assert not caught or any(caught in each for each in found), found
