"""Signing in and out, and proving anew who sits there."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import login, logout
from django.contrib.auth.views import LoginView, RedirectURLMixin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render, resolve_url
from django.utils.translation import gettext
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.http import require_http_methods, require_POST

from zhike.access import asking, passkeys, proofs, provider
from zhike.access.forms import (
    SecondStepForm,
    SignInForm,
)
from zhike.access.middleware import origin_of
from zhike.access.queries import (
    PASSKEY,
    SECOND_FACTOR,
    actor_for,
    has_codes,
    passkeys_of,
    signs_in_by_passkey_alone,
)
from zhike.access.services import (
    note_sign_out,
    try_passkey,
)
from zhike.access.views.provider import ends_there
from zhike.ui.views import PageRequest


def provider_name() -> str:
    """What the way in by the provider is called; "" where there is none."""
    return settings.ZHIKE_OIDC["name"] or gettext("single sign-on") if provider.is_set() else ""


class SignInView(LoginView):
    form_class = SignInForm  # type: ignore[assignment]  # its own fields, the same calls
    template_name = "registration/login.html"
    extra_context = {"provider": provider_name}  # noqa: RUF012  Django's own way

    def form_valid(self, form: Any) -> HttpResponse:
        if not form.half:
            return super().form_valid(form)
        proofs.begin_half(self.request, form.get_user())
        onward = urlencode({self.redirect_field_name: self.get_redirect_url()})
        return HttpResponseRedirect(f"{resolve_url('sign-in-second')}?{onward}")

    def form_invalid(self, form: Any) -> HttpResponse:
        status = 429 if form.has_error("__all__", "wait") else 422
        if form.has_error("__all__", "unreachable"):
            status = 503
        return self.render_to_response(self.get_context_data(form=form), status=status)


class SecondStepView(RedirectURLMixin, View):
    """The second half of a sign-in; whoever has not done the first is sent to it."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        user = proofs.half_of(request.session)
        if user is None:
            return HttpResponseRedirect(resolve_url("sign-in"))
        self.user = user
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._shown(SecondStepForm(request, self.user))

    def post(self, request: HttpRequest) -> HttpResponse:
        if passkeys.ANSWER in request.POST:
            return self._by_passkey(request)
        form = SecondStepForm(request, self.user, request.POST)
        if not form.is_valid():
            return self._shown(form, 429 if form.has_error("__all__", "wait") else 422)
        return self._signed_in(request)

    def _by_passkey(self, request: HttpRequest) -> HttpResponse:
        challenge = passkeys.awaited(request, "second")
        answer = passkeys.answer_of(request.POST[passkeys.ANSWER])
        if place := passkeys.place_of(request):
            outcome = try_passkey(
                answer=answer,
                challenge=challenge,
                place=place,
                origin=origin_of(request),
                user=self.user,
            )
            if outcome.user is not None:
                return self._signed_in(request, by_passkey=True)
        form = SecondStepForm(request, self.user, {})
        form.errors.clear()
        form.add_error(None, _("This passkey is not one of yours, or the page was too old."))
        return self._shown(form, 422)

    def _signed_in(self, request: HttpRequest, *, by_passkey: bool = False) -> HttpResponse:
        login(request, self.user, settings.AUTHENTICATION_BACKENDS[0])
        request.session[SECOND_FACTOR] = True
        if by_passkey:
            request.session[PASSKEY] = True
        return HttpResponseRedirect(
            self.get_redirect_url() or resolve_url(settings.LOGIN_REDIRECT_URL)
        )

    def _shown(self, form: SecondStepForm, status: int = 200) -> HttpResponse:
        place, known = passkeys.place_of(self.request), passkeys_of(self.user)
        context = {
            "form": form,
            "next": self.get_redirect_url(),
            "by_code": has_codes(self.user) and not signs_in_by_passkey_alone(actor_for(self.user)),
            "options": passkeys.ask(self.request, place, "second", known)
            if place and known
            else "",
        }
        return render(self.request, "access/second_step.html", context, status=status)


@require_http_methods(["GET", "POST"])
def prove_again(request: PageRequest) -> HttpResponse:
    """The proof that a page or the script of one asked for: on to `next`, or 204 for the script.

    GET answers the script what the browser is to ask the person's passkeys.
    """
    request.actor.must("account.use")
    if request.method == "GET":
        return HttpResponse(asking.of_passkeys(request), content_type="application/json")
    by_script = request.headers.get("HX-Request") == "true"
    next_page = request.POST.get("next", "")
    if problem := asking.answer(request, request.actor):
        if by_script:
            return HttpResponse(problem, status=422, content_type="text/plain; charset=utf-8")
        return asking.page(request, request.actor, next_page=next_page, problem=problem)
    if by_script:
        return HttpResponse(status=204)
    onward = next_page if asking.is_ours(request, next_page) else "/"
    return HttpResponseRedirect(onward, status=303)


@require_POST
def sign_out(request: PageRequest) -> HttpResponse:
    note_sign_out(request.actor)
    there = ends_there(request)
    logout(request)
    if there:
        # Not a redirect: a form may lead to no other site (CSP), a page may.
        answer = render(request, "access/provider.html", {"there": there})
        answer["Refresh"] = f"0; url={there}"
        return answer
    return HttpResponseRedirect(resolve_url("sign-in"))
