"""Signing in and out; tokens of the API; reveals, sign-ins and refusals on record."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth import authenticate
from django.db import models, transaction
from django.utils.translation import gettext as _

from zhike.access import rules
from zhike.access.models import ApiToken, SignInTries
from zhike.access.queries import actor_for
from zhike.access.roles import FOR_PROGRAMS
from zhike.kernel import audit, clock, crypto
from zhike.kernel.actor import NOBODY, Actor
from zhike.kernel.errors import Refused, UserError
from zhike.kernel.models import AuditEntry
from zhike.kernel.services import change, must_see, service
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


LONGEST_DAYS = 366
USED_EVERY = timedelta(minutes=1)


@service("account.use")
def make_token(
    *, actor: Actor, name: str, permissions: Iterable[str], days: int
) -> tuple[ApiToken, str]:
    """A token of the actor's own and its secret, which nothing will show again.

    Raises UserError when it may nothing, more than its owner or more than a program may, or is valid for more
    than a year.
    """
    asked = sorted(set(permissions))
    refused = [each for each in asked if each not in FOR_PROGRAMS or not actor.may(each)]
    if not asked or refused:
        raise UserError(
            _(
                "A token may what you may, and a program may be let do; this one asks for: %(asked)s."
            )
            % {"asked": ", ".join(refused) or "—"},
            _("Choose among what is offered."),
        )
    if not 1 <= days <= LONGEST_DAYS:
        raise UserError(_("A token is valid for a day to a year."), _("Give a number of days."))
    if not name.strip():
        raise UserError(_("Say what the token is for."), _("The name of the program will do."))
    secret = f"zhike_{secrets.token_urlsafe(32)}"
    token = ApiToken.objects.create(
        user=User.objects.get(employee=actor.employee_id),
        name=name.strip(),
        digest=rules.token_digest(secret),
        ending=secret[-4:],
        permissions=asked,
        expires_on=clock.today() + timedelta(days=days),
    )
    audit.record(actor, "token.make", token, changes={"permissions": (None, ", ".join(asked))})
    return token, secret


@service("account.use")
def revoke_token(*, actor: Actor, token: ApiToken) -> None:
    """From this moment nobody gets in with it; once more does nothing."""
    if token.revoked_at is None:
        change(actor, token, {"revoked_at": clock.now()}, action="token.revoke")


def note_use(token: ApiToken) -> None:
    now = clock.now()
    if token.used_at is None or now - token.used_at >= USED_EVERY:
        ApiToken.objects.filter(pk=token.pk).update(used_at=now)
