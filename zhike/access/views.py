"""Signing in and out, the language, one's own rights, tokens and second factor, the audit trail."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout
from django.contrib.auth.views import LoginView, RedirectURLMixin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render, resolve_url
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from django.views import View
from django.views.decorators.http import require_GET, require_POST
from django.views.i18n import set_language

from zhike.access import asking, proofs, rules
from zhike.access.forms import (
    CodeForm,
    FactorOfForm,
    SecondStepForm,
    SignInForm,
    TokenForm,
    TrailForm,
)
from zhike.access.models import ApiToken, SecondFactor
from zhike.access.queries import (
    SECOND_FACTOR,
    Seals,
    must_enrol,
    rights_of,
    seals,
    second_factor,
    second_factors,
    trail,
    units_in_reach,
)
from zhike.access.roles import PERMISSIONS
from zhike.access.services import (
    begin_second_factor,
    confirm_second_factor,
    make_token,
    note_sign_out,
    renew_recovery_codes,
    revoke_token,
    take_second_factor_away,
)
from zhike.kernel.actor import SYSTEM, Actor
from zhike.kernel.errors import UserError
from zhike.kernel.models import AuditEntry
from zhike.organisation.models import Role
from zhike.organisation.services import choose_language
from zhike.ui.filters import Filter
from zhike.ui.tables import Column
from zhike.ui.views import ListView, PageRequest, PageView, RowView, visible

MOST_TOKENS = 500
MOST_FACTORS = 200


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
            case _confirm:
                return self._confirmed()

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
        status: int = 200,
    ) -> HttpResponse:
        administers = bool(self.actor.may("access.administer"))
        asked = FactorOfForm(self.request.GET)
        person = asked.cleaned_data["person"] if asked.is_valid() else ""
        return self.show(
            {
                "mine": second_factor(self.actor),
                "asked_for": must_enrol(self.actor, self.request.session),
                "begun": begun,
                "groups": rules.in_groups(begun.secret) if begun else "",
                "link": rules.enrolment_link(begun.secret, self.request.user.get_username())
                if begun
                else "",
                "form": form or CodeForm(),
                "codes": codes or (),
                "administers": administers,
                "asked": asked,
                "others": second_factors(self.actor, person)[:MOST_FACTORS] if administers else (),
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
