"""What is said outside, exactly once: put down with the deed, claimed, said, marked.

`post` writes the message in the transaction of the deed it tells of. `deliver` claims one in a transaction of its own,
calls its carrier outside of any, and marks it. Whoever finds a message claimed and not marked knows that its process
died and not whether the call had come through: it is `unknown`, its carrier asks the other side, and where nobody can
tell it stays unknown until a person decides. Nothing is ever said again on a guess.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

from django.db import connection, transaction

from zhike.kernel import audit, clock, crypto, wall
from zhike.kernel.actor import Actor
from zhike.kernel.errors import UserError
from zhike.kernel.models import Outgoing
from zhike.kernel.registry import Registry

logger = logging.getLogger(__name__)

State = Outgoing.State
ASK_AFTER = timedelta(minutes=1)  # a call whose process died may still be on its way
FIRST_PAUSE = timedelta(minutes=1)  # before the next try, doubled at each further one
LONGEST_PAUSE = timedelta(hours=1)
KEPT_FOR = timedelta(days=30)
_LOCK = 0x6F75_7462


class NotTaken(Exception):
    """The other side certainly has not taken the message: it may be said again."""


class Carrier(Protocol):
    """A way out. `carry` returns once the other side has taken the message under `key`.

    It raises NotTaken where that is certain; after any other exception nobody knows.
    """

    @property
    def id(self) -> str: ...

    def carry(self, key: UUID, payload: Mapping[str, Any]) -> None: ...

    def has_taken(self, key: UUID) -> bool | None:
        """Whether the other side has taken it; None where it cannot tell. Raises what it likes: asked again later."""


carriers: Registry[Carrier] = Registry("carriers")


@dataclass(frozen=True)
class Delivery:
    """What one round did: messages said, put off for a next try, and those of which nobody knows."""

    sent: int
    waiting: int
    unknown: int


@wall.lowered()
def post(carrier: str, payload: Mapping[str, Any]) -> Outgoing:
    """Let `payload` (plain values) be said by that carrier once the transaction commits."""
    carriers.get(carrier)
    made = Outgoing(carrier=carrier, next_at=clock.now())
    made.sealed = crypto.encrypt(json.dumps(payload, ensure_ascii=False), made.place)
    made.save(force_insert=True)
    return made


def deliver(*, ask_after: timedelta = ASK_AFTER) -> Delivery:
    """Say what waits, in the order it was put down; one process at a time, so a second one does nothing."""
    with _alone() as alone:
        if not alone:
            return Delivery(0, 0, 0)
        # Nobody else delivers: whoever claimed these is dead.
        Outgoing.objects.filter(state=State.SENDING).update(state=State.UNKNOWN, said="stopped")
        asked_from = clock.now() - ask_after
        for doubt in Outgoing.objects.filter(state=State.UNKNOWN, claimed_at__lte=asked_from):
            _ask(doubt)
        sent = 0
        while (message := _claimed()) is not None:
            sent += _say(message)
        left = Outgoing.objects.filter(state__in=(State.WAITING, State.UNKNOWN))
        states = list(left.values_list("state", flat=True))
    return Delivery(sent, states.count(State.WAITING), states.count(State.UNKNOWN))


def settle(*, actor: Actor, key: UUID, again: bool, reason: str) -> Outgoing:
    """A person decides on a message of which nobody knows: say it again, or give it up. On the trail."""
    actor.must("access.administer")
    with transaction.atomic():
        message = Outgoing.objects.select_for_update().filter(public_id=key).first()
        if message is None or message.state != State.UNKNOWN:
            raise UserError(
                "No message of that key is in doubt.", "`zhike outbox list` shows them."
            )
        before, message.state = message.state, State.WAITING if again else State.DROPPED
        message.next_at = clock.now()
        message.sealed = message.sealed if again else None
        message.save(update_fields=["state", "next_at", "sealed"])
        changes = {"state": (before, str(message.state))}
        audit.record(actor, "outbox.settle", message, changes=changes, reason=reason)
    return message


def forget_old() -> int:
    """What was said, or given up, long ago; answers how many."""
    settled = Outgoing.objects.filter(state__in=(State.SENT, State.DROPPED))
    return settled.filter(created_at__lt=clock.now() - KEPT_FOR).delete()[0]


@contextmanager
def _alone() -> Iterator[bool]:
    """The lock goes with the connection, so who was killed holds none."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        alone = bool(cursor.fetchone() == (True,))
    try:
        yield alone
    finally:
        if alone:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def _claimed() -> Outgoing | None:
    with transaction.atomic():
        waiting = Outgoing.objects.filter(state=State.WAITING, next_at__lte=clock.now())
        message = waiting.select_for_update().order_by("id").first()
        if message is not None:
            message.state, message.claimed_at = State.SENDING, clock.now()
            message.tries += 1
            message.save(update_fields=["state", "claimed_at", "tries"])
    return message


def _say(message: Outgoing) -> bool:
    payload = json.loads(crypto.decrypt(bytes(message.sealed or b""), message.place))
    try:
        carriers.get(message.carrier).carry(message.public_id, payload)
    except NotTaken as error:
        _put_off(message, str(error))
    except Exception as error:
        # Its kind alone: the text may quote what was said to whom.
        logger.error(
            "whether %s took a message is not known: %s", message.carrier, type(error).__name__
        )
        _mark(message, State.UNKNOWN, type(error).__name__)
    else:
        _mark(message, State.SENT, "")
        return True
    return False


def _ask(message: Outgoing) -> None:
    try:
        taken = carriers.get(message.carrier).has_taken(message.public_id)
    except Exception as error:
        logger.error("%s does not answer: %s", message.carrier, type(error).__name__)
        return
    if taken:
        _mark(message, State.SENT, message.said)
    elif taken is False:
        _mark(message, State.WAITING, "not taken")


def _put_off(message: Outgoing, said: str) -> None:
    pause = min(FIRST_PAUSE * 2 ** min(message.tries - 1, 10), LONGEST_PAUSE)
    message.next_at = clock.now() + pause
    message.save(update_fields=["next_at"])
    _mark(message, State.WAITING, said)


def _mark(message: Outgoing, state: str, said: str) -> None:
    message.state, message.said = state, said[:80]
    if state == State.SENT:
        message.sealed = None
    message.save(update_fields=["state", "said", "sealed"])
