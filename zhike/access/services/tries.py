"""Counters of failed tries: by login and where it is tried from, and of an account."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from zhike.access import rules
from zhike.access.models import SignInTries
from zhike.kernel import clock, crypto
from zhike.organisation.models import User


def tries_of(login: str, address: str) -> bytes:
    return crypto.blind_index("sign-in", f"{login.casefold()}\0{address}")


def code_tries_of(user: User) -> bytes:
    return crypto.blind_index("second-factor", str(user.pk))


@transaction.atomic
def count_try(key: bytes) -> datetime | None:
    """Count one more failure in advance (success takes it back); answers until when to wait instead."""
    now = clock.now()
    tries = None
    while tries is None:  # a sign-in that succeeds meanwhile takes the row away
        SignInTries.objects.bulk_create([SignInTries(key=key, last_at=now)], ignore_conflicts=True)
        tries = SignInTries.objects.select_for_update().filter(key=key).first()
    if rules.is_forgotten(tries.last_at, now):
        tries.failures = 0
    if (wait := rules.wait_until(tries.failures, tries.last_at)) is not None:
        return wait
    tries.failures += 1
    tries.last_at = now
    tries.save(update_fields=["failures", "last_at"])
    # What is forgotten goes, or the table would grow with every guess; not what others hold just now.
    old = SignInTries.objects.filter(last_at__lt=now - rules.WAIT)
    old.filter(pk__in=[each.pk for each in old.select_for_update(skip_locked=True)]).delete()
    return None
