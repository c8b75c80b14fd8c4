"""Signing in, in one step or two, and proving anew who sits there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth import authenticate
from django.db import transaction
from django.db.models import F

from zhike.access.models import SignInTries
from zhike.access.queries import actor_for, has_second_factor
from zhike.access.services.notes import nobody, note_sign_in
from zhike.access.services.second_factor import person, takes
from zhike.access.services.tries import code_tries_of, count_try, tries_of
from zhike.kernel import audit
from zhike.kernel.actor import NOBODY, Actor
from zhike.kernel.models import AuditEntry
from zhike.kernel.services import service
from zhike.organisation.models import User


@dataclass(frozen=True)
class SignIn:
    """The outcome of a try: the user, or None; `wait_until` when this login from this address must wait.

    `half` when the password was right and the second factor is still to come: nobody is signed in yet.
    `by_code` when a second factor was given.
    """

    user: User | None
    wait_until: datetime | None = None
    half: bool = False
    by_code: bool = False


def try_sign_in(*, login: str, password: str, address: str, origin: str) -> SignIn:
    """Check a login and its password, on record either way.

    An unknown login, a wrong password, a closed account and somebody who left are answered alike and cost
    one password hash each. The try is counted before the hash, so that many at once cannot pass the limit.
    """
    key = tries_of(login, address)
    if (wait := count_try(key)) is not None:
        return SignIn(None, wait)
    user = authenticate(None, username=login, password=password)
    actor = actor_for(user, origin) if isinstance(user, User) else NOBODY
    with transaction.atomic():
        if not isinstance(user, User) or actor.user_id is None:
            note_sign_in(nobody(origin), login=login, succeeded=False)
            return SignIn(None)
        if has_second_factor(user.pk):
            # This try is given back; those before it count on, or the password would forgive wrong codes.
            SignInTries.objects.filter(key=key).update(failures=F("failures") - 1)
            audit.record(actor, "sign_in.password")
            return SignIn(user, half=True)
        SignInTries.objects.filter(key=key).delete()
        note_sign_in(actor, login=login, succeeded=True)
    return SignIn(user)


def try_second_factor(*, user: User, code: str, address: str, origin: str) -> SignIn:
    """The second half of a sign-in: a code of the authenticator or a recovery code, on record either way.

    Wrong codes count as tries of the login from this address, and of the account wherever they come from: six
    digits are few, and only who has the password gets here.
    """
    keys = tries_of(user.login, address), code_tries_of(user)
    for key in keys:
        if (wait := count_try(key)) is not None:
            return SignIn(None, wait)
    actor = actor_for(user, origin)
    with transaction.atomic():
        if actor.user_id is None or not takes(actor, user, code):
            audit.record(actor, "sign_in.second_factor", outcome=AuditEntry.Outcome.REFUSED)
            return SignIn(None)
        SignInTries.objects.filter(key__in=keys).delete()
        note_sign_in(actor, login=user.login, succeeded=True)
    return SignIn(user, by_code=True)


@service("account.use")
def prove(*, actor: Actor, proof: str, address: str) -> SignIn:
    """Whether it is still the actor who sits there: by the second factor, by the password for who has none.

    A wrong one counts as a try to sign in.
    """
    user = User.objects.get(pk=person(actor))
    with_factor = has_second_factor(user.pk)
    keys = [tries_of(user.login, address), *([code_tries_of(user)] if with_factor else [])]
    for key in keys:
        if (wait := count_try(key)) is not None:
            return SignIn(None, wait)
    if not (takes(actor, user, proof) if with_factor else user.check_password(proof)):
        audit.record(actor, "account.prove", outcome=AuditEntry.Outcome.REFUSED)
        return SignIn(None)
    SignInTries.objects.filter(key__in=keys).delete()
    audit.record(actor, "account.prove")
    return SignIn(user, by_code=with_factor)
