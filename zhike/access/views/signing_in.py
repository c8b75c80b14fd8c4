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
from django.views import View
from django.views.decorators.http import require_POST

from zhike.access import asking, proofs
from zhike.access.forms import (
    SecondStepForm,
    SignInForm,
)
from zhike.access.queries import (
    SECOND_FACTOR,
)
from zhike.access.services import (
    note_sign_out,
)
from zhike.ui.views import PageRequest


class SignInView(LoginView):
    form_class = SignInForm  # type: ignore[assignment]  # its own fields, the same calls
    template_name = "registration/login.html"

    def form_valid(self, form: Any) -> HttpResponse:
        if not form.half:
            return super().form_valid(form)
        proofs.begin_half(self.request, form.get_user())
        onward = urlencode({self.redirect_field_name: self.get_redirect_url()})
        return HttpResponseRedirect(f"{resolve_url('sign-in-second')}?{onward}")

    def form_invalid(self, form: Any) -> HttpResponse:
        status = 429 if form.has_error("__all__", "wait") else 422
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
        form = SecondStepForm(request, self.user, request.POST)
        if not form.is_valid():
            return self._shown(form, 429 if form.has_error("__all__", "wait") else 422)
        login(request, self.user, settings.AUTHENTICATION_BACKENDS[0])
        request.session[SECOND_FACTOR] = True
        return HttpResponseRedirect(
            self.get_redirect_url() or resolve_url(settings.LOGIN_REDIRECT_URL)
        )

    def _shown(self, form: SecondStepForm, status: int = 200) -> HttpResponse:
        context = {"form": form, "next": self.get_redirect_url()}
        return render(self.request, "access/second_step.html", context, status=status)


@require_POST
def prove_again(request: PageRequest) -> HttpResponse:
    """The proof that a page or the script of one asked for: on to `next`, or 204 for the script."""
    request.actor.must("account.use")
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
    logout(request)
    return HttpResponseRedirect(resolve_url("sign-in"))
