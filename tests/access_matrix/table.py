"""The table: for each route and method who gets in, with which rows and which words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import models

from tests.access_matrix.world import PRINCIPALS, UNSIGNED, Maker, World
from zhike.customers.models import Party
from zhike.organisation.models import Role

EVERYBODY = frozenset(PRINCIPALS)
SIGNED_IN = EVERYBODY - UNSIGNED
LINE = frozenset({Role.CUSTOMER_MANAGER.value, Role.TEAM_LEAD.value, Role.BRANCH_HEAD.value})
CUSTOMER_READERS = LINE | {Role.TELLER.value, Role.ANALYST.value}

SHOWN = frozenset({200})
DONE = frozenset({200, 201, 204, 302, 303})


@dataclass(frozen=True)
class Entry:
    """`allowed` get one of the statuses `ok`; everybody else is refused.

    `rows` maps a parameter of the address to what makes its row on a customer; a row without a customer of its own
    (a unit, an import run) is `shared`, and has no outside.
    """

    allowed: frozenset[str]
    ok: frozenset[int] = SHOWN
    rows: Mapping[str, Maker] = field(default_factory=dict)
    shared: bool = False
    body: Mapping[str, Any] = field(default_factory=dict)
    json: bool = False


def party(world: World, on: Party) -> models.Model:
    return on


TABLE: dict[tuple[str, str], Entry] = {
    ("health/", "GET"): Entry(EVERYBODY),
}
