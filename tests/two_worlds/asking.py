"""Asking the same of two worlds: nothing may differ by chance, so that whatever differs is a leak."""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from copy import copy, deepcopy
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode
from uuid import NAMESPACE_OID, uuid5

from django.apps import apps
from django.db import connection, transaction

from tests.access_matrix.checking import FORM, JSON, PARAMETER, Undo
from tests.access_matrix.entries import Entry
from tests.access_matrix.rows import public_id
from tests.two_worlds.institution import Institution
from zhike.customers.models import Party
from zhike.kernel import clock
from zhike.kernel.models import Base

HTMX = {"headers": {"HX-Request": "true"}}
MASKS = re.compile(
    rb'(csrfmiddlewaretoken" value="|X-CSRFToken&quot;: &quot;|X-CSRFToken": "|"token": ")[\w-]+'
)
NOBODY = "00000000-0000-4000-8000-000000000000"
# The one that differs by design, and what a browser does with the answer: set by the clock of the machine.
UNTOLD = {"Set-Cookie", "X-Request-ID", "Expires"}


@dataclass(frozen=True)
class Question:
    """What is asked; with `rows` the address has parameters, filled by makers on a customer or by words.

    `inside` says on which customer: the one in sight, or the one out of it. `then` are addresses asked after it,
    before all of it is undone; "↪" is where the answer led.
    """

    principal: str
    method: str
    path: str
    body: Any = field(default_factory=dict)
    rows: Mapping[str, Any] = field(default_factory=dict)
    inside: bool = True
    api: bool = False
    fragment: bool = False
    then: Sequence[str] = ()

    def __str__(self) -> str:
        where = (
            ""
            if not self.rows
            else " of a customer " + ("in" if self.inside else "out of") + " sight"
        )
        body = "" if callable(self.body) or not self.body else f" {dict(self.body)}"
        return f"{self.method} /{self.path}{where}{body} as {self.principal}"


def of_entry(entry: Entry, principal: str, pattern: str, method: str, inside: bool) -> Question:
    return Question(
        principal, method, pattern, entry.body, entry.rows, inside, pattern.startswith("api/")
    )


def ask(institution: Institution, question: Question) -> bytes:
    """Every byte of the answers, headers included; all that was done is undone."""
    told: list[bytes] = []
    try:
        with transaction.atomic(), _nothing_by_chance():
            told += map(_bytes, _answers(institution, question))
            raise Undo
    except Undo:
        return b"\n\n".join(told)


def _answers(institution: Institution, question: Question) -> Iterator[Any]:
    world = institution.world
    on = world.inside if question.inside else world.outside

    def value(parameter: re.Match[str]) -> str:
        make = question.rows[parameter[1]]
        return make if isinstance(make, str) else str(public_id(make(world, on)))

    path = "/" + PARAMETER.sub(value, question.path)
    body = question.body(world) if callable(question.body) else question.body
    # A sign-out or a chosen language must not follow the principal to the next question.
    client = copy(world.clients[question.principal])
    client.cookies = deepcopy(client.cookies)
    extra: Any = HTMX if question.fragment else {}
    if question.method == "GET":
        answer: Any = client.get(path, body, **extra)
    else:
        kind = JSON if question.api else FORM
        data = json.dumps(body) if question.api else urlencode(body, doseq=True)
        answer = client.generic(question.method, path, data, kind, **extra)
    yield answer
    if question.then:
        _made_at_noon(institution)
    for each in question.then:
        led = answer.headers.get("Location", "/")
        yield client.get(each.replace("↪", led))


def _made_at_noon(institution: Institution) -> None:
    """What a question made, the database stamped by the machine's clock."""
    models: list[Any] = [Party, *(each.related_model for each in Party._meta.related_objects)]
    for model in models:
        if issubclass(model, Base):
            new = model._default_manager.filter(created_at__gt=institution.began)
            new.update(created_at=clock.now(), changed_at=clock.now())


def _bytes(answer: Any) -> bytes:
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    headers = "".join(
        f"{name}: {value}\n" for name, value in sorted(answer.headers.items()) if name not in UNTOLD
    )
    told: bytes = f"{answer.status_code}\n{headers}\n".encode() + MASKS.sub(rb"\1", content)
    return told


@contextmanager
def _nothing_by_chance() -> Iterator[None]:
    """New rows get the public ids of the last question; what is sealed twice looks the same."""
    with ExitStack() as stack:
        for model in apps.get_models():
            if issubclass(model, Base):
                own = model._meta.get_field("public_id")
                stack.enter_context(
                    patch.dict(own.__dict__, {"_get_default": _ids(model.__name__)})
                )
        # Codes of rows hide the key of their file.
        with connection.cursor() as cursor:
            cursor.execute("SELECT setval('desk_takenfile_id_seq', 1000)")
        # The mark of where a page of a list begins holds the second it was made in.
        stack.enter_context(patch("time.time", return_value=clock.now().timestamp()))
        for source in ("os.urandom", "random._urandom"):
            stack.enter_context(patch(source, _urandom()))
        yield


def _ids(name: str) -> Any:
    numbers: dict[str, int] = defaultdict(int)

    def new() -> Any:
        numbers[name] += 1
        return uuid5(NAMESPACE_OID, f"{name} {numbers[name]}")

    return new


def _urandom() -> Any:
    asked = 0

    def urandom(size: int) -> bytes:
        nonlocal asked
        asked += 1
        return hashlib.shake_128(str(asked).encode()).digest(size)

    return urandom


def difference(question: Question, one: bytes, other: bytes) -> str:
    """The question with the first place where the answers part."""
    at = next(
        (n for n, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]),
        min(len(one), len(other)),
    )
    near = [each[max(0, at - 90) : at + 90].decode(errors="replace") for each in (one, other)]
    return f"{question}\n  A …{near[0]}…\n  B …{near[1]}…"
