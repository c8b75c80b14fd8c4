"""No form and no body sets what it does not show: owner, unit, tier, public id, version, stage and the like."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from copy import copy, deepcopy
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.test import override_settings

from tests.access_matrix.checking import FORM, JSON, PARAMETER, Undo
from tests.access_matrix.entries import EDITORS, NOT_THIS_WAY, Entry, on
from tests.access_matrix.rows import party, public_id
from tests.access_matrix.table import TABLE
from tests.access_matrix.world import World, build
from zhike.customers.models import Assignment, Party, Standing

pytestmark = pytest.mark.django_db

NEW_ID = "0badc0de-0000-4000-8000-000000000bad"
FOREIGN = 987_654_321
INJECTED: Mapping[str, Any] = {
    "id": FOREIGN,
    "pk": FOREIGN,
    "public_id": NEW_ID,
    "sample": "",
    "provenance": '{"name": {"source": "injected"}}',
    "name_key": "injected",
    "search_tokens": "injected",
    "until_on": "1999-01-01",
    "created_at": "1999-01-01T00:00",
    "changed_at": "1999-01-01T00:00",
    "balance": "12345.67",
    "contribution": "12345.67",
    "tier": "private",
    "value_class": "injected",
    "is_superuser": "1",
    "is_active": "",
    "owner": FOREIGN,
    "manager": FOREIGN,
    "party": NEW_ID,
    "party_id": FOREIGN,
    "merged_into": FOREIGN,
    "permissions": "injected",
    "trust": "100",
    "state": "injected",
    "unit": None,
    "unit_id": None,
    "stage": "former",
    "version": "77",
}
"""What is written into every form beside its own fields; None stands for the unit of somebody else."""

# The version somebody saw: another one is a conflict, and nothing is written.
OWN = {"customers/<uuid:public_id>/edit/": {"version"}}
WRITES = [
    (pattern, method)
    for (pattern, method), entry in TABLE.items()
    if method != "GET" and entry.ok != NOT_THIS_WAY and entry.allowed
]


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    with (
        django_db_blocker.unblock(),
        override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]),
        transaction.atomic(),
    ):
        yield build()
        transaction.set_rollback(True)


def state(world: World) -> dict[str, Any]:
    """The columns nobody writes by hand, of every customer that was there, and who may do what."""
    parties = Party.objects.filter(pk__in=[world.inside.pk, world.outside.pk, world.third.pk])
    kept = ("sample", "name_key", "search_tokens", "provenance", "unit", "stage", "until_on")
    known = ("pk", "public_id", "created_at", *kept)
    held: dict[str, Any] = {"known": list(parties.order_by("pk").values(*known))}
    made = Party.objects.exclude(pk__in=parties).order_by("pk")
    held["made"] = list(made.values(*kept))
    money = Standing.objects.filter(party__in=parties).order_by("party")
    held["standing"] = list(money.values_list("party", "balance", "contribution", "tier", "unit"))
    cares = Assignment.objects.filter(party__in=parties).order_by("party", "employee", "role")
    held["assignments"] = list(cares.values_list("party", "employee", "role"))
    return held


def told(
    world: World, pattern: str, method: str, entry: Entry, extra: Mapping[str, Any]
) -> dict[str, Any]:
    """What stands after the write with `extra` beside its own words, undone again."""
    got: list[dict[str, Any]] = []
    try:
        with transaction.atomic():
            _write(world, pattern, method, entry, extra)
            got.append(state(world) | {"foreign": _foreign()})
            raise Undo
    except Undo:
        return got[0]


def _write(world: World, pattern: str, method: str, entry: Entry, extra: Mapping[str, Any]) -> None:
    principal = sorted(entry.allowed)[0]

    def value(parameter: Any) -> str:
        make = entry.rows[parameter[1]]
        return make if isinstance(make, str) else str(public_id(make(world, world.inside)))

    path = "/" + PARAMETER.sub(value, pattern)
    body = {**(entry.body(world) if callable(entry.body) else entry.body)}
    body = {**extra, **body}
    client = copy(world.clients[principal])
    client.cookies = deepcopy(client.cookies)
    if pattern.startswith("api/"):
        client.generic(method, path, json.dumps(body, default=str), JSON)
    else:
        client.generic(method, path, urlencode(body, doseq=True), FORM)


def _foreign() -> int:
    """Rows anywhere that took an injected id."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM customers_party WHERE public_id = %s OR id = %s)",
            [UUID(NEW_ID), FOREIGN],
        )
        count: int = cursor.fetchone()[0]
        return count


def untouched(world: World, pattern: str, method: str, entry: Entry) -> bool:
    """Whether the write does the same with everything injected that its own body does not name."""
    shown = set(entry.body(world) if callable(entry.body) else entry.body)
    shown |= OWN.get(pattern, set())
    other = {"unit": world.other_branch.public_id, "unit_id": world.other_branch.pk}
    extra = {name: str(other.get(name, value)) for name, value in INJECTED.items()}
    injected = {name: value for name, value in extra.items() if name not in shown}
    return told(world, pattern, method, entry, {}) == told(world, pattern, method, entry, injected)


@pytest.mark.parametrize(("pattern", "method"), WRITES, ids=lambda each: each)
def test_no_form_sets_what_it_does_not_show(world: World, pattern: str, method: str) -> None:
    assert untouched(world, pattern, method, TABLE[pattern, method])


@override_settings(ROOT_URLCONF="tests.access_matrix.planted_urls")
@pytest.mark.parametrize("field", ["unit", "stage"])
def test_a_view_that_takes_whatever_is_sent_is_found(world: World, field: str) -> None:
    entry = Entry(EDITORS, rows=on(party))
    assert not untouched(world, f"planted/takes/{field}/<uuid:public_id>/", "POST", entry)
