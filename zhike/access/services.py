"""Signing in and out; reveals, sign-ins and refusals on record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth import authenticate
from django.db import models, transaction
from django.utils.translation import gettext as _

from zhike.access import rules
from zhike.access.models import SignInTries
from zhike.access.queries import actor_for
from zhike.kernel import audit, clock, crypto
from zhike.kernel.actor import NOBODY, Actor
from zhike.kernel.errors import Refused, UserError
from zhike.kernel.models import AuditEntry
from zhike.kernel.services import must_see, service
from zhike.organisation.models import User


@dataclass(frozen=True)
class SignIn:
    """The outcome of a try: the user, or None; `wait_until` when this login from this address must wait."""

    user: User | None
    wait_until: datetime | None = None


def try_sign_in(*, login: str, password: str, address: str, origin: str) -> SignIn:
    """Check a login and its password, on record either way.

    An unknown login, a wrong password, a closed account and somebody who left are answered alike and cost
    one password hash each. The try is counted before the hash, so that many at once cannot pass the limit.
    """
    key = crypto.blind_index("sign-in", f"{login.casefold()}\0{address}")
    if (wait := _count_try(key)) is not None:
        return SignIn(None, wait)
    user = authenticate(None, username=login, password=password)
    actor = actor_for(user, origin) if isinstance(user, User) else NOBODY
    with transaction.atomic():
        if not isinstance(user, User) or actor.user_id is None:
            note_sign_in(_nobody(origin), login=login, succeeded=False)
            return SignIn(None)
        SignInTries.objects.filter(key=key).delete()
        note_sign_in(actor, login=login, succeeded=True)
    return SignIn(user)


@transaction.atomic
def _count_try(key: bytes) -> datetime | None:
    """Count one more failure in advance (success takes it back); answers until when to wait instead."""
    now = clock.now()
    SignInTries.objects.bulk_create([SignInTries(key=key, last_at=now)], ignore_conflicts=True)
    tries = SignInTries.objects.select_for_update().get(key=key)
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


def _nobody(origin: str) -> Actor:
    return Actor(user_id=None, employee_id=None, name=NOBODY.name, origin=origin)


@service("customers.reveal")
def note_reveal(*, actor: Actor, row: models.Model, field: str, purpose: str) -> None:
    """Put on record that the actor sees `field` of `row` in clear, and what for.

    Called in the transaction that answers the value. Refused without a purpose or outside the actor's scope.
    """
    must_see(actor, row)
    if len(purpose.strip()) < 2:
        raise UserError(_("Say what you need it for."), _("A few words are enough."))
    audit.record(actor, f"reveal.{field}", row, reason=purpose.strip())


def note_refusal(actor: Actor, refusal: Refused) -> None:
    """A refusal goes on the trail after the refused work was rolled back."""
    audit.record(
        actor,
        refusal.action or "refused",
        reason=refusal.reason,
        outcome=AuditEntry.Outcome.REFUSED,
    )


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
