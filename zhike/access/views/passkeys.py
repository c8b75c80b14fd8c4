"""Passkeys: signing in by one, one's own, and taking away those of somebody who lost the device."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.views import RedirectURLMixin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.utils.translation import gettext as _
from django.views import View

from zhike.access import passkeys
from zhike.access.middleware import origin_of
from zhike.access.models import Passkey
from zhike.access.queries import PASSKEY, SECOND_FACTOR
from zhike.access.services import remove_passkey, take_passkey_away, try_passkey
from zhike.ui.views import RowView


class PasskeySignInView(RedirectURLMixin, View):
    """Signs in whoever the passkey belongs to: no login, no password."""

    def get(self, request: HttpRequest) -> HttpResponse:
        place = passkeys.place_of(request)
        options = passkeys.ask(request, place, "sign-in") if place else ""
        if request.headers.get("HX-Request") == "true":
            return HttpResponse(options, content_type="application/json")
        return self._shown(options)

    def post(self, request: HttpRequest) -> HttpResponse:
        place = passkeys.place_of(request)
        challenge = passkeys.awaited(request, "sign-in")
        answer = passkeys.answer_of(request.POST.get(passkeys.ANSWER, ""))
        found = place and try_passkey(
            answer=answer, challenge=challenge, place=place, origin=origin_of(request)
        )
        if not found or found.user is None:
            options = passkeys.ask(request, place, "sign-in") if place else ""
            problem = _("This passkey does not open: it is unknown here, or the page was too old.")
            return self._shown(options, problem)
        login(request, found.user, settings.AUTHENTICATION_BACKENDS[0])
        request.session[PASSKEY] = True
        request.session[SECOND_FACTOR] = True
        return HttpResponseRedirect(
            self.get_redirect_url() or resolve_url(settings.LOGIN_REDIRECT_URL)
        )

    def _shown(self, options: str, problem: str = "") -> HttpResponse:
        context = {"options": options, "problem": problem, "next": self.get_redirect_url()}
        status = 422 if problem else 200
        return render(self.request, "access/passkey_sign_in.html", context, status=status)


class RemovePasskey(RowView):
    """One's own, by a click; somebody else's for who administers access, with a reason."""

    permission = "account.use"
    model = Passkey

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        passkey = self.row()
        if passkey.user_id == self.actor.user_id:
            remove_passkey(actor=self.actor, passkey=passkey)
            messages.success(request, _("The passkey opens nothing any more."))
        else:
            reason = request.POST.get("reason", "")
            take_passkey_away(actor=self.actor, passkey=passkey, reason=reason)
            messages.success(
                request, _("The passkey opens nothing any more, and they are told so.")
            )
        return HttpResponseRedirect(resolve_url("second-factor"), status=303)
