"""On every answer: the security headers. On a UserError nobody caught: the page that says so."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url

from zhike.kernel.errors import Refused, UserError
from zhike.ui import errors

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        # Tabler's stylesheet draws its ticks and arrows from data: images.
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class SecurityHeadersMiddleware:
    """Stands first, so that files, redirects and errors carry the headers too."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if response.headers.get("Content-Type", "").startswith("text/html"):
            # A page shows what its reader may see; nobody else may find it in a cache.
            response.headers.setdefault("Cache-Control", "no-store")
        return response


class ReaderErrorsMiddleware:
    """Refusals and outages in the reader's words, and sign-in again for fragments."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.headers.get("HX-Request") == "true" and response.status_code == 302:
            sign_in = resolve_url(settings.LOGIN_URL)
            if response["Location"].startswith(sign_in):
                # The session ended: htmx would put the sign-in page into a table cell.
                response = HttpResponse(status=204, headers={"HX-Redirect": sign_in})
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, Refused):
            return errors.forbidden(request, error)
        if isinstance(error, UserError):
            return errors.cannot(request, error)
        if isinstance(error, OperationalError | InterfaceError):
            return errors.unavailable(request, error)
        return None
