"""The trail's seals as the site keeps them: made every minute, verified every night, auditors told of what is wrong.

On the roof, because the trail is the kernel's and notices are the desk's.
"""

from __future__ import annotations

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext_noop

from zhike.config.mail import alarm
from zhike.desk.services.notices import notify
from zhike.kernel import audit, sealing
from zhike.kernel.actor import Actor
from zhike.kernel.errors import UserError
from zhike.kernel.models import AuditEntry
from zhike.kernel.sealing import Verification
from zhike.organisation.models import Role, User


def seal_trail(actor: Actor) -> int:
    """Seal what is new; answers how many entries. Raises UserError where the trail was cut, auditors told."""
    try:
        return sealing.seal()
    except UserError as error:
        _alarm(actor, str(error))
        raise


def verify_trail(actor: Actor) -> Verification:
    """Compare the whole trail with its seals; that it was done, and what was found, stands on the trail."""
    found = sealing.verify()
    with transaction.atomic():
        audit.record(
            actor,
            sealing.VERIFIED,
            outcome=AuditEntry.Outcome.REFUSED if found.fault else AuditEntry.Outcome.DONE,
            reason=found.fault or f"{found.entries} entries in {found.seals} seals as sealed.",
        )
        if found.fault:
            _alarm(actor, found.fault)
    return found


def _alarm(actor: Actor, fault: str) -> None:
    alarm(
        "zhike: the audit trail is not as it was sealed",
        f"{fault}\n\nRun `zhike audit verify`; keep the database and the heads as they are.",
    )
    auditors = User.objects.filter(
        is_active=True, employee__appointments__position__role=Role.AUDITOR
    )
    notify(
        actor=actor,
        kind="trail",
        text=gettext_noop("The audit trail is not as it was sealed: %(fault)s"),
        users=auditors.distinct().values_list("pk", flat=True),
        params={"fault": fault},
        url=reverse("access:trail"),
    )
