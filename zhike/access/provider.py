"""Signing in at the institution's provider of identity: OpenID Connect, by code with PKCE, state and nonce.

What comes back by way of the browser is only a code; the ID token is fetched from the provider itself and its
signature checked against the provider's published keys. No redirect is followed, and nothing but HTTPS is spoken
beyond this machine.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import json
import secrets
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, Request, build_opener

import jwt
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from zhike.access.rules import Arrival
from zhike.kernel import clock

_WAITING = "provider"
ALGORITHMS = ("RS256", "PS256", "ES256", "ES384", "EdDSA")
"""By a key of which only the provider has the private half."""
ANSWER_SECONDS, MOST_BYTES = 5, 1_000_000
KEPT_SECONDS, KEYS_SECONDS = 3600, 60
LEEWAY_SECONDS, OLDEST_SECONDS = 30, 600


class Unreachable(Exception):
    """The provider does not answer, or not as one."""


class NotProven(Exception):
    """What came back proves nothing; the text says what was wrong, for the log."""


@dataclass(frozen=True)
class Met:
    """Somebody who came back: who they are, their ID token, where they were going, and whether to prove anew."""

    arrival: Arrival
    token: str
    next_page: str
    again: bool


def is_set() -> bool:
    return bool(settings.ZHIKE_OIDC["issuer"])


def source() -> str:
    return f"oidc {settings.ZHIKE_OIDC['issuer']}"


def way_there(request: HttpRequest, next_page: str, *, again: bool = False) -> str:
    """The address at the provider to send the browser to; the session remembers what was asked. Raises Unreachable.

    With `again` the provider is to ask for the password though it knows the person.
    """
    waiting = {
        "state": secrets.token_urlsafe(32),
        "nonce": secrets.token_urlsafe(32),
        "verifier": secrets.token_urlsafe(48),
        "next": next_page,
        "again": again,
        "at": int(clock.now().timestamp()),
    }
    request.session[_WAITING] = waiting
    digest = hashlib.sha256(str(waiting["verifier"]).encode()).digest()
    asked = {
        "response_type": "code",
        "client_id": settings.ZHIKE_OIDC["client_id"],
        "redirect_uri": _way_back(request),
        "scope": settings.ZHIKE_OIDC["scope"],
        "state": waiting["state"],
        "nonce": waiting["nonce"],
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
        **({"prompt": "login", "max_age": "0"} if again else {}),
    }
    return f"{_told()['authorization_endpoint']}?{urlencode(asked, quote_via=quote)}"


def who_came(request: HttpRequest) -> Met:
    """Who came back from the provider. Raises NotProven, and Unreachable."""
    waiting = request.session.pop(_WAITING, None)
    given = request.GET
    if waiting is None:
        raise NotProven("nobody was sent there from this session")
    if not hmac.compare_digest(given.get("state", "").encode(), waiting["state"].encode()):
        raise NotProven("state")
    if int(clock.now().timestamp()) - waiting["at"] > OLDEST_SECONDS:
        raise NotProven("too late")
    if given.get("iss", settings.ZHIKE_OIDC["issuer"]) != settings.ZHIKE_OIDC["issuer"]:
        raise NotProven("another provider")
    if not given.get("code"):
        raise NotProven(f"no code: {given.get('error', '')[:60]}")
    token = _exchanged(given["code"], waiting["verifier"], _way_back(request))
    claims = _claims(token, waiting["nonce"])
    if waiting["again"] and claims.get("auth_time", 0) < waiting["at"] - LEEWAY_SECONDS:
        raise NotProven("the provider did not ask anew")
    return Met(_arrival(claims), token, waiting["next"], waiting["again"])


def way_out(request: HttpRequest, token: str) -> str:
    """The address at the provider that ends its own session; "" where it has none or does not answer."""
    try:
        address = _told().get("end_session_endpoint", "")
    except Unreachable:
        return ""
    home = request.build_absolute_uri(reverse("sign-in"))
    asked = {
        "id_token_hint": token,
        "client_id": settings.ZHIKE_OIDC["client_id"],
        "post_logout_redirect_uri": _at_home(request, home),
    }
    return f"{address}?{urlencode(asked)}" if address else ""


def _way_back(request: HttpRequest) -> str:
    return _at_home(request, request.build_absolute_uri(reverse("sign-in-provider-back")))


def _at_home(request: HttpRequest, address: str) -> str:
    """The same page under the site's own address."""
    return f"{settings.ZHIKE_ORIGIN}{urlsplit(address).path}" if settings.ZHIKE_ORIGIN else address


