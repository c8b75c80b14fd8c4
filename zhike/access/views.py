"""Signing in and out, the language, one's own rights and tokens, the audit trail."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.views import LoginView
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render, resolve_url
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST
from django.views.i18n import set_language

from zhike.access.forms import SignInForm, TokenForm, TrailForm
from zhike.access.models import ApiToken
from zhike.access.queries import Seals, rights_of, seals, trail, units_in_reach
from zhike.access.roles import PERMISSIONS
from zhike.access.services import make_token, note_sign_out, revoke_token
from zhike.kernel.actor import SYSTEM, Actor
from zhike.kernel.models import AuditEntry
from zhike.organisation.models import Role
from zhike.organisation.services import choose_language
from zhike.ui.filters import Filter
from zhike.ui.tables import Column
from zhike.ui.views import ListView, PageRequest, PageView, RowView, visible

MOST_TOKENS = 500


class SignInView(LoginView):
    form_class = SignInForm  # type: ignore[assignment]  # its own fields, the same calls
    template_name = "registration/login.html"

    def form_invalid(self, form: Any) -> HttpResponse:
        status = 429 if form.has_error("__all__", "wait") else 422
        return self.render_to_response(self.get_context_data(form=form), status=status)


@require_POST
def sign_out(request: PageRequest) -> HttpResponse:
    note_sign_out(request.actor)
    logout(request)
    return HttpResponseRedirect(resolve_url("sign-in"))


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
            "granted": [each for each in rights if each.decision],
            "withheld": [each for each in rights if not each.decision],
        },
    )


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


def reach_of(actor: Actor) -> str:
    """Which customers the actor sees, in a sentence."""
    if not actor.may("customers.view"):
        return gettext("You see no customers: none of your roles reads them.")
    if actor.everywhere:
        return gettext("You see every customer of the institution.")
    if actor.units:
        return gettext("You see the customers of these units, and those you look after.")
    return gettext("You see the customers you look after, alone or as an assistant.")


def _changes(entry: AuditEntry) -> str:
    return "; ".join(
        f"{name}: {before or '—'} → {after or '—'}"
        for name, (before, after) in entry.changes.items()
    )


def _who(entry: AuditEntry) -> str:
    return gettext("the system") if entry.actor_name == SYSTEM else entry.actor_name


def _object(entry: AuditEntry) -> str:
    return f"{entry.object_type} {entry.object_public_id or entry.object_id or ''}".strip()


def _outcome_tone(entry: AuditEntry) -> str:
    return "red" if entry.outcome == AuditEntry.Outcome.REFUSED else "green"


class TrailView(ListView):
    """The trail, newest first: who did what to whom, from where, and what was refused."""

    model = AuditEntry
    permission = "access.read_audit"
    page = "access.trail"
    title = _("Audit trail")
    template_name = "access/auditentry_list.html"
    order = "-at"
    keeps = False
    columns = (
        Column("at", _("When"), "datetime", sortable=True, sort_field="at"),
        Column("actor_name", _("Who"), value=_who),
        Column("action", pgettext_lazy("audit", "Action")),
        Column(
            "outcome",
            _("Outcome"),
            "badge",
            value=lambda entry: entry.get_outcome_display(),
            tone=_outcome_tone,
        ),
        Column("object", _("Of what"), value=_object, minor=True),
        Column("changes", _("Changed"), value=_changes, minor=True),
        Column("reason", _("Why"), minor=True),
        Column("origin", _("From where"), minor=True),
    )
    filters = (
        Filter(
            "outcome",
            _("Outcome"),
            AuditEntry.Outcome.choices,
            lambda value: Q(outcome=value),
        ),
    )

    def narrowed(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        form = self.asked()
        return trail(self.actor, rows, **form.cleaned_data) if form.is_valid() else rows.none()

    def asked(self) -> TrailForm:
        return TrailForm(self.request.GET)

    def seals(self) -> Seals:
        return seals(self.actor)

    def row_url(self, row: Any) -> str:
        return ""
