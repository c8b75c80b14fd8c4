"""Asking one route as everybody, and what is wrong with the answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from copy import copy, deepcopy
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

from django.conf import settings
from django.contrib.staticfiles import finders
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import resolve_url

from tests.access_matrix.entries import NOT_THIS_WAY, Entry
from tests.access_matrix.routes import METHODS, Route
from tests.access_matrix.rows import public_id
from tests.access_matrix.world import PRINCIPALS, SEES_EVERY_CUSTOMER, UNSIGNED, World
from zhike.customers.models import Party
from zhike.kernel.models import AuditEntry
from zhike.ui.middleware import HEADERS

Table = Mapping[tuple[str, str], Entry]


FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
ICON = re.compile(r'icons[^"]*\.svg#([a-z0-9-]+)')
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


class Undo(Exception):
    """No error: it ends a savepoint."""


def undeclared(found: list[Route], table: Table) -> Iterator[str]:
    """Routes and methods that the table lacks, and lines of the table that no route answers to."""
    known = {route.pattern: route for route in found}
    for pattern, route in known.items():
        declared = {method for where, method in table if where == pattern}
        if not declared:
            yield f"{pattern}: no line in the table"
            continue
        for method in sorted((route.methods or declared) - declared):
            yield f"{method} {pattern}: no line in the table"
        for method in sorted(declared - (route.methods or declared)):
            yield f"{method} {pattern}: the view does not answer this method"
    for pattern, method in table:
        if pattern not in known:
            yield f"{method} {pattern}: there is no such route"


def faults(world: World, route: Route, table: Table) -> Iterator[str]:
    """What each principal gets and should not, or should get and does not."""
    declared = {
        method: entry for (pattern, method), entry in table.items() if pattern == route.pattern
    }
    for method, entry in declared.items():
        for principal in PRINCIPALS:
            for fault in _faults(world, route, method, entry, principal):
                yield f"{method} {route.pattern} as {principal}: {fault}"
    first = next(iter(declared.values()))
    # Whoever gets in by one method is the likeliest to get in by another.
    for principal in sorted(first.allowed)[:1]:
        for method in METHODS:
            if method not in declared:
                answer, _wrote = _ask(world, route, method, first, principal, world.inside)
                if answer.status_code < 300:
                    yield (
                        f"{method} {route.pattern} as {principal}: "
                        f"answered {answer.status_code} and is not in the table"
                    )


def _faults(world: World, route: Route, method: str, entry: Entry, principal: str) -> Iterator[str]:
    answer, wrote = _ask(world, route, method, entry, principal, world.inside)
    yield from _headers_missing(answer)
    yield from _icons_missing(answer)
    if principal in entry.allowed:
        if answer.status_code not in entry.ok:
            yield f"{answer.status_code} instead of {sorted(entry.ok)}"
        if entry.rows and entry.ok != NOT_THIS_WAY:
            yield from _rows_out_of_reach(world, route, method, entry, principal)
    elif principal in UNSIGNED:
        if not _sent_to_sign_in(answer):
            yield f"{answer.status_code} instead of the sign-in"
    elif answer.status_code not in ({403, 404} if entry.rows else {403}):
        yield f"{answer.status_code} instead of a refusal"
    if principal not in entry.allowed and wrote:
        yield "refused, and yet something was written"


def _headers_missing(answer: HttpResponse) -> Iterator[str]:
    """Trust goal G-35: on every answer, and no page or row of the API in anybody's cache."""
    missing = [name for name in HEADERS if name not in answer.headers]
    if missing:
        yield f"without {', '.join(missing)}"
    told = answer.headers.get("Content-Type", "").startswith(("text/html", "application/json"))
    if told and "no-store" not in answer.headers.get("Cache-Control", ""):
        yield "may be kept in a cache"


def _icons_missing(answer: HttpResponse) -> Iterator[str]:
    """An icon that the sprite lacks leaves a hole: names built by code are seen in the answers alone."""
    if answer.headers.get("Content-Type", "").startswith("text/html") and not answer.streaming:
        for name in sorted(set(ICON.findall(answer.content.decode())) - _sprite()):
            yield f"no icon {name} in the sprite"


@cache
def _sprite() -> frozenset[str]:
    found = finders.find("vendor/icons.svg")
    assert isinstance(found, str)
    return frozenset(re.findall(r'<symbol id="([^"]+)"', Path(found).read_text()))


def _rows_out_of_reach(
    world: World, route: Route, method: str, entry: Entry, principal: str
) -> Iterator[str]:
    nowhere, _wrote = _ask(world, route, method, entry, principal, None)
    if nowhere.status_code != 404:
        yield f"{nowhere.status_code} instead of 404 for a row that is not there"
    if entry.shared or principal in SEES_EVERY_CUSTOMER:
        return
    outside, wrote = _ask(world, route, method, entry, principal, world.outside)
    if outside.status_code != 404:
        yield f"{outside.status_code} instead of 404 for a row out of scope"
    elif len(outside.content) != len(nowhere.content):
        yield "a row out of scope answers otherwise than one that is not there"
    if wrote:
        yield "out of scope, and yet something was written"


def _sent_to_sign_in(answer: HttpResponse) -> bool:
    if answer.status_code == 401:
        return True
    return answer.status_code == 302 and urlsplit(answer["Location"]).path == resolve_url(
        settings.LOGIN_URL
    )


def _ask(
    world: World, route: Route, method: str, entry: Entry, principal: str, on: Party | None
) -> tuple[HttpResponse, bool]:
    """The answer, and whether anything but a refusal came on the trail; all of it is undone.

    `on` None puts ids that stand for nothing into the address.
    """
    got: list[Any] = []
    try:
        with transaction.atomic():
            path = "/" + _filled(world, route, entry, on)
            done = AuditEntry.objects.filter(outcome=AuditEntry.Outcome.DONE)
            # A sign-out or a chosen language must not follow the principal to the next question.
            client = copy(world.clients[principal])
            client.cookies = deepcopy(client.cookies)
            before = done.count()
            body = entry.body(world) if callable(entry.body) else entry.body
            if method == "GET":
                got.append(client.get(path, body))
            elif route.pattern.startswith("api/"):
                got.append(client.generic(method, path, json.dumps(body), JSON))
            else:
                got.append(client.generic(method, path, urlencode(body, doseq=True), FORM))
            got.append(done.count() > before)
            raise Undo
    except Undo:
        return got[0], got[1]


def _filled(world: World, route: Route, entry: Entry, on: Party | None) -> str:
    """The address, with the public ids of the rows it takes."""

    def value(parameter: re.Match[str]) -> str:
        make = entry.rows[parameter[1]]
        if isinstance(make, str):
            return make
        return str(uuid4() if on is None else public_id(make(world, on)))

    return PARAMETER.sub(value, route.pattern)
