"""A register taken away is on record."""

from __future__ import annotations

from zhike.kernel import audit
from zhike.kernel.actor import Actor
from zhike.kernel.services import service


@service("privacy.register")
def note_register(*, actor: Actor, rows: int) -> None:
    audit.record(actor, "privacy.register.export", reason=str(rows))
