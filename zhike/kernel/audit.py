"""Writing to the trail, in the same transaction as the change it records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import models
from django.db.backends.postgresql.psycopg_any import Range

from zhike.kernel import clock, crypto, wall
from zhike.kernel.actor import Actor
from zhike.kernel.classes import FieldClass
from zhike.kernel.models import AuditEntry


@wall.lowered()
def record(
    actor: Actor,
    action: str,
    row: models.Model | None = None,
    *,
    changes: Mapping[str, tuple[Any, Any]] | None = None,
    reason: str = "",
    party_id: int | None = None,
    outcome: AuditEntry.Outcome = AuditEntry.Outcome.DONE,
) -> None:
    """One entry. `changes` maps a field of `row` to (before, after); C2 values are turned into keyed digests."""
    AuditEntry.objects.create(
        **_entry(actor, action, row, changes or {}, reason, party_id, outcome)
    )


@wall.lowered()
def record_many(
    actor: Actor, action: str, rows: Iterable[models.Model], *, reason: str = ""
) -> None:
    """One entry a row, for a use case that writes many."""
    AuditEntry.objects.bulk_create(
        AuditEntry(**_entry(actor, action, row, {}, reason, None, AuditEntry.Outcome.DONE))
        for row in rows
    )


def _entry(
    actor: Actor,
    action: str,
    row: models.Model | None,
    changes: Mapping[str, tuple[Any, Any]],
    reason: str,
    party_id: int | None,
    outcome: AuditEntry.Outcome,
) -> dict[str, Any]:
    classes: Mapping[str, FieldClass] = getattr(row, "field_classes", {})
    if party_id is None:
        party_id = getattr(row, "party_id", None)
    return {
        "at": clock.now(),
        "actor_user_id": actor.user_id,
        "actor_name": actor.name,
        "action": action,
        "outcome": outcome,
        "object_type": row._meta.label_lower if row is not None else "",
        "object_id": row.pk if row is not None else None,
        "object_public_id": getattr(row, "public_id", None),
        "party_id": party_id,
        "changes": {
            name: [_shown(value, classes.get(name, FieldClass.C2)) for value in pair]
            for name, pair in changes.items()
        },
        "reason": reason,
        "origin": actor.origin,
    }


def _shown(value: Any, field_class: FieldClass) -> Any:
    if value is None or value == "":
        return None
    if field_class is FieldClass.C2:
        return "digest:" + crypto.blind_index("audit", str(value)).hex()[:16]
    if isinstance(value, models.Model):
        return str(getattr(value, "public_id", value.pk))
    if isinstance(value, (Decimal, date, datetime, UUID, Range)):
        return str(value)
    return value
