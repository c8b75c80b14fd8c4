"""What several pieces of one customer's page ask for, read once for the party they share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from django.db.models import QuerySet

from zhike.customers.models import (
    Address,
    Assignment,
    ConsentEvent,
    ContactPoint,
    Identifier,
    Party,
)
from zhike.kernel.actor import Actor
from zhike.kernel.scope import found_for

T = TypeVar("T")
S = TypeVar("S", Address, Identifier)

source_names: list[Callable[[], Mapping[str, str]]] = []
"""Each answers what people call the systems that values came from, by code; the room that loads them knows."""


def seats_of(actor: Actor, party: Party) -> list[Assignment]:
    """Everybody who looks, looked or will look after the party, with the employee."""
    return _once(
        actor,
        party,
        "seats",
        lambda: Assignment.objects.visible_rows(actor, _with_employee, party=party),
    )


def consent_events(actor: Actor, party: Party) -> list[ConsentEvent]:
    """Every step of consent, with who recorded it."""
    return _once(
        actor,
        party,
        "consent",
        lambda: ConsentEvent.objects.visible_rows(actor, _with_recorder, party=party),
    )


def identifiers_of(actor: Actor, party: Party) -> list[Identifier]:
    """The party's documents and numbers, by kind."""
    return _once(
        actor,
        party,
        "identifiers",
        lambda: Identifier.objects.visible_rows(actor, _by_kind, party=party),
    )


def contact_points_of(actor: Actor, party: Party) -> list[ContactPoint]:
    """The party's numbers and addresses on the net, the preferred one first."""
    return ContactPoint.objects.visible_rows(actor, _preferred_first, party=party)


def addresses_of(actor: Actor, party: Party) -> list[Address]:
    """Where the party lives or works, by kind."""
    return Address.objects.visible_rows(actor, _by_kind, party=party)


def called(codes: Iterable[str]) -> dict[str, str]:
    """Source systems by these codes, as people call them; a code nobody knows stands for itself."""
    wanted = set(codes) - {""}
    known = {code: name for names in source_names if wanted for code, name in names().items()}
    return {code: known.get(code, code) for code in wanted}


def _with_employee(rows: QuerySet[Assignment]) -> QuerySet[Assignment]:
    return rows.select_related("employee")


def _with_recorder(rows: QuerySet[ConsentEvent]) -> QuerySet[ConsentEvent]:
    return rows.select_related("recorded_by")


def _preferred_first(rows: QuerySet[ContactPoint]) -> QuerySet[ContactPoint]:
    return rows.order_by("-is_preferred", "kind", "pk")


def _by_kind(rows: QuerySet[S]) -> QuerySet[S]:
    return rows.order_by("kind", "pk")


def _once(actor: Actor, party: Party, name: str, read: Callable[[], Iterable[T]]) -> list[T]:
    """The rows, read once where the party is the one row of the actor's page (`scope.found`)."""
    if not found_for(actor, party):
        return list(read())
    held: dict[str, tuple[Actor, list[T]]] = party.__dict__.setdefault("_read", {})
    if name not in held or held[name][0] is not actor:
        held[name] = (actor, list(read()))
    return held[name][1]