def _arrival(claims: Mapping[str, Any]) -> Arrival:
    told = settings.ZHIKE_OIDC
    groups = claims.get(told["groups"], [])
    return Arrival(
        source(),
        str(claims["sub"]),
        str(claims.get("preferred_username") or claims["sub"]),
        str(claims.get(told["number"], "")),
        frozenset(each for each in groups if isinstance(each, str))
        if isinstance(groups, list)
        else frozenset(),
        factors="mfa" in claims.get("amr", []),
    )


def _claims(token: str, nonce: str) -> Mapping[str, Any]:
    """What an ID token says, when the provider signed it, for us, just now, to this question (OIDC Core 3.1.3.7)."""
    told = settings.ZHIKE_OIDC
    try:
        header = jwt.get_unverified_header(token)
        if header.get("alg") not in ALGORITHMS:
            raise NotProven("algorithm")
        claims: dict[str, Any] = jwt.decode(
            token,
            _key(header.get("kid")),
            algorithms=[header["alg"]],
            audience=told["client_id"],
            issuer=told["issuer"],
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iat", "aud", "iss", "sub", "nonce"]},
        )
    except jwt.PyJWTError as error:
        raise NotProven(type(error).__name__) from error
    audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    party = claims.get("azp", told["client_id"] if len(audiences) == 1 else "")
    if party != told["client_id"]:
        raise NotProven("made for another")
    if not hmac.compare_digest(str(claims["nonce"]).encode(), nonce.encode()):
        raise NotProven("nonce")
    if clock.now().timestamp() - claims["iat"] > OLDEST_SECONDS:
        raise NotProven("old")
    return claims


def _key(name: Any) -> jwt.PyJWK:
    """The provider's key of that name; looked for anew, once a minute, when it is not known."""
    for anew in (False, True):
        try:
            published = jwt.PyJWKSet.from_dict(_kept("keys", _told()["jwks_uri"], anew=anew))
        except jwt.PyJWTError as error:
            raise Unreachable("no keys") from error
        fit = [each for each in published.keys if name is None or each.key_id == name]
        if len(fit) == 1:
            return fit[0]
    raise NotProven("an unknown key")


def _exchanged(code: str, verifier: str, way_back: str) -> str:
    told = settings.ZHIKE_OIDC
    asked = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": way_back,
        "client_id": told["client_id"],
        "code_verifier": verifier,
    }
    secret = Path(told["client_secret_file"]).read_text().strip()
    pair = base64.b64encode(f"{quote(told['client_id'])}:{quote(secret)}".encode()).decode()
    request = Request(  # noqa: S310  the scheme is checked where the address comes from
        _told()["token_endpoint"],
        urlencode(asked).encode(),
        {"Authorization": f"Basic {pair}", "Accept": "application/json"},
    )
    try:
        return str(_read(request)["id_token"])
    except KeyError as error:
        raise NotProven("no ID token") from error


_remembered: dict[str, tuple[float, dict[str, Any]]] = {}


def _told() -> dict[str, Any]:
    """What the provider publishes about itself."""
    issuer = settings.ZHIKE_OIDC["issuer"]
    told = _kept("told", f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    if told.get("issuer") != issuer:
        raise Unreachable("it calls itself something else")
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        if not _may_be_called(str(told.get(name))):
            raise Unreachable(f"{name} is no address of HTTPS")
    return told


def _kept(what: str, address: str, *, anew: bool = False) -> dict[str, Any]:
    """What stands at an address, kept for an hour; `anew` for a minute."""
    at, found = _remembered.get(f"{what} {address}", (float("-inf"), {}))
    if monotonic() - at > (KEYS_SECONDS if anew else KEPT_SECONDS):
        if not _may_be_called(address):
            raise Unreachable("no address of HTTPS")
        found = _read(Request(address))  # noqa: S310  checked right above
        _remembered[f"{what} {address}"] = monotonic(), found
    return found


def _may_be_called(address: str) -> bool:
    parts = urlsplit(address)
    if parts.scheme == "https":
        return bool(parts.hostname)
    try:
        return parts.scheme == "http" and ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *args: Any) -> None:
        return None


def _read(request: Request) -> dict[str, Any]:
    """The JSON object that answers. Raises NotProven for a refusal, Unreachable for anything else."""
    context = ssl.create_default_context(cafile=settings.ZHIKE_OIDC["ca"] or None)
    opener = build_opener(_NoRedirects, HTTPSHandler(context=context))
    try:
        with opener.open(request, timeout=ANSWER_SECONDS) as answer:
            found = json.loads(answer.read(MOST_BYTES))
    except HTTPError as error:
        if error.code in (400, 401) and request.data is not None:
            raise NotProven("the provider does not take the code") from error
        raise Unreachable(f"it answers {error.code}") from error
    except (OSError, ValueError) as error:
        raise Unreachable(type(error).__name__) from error
    if not isinstance(found, dict):
        raise Unreachable("it answers no object")
    return found
