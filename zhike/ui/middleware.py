"""On every answer: the security headers. On a UserError nobody caught: the page that says so."""

from __future__ import annotations

from collections.abc import Callable

from django.core.exceptions import DisallowedHost
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase

from zhike.kernel.errors import Refused, UserError
from zhike.ui import errors
from zhike.ui.context import EVENTS_PATH, stream_url

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
        if stream := _stream_origin(request):
            response.headers["Content-Security-Policy"] += f"; connect-src 'self' {stream}"
        if response.headers.get("Content-Type", "").startswith(("text/html", "application/json")):
            # A page shows what its reader may see, and so does the API; nobody else may find it in a cache.
            response.headers.setdefault("Cache-Control", "no-store")
        return response


def _stream_origin(request: HttpRequest) -> str:
    """Where the events come from when it is not this origin."""
    try:
        address = stream_url(request)
    except DisallowedHost:
        return ""
    return address.removesuffix(EVENTS_PATH)


class ReaderErrorsMiddleware:
    """Refusals, outages and addresses without a page in the reader's words."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if isinstance(response, HttpResponseNotAllowed) and not response.content:
            return errors.wrong_method(request, response)
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, Refused):
            return errors.forbidden(request, error)
        if isinstance(error, UserError):
            return errors.cannot(request, error)
        if isinstance(error, OperationalError | InterfaceError):
            return errors.unavailable(request, error)
        return None
