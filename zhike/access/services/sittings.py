"""In how many browsers somebody is signed in at once: three, and the next ends the oldest."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction

from zhike.access.models import Sitting
from zhike.access.queries import actor_for
from zhike.kernel import audit, clock, wall
from zhike.organisation.models import User


@wall.lowered()
@transaction.atomic
def begin_sitting(user: User, key: str, origin: str) -> None:
    """Somebody signed in under this session key. The oldest of four ends with it, on record."""
    User.objects.select_for_update().get(pk=user.pk)
    now = clock.now()
    theirs = Sitting.objects.filter(user=user)
    theirs.filter(began_at__lt=now - timedelta(days=1, hours=settings.ZHIKE_SESSION_HOURS)).delete()
    # Whoever signs in once more in the same browser begins anew in their place.
    Sitting.objects.bulk_create(
        [Sitting(key=key, user=user, began_at=now)],
        update_conflicts=True,
        unique_fields=["key"],
        update_fields=["user", "began_at"],
    )
    open_keys = list(
        theirs.filter(ended_at=None).order_by("-began_at", "-pk").values_list("key", flat=True)
    )
    most = settings.ZHIKE_NUMBERS.sessions
    if len(open_keys) <= most:
        return
    alive = set(
        Session.objects.filter(session_key__in=open_keys, expire_date__gt=now).values_list(
            "session_key", flat=True
        )
    )
    over = [each for each in open_keys if each in alive][most:]
    theirs.filter(key__in=set(open_keys) - alive).delete()
    if not over:
        return
    theirs.filter(key__in=over).update(ended_at=now)
    Session.objects.filter(session_key__in=over).delete()
    audit.record(actor_for(user, origin), "session.displaced", user)


@wall.lowered()
def go_on(before: str, key: str) -> None:
    """The same sitting has another session key."""
    Sitting.objects.filter(key=before).update(key=key)


@wall.lowered()
def was_displaced(key: str) -> bool:
    """Whether a later sitting of the same person took the place of this one."""
    return Sitting.objects.filter(key=key, ended_at__isnull=False).exists()
