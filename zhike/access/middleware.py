"""Every request has an actor, and a refusal anywhere leaves an entry on the trail."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import translation
from django.utils.translation import gettext as _

from zhike.access.queries import actor_for, actor_of_token
from zhike.access.services import note_refusal, note_use
from zhike.kernel.actor import NOBODY, Actor
from zhike.kernel.errors import Refused
from zhike.organisation.models import User

# The only addresses that answer without a sign-in.
OPEN_PATHS = ("/sign-in/", "/language/", "/health/", "/static/")
API_PATH = "/api/"


def origin_of(request: HttpRequest) -> str:
    """Where an action came from, as the trail keeps it."""
    return f"web {request.META.get('REMOTE_ADDR', '')}"


def _bearer(request: HttpRequest) -> str:
    kind, _space, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip() if kind.lower() == "bearer" else ""


def _language(request: HttpRequest, user: User | None) -> str:
    """The person's own choice on any machine, else the one made in this browser, else the institution's.

    What the browser was installed in says nothing about who sits before it, so it is not asked.
    """
    chosen = (user.language if user else "") or request.COOKIES.get(
        settings.LANGUAGE_COOKIE_NAME, ""
    )
    return chosen if chosen in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE


class ActorMiddleware:
    """Stands last: sets `request.actor`, speaks the person's language, and is told of a refusal first."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user if isinstance(request.user, User) else None
        actor = actor_for(user, origin_of(request)) if user else NOBODY
        if request.path_info.startswith(API_PATH) and (secret := _bearer(request)):
            actor, token = actor_of_token(secret, origin_of(request))
            user = token.user if token else None
            request.token = token  # type: ignore[attr-defined]
            if token:
                note_use(token)
        request.actor = actor  # type: ignore[attr-defined]
        language = _language(request, user)
        translation.activate(language)
        request.LANGUAGE_CODE = language
        if actor.user_id is None and not request.path_info.startswith(OPEN_PATHS):
            if request.path_info.startswith(API_PATH):
                reason = {"error": _("You are not signed in."), "way_out": _("Sign in first.")}
                return JsonResponse(reason, status=401)
            return redirect_to_login(request.get_full_path())
        response = self.get_response(request)
        response.headers.setdefault("Content-Language", language)
        # Refusals that a form or the API answered themselves.
        if (refusal := getattr(request, "refusal", None)) is not None:
            note_refusal(actor, refusal)
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Put a refusal on the trail; the page that shows its reason is drawn by the ui."""
        if not isinstance(error, Refused):
            return None
        actor: Actor = request.actor  # type: ignore[attr-defined]
        note_refusal(actor, error)
        if request.path_info.startswith(API_PATH):
            reason = {"error": error.message, "way_out": error.way_out}
            return JsonResponse(reason, status=403)
        return None
