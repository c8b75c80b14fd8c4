"""All that lets somebody in, ended at once."""

from __future__ import annotations

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session

from zhike.access.models import ApiToken
from zhike.access.services.grants import end_grants
from zhike.kernel import audit, clock
from zhike.kernel.actor import Actor
from zhike.kernel.services import service
from zhike.organisation.models import User


@service("organisation.administer")
def end_access(*, actor: Actor, user: User, reason: str) -> None:
    """No session, token or grant of the user opens anything from the commit on; a new sign-in begins anew.

    A session names its user within, so the living ones are read: some ten thousand in a second.
    """
    if user.employee is not None:
        end_grants(actor, user.employee, reason)
    now = clock.now()
    tokens = ApiToken.objects.filter(user=user, revoked_at__isnull=True)
    ended = tokens.update(revoked_at=now)
    living = Session.objects.filter(expire_date__gt=now).iterator(chunk_size=2000)
    theirs = [each.pk for each in living if each.get_decoded().get(SESSION_KEY) == str(user.pk)]
    Session.objects.filter(pk__in=theirs).delete()
    audit.record(
        actor,
        "access.end",
        user,
        changes={"sessions": (len(theirs), 0), "tokens": (ended, 0)},
        reason=reason,
    )
