"""Devices somebody signed in on before: their tries are counted apart, so that nobody's guesses make them wait there.

What stands in the cookie says nothing about who it is, and is of use for that one login alone.
"""

from __future__ import annotations

import secrets
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from zhike.kernel import crypto

COOKIE = "zhike_device"
KEPT_SECONDS = 180 * 86_400
_SALT = "access.device"


def _mark(login: str) -> str:
    return crypto.blind_index("device", login.casefold()).hex()


def place_of(request: HttpRequest, login: str) -> str:
    """Where somebody tries to be this login from: a device this login signed in on before, else the address."""
    try:
        mark, number = signing.loads(
            request.COOKIES.get(COOKIE, ""), salt=_SALT, max_age=KEPT_SECONDS
        )
    except (signing.BadSignature, ValueError, TypeError):
        mark, number = "", ""
    return f"device {number}" if mark == _mark(login) else request.META.get("REMOTE_ADDR", "")


def signed_in(sender: Any, request: HttpRequest, user: Any, **more: Any) -> None:
    request.device_of = user.get_username()  # type: ignore[attr-defined]


def remember(request: HttpRequest, response: HttpResponse) -> None:
    """Leave the mark on the device that somebody signed in on with this request."""
    login = getattr(request, "device_of", "")
    if not login or place_of(request, login).startswith("device "):
        return
    response.set_cookie(
        COOKIE,
        signing.dumps([_mark(login), secrets.token_hex(16)], salt=_SALT),
        max_age=KEPT_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
