"""A session that ends politely: after a while without a person, at the latest after twelve hours.

What was typed is not lost with it. htmx is told 401, so that the page can ask for the password and send
the same request again; a plain form is sealed and kept in the new, anonymous session until the same
person has signed in, and is then filled in again. Sending it stays the person's own click.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME, SESSION_KEY, logout
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware, get_token
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST

from zhike.kernel import clock, crypto

BEGAN, SEEN, KEPT = "began", "seen", "kept"
STEP_SECONDS = 60
"""A session is written no oftener than this, so it may end so much earlier than its idle time."""
UNASKED = "X-Zhike-Unasked"
"""The header of a request no person made (a poll): it does not keep a session alive."""
LAST_READER = "zhike_reader"
KEPT_BYTES = 200_000
_PLACE = "session.kept"


class SessionEndMiddleware:
    """Stands between authentication and the actor."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began_now = self._keep_time(request)
        response = self.get_response(request)
        if began_now:
            response.set_cookie(
                LAST_READER,
                reader_mark(request),
                max_age=settings.ZHIKE_SESSION_HOURS * 3600,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )
        if _sent_to_sign_in(response):
            if request.headers.get("HX-Request") == "true":
                # htmx would put the sign-in page into a table cell.
                return HttpResponse(status=401, headers={"HX-Reswap": "none"})
            if request.method == "POST":
                return self._kept(request, response)
        return response

    def _keep_time(self, request: HttpRequest) -> bool:
        """Move the idle end on, or end what lasts too long; whether the session began just now."""
        session = request.session
        if SESSION_KEY not in session:
            return False
        now = int(clock.now().timestamp())
        began = session.get(BEGAN)
        if began is not None and now - began > settings.ZHIKE_SESSION_HOURS * 3600:
            logout(request)
        elif began is None:
            session[BEGAN] = session[SEEN] = now
            return True
        elif UNASKED not in request.headers and now - session[SEEN] >= STEP_SECONDS:
            session[SEEN] = now
        return False

    def _kept(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """The way to the sign-in page, with the form kept for the one who last signed in here."""
        reader = request.COOKIES.get(LAST_READER, "")
        # Another site must not lay a filled form before somebody who signs in.
        foreign = CsrfViewMiddleware(lambda _request: HttpResponse()).process_view(
            request, alive, (), {}
        )
        if (
            not reader
            or foreign is not None
            or int(request.META["CONTENT_LENGTH"] or 0) > KEPT_BYTES
        ):
            return response
        page = _page_of(request)
        form = {
            "reader": reader,
            "action": request.path,
            "page": page,
            "fields": [
                [name, value]
                for name, values in request.POST.lists()
                for value in values
                if name != "csrfmiddlewaretoken" and "password" not in name
            ],
        }
        request.session[KEPT] = base64.b64encode(crypto.encrypt(json.dumps(form), _PLACE)).decode()
        return redirect_to_login(page)


def _sent_to_sign_in(response: HttpResponseBase) -> bool:
    """Whether one was on the way somewhere: whoever signs out is to come back nowhere."""
    asked = f"{resolve_url(settings.LOGIN_URL)}?{REDIRECT_FIELD_NAME}="
    return response.status_code == 302 and response.headers["Location"].startswith(asked)


def _page_of(request: HttpRequest) -> str:
    """The path of the page whose form it is."""
    came_from = request.headers.get("Referer", "")
    if url_has_allowed_host_and_scheme(came_from, request.get_host()):
        parts = urlsplit(came_from)
        return f"{parts.path}?{parts.query}" if parts.query else parts.path
    return request.path


def reader_mark(request: HttpRequest) -> str:
    """Who is signed in, as a word only this installation can make; "" for nobody."""
    user: Any = getattr(request, "user", None)
    return (
        crypto.blind_index("reader", str(user.pk)).hex() if user and user.is_authenticated else ""
    )


@require_http_methods(["GET", "POST"])
def alive(request: HttpRequest) -> HttpResponse:
    """GET asks whether the session lives, POST says that somebody is there; 401 when it ended."""
    if request.method == "POST":
        request.session[SEEN] = int(clock.now().timestamp())
    answer = JsonResponse({"reader": reader_mark(request), "token": get_token(request)})
    answer["Cache-Control"] = "no-store"
    return answer


@require_POST
def kept(request: HttpRequest) -> HttpResponse:
    """The form that was kept, once, for whoever typed it; 204 when there is none."""
    sealed = request.session.pop(KEPT, "")
    form = json.loads(crypto.decrypt(base64.b64decode(sealed), _PLACE)) if sealed else {}
    if form.get("reader") != reader_mark(request):
        return HttpResponse(status=204)
    answer = JsonResponse({key: form[key] for key in ("action", "page", "fields")})
    answer["Cache-Control"] = "no-store"
    return answer
