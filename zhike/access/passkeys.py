"""Passkeys as a browser is asked for them: where they count, what it is told, and the challenge a session waits for."""

from __future__ import annotations

import base64
import ipaddress
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import webauthn
from django.conf import settings
from django.http import HttpRequest
from webauthn.helpers import options_to_json
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from zhike.access import rules
from zhike.access.models import Passkey
from zhike.kernel import clock
from zhike.organisation.models import User

_CHALLENGE = "challenge"
ANSWER = "passkey"
"""The field in which a page sends what the authenticator answered."""


@dataclass(frozen=True)
class Place:
    """Where passkeys of this site count: the origin of its pages, and the name they are made for."""

    origin: str
    name: str


def place_of(request: HttpRequest) -> Place | None:
    """The site's own address (`ZHIKE_ORIGIN`), else the one asked for, which ALLOWED_HOSTS names.

    None where there can be no passkey: WebAuthn wants a name, not a number.
    """
    origin = settings.ZHIKE_ORIGIN or f"{request.scheme}://{request.get_host()}"
    name = urlsplit(origin).hostname or ""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return Place(origin, name)
    return None


def ask_for_new(request: HttpRequest, place: Place, user: User, taken: Iterable[Passkey]) -> str:
    """What the browser needs to make a passkey for the user, as JSON; `taken` are on devices that have one."""
    options = webauthn.generate_registration_options(
        rp_id=place.name,
        rp_name="Zhike",
        user_id=user.public_id.bytes,
        user_name=user.login,
        user_display_name=user.get_full_name(),
        exclude_credentials=_described(taken),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
    )
    _await(request, "new", options.challenge)
    return options_to_json(options)


def ask(request: HttpRequest, place: Place, why: str, known: Iterable[Passkey] = ()) -> str:
    """What the browser needs to answer with one of the `known` passkeys, or any of this site, as JSON."""
    options = webauthn.generate_authentication_options(
        rp_id=place.name,
        allow_credentials=_described(known),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    _await(request, why, options.challenge)
    return options_to_json(options)


def _described(passkeys: Iterable[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    known = {each.value for each in AuthenticatorTransport}
    return [
        PublicKeyCredentialDescriptor(
            id=bytes(each.credential),
            transports=[AuthenticatorTransport(name) for name in each.transports if name in known],
        )
        for each in passkeys
    ]


def _await(request: HttpRequest, why: str, challenge: bytes) -> None:
    request.session[_CHALLENGE] = {
        "is": base64.b64encode(challenge).decode(),
        "for": why,
        "at": int(clock.now().timestamp()),
    }


def awaited(request: HttpRequest, why: str) -> bytes:
    """The challenge this session waits for, once and not for long; b"" when it waits for none of the kind."""
    waiting: dict[str, Any] = request.session.pop(_CHALLENGE, {})
    if waiting.get("for") != why:
        return b""
    late = int(clock.now().timestamp()) - waiting["at"] > rules.HALF_LASTS.total_seconds()
    return b"" if late else base64.b64decode(waiting["is"])


def answer_of(text: str) -> dict[str, Any]:
    """What the browser sent, when it is an object at all."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
