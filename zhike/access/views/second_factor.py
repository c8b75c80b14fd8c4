"""One's own second factor, and those of everybody for whoever administers access."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from zhike.access import passkeys, proofs, rules
from zhike.access.forms import (
    CodeForm,
    FactorOfForm,
    PasskeyForm,
)
from zhike.access.models import SecondFactor
from zhike.access.queries import (
    actor_for,
    must_enrol,
    needs_passkey,
    passkeys_of,
    passkeys_of_all,
    second_factor,
    second_factors,
)
from zhike.access.services import (
    add_passkey,
    begin_second_factor,
    confirm_second_factor,
    renew_recovery_codes,
    take_second_factor_away,
)
from zhike.kernel import wall
from zhike.kernel.errors import UserError
from zhike.organisation.models import User
from zhike.ui.views import PageView, RowView, visible

MOST_FACTORS = 200


class SecondFactorView(PageView):
    """One's own second factor, and for whoever administers access those of everybody.

    A secret and the recovery codes are shown in the answer that makes them and never again.
    """

    permission = "account.use"
    title = _("Second factor")
    template_name = "access/second_factor.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._shown()

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        match request.POST.get("do"):
            case "begin":
                return self._shown(begun=begin_second_factor(actor=self.actor), status=201)
            case "codes":
                return self._shown(codes=renew_recovery_codes(actor=self.actor), status=201)
            case "begin-passkey":
                return self._begun_passkey()
            case "add-passkey":
                return self._added_passkey()
            case _confirm:
                return self._confirmed()

    def _begun_passkey(self) -> HttpResponse:
        """Asked for before the device is, not after."""
        self.actor.must_have_proved()
        form = PasskeyForm(self.request.POST)
        place = passkeys.place_of(self.request)
        if not form.is_valid() or place is None:
            return self._shown(passkey_form=form, status=422)
        user = self._user()
        options = passkeys.ask_for_new(self.request, place, user, passkeys_of(user))
        return self._shown(passkey_form=form, options=options)

    def _added_passkey(self) -> HttpResponse:
        place = passkeys.place_of(self.request)
        challenge = passkeys.awaited(self.request, "new")
        if place is None:
            return self._shown(status=422)
        add_passkey(
            actor=self.actor,
            name=self.request.POST.get("name", ""),
            answer=passkeys.answer_of(self.request.POST.get(passkeys.ANSWER, "")),
            challenge=challenge,
            place=place,
        )
        proofs.proved(self.request, by_code=True, by_passkey=True)
        messages.success(self.request, gettext("The passkey opens from now on."))
        return HttpResponseRedirect(resolve_url("second-factor"), status=303)

    def _user(self) -> User:
        assert isinstance(self.request.user, User)
        return self.request.user

    def _confirmed(self) -> HttpResponse:
        form = CodeForm(self.request.POST)
        if form.is_valid():
            try:
                codes = confirm_second_factor(actor=self.actor, **form.cleaned_data)
            except UserError as error:
                form.add_error("code", str(error))
            else:
                proofs.proved(self.request, by_code=True)
                return self._shown(codes=codes, status=201)
        begun = visible(SecondFactor, self.actor).filter(
            user_id=self.actor.user_id, confirmed_at__isnull=True
        )
        return self._shown(begun=begun.first(), form=form, status=422)

    def _shown(
        self,
        *,
        begun: SecondFactor | None = None,
        form: CodeForm | None = None,
        codes: list[str] | None = None,
        passkey_form: PasskeyForm | None = None,
        options: str = "",
        status: int = 200,
    ) -> HttpResponse:
        with wall.lowered():  # where something is asked for, this request has next to no rights yet
            whole = actor_for(self._user())
        administers = bool(self.actor.may("access.administer"))
        asked = FactorOfForm(self.request.GET)
        person = asked.cleaned_data["person"] if asked.is_valid() else ""
        return self.show(
            {
                "mine": second_factor(self.actor),
                "asked_for": must_enrol(whole, self.request.session),
                "passkey_asked_for": needs_passkey(whole),
                "begun": begun,
                "groups": rules.in_groups(begun.secret) if begun else "",
                "link": rules.enrolment_link(begun.secret, self.request.user.get_username())
                if begun
                else "",
                "form": form or CodeForm(),
                "codes": codes or (),
                "passkeys": passkeys_of(self._user()),
                "passkeys_here": passkeys.place_of(self.request) is not None,
                "passkey_form": passkey_form or PasskeyForm(),
                "options": options,
                "administers": administers,
                "asked": asked,
                "others": second_factors(self.actor, person)[:MOST_FACTORS] if administers else (),
                "others_passkeys": passkeys_of_all(self.actor, person)[:MOST_FACTORS]
                if administers
                else (),
            },
            status,
        )


class TakeSecondFactorAway(RowView):
    permission = "access.administer"
    model = SecondFactor

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        take_second_factor_away(
            actor=self.actor, factor=self.row(), reason=request.POST.get("reason", "")
        )
        messages.success(request, gettext("They sign in by the password now, and are told so."))
        return HttpResponseRedirect(resolve_url("second-factor"), status=303)
