"""What several pieces of one customer's page ask for, read once for the party they share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from zhike.customers.models import Assignment, ConsentEvent, Identifier, Party
from zhike.kernel.actor import Actor
from zhike.kernel.scope import found_for

T = TypeVar("T")


def seats_of(actor: Actor, party: Party) -> list[Assignment]:
    """Everybody who looks, looked or will look after the party, with the employee."""
    rows = Assignment.objects.visible_to(actor, party=party).select_related("employee")
    return _once(actor, party, "seats", lambda: rows)


def consent_events(actor: Actor, party: Party) -> list[ConsentEvent]:
    """Every step of consent, with who recorded it."""
    rows = ConsentEvent.objects.visible_to(actor, party=party).select_related("recorded_by")
    return _once(actor, party, "consent", lambda: rows)


def identifiers_of(actor: Actor, party: Party) -> list[Identifier]:
    """The party's documents and numbers, by kind."""
    rows = Identifier.objects.visible_to(actor, party=party).order_by("kind", "pk")
    return _once(actor, party, "identifiers", lambda: rows)


def _once(actor: Actor, party: Party, name: str, read: Callable[[], Iterable[T]]) -> list[T]:
    """The rows, read once where the party is the one row of the actor's page (`scope.found`)."""
    if not found_for(actor, party):
        return list(read())
    held: dict[str, tuple[Actor, list[T]]] = party.__dict__.setdefault("_read", {})
    if name not in held or held[name][0] is not actor:
        held[name] = (actor, list(read()))
    return held[name][1]
