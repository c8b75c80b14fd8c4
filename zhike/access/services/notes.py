"""Reveals and refusals on record, signing in and out too."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext as _

from zhike.access.models import SeenKind
from zhike.access.services.pace import note_seen
from zhike.kernel import audit
from zhike.kernel.actor import NOBODY, Actor
from zhike.kernel.errors import Refused, UserError
from zhike.kernel.models import AuditEntry
from zhike.kernel.services import must_see, service


@service("customers.reveal", proof=True)
def note_reveal(*, actor: Actor, row: models.Model, field: str, purpose: str) -> None:
    """Put on record that the actor sees `field` of `row` in clear, and what for.

    Called in the transaction that answers the value. Refused without a purpose or outside the actor's scope.
    """
    must_see(actor, row)
    if len(purpose.strip()) < 2:
        raise UserError(_("Say what you need it for."), _("A few words are enough."))
    note_seen(actor, SeenKind.REVEAL, rows=[f"{row._meta.label}.{field} {row.pk}"])
    audit.record(actor, f"reveal.{field}", row, reason=purpose.strip())


def note_refusal(actor: Actor, refusal: Refused) -> None:
    """A refusal goes on the trail after the refused work was rolled back."""
    audit.record(
        actor,
        refusal.action or "refused",
        reason=refusal.reason,
        outcome=AuditEntry.Outcome.REFUSED,
    )


def nobody(origin: str) -> Actor:
    """Whoever tried to sign in, as the trail names them."""
    return Actor(user_id=None, employee_id=None, name=NOBODY.name, origin=origin)


def note_sign_in(actor: Actor, *, login: str, succeeded: bool) -> None:
    """A sign-in, or a failed try; the login stands there only as a digest when it failed."""
    audit.record(
        actor,
        "sign_in",
        changes={} if succeeded else {"login": (None, login)},
        outcome=AuditEntry.Outcome.DONE if succeeded else AuditEntry.Outcome.REFUSED,
    )


def note_sign_out(actor: Actor) -> None:
    audit.record(actor, "sign_out")
