"""The language, one's own rights and tokens."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render, resolve_url
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST
from django.views.i18n import set_language

from zhike.access.forms import (
    TokenForm,
)
from zhike.access.models import ApiToken
from zhike.access.queries import (
    people_in_reach,
    rights_of,
    units_in_reach,
)
from zhike.access.roles import PERMISSIONS
from zhike.access.services import (
    make_token,
    revoke_token,
)
from zhike.kernel.actor import Actor
from zhike.organisation.models import Role
from zhike.organisation.services import choose_language
from zhike.ui.views import PageRequest, PageView, RowView, visible

MOST_TOKENS = 500


@require_POST
def language(request: PageRequest) -> HttpResponseBase:
    """The language of the screens: for this browser, and for the person wherever they sign in."""
    if request.actor.may("account.use"):
        choose_language(
            actor=request.actor,
            user=request.user,  # type: ignore[arg-type]
            language=request.POST.get("language", ""),
        )
    return set_language(request)


@require_GET
def me(request: PageRequest) -> HttpResponse:
    """What one may do, how far one sees, and why. Open to whoever is signed in, position or not."""
    actor = request.actor
    rights = rights_of(actor)
    return render(
        request,
        "access/me.html",
        {
            "title": gettext("What I may do"),
            "roles": [str(Role(role).label) for role in sorted(actor.roles)],
            "reach": reach_of(actor),
            "units": units_in_reach(actor) if actor.units else (),
            "people": people_in_reach(actor) if actor.people else (),
            "given": [seat for seat in actor.seats if seat.given],
            "granted": [each for each in rights if each.decision],
            "withheld": [each for each in rights if not each.decision],
        },
    )


def reach_of(actor: Actor) -> str:
    """Which customers the actor sees, in a sentence."""
    if not actor.may("customers.view"):
        return gettext("You see no customers: none of your roles reads them.")
    if actor.everywhere:
        return gettext("You see every customer of the institution.")
    if actor.units:
        return gettext("You see the customers of these units, and those you look after.")
    return gettext("You see the customers you look after, alone or as an assistant.")


class TokenList(PageView):
    """The tokens one sees, and a form for one of one's own, whose secret is shown in the answer and never again."""

    permission = "account.use"
    title = _("API tokens")
    template_name = "access/tokens.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._shown(TokenForm(self.actor))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = TokenForm(self.actor, request.POST)
        if not form.is_valid():
            return self._shown(form, status=422)
        _token, secret = make_token(actor=self.actor, **form.cleaned_data)
        return self._shown(TokenForm(self.actor), secret, status=201)

    def _shown(self, form: TokenForm, secret: str = "", status: int = 200) -> HttpResponse:
        rows = visible(ApiToken, self.actor).select_related("user__employee")
        tokens = [
            (each, [PERMISSIONS[name] for name in each.permissions if name in PERMISSIONS])
            for each in rows.order_by("revoked_at", "-expires_on", "pk")[:MOST_TOKENS]
        ]
        offered = bool(form.fields["permissions"].choices)  # type: ignore[attr-defined]
        return self.show(
            {"form": form, "secret": secret, "tokens": tokens, "offered": offered}, status
        )


class RevokeToken(RowView):
    permission = "account.use"
    model = ApiToken

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        revoke_token(actor=self.actor, token=self.row())
        messages.success(request, gettext("Nobody gets in with it any more."))
        return HttpResponseRedirect(resolve_url("tokens"))
