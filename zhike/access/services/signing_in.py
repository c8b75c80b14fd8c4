"""Signing in, in one step or two, and proving anew who sits there."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth import authenticate
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from zhike.access import directory
from zhike.access.models import Identity, SignInTries
from zhike.access.queries import actor_for, has_second_factor, signs_in_by_passkey_alone
from zhike.access.services.arrivals import admit
from zhike.access.services.notes import nobody, note_sign_in
from zhike.access.services.second_factor import person, takes
from zhike.access.services.tries import code_tries_of, count_try, tries_of
from zhike.kernel import audit
from zhike.kernel.actor import NOBODY, Actor, system
from zhike.kernel.errors import UserError
from zhike.kernel.models import AuditEntry
from zhike.kernel.services import service
from zhike.organisation.models import User

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SignIn:
    """The outcome of a try: the user, or None; `wait_until` when this login from this address must wait.

    `half` when the password was right and the second factor is still to come: nobody is signed in yet.
    `by_code` when a second factor was given. `problem` says why neither login nor password is to blame.
    """

    user: User | None
    wait_until: datetime | None = None
    half: bool = False
    by_code: bool = False
    problem: str = ""
    unreachable: bool = False


def try_sign_in(*, login: str, password: str, address: str, origin: str) -> SignIn:
    """Check a login and its password, on record either way.

    An unknown login, a wrong password, a closed account and somebody who left are answered alike and cost
    one password hash each. The try is counted before the hash, so that many at once cannot pass the limit.
    """
    key = tries_of(login, address)
    if (wait := count_try(key)) is not None:
        return SignIn(None, wait)
    user: Any = authenticate(None, username=login, password=password)
    try:
        user = user or _from_directory(login, password, origin)
    except UserError as problem:
        # Not a wrong password: this try is given back.
        SignInTries.objects.filter(key=key).update(failures=F("failures") - 1)
        note_sign_in(nobody(origin), login=login, succeeded=False)
        return SignIn(
            None,
            problem=str(problem),
            unreachable=isinstance(problem.__cause__, directory.Unreachable),
        )
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


def _from_directory(login: str, password: str, origin: str) -> User | None:
    """Whoever the directory lets in; who has a password here is not asked for there. Raises UserError."""
    if not directory.is_set():
        return None
    here = User.objects.filter(login=login).first()
    if here is not None and here.has_usable_password():
        return None
    try:
        arrival = directory.who_signs_in(login, password)
    except directory.Unreachable as error:
        log.warning("directory: %s", error)
        raise UserError(
            _("The institution's directory does not answer."),
            _("Try again later. Accounts with a password of this site still open."),
        ) from error
    return admit(actor=system(origin), arrival=arrival) if arrival else None


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
        if (
            actor.user_id is None
            or signs_in_by_passkey_alone(actor)
            or not takes(actor, user, code)
        ):
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
    if not (takes(actor, user, proof) if with_factor else _is_password(user, proof)):
        audit.record(actor, "account.prove", outcome=AuditEntry.Outcome.REFUSED)
        return SignIn(None)
    SignInTries.objects.filter(key__in=keys).delete()
    audit.record(actor, "account.prove")
    return SignIn(user, by_code=with_factor)


def _is_password(user: User, password: str) -> bool:
    """Whether it is the user's password: the one here, else the one of the directory."""
    if user.has_usable_password() or not directory.is_set():
        return user.check_password(password)
    there = Identity.objects.filter(user=user, source=directory.source())
    for identity in there:
        try:
            arrival = directory.who_signs_in(identity.login, password)
        except directory.Unreachable as error:
            log.warning("directory: %s", error)
            continue
        if arrival and arrival.subject == identity.subject:
            return True
    return False
