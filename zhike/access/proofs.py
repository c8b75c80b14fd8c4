"""What a session knows of who proved what: half a sign-in, when the person last proved to be themselves.

And what was being done when a proof was asked for: sealed into the page that asks, so that it goes on afterwards.
"""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, QueryDict

from zhike.access import rules
from zhike.access.queries import PASSKEY, SECOND_FACTOR, password_set_at
from zhike.access.services.sittings import begin_sitting, was_displaced
from zhike.kernel import clock, crypto
from zhike.organisation.models import User

HALF, PROVED, PASSWORD, DISPLACED = "half", "proved", "password_set", "displaced"
TYPED, PROOF = "zhike-typed", "zhike-proof"
"""The fields of the page that asks for a proof: what was being sent, sealed, and the proof."""


def _now() -> int:
    return int(clock.now().timestamp())


def begin_half(request: HttpRequest, user: User) -> None:
    """Remember whose password was right, under a new session id; nobody is signed in by it."""
    request.session.cycle_key()
    request.session[HALF] = {
        "user": user.pk,
        "at": _now(),
        "password": user.get_session_auth_hash(),
    }


def half_of(session: SessionBase) -> User | None:
    """Whose second factor is awaited; None when nobody's, too late, or the password is another by now."""
    half = session.get(HALF)
    if half is None or _now() - half["at"] > rules.HALF_LASTS.total_seconds():
        return None
    user = User.objects.filter(pk=half["user"], is_active=True).first()
    return user if user and user.get_session_auth_hash() == half["password"] else None


def signed_in(sender: Any, request: HttpRequest, user: Any, **more: Any) -> None:
    """Signing in is a proof, by whichever way, and begins a sitting."""
    for each in (HALF, DISPLACED):
        request.session.pop(each, None)
    if request.session.session_key is None:
        request.session.cycle_key()
    begin_sitting(
        user, request.session.session_key or "", f"web {request.META.get('REMOTE_ADDR', '')}"
    )
    request.session[PROVED] = _now()
    if settings.ZHIKE_PASSWORD_DAYS and (set_at := password_set_at(user)) is not None:
        request.session[PASSWORD] = int(set_at.timestamp())


def password_set(request: HttpRequest) -> None:
    """The person chose a new password just now."""
    proved(request, by_code=False)
    if PASSWORD in request.session:
        request.session[PASSWORD] = _now()


def is_password_old(session: SessionBase) -> bool:
    """Whether everything else waits for a new password."""
    set_at = session.get(PASSWORD)
    if set_at is None:
        return False
    since = datetime.fromtimestamp(set_at, UTC)
    return rules.is_old(since, clock.now(), settings.ZHIKE_PASSWORD_DAYS)


def note_displaced(request: HttpRequest) -> None:
    """The page to sign in is to say why a session that was ended by a later one opens nothing."""
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    if key and was_displaced(key):
        request.session[DISPLACED] = True


def proved(request: HttpRequest, *, by_code: bool, by_passkey: bool = False) -> None:
    """The person proved to be themselves just now; the session goes on under a new id."""
    request.session.cycle_key()
    request.session[PROVED] = _now()
    if by_code:
        request.session[SECOND_FACTOR] = True
    if by_passkey:
        request.session[PASSKEY] = True


def is_due(session: SessionBase) -> bool:
    """Whether the last proof is too old for what asks for one."""
    last: int = session.get(PROVED, 0)
    return _now() - last > rules.PROOF_LASTS.total_seconds()


def seal(request: HttpRequest) -> str:
    """The form that was sent, for the same person and address only, and not for long."""
    kept = json.dumps({"at": _now(), "form": request.POST.urlencode()})
    return base64.b64encode(crypto.encrypt(kept, _place(request))).decode()


def unseal(request: HttpRequest) -> QueryDict | None:
    """What `seal` kept; None when it is not of this person and address, or too old."""
    try:
        sealed = base64.b64decode(request.POST[TYPED], validate=True)
        kept = json.loads(crypto.decrypt(sealed, _place(request)))
    except (ValueError, crypto.Undecipherable):
        return None
    late = _now() - kept["at"] > rules.PROOF_LASTS.total_seconds()
    return None if late else QueryDict(kept["form"])


def _place(request: HttpRequest) -> str:
    return f"access.proof:{request.user.pk}:{request.get_full_path()}"
