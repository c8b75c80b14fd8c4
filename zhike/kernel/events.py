"""Events go up: a lower room publishes a frozen dataclass once its transaction commits; higher rooms subscribe.

What a subscriber is to do is put down in the transaction of the deed and crossed out in that of the reaction. So a
process that dies between the two loses nothing: a job does what is left (`react`), and nothing is done twice.
"""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar, get_origin, get_type_hints

from django.db import transaction
from django.utils.module_loading import import_string

from zhike.kernel import clock, wall

logger = logging.getLogger(__name__)

E = TypeVar("E")

LEFT_AFTER = timedelta(minutes=2)

_subscribers: dict[type, list[Callable[[Any], None]]] = defaultdict(list)


def subscribe(event_type: type[E]) -> Callable[[Callable[[E], None]], Callable[[E], None]]:
    """Call the decorated function with every event of this type, after commit, in a transaction of its own."""

    def add(reaction: Callable[[E], None]) -> Callable[[E], None]:
        if reaction not in _subscribers[event_type]:
            _subscribers[event_type].append(reaction)
        return reaction

    return add


def publish(*events: object) -> None:
    """Hand the events to their subscribers when the transaction commits; never when it rolls back.

    Their fields are plain values, or tuples of them: they outlive the process. Many at once cost one insert.
    """
    from zhike.kernel.models import Reaction  # events are declared before there are models

    due = [(event, reaction) for event in events for reaction in _subscribers[type(event)]]
    waiting = [
        Reaction(to=_name(type(event)), by=_name(reaction), event=_plain(event))
        for event, reaction in due
    ]
    with wall.lowered():
        Reaction.objects.bulk_create(waiting)
    for left, (event, reaction) in zip(waiting, due, strict=True):
        # Robust: who did the deed is not told that it failed because of what follows from it.
        transaction.on_commit(partial(_react, left.pk, reaction, event), robust=True)


def react(left_after: timedelta = LEFT_AFTER) -> int:
    """Do what a process that died left undone; answers how much. What fails is tried again the next time."""
    from zhike.kernel.models import Reaction

    count = 0
    for left in Reaction.objects.filter(at__lte=clock.now() - left_after).order_by("pk"):
        try:
            count += _react(left.pk, import_string(left.by), _event(left.to, left.event))
        except Exception as error:
            # Its kind alone: the text may quote a row.
            logger.error("%s failed: %s", left.by, type(error).__name__)
    return count


def _react(pk: int, reaction: Callable[[Any], None], event: object) -> bool:
    """False where somebody else did it, or is at it."""
    from zhike.kernel.models import Reaction

    with transaction.atomic():
        with wall.lowered():
            waiting = Reaction.objects.select_for_update(skip_locked=True).filter(pk=pk).first()
            if waiting is None:
                return False
            waiting.delete()
        reaction(event)
    return True


def _name(what: Any) -> str:
    return f"{what.__module__}.{what.__qualname__}"


def _plain(event: Any) -> dict[str, Any]:
    said = asdict(event)
    if json.loads(json.dumps(said)) != {
        name: list(value) if isinstance(value, tuple) else value for name, value in said.items()
    }:
        raise TypeError(f"{type(event).__name__} holds more than plain values")
    return said


def _event(to: str, said: dict[str, Any]) -> object:
    kind = import_string(to)
    hints = get_type_hints(kind)
    return kind(
        **{name: tuple(v) if get_origin(hints[name]) is tuple else v for name, v in said.items()}
    )
