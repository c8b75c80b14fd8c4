"""Passkeys: added, answered, removed."""

from __future__ import annotations

import hashlib
from typing import Any

import webauthn
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.exceptions import WebAuthnException

from zhike.access import rules
from zhike.access.events import SecondFactorTaken
from zhike.access.models import Passkey
from zhike.access.passkeys import Place
from zhike.access.queries import actor_for, has_second_factor, needs_passkey
from zhike.access.services.notes import nobody, note_sign_in
from zhike.access.services.second_factor import person
from zhike.access.services.signing_in import SignIn
from zhike.kernel import audit, clock, events
from zhike.kernel.actor import Actor
from zhike.kernel.errors import Refused, UserError
from zhike.kernel.models import AuditEntry
from zhike.kernel.services import must_see, service
from zhike.organisation.models import User

MOST_PASSKEYS = 20
_REFUSED = AuditEntry.Outcome.REFUSED


@service("account.use", proof=True)
def add_passkey(
    *, actor: Actor, name: str, answer: dict[str, Any], challenge: bytes, place: Place
) -> Passkey:
    """A passkey of the actor's own, from what an authenticator answered to the challenge of this session.

    Raises UserError when the answer is not one to it, from here, by a person who showed to be present.
    """
    if not name.strip():
        raise UserError(_("Say which device it is."), _("“Work laptop” will do."))
    if Passkey.objects.filter(user_id=person(actor)).count() >= MOST_PASSKEYS:
        raise UserError(_("You have twenty passkeys already."), _("Remove one you do not use."))
    try:
        made = webauthn.verify_registration_response(
            credential=answer,
            expected_challenge=_asked(challenge),
            expected_rp_id=place.name,
            expected_origin=place.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise UserError(_("The device's answer does not hold."), _("Begin again.")) from error
    if Passkey.objects.filter(credential=made.credential_id).exists():
        raise UserError(_("This device has a passkey already."), _("Use another device."))
    passkey = Passkey.objects.create(
        user_id=person(actor),
        name=name.strip(),
        credential=made.credential_id,
        public_key=made.credential_public_key,
        sign_count=made.sign_count,
        transports=_transports(answer),
    )
    audit.record(actor, "passkey.add", passkey)
    return passkey


def _asked(challenge: bytes) -> bytes:
    if not challenge:
        raise ValueError("no challenge waits")
    return challenge


def _transports(answer: dict[str, Any]) -> list[str]:
    given = answer["response"].get("transports", [])
    return [each[:20] for each in given if isinstance(each, str)][:6]


def try_passkey(
    *,
    answer: dict[str, Any],
    challenge: bytes,
    place: Place,
    origin: str,
    user: User | None = None,
) -> SignIn:
    """Sign in by a passkey, on record either way: both factors in one, for the device asked who holds it.

    With `user` as the second half of that person's sign-in: another's passkey is refused.
    """
    with transaction.atomic():
        passkey = _answers(answer, challenge, place, user)
        actor = actor_for(passkey.user, origin) if passkey else nobody(origin)
        if passkey is None or actor.user_id is None:
            audit.record(nobody(origin), "sign_in.passkey", outcome=_REFUSED)
            return SignIn(None)
        audit.record(actor, "sign_in.passkey", passkey)
        note_sign_in(actor, login=passkey.user.login, succeeded=True)
    return SignIn(passkey.user, by_code=True)


@service("account.use")
def prove_by_passkey(
    *, actor: Actor, answer: dict[str, Any], challenge: bytes, place: Place
) -> bool:
    """Whether it is still the actor who sits there, by one of their passkeys."""
    held = _answers(answer, challenge, place, User.objects.get(pk=person(actor))) is not None
    audit.record(actor, "account.prove", outcome=AuditEntry.Outcome.DONE if held else _REFUSED)
    return held


def _answers(
    answer: dict[str, Any], challenge: bytes, place: Place, user: User | None
) -> Passkey | None:
    """The passkey that answered this challenge, for this site, by a person it verified; None for anything else."""
    try:
        credential = base64url_to_bytes(answer["id"])
        handle = answer["response"].get("userHandle")
        rows = Passkey.objects.select_for_update(of=("self",)).select_related("user__employee")
        passkey = rows.get(credential=credential)
        if user is not None and passkey.user_id != user.pk:
            return None
        if handle and base64url_to_bytes(handle) != passkey.user.public_id.bytes:
            return None
        found = webauthn.verify_authentication_response(
            credential=answer,
            expected_challenge=_asked(challenge),
            expected_rp_id=place.name,
            expected_origin=place.origin,
            credential_public_key=bytes(passkey.public_key),
            credential_current_sign_count=0,  # compared below, where a copy is told from a wrong answer
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError, Passkey.DoesNotExist):
        return None
    answered = hashlib.sha256(challenge).digest()
    if answered == bytes(passkey.answered):
        return None
    if not rules.count_grows(passkey.sign_count, found.new_sign_count):
        audit.record(
            nobody(""),
            "passkey.copied",
            passkey,
            changes={"sign_count": (passkey.sign_count, found.new_sign_count)},
            outcome=_REFUSED,
        )
        return None
    Passkey.objects.filter(pk=passkey.pk).update(
        sign_count=found.new_sign_count, answered=answered, used_at=clock.now()
    )
    return passkey


@service("account.use", proof=True)
def remove_passkey(*, actor: Actor, passkey: Passkey) -> None:
    """One's own passkey opens nothing any more; refused for the last second factor where one is asked for."""
    must_see(actor, passkey)
    action = "passkey.remove"
    if passkey.user_id != actor.user_id:
        raise Refused(_("This is another person's passkey."), action=action)
    # Locked, so that two at once do not each leave the other's.
    User.objects.select_for_update().get(pk=person(actor))
    must = rules.is_asked_of(settings.ZHIKE_SECOND_FACTOR, actor.roles)
    others = Passkey.objects.filter(user_id=person(actor)).exclude(pk=passkey.pk)
    if (must and not has_second_factor(person(actor), but=passkey)) or (
        needs_passkey(actor) and not others.exists()
    ):
        raise Refused(
            _("This is your last second factor, and the institution asks for one."), action=action
        )
    audit.record(actor, action, passkey)
    Passkey.objects.filter(pk=passkey.pk).delete()


@service("access.administer", proof=True)
def take_passkey_away(*, actor: Actor, passkey: Passkey, reason: str) -> None:
    """Somebody lost the device: its passkey opens nothing any more. Never one's own."""
    must_see(actor, passkey)
    action = "passkey.take_away"
    if passkey.user_id == actor.user_id:
        raise Refused(_("Nobody takes away their own second factor."), action=action)
    if len(reason.strip()) < 2:
        raise UserError(_("A reason is missing."), _("Say in a few words why."))
    audit.record(
        actor, action, passkey, changes={"user": (passkey.user, None)}, reason=reason.strip()
    )
    user_id = passkey.user_id
    Passkey.objects.filter(pk=passkey.pk).delete()
    events.publish(SecondFactorTaken(user_id))
