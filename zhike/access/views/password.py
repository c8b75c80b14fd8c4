"""One's own password."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.password_validation import password_validators_help_texts
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from zhike.access import proofs
from zhike.access.devices import place_of
from zhike.access.forms import OwnPasswordForm
from zhike.access.services import change_password
from zhike.kernel.errors import UserError
from zhike.kernel.wording import sentences
from zhike.organisation.models import User
from zhike.ui.format import iso_minute
from zhike.ui.views import PageView


class PasswordView(PageView):
    permission = "account.use"
    title = _("My password")
    template_name = "access/password.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._shown(OwnPasswordForm())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = OwnPasswordForm(request.POST)
        if not form.is_valid():
            return self._shown(form, 422)
        assert isinstance(request.user, User)
        try:
            outcome = change_password(
                actor=self.actor, address=place_of(request, request.user.login), **form.cleaned_data
            )
        except UserError as error:
            form.add_error("new", str(error))
            return self._shown(form, 422)
        if outcome.wait_until is not None:
            wait = {"time": iso_minute(outcome.wait_until)}
            form.add_error(
                None, gettext("Too many tries. The next one is admitted at %(time)s.") % wait
            )
            return self._shown(form, 429)
        if outcome.user is None:
            form.add_error("present", gettext("This is not your present password."))
            return self._shown(form, 422)
        update_session_auth_hash(request, outcome.user)
        proofs.password_set(request)
        messages.success(request, gettext("The new password counts. You are signed out elsewhere."))
        return HttpResponseRedirect(resolve_url("me"), status=303)

    def _shown(self, form: OwnPasswordForm, status: int = 200) -> HttpResponse:
        asked = sentences(password_validators_help_texts())
        too_old = proofs.is_password_old(self.request.session)
        return self.show({"form": form, "asked": asked, "too_old": too_old}, status)
