"""What a line of the table says: who gets in, with which rows and which words, and which answers are an entry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.access_matrix.world import (
    ACTS_AS,
    ANONYMOUS,
    DISABLED,
    NO_POSITION,
    PRINCIPALS,
    TOKEN,
    Maker,
    World,
)
from zhike.organisation.models import Role

Body = Mapping[str, Any] | Callable[[World], Mapping[str, Any]]

UNSIGNED = frozenset({ANONYMOUS, DISABLED})
# Whoever else there is acts as one of these.
EVERYBODY = frozenset(PRINCIPALS) - set(ACTS_AS)
SIGNED_IN = EVERYBODY - UNSIGNED
STAFF = SIGNED_IN - {NO_POSITION}
HEADS = frozenset({Role.TEAM_LEAD.value, Role.BRANCH_HEAD.value})
LINE = HEADS | {Role.CUSTOMER_MANAGER.value}
EDITORS = LINE | {Role.TELLER.value}
READERS = EDITORS | {Role.ANALYST.value}
WORKERS = LINE | {Role.ANALYST.value}
OPERATOR = frozenset({Role.SYSTEM_ADMINISTRATOR.value})
SECURITY = frozenset({Role.SECURITY_ADMINISTRATOR.value})
AUDITOR = frozenset({Role.AUDITOR.value})
ANALYST = frozenset({Role.ANALYST.value})
JUDGES = frozenset({Role.BRANCH_HEAD.value, Role.ANALYST.value})
LOADS = OPERATOR | {Role.BRANCH_HEAD.value, Role.ANALYST.value}

SHOWN = frozenset({200})
MOVED = frozenset({302, 303})
DONE = frozenset({200, 201, 204, 302, 303})
# The form was read and found wanting: its door was open.
READ = frozenset({422})
ABSENT = frozenset({404})
NOT_THIS_WAY = frozenset({405})


@dataclass(frozen=True)
class Entry:
    """`allowed` get one of the statuses `ok`; everybody else is refused.

    `rows` maps a parameter of the address to what makes its row on a customer, or to the word that stands
    there whatever the row; `shared` rows (a unit, a load) belong to no customer and have no outside. `body`
    is the query of a GET, the form of anything else (JSON for the API). What `parts` a customer leaves another one
    in its unit, and is refused to whoever sees this one alone.
    """

    allowed: frozenset[str]
    ok: frozenset[int] = SHOWN
    rows: Mapping[str, Maker | str] = field(default_factory=dict)
    shared: bool = False
    body: Body = field(default_factory=dict)
    parts: bool = False


def gets_in(entry: Entry, pattern: str, principal: str) -> bool:
    """Whether the principal is among the allowed; a token opens the API and nothing else."""
    if principal == TOKEN and not pattern.startswith("api/"):
        return ANONYMOUS in entry.allowed
    return any(role in entry.allowed for role in ACTS_AS.get(principal, (principal,)))


def on(make: Maker) -> Mapping[str, Maker | str]:
    return {"public_id": make}
