"""Every request has an actor; a refusal anywhere becomes a page with its reason and an entry on the trail."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation

from zhike.access.queries import actor_for
from zhike.access.services import note_refusal
from zhike.kernel.actor import NOBODY, Actor
from zhike.kernel.errors import Refused
from zhike.organisation.models import User

if TYPE_CHECKING:

    class ActingRequest(HttpRequest):
        actor: Actor


# The only addresses that answer without a sign-in.
OPEN_PATHS = ("/sign-in/", "/health/", "/static/", "/i18n/")


class ActorMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        origin = f"web {request.META.get('REMOTE_ADDR', '')}"
        user = request.user
        request.actor = actor_for(user, origin) if isinstance(user, User) else NOBODY  # type: ignore[attr-defined]
        if isinstance(user, User) and user.language and settings.LANGUAGE_COOKIE_NAME not in request.COOKIES:
            translation.activate(user.language)
            request.LANGUAGE_CODE = user.language
        if not request.path.startswith(OPEN_PATHS) and request.actor.user_id is None:  # type: ignore[attr-defined]
            if request.path.startswith("/api/"):
                return HttpResponse(status=401)
            return redirect_to_login(request.get_full_path())
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, Refused):
            return None
        note_refusal(request.actor, error)  # type: ignore[attr-defined]
        return render(request, "403.html", {"reason": error.reason, "error": error}, status=403)
