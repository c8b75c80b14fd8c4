"""Asking for a proof that it is still the person themselves: on a page, or over the page where htmx asked.

What was being done is not lost: a form comes again with its fields, htmx sends its request once more, and a GET
is opened again.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from zhike.access import devices, passkeys, proofs, provider
from zhike.access.queries import comes_from, has_codes, passkeys_of
from zhike.access.services import prove, prove_by_passkey
from zhike.kernel.actor import Actor
from zhike.kernel.errors import UserError
from zhike.organisation.models import User
from zhike.ui import errors
from zhike.ui.format import iso_minute

ASKS = "X-Zhike-Proof"
"""The header by which an answer to htmx asks for a proof: "code", "code passkey", "passkey", "password", or "elsewhere"
(at the provider of identity)."""
API_PATH = "/api/"


def ask(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The answer to a request that wants a proof."""
    wanted = UserError(
        _("Show first that it is you: some time has passed since you last did."),
        _("Nothing was done yet, and nothing is lost."),
    )
    if request.path_info.startswith(API_PATH):
        return JsonResponse({"error": wanted.message, "way_out": wanted.way_out}, status=403)
    if request.headers.get("HX-Request") == "true":
        response = errors.forbidden(request, wanted)
        response[ASKS] = " ".join(_ways(request))
        return response
    if request.method == "POST":
        return page(request, actor, typed=proofs.seal(request))
    return page(request, actor, next_page=request.get_full_path())


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def _ways(request: HttpRequest) -> list[str]:
    """How this person can prove themselves: by the factors they have, by the password for who has none."""
    user = _user(request)
    ways = ["code"] * has_codes(user) + ["passkey"] * bool(passkeys_of(user))
    if ways:
        return ways
    elsewhere = (
        provider.is_set() and not user.has_usable_password() and comes_from(user, provider.source())
    )
    return ["elsewhere"] if elsewhere else ["password"]


def of_passkeys(request: HttpRequest) -> str:
    """What the browser asks the person's passkeys for a proof, as JSON; "" where there can be none."""
    place, known = passkeys.place_of(request), passkeys_of(_user(request))
    return passkeys.ask(request, place, "proof", known) if place and known else ""


def page(
    request: HttpRequest,
    actor: Actor,
    *,
    typed: str = "",
    next_page: str = "",
    problem: str = "",
) -> HttpResponse:
    """The form that asks: it goes where the sealed form `typed` was going, else on to `next_page`."""
    came_from = request.headers.get("Referer", "")
    back = urlsplit(came_from)
    ways = _ways(request)
    context = {
        "by_code": "code" in ways,
        "by_password": "password" in ways,
        "elsewhere": "elsewhere" in ways,
        "options": of_passkeys(request),
        "typed": typed,
        "next": next_page,
        "problem": problem,
        "back": f"{back.path}?{back.query}" if is_ours(request, came_from) else "/",
        "field": proofs.PROOF,
        "typed_field": proofs.TYPED,
    }
    return render(request, "access/prove.html", context, status=422 if problem else 403)


def is_ours(request: HttpRequest, address: str) -> bool:
    return url_has_allowed_host_and_scheme(address, request.get_host())


def answer(request: HttpRequest, actor: Actor) -> str:
    """Take the proof that was sent; "" when it holds, else what is wrong with it."""
    sent_nothing = not request.POST.keys() & {proofs.PROOF, passkeys.ANSWER}
    if sent_nothing and not actor.proof_due:
        return ""  # proven in another tab, at the provider
    wrong = _("That was not right. Nothing was done yet, and nothing is lost.")
    if passkeys.ANSWER in request.POST:
        place, challenge = passkeys.place_of(request), passkeys.awaited(request, "proof")
        sent = passkeys.answer_of(request.POST[passkeys.ANSWER])
        if not place or not prove_by_passkey(
            actor=actor, answer=sent, challenge=challenge, place=place
        ):
            return wrong
        proofs.proved(request, by_code=True, by_passkey=True)
        return ""
    outcome = prove(
        actor=actor,
        proof=request.POST.get(proofs.PROOF, ""),
        address=devices.place_of(request, _user(request).login),
    )
    if outcome.wait_until is not None:
        return _("Too many tries. The next one is admitted at %(time)s.") % {
            "time": iso_minute(outcome.wait_until)
        }
    if outcome.user is None:
        return wrong
    proofs.proved(request, by_code=outcome.by_code)
    return ""
