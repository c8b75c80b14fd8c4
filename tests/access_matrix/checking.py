"""Asking one route as everybody, and what is wrong with the answers."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from copy import copy, deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import uuid4
from zlib import crc32

from django.conf import settings
from django.contrib.staticfiles import finders
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import resolve_url

from tests.access_matrix.entries import EVERYBODY, NOT_THIS_WAY, UNSIGNED, Entry, gets_in
from tests.access_matrix.routes import METHODS, Route
from tests.access_matrix.rows import public_id
from tests.access_matrix.world import PRINCIPALS, SEEN_ALONE, TOKEN, Relation, World, sight
from zhike.customers.models import Party
from zhike.kernel.models import AuditEntry
from zhike.organisation.models import Role
from zhike.ui.middleware import HEADERS

EVERY_CELL = bool(os.environ.get("ZHIKE_MATRIX"))
"""Whether every relation is asked for every principal, or two of them in turn."""

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
            for fault in _faults(Question(world, route, method, entry, principal)):
                yield f"{method} {route.pattern} as {principal}: {fault}"
    first = next(iter(declared.values()))
    # Whoever gets in by one method is the likeliest to get in by another.
    for principal in sorted(first.allowed)[:1]:
        for method in METHODS:
            if method not in declared:
                answer, _wrote = Question(world, route, method, first, principal).asked()
                if answer.status_code < 300:
                    yield (
                        f"{method} {route.pattern} as {principal}: "
                        f"answered {answer.status_code} and is not in the table"
                    )


def cells(table: Table) -> int:
    """Route, method, principal and relation: what the table declares."""
    return len(table) * len(PRINCIPALS) * len(Relation)


asked: Counter[str] = Counter()
"""Requests by what was expected of them, for who wants to know how much was tried."""


@dataclass(frozen=True)
class Question:
    """One route by one method as one principal."""

    world: World
    route: Route
    method: str
    entry: Entry
    principal: str

    @property
    def enters(self) -> bool:
        return gets_in(self.entry, self.route.pattern, self.principal)

    @property
    def is_about_customers(self) -> bool:
        return bool(self.entry.rows) and not self.entry.shared and self.entry.ok != NOT_THIS_WAY

    def relations(self) -> Iterator[Relation]:
        """All of them, or, in the short form, one that is seen and one that is not, in turn."""
        if EVERY_CELL:
            yield from Relation
            return
        seen = sight(self.principal, self.entry.allowed) if self.enters else frozenset(Relation)
        turn = crc32(f"{self.route.pattern} {self.method} {self.principal}".encode())
        for some in (sorted(seen), sorted(set(Relation) - seen)):
            if some:
                yield some[turn % len(some)]

    def asked(
        self, relation: Relation | None = None, *, nowhere: bool = False, counts: bool = True
    ) -> tuple[HttpResponse, bool]:
        """The answer, and whether anything but a refusal came on the trail; all of it is undone.

        About the customer that stands in that relation to the principal, the one `inside` for None; `nowhere` puts
        ids that stand for nothing into the address. What comes on the trail is looked for where it `counts`.
        """
        asked["requests"] += 1
        on = self.world.relatives[self.principal, relation] if relation else self.world.inside
        world = self.world.asked_by(self.principal, relation, on)
        got: list[Any] = []
        try:
            with transaction.atomic():
                path = "/" + _filled(world, self.route, self.entry, None if nowhere else on)
                done = AuditEntry.objects.filter(outcome=AuditEntry.Outcome.DONE)
                # A sign-out or a chosen language must not follow the principal to the next question.
                client = copy(world.clients[self.principal])
                client.cookies = deepcopy(client.cookies)
                before = done.count() if counts else 0
                body = self.entry.body(world) if callable(self.entry.body) else self.entry.body
                if self.method == "GET":
                    got.append(client.get(path, body))
                elif self.route.pattern.startswith("api/"):
                    got.append(client.generic(self.method, path, json.dumps(body), JSON))
                else:
                    sent = urlencode(body, doseq=True)
                    got.append(client.generic(self.method, path, sent, FORM))
                got.append(counts and done.count() > before)
                raise Undo
        except Undo:
            return got[0], got[1]


def _faults(question: Question) -> Iterator[str]:
    """About customers in each relation where the address names one; else as it stands, which is the same for all."""
    if not question.is_about_customers:
        yield from _judged(question, question.asked(counts=not question.enters), None)
        if question.entry.rows and question.enters and question.entry.ok != NOT_THIS_WAY:
            yield from _nowhere(question)[1]
        return
    seen = sight(question.principal, question.entry.allowed)
    nowhere: int | None = None
    for relation in question.relations():
        out = question.enters and relation not in seen
        got = question.asked(relation, counts=out or not question.enters)
        if not out:
            yield from _judged(question, got, relation)
            continue
        if nowhere is None:
            nowhere, found = _nowhere(question)
            yield from found
        # By another right than this one's: seen, and refused.
        elsewhere = relation in sight(question.principal, EVERYBODY)
        yield from _out_of_sight(got, nowhere, relation, {403, 404} if elsewhere else {404})


def _judged(
    question: Question, got: tuple[HttpResponse, bool], relation: Relation | None
) -> Iterator[str]:
    (answer, wrote), entry = got, question.entry
    yield from _headers_missing(answer)
    about = f" about one {relation}" if relation else ""
    if question.enters:
        alone = relation in SEEN_ALONE and question.principal != Role.ANALYST
        ok = {403} if entry.parts and alone else entry.ok
        if answer.status_code not in ok:
            yield f"{answer.status_code} instead of {sorted(ok)}{about}"
        yield from _icons_missing(answer)
        return
    if question.principal in UNSIGNED or _is_elsewhere(question):
        if not _sent_to_sign_in(answer):
            yield f"{answer.status_code} instead of the sign-in"
    elif answer.status_code not in ({403, 404} if entry.rows else {403}):
        yield f"{answer.status_code} instead of a refusal{about}"
    if wrote:
        yield f"refused, and yet something was written{about}"


def _is_elsewhere(question: Question) -> bool:
    """A token where it opens nothing."""
    return question.principal == TOKEN and not question.route.pattern.startswith("api/")


def _nowhere(question: Question) -> tuple[int, list[str]]:
    """How long the answer is for a row that is not there, and what is wrong with it."""
    answer, _wrote = question.asked(nowhere=True, counts=False)
    wrong = answer.status_code != 404
    told = [f"{answer.status_code} instead of 404 for a row that is not there"] if wrong else []
    return len(answer.content), told


def _out_of_sight(
    got: tuple[HttpResponse, bool], nowhere: int, relation: Relation, refusals: set[int]
) -> Iterator[str]:
    answer, wrote = got
    if answer.status_code not in refusals:
        yield f"{answer.status_code} instead of 404 for a row out of scope, {relation}"
    elif answer.status_code == 404 and len(answer.content) != nowhere:
        yield f"a row out of scope, {relation}, answers otherwise than one that is not there"
    if wrote:
        yield f"out of scope, {relation}, and yet something was written"


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


def _sent_to_sign_in(answer: HttpResponse) -> bool:
    if answer.status_code == 401:
        return True
    return answer.status_code == 302 and urlsplit(answer["Location"]).path == resolve_url(
        settings.LOGIN_URL
    )


def _filled(world: World, route: Route, entry: Entry, on: Party | None) -> str:
    """The address, with the public ids of the rows it takes."""

    def value(parameter: re.Match[str]) -> str:
        make = entry.rows[parameter[1]]
        if isinstance(make, str):
            return make
        return str(uuid4() if on is None else public_id(make(world, on)))

    return PARAMETER.sub(value, route.pattern)
