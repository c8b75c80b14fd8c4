"""One request with whom it is about."""

from __future__ import annotations

from uuid import UUID

from zhike.kernel import wall
from zhike.kernel.actor import Actor
from zhike.privacy.models import SubjectRequest


@wall.lowered()
def request_of(actor: Actor, public_id: UUID) -> SubjectRequest | None:
    """Whoever decides on it sees the name and unit of a customer they do not see otherwise; None out of scope."""
    rows = SubjectRequest.objects.visible_to(actor).select_related("party__unit")
    return rows.filter(public_id=public_id).first()
