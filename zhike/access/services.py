"""Signing in and out, in one step or two; second factors; tokens of the API; reveals and refusals on record."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth import authenticate
from django.db import models, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from zhike.access import rules
from zhike.access.events import SecondFactorTaken
from zhike.access.models import ApiToken, RecoveryCode, SecondFactor, SignInTries
from zhike.access.queries import actor_for
from zhike.access.roles import FOR_PROGRAMS
from zhike.kernel import audit, clock, crypto, events
from zhike.kernel.actor import NOBODY, Actor
from zhike.kernel.errors import Refused, UserError
from zhike.kernel.models import AuditEntry
from zhike.kernel.services import change, must_see, service
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
    key = _tries_of(login, address)
    if (wait := _count_try(key)) is not None:
        return SignIn(None, wait)
    user = authenticate(None, username=login, password=password)
    actor = actor_for(user, origin) if isinstance(user, User) else NOBODY
    with transaction.atomic():
        if not isinstance(user, User) or actor.user_id is None:
            note_sign_in(_nobody(origin), login=login, succeeded=False)
            return SignIn(None)
        if _confirmed(user).exists():
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
    keys = _tries_of(user.login, address), _code_tries_of(user)
    for key in keys:
        if (wait := _count_try(key)) is not None:
            return SignIn(None, wait)
    actor = actor_for(user, origin)
    with transaction.atomic():
        if actor.user_id is None or not _takes(actor, user, code):
            audit.record(actor, "sign_in.second_factor", outcome=AuditEntry.Outcome.REFUSED)
            return SignIn(None)
        SignInTries.objects.filter(key__in=keys).delete()
        note_sign_in(actor, login=user.login, succeeded=True)
    return SignIn(user, by_code=True)


def _tries_of(login: str, address: str) -> bytes:
    return crypto.blind_index("sign-in", f"{login.casefold()}\0{address}")


def _code_tries_of(user: User) -> bytes:
    return crypto.blind_index("second-factor", str(user.pk))


def _confirmed(user: User) -> models.QuerySet[SecondFactor]:
    return SecondFactor.objects.filter(user=user, confirmed_at__isnull=False)


def _takes(actor: Actor, user: User, code: str) -> bool:
    """Whether the user's second factor takes this code; once, however many ask at the same time."""
    factor = _confirmed(user).select_for_update().first()
    if factor is None:
        return False
    given = rules.typed(code)
    step = rules.step_of(factor.secret, given, clock.now(), factor.last_step)
    if step is not None:
        SecondFactor.objects.filter(pk=factor.pk).update(last_step=step)
        return True
    unused = RecoveryCode.objects.filter(
        factor=factor, digest=_recovery_digest(factor, given), used_at__isnull=True
    )
    if not unused.update(used_at=clock.now()):
        return False
    audit.record(actor, "second_factor.recovery_code", factor)
    return True


def _recovery_digest(factor: SecondFactor, code: str) -> bytes:
    return crypto.blind_index("recovery-code", f"{factor.public_id}\0{code}")


@transaction.atomic
def _count_try(key: bytes) -> datetime | None:
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


def _nobody(origin: str) -> Actor:
    return Actor(user_id=None, employee_id=None, name=NOBODY.name, origin=origin)


@service("customers.reveal", proof=True)
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


@service("account.use", proof=True)
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


def _person(actor: Actor) -> int:
    """The key of the user who acts."""
    assert actor.user_id is not None
    return actor.user_id


@service("account.use")
def prove(*, actor: Actor, proof: str, address: str) -> SignIn:
    """Whether it is still the actor who sits there: by the second factor, by the password for who has none.

    A wrong one counts as a try to sign in.
    """
    user = User.objects.get(pk=_person(actor))
    with_factor = _confirmed(user).exists()
    keys = [_tries_of(user.login, address), *([_code_tries_of(user)] if with_factor else [])]
    for key in keys:
        if (wait := _count_try(key)) is not None:
            return SignIn(None, wait)
    if not (_takes(actor, user, proof) if with_factor else user.check_password(proof)):
        audit.record(actor, "account.prove", outcome=AuditEntry.Outcome.REFUSED)
        return SignIn(None)
    SignInTries.objects.filter(key__in=keys).delete()
    audit.record(actor, "account.prove")
    return SignIn(user, by_code=with_factor)


