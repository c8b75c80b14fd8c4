"""To the provider of identity and back."""

from __future__ import annotations

import base64
import logging

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from zhike.access import proofs, provider
from zhike.access.middleware import origin_of
from zhike.access.queries import (
    SECOND_FACTOR,
    actor_for,
    has_second_factor,
    signs_in_by_passkey_alone,
)
from zhike.access.services import admit, note_sign_in
from zhike.access.services.notes import nobody
from zhike.kernel import crypto
from zhike.kernel.actor import system
from zhike.kernel.errors import UserError
from zhike.organisation.models import User

log = logging.getLogger(__name__)
TOKEN, _PLACE = "provider_token", "session.provider_token"
"""The ID token, sealed: the provider wants it back when somebody signs out."""


@require_GET
def to_provider(request: HttpRequest) -> HttpResponse:
    if not provider.is_set():
        raise Http404
    wanted = request.GET.get("next", "")
    ours = url_has_allowed_host_and_scheme(wanted, request.get_host(), request.is_secure())
    try:
        there = provider.way_there(
            request, wanted if ours else "", again=request.GET.get("again") == "1"
        )
    except provider.Unreachable as error:
        log.warning("provider: %s", error)
        return _said(request, _unreachable(), 503)
    return HttpResponseRedirect(there)


@require_GET
def from_provider(request: HttpRequest) -> HttpResponse:
    if not provider.is_set():
        raise Http404
    try:
        met = provider.who_came(request)
    except provider.Unreachable as error:
        log.warning("provider: %s", error)
        return _said(request, _unreachable(), 503)
    except provider.NotProven as error:
        log.warning("provider: not proven: %s", error)
        note_sign_in(nobody(origin_of(request)), login="", succeeded=False)
        return _said(
            request, UserError(_("This sign-in does not hold."), _("Begin again from here.")), 422
        )
    try:
        user = admit(actor=system(origin_of(request)), arrival=met.arrival)
    except UserError as error:
        note_sign_in(nobody(origin_of(request)), login=met.arrival.login, succeeded=False)
        return _said(request, error, 422)
    actor = actor_for(user, origin_of(request))
    if actor.user_id is None:
        note_sign_in(nobody(origin_of(request)), login=met.arrival.login, succeeded=False)
        return _said(request, UserError(_("This account is closed.")), 422)
    sealed = base64.b64encode(crypto.encrypt(met.token, _PLACE)).decode()
    if met.again:
        return _proved(request, user, met)
    if signs_in_by_passkey_alone(actor) or (has_second_factor(user.pk) and not met.arrival.factors):
        proofs.begin_half(request, user)
        request.session[TOKEN] = sealed
        return HttpResponseRedirect(resolve_url("sign-in-second"))
    login(request, user, settings.AUTHENTICATION_BACKENDS[0])
    request.session[TOKEN] = sealed
    if met.arrival.factors:
        request.session[SECOND_FACTOR] = True
    note_sign_in(actor, login=user.login, succeeded=True)
    return HttpResponseRedirect(met.next_page or resolve_url(settings.LOGIN_REDIRECT_URL))


def _proved(request: HttpRequest, user: User, met: provider.Met) -> HttpResponse:
    """The person proved anew there that it is them; the page they came from waits in another tab."""
    if request.user != user or has_second_factor(user.pk):
        wrong = UserError(_("That was not right. Nothing was done yet, and nothing is lost."))
        return _said(request, wrong, 422)
    proofs.proved(request, by_code=met.arrival.factors)
    messages.success(request, _("It is you. Close this tab and go on in the other one."))
    return HttpResponseRedirect(resolve_url("me"))


def ends_there(request: HttpRequest) -> str:
    """Where the session at the provider ends, for who came from there; ask before signing out."""
    sealed = request.session.get(TOKEN, "")
    if not sealed or not provider.is_set():
        return ""
    return provider.way_out(request, crypto.decrypt(base64.b64decode(sealed), _PLACE))


def _unreachable() -> UserError:
    return UserError(
        _("The provider of identity does not answer."),
        _("Try again later. Accounts with a password of this site still open."),
    )


def _said(request: HttpRequest, problem: UserError, status: int) -> HttpResponse:
    return render(request, "access/provider.html", {"problem": problem}, status=status)
