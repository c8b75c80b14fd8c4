"""Asking every address of the site as somebody, and what was written for it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from copy import copy, deepcopy
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db import connection, transaction

from tests.access_matrix.checking import FORM, JSON, PARAMETER, Undo
from tests.access_matrix.entries import Entry
from tests.access_matrix.rows import public_id
from tests.access_matrix.table import TABLE
from tests.access_matrix.world import World
from zhike.customers.models import Party
from zhike.kernel.models import AuditEntry

WRITE = re.compile(r'^\s*(?:INSERT INTO|UPDATE|DELETE FROM)\s+"?(\w+)"?')


SAVEPOINT = re.compile(r'(ROLLBACK TO )?SAVEPOINT "(\w+)"')


@dataclass(frozen=True)
class Answer:
    """`written` are the tables that the request wrote to, `entries` the actions it put on the trail."""

    pattern: str
    method: str
    principal: str
    status: int
    content: bytes
    written: frozenset[str]
    entries: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.method} /{self.pattern} as {self.principal}"


def ask(
    world: World,
    pattern: str,
    method: str,
    entry: Entry,
    principal: str,
    on: Party,
    more: dict[str, Any] | None = None,
) -> Answer:
    """One answer in full, all of it undone."""
    got: list[Answer] = []
    try:
        with transaction.atomic():
            got.append(_asked(world, pattern, method, entry, principal, on, more or {}))
            raise Undo
    except Undo:
        return got[0]


def _asked(
    world: World,
    pattern: str,
    method: str,
    entry: Entry,
    principal: str,
    on: Party,
    more: dict[str, Any],
) -> Answer:
    def value(parameter: re.Match[str]) -> str:
        make = entry.rows[parameter[1]]
        return make if isinstance(make, str) else str(public_id(make(world, on)))

    path = "/" + PARAMETER.sub(value, pattern)
    body = {**(entry.body(world) if callable(entry.body) else entry.body), **more}
    client = copy(world.clients[principal])
    client.cookies = deepcopy(client.cookies)
    written: list[str] = []
    before: dict[str, int] = {}

    def watch(execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        done = execute(sql, params, many, context)
        if not isinstance(sql, str):
            return done
        if (found := WRITE.match(sql)) and context["cursor"].rowcount:
            written.append(found[1])
        elif point := SAVEPOINT.match(sql):
            # A look at what would become of it makes it and takes it back.
            if point[1]:
                del written[before[point[2]] :]
            before[point[2]] = len(written)
        return done

    last = AuditEntry.objects.order_by("-id").values_list("id", flat=True).first() or 0
    with connection.execute_wrapper(watch):
        if method == "GET":
            answer: Any = client.get(path, body)
        elif pattern.startswith("api/"):
            answer = client.generic(method, path, json.dumps(body, default=str), JSON)
        else:
            answer = client.generic(method, path, urlencode(body, doseq=True), FORM)
        content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    headers = "".join(f"{name}: {text}\n" for name, text in answer.headers.items())
    entries = AuditEntry.objects.filter(id__gt=last).order_by("id")
    return Answer(
        pattern,
        method,
        principal,
        answer.status_code,
        headers.encode() + content,
        frozenset(written),
        tuple(entries.values_list("action", flat=True)),
    )


def questions(*, everybody: bool) -> Iterator[tuple[str, str, Entry, str]]:
    """Every address and method as each who may ask it, or as one of them by turns."""
    for number, ((pattern, method), entry) in enumerate(TABLE.items()):
        allowed = sorted(entry.allowed)
        for principal in allowed if everybody else allowed[number % len(allowed or "-") :][:1]:
            yield pattern, method, entry, principal