@service("account.use", proof=True)
def begin_second_factor(*, actor: Actor) -> SecondFactor:
    """A new secret for the actor, which counts once a code of it was given. One begun earlier is forgotten."""
    SecondFactor.objects.filter(user_id=_person(actor), confirmed_at__isnull=True).delete()
    factor = SecondFactor(user_id=_person(actor))
    factor.sealed = crypto.encrypt(secrets.token_bytes(rules.SECRET_BYTES).hex(), factor.place)
    factor.save()
    audit.record(actor, "second_factor.begin", factor)
    return factor


@service("account.use")
def confirm_second_factor(*, actor: Actor, code: str) -> list[str]:
    """The secret begun last is the actor's second factor from now on, in place of any before.

    Answers the recovery codes, which nothing will show again. Raises UserError when the code is not one of the
    secret, or nothing was begun in the last quarter of an hour.
    """
    now = clock.now()
    begun = SecondFactor.objects.select_for_update().filter(
        user_id=_person(actor), confirmed_at__isnull=True, created_at__gt=now - rules.PROOF_LASTS
    )
    factor = begun.first()
    if factor is None:
        raise UserError(_("This secret is too old, or another took its place."), _("Begin again."))
    step = rules.step_of(factor.secret, rules.typed(code), now, factor.last_step)
    if step is None:
        raise UserError(
            _("This code is not right."), _("Check the clock of the telephone, then give the next.")
        )
    SecondFactor.objects.filter(user_id=_person(actor), confirmed_at__isnull=False).delete()
    SecondFactor.objects.filter(pk=factor.pk).update(confirmed_at=now, last_step=step)
    audit.record(actor, "second_factor.confirm", factor)
    return _make_recovery_codes(factor)


@service("account.use", proof=True)
def renew_recovery_codes(*, actor: Actor) -> list[str]:
    """Ten new recovery codes of the actor's own; the ones before open nothing any more."""
    mine = SecondFactor.objects.select_for_update().filter(
        user_id=_person(actor), confirmed_at__isnull=False
    )
    factor = mine.first()
    if factor is None:
        raise UserError(_("You have no second factor yet."), _("Set one up first."))
    RecoveryCode.objects.filter(factor=factor).delete()
    audit.record(actor, "second_factor.recovery_codes", factor)
    return _make_recovery_codes(factor)


def _make_recovery_codes(factor: SecondFactor) -> list[str]:
    codes = [
        "".join(secrets.choice(rules.RECOVERY_LETTERS) for _letter in range(rules.RECOVERY_LENGTH))
        for _code in range(rules.RECOVERY_CODES)
    ]
    RecoveryCode.objects.bulk_create(
        RecoveryCode(factor=factor, digest=_recovery_digest(factor, code)) for code in codes
    )
    return ["-".join(code[at : at + 4] for at in range(0, len(code), 4)) for code in codes]


@service("access.administer", proof=True)
def take_second_factor_away(*, actor: Actor, factor: SecondFactor, reason: str) -> None:
    """Somebody lost theirs: they sign in by the password alone and set up another one. Never one's own."""
    must_see(actor, factor)
    action = "second_factor.take_away"
    if factor.user_id == actor.user_id:
        raise Refused(_("Nobody takes away their own second factor."), action=action)
    if len(reason.strip()) < 2:
        raise UserError(_("A reason is missing."), _("Say in a few words why."))
    audit.record(
        actor, action, factor, changes={"user": (factor.user, None)}, reason=reason.strip()
    )
    user_id = factor.user_id
    SecondFactor.objects.filter(user_id=user_id).delete()
    events.publish(SecondFactorTaken(user_id))
