"""The second factor by codes: begun, confirmed, asked, taken away."""

from __future__ import annotations

import secrets

from django.db import models
from django.utils.translation import gettext as _

from zhike.access import rules
from zhike.access.events import SecondFactorTaken
from zhike.access.models import RecoveryCode, SecondFactor
from zhike.access.queries import actor_for, needs_passkey, signs_in_by_passkey_alone
from zhike.kernel import audit, clock, crypto, events
from zhike.kernel.actor import Actor
from zhike.kernel.errors import Refused, UserError
from zhike.kernel.services import must_see, service
from zhike.organisation.models import User


def confirmed(user: User) -> models.QuerySet[SecondFactor]:
    return SecondFactor.objects.filter(user=user, confirmed_at__isnull=False)


def takes(actor: Actor, user: User, code: str) -> bool:
    """Whether the user's second factor takes this code; once, however many ask at the same time."""
    factor = confirmed(user).select_for_update().first()
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


def person(actor: Actor) -> int:
    """The key of the user who acts."""
    assert actor.user_id is not None
    return actor.user_id


@service("account.use", proof=True)
def begin_second_factor(*, actor: Actor) -> SecondFactor:
    """A new secret for the actor, which counts once a code of it was given. One begun earlier is forgotten.

    Raises UserError for who needs a passkey and has none: codes alone would open nothing.
    """
    # Who has none yet comes here without their roles.
    whole = actor_for(User.objects.get(pk=person(actor)))
    if needs_passkey(whole) and not signs_in_by_passkey_alone(whole):
        raise UserError(
            _("A code alone is too little for an administrator here."), _("Add a passkey first.")
        )
    SecondFactor.objects.filter(user_id=person(actor), confirmed_at__isnull=True).delete()
    factor = SecondFactor(user_id=person(actor))
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
        user_id=person(actor), confirmed_at__isnull=True, created_at__gt=now - rules.PROOF_LASTS
    )
    factor = begun.first()
    if factor is None:
        raise UserError(_("This secret is too old, or another took its place."), _("Begin again."))
    step = rules.step_of(factor.secret, rules.typed(code), now, factor.last_step)
    if step is None:
        raise UserError(
            _("This code is not right."), _("Check the clock of the telephone, then give the next.")
        )
    SecondFactor.objects.filter(user_id=person(actor), confirmed_at__isnull=False).delete()
    SecondFactor.objects.filter(pk=factor.pk).update(confirmed_at=now, last_step=step)
    audit.record(actor, "second_factor.confirm", factor)
    return _make_recovery_codes(factor)


@service("account.use", proof=True)
def renew_recovery_codes(*, actor: Actor) -> list[str]:
    """Ten new recovery codes of the actor's own; the ones before open nothing any more."""
    mine = SecondFactor.objects.select_for_update().filter(
        user_id=person(actor), confirmed_at__isnull=False
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
