"""Events go up: a lower room publishes a frozen dataclass once its transaction commits; higher rooms subscribe."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any, TypeVar

from django.db import transaction

E = TypeVar("E")

_subscribers: dict[type, list[Callable[[Any], None]]] = defaultdict(list)


def subscribe(event_type: type[E]) -> Callable[[Callable[[E], None]], Callable[[E], None]]:
    """Call the decorated function with every event of this type, after commit."""

    def add(reaction: Callable[[E], None]) -> Callable[[E], None]:
        if reaction not in _subscribers[event_type]:
            _subscribers[event_type].append(reaction)
        return reaction

    return add


def publish(event: object) -> None:
    """Hand the event to its subscribers when the transaction commits; never when it rolls back."""
    for reaction in _subscribers[type(event)]:
        transaction.on_commit(lambda reaction=reaction: reaction(event))  # type: ignore[misc]
