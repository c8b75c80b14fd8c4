"""Every request has an actor; a refusal anywhere leaves an entry on the trail; a proof that is wanted is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import resolve_url
from django.utils import translation
from django.utils.translation import gettext as _

from zhike.access import asking, devices, proofs
from zhike.access.queries import (
    actor_for,
    actor_of_token,
    has_second_factor,
    must_enrol,
    needs_passkey,
    signs_in_by_passkey_alone,
)
from zhike.access.services import note_refusal, note_use
from zhike.kernel import wall
from zhike.kernel.actor import NOBODY, Actor
from zhike.kernel.errors import ProofWanted, Refused, UserError
from zhike.organisation.models import User
from zhike.organisation.rules import ADMINISTRATORS
from zhike.ui import errors

# The only addresses that answer without a sign-in; that of the figures wants a token of its own.
OPEN_PATHS = ("/sign-in/", "/language/", "/health/", "/metrics/", "/static/")
API_PATH = "/api/"
# What answers somebody who has yet to set up the second factor that the institution asks for.
ENROLMENT_PATHS = (*OPEN_PATHS, "/me/second-factor/", "/me/proof/", "/sign-out/", "/session/")
# And somebody whose password is too old.
NEW_PASSWORD_PATHS = (*ENROLMENT_PATHS, "/me/password/")


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
        with wall.lowered():
            user, actor = self._who(request)
            # To sign in is to be looked for among all, also for who is signed in as somebody already.
            if actor.user_id is None or request.path_info.startswith("/sign-in/"):
                return self._answer(request, user, actor)
            wall.face(actor)
        try:
            return self._answer(request, user, actor)
        finally:
            wall.face(NOBODY)

    def _who(self, request: HttpRequest) -> tuple[User | None, Actor]:
        user = request.user if isinstance(request.user, User) else None
        actor = actor_for(user, origin_of(request)) if user else NOBODY
        if request.path_info.startswith(API_PATH) and (secret := _bearer(request)):
            actor, token = actor_of_token(secret, origin_of(request))
            user = token.user if token else None
            request.token = token  # type: ignore[attr-defined]
            if token:
                note_use(token)
        elif actor.user_id is not None:
            if actor.roles & ADMINISTRATORS and "_session_expiry" not in request.session:
                minutes = settings.ZHIKE_NUMBERS.idle_minutes_administrators
                request.session.set_expiry(minutes * 60)
            actor = replace(actor, proof_due=proofs.is_due(request.session))
        return user, actor

    def _answer(self, request: HttpRequest, user: User | None, actor: Actor) -> HttpResponse:
        request.actor = actor  # type: ignore[attr-defined]
        language = _language(request, user)
        translation.activate(language)
        request.LANGUAGE_CODE = language
        if actor.user_id is None and not request.path_info.startswith(OPEN_PATHS):
            proofs.note_displaced(request)
            if request.path_info.startswith(API_PATH):
                reason = {"error": _("You are not signed in."), "way_out": _("Sign in first.")}
                return JsonResponse(reason, status=401)
            return redirect_to_login(request.get_full_path())
        if user and not hasattr(request, "token") and must_enrol(actor, request.session):
            if (elsewhere := _enrolment(request, actor)) is not None:
                return elsewhere
            # Their own account is all there is.
            actor = replace(
                actor,
                roles=frozenset(),
                permissions=actor.permissions & {"account.use"},
                units=frozenset(),
                everywhere=False,
            )
            request.actor = actor  # type: ignore[attr-defined]
            wall.face(actor)
        if (
            actor.user_id is not None
            and not hasattr(request, "token")
            and proofs.is_password_old(request.session)
            and not request.path_info.startswith(NEW_PASSWORD_PATHS)
        ):
            return _elsewhere(request, "password", _("Your password is too old."))
        response = self.get_response(request)
        response.headers.setdefault("Content-Language", language)
        devices.remember(request, response)
        # Refusals that a form or the API answered themselves.
        if (refusal := getattr(request, "refusal", None)) is not None:
            note_refusal(actor, refusal)
        return response

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """After the check of CSRF: a form that comes again with the proof it lacked goes on as it was typed."""
        actor: Actor = request.actor  # type: ignore[attr-defined]
        by_form = request.content_type == "application/x-www-form-urlencoded"
        if request.method != "POST" or not by_form or proofs.TYPED not in request.POST:
            return None
        if not actor.may("account.use"):
            return None
        typed = proofs.unseal(request)
        if typed is None:
            late = UserError(_("This page was open too long."), _("Go back and send it again."))
            return errors.cannot(request, late)
        problem = asking.answer(request, actor)
        if problem:
            return asking.page(request, actor, typed=request.POST[proofs.TYPED], problem=problem)
        request.POST = typed  # type: ignore[assignment]
        request.actor = replace(actor, proof_due=False)  # type: ignore[attr-defined]
        return None

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Put a refusal on the trail; the page that shows its reason is drawn by the ui.

        A proof that is wanted is asked for, over the page where htmx sent the request.
        """
        if isinstance(error, ProofWanted):
            return asking.ask(request, request.actor)  # type: ignore[attr-defined]
        if not isinstance(error, Refused):
            return None
        actor: Actor = request.actor  # type: ignore[attr-defined]
        note_refusal(actor, error)
        if request.path_info.startswith(API_PATH):
            reason = {"error": error.message, "way_out": error.way_out}
            return JsonResponse(reason, status=403)
        return None


def _enrolment(request: HttpRequest, actor: Actor) -> HttpResponse | None:
    """The way to the page that sets a second factor up; None for what may be asked on the way there."""
    by_passkey = needs_passkey(actor)
    is_there = signs_in_by_passkey_alone if by_passkey else _has_second_factor
    if is_there(actor):
        # It is there, but this session began without it.
        logout(request)
        return redirect_to_login(request.get_full_path())
    if request.path_info.startswith(ENROLMENT_PATHS):
        return None
    said = (
        _("The institution asks administrators for a passkey.")
        if by_passkey
        else _("The institution asks for a second factor.")
    )
    return _elsewhere(request, "second-factor", said)


def _has_second_factor(actor: Actor) -> bool:
    return has_second_factor(actor.user_id or 0)


def _elsewhere(request: HttpRequest, name: str, reason: str) -> HttpResponse:
    """To the page that comes before all others."""
    if request.path_info.startswith(API_PATH):
        return JsonResponse({"error": reason, "way_out": resolve_url(name)}, status=403)
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(status=204, headers={"HX-Redirect": resolve_url(name)})
    return HttpResponseRedirect(resolve_url(name))
