"""Pages for what went wrong, in the reader's words and with the way out.

`config.urls` names them as handler400 to handler500, the settings name `csrf_failure`.
When htmx asked, the answer is a toast beside the untouched page.
"""

from __future__ import annotations

import logging

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from zhike.kernel.errors import UserError

log = logging.getLogger(__name__)
API_PATH = "/api/"
"""Where programs ask: they are told in JSON."""


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(
        request,
        400,
        _("This request could not be understood."),
        _("Go back, reload the page and try again."),
    )


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The reason comes from the Refused or PermissionDenied that was raised."""
    if isinstance(exception, UserError):
        return _page(request, 403, exception.message, exception.way_out)
    return _page(
        request,
        403,
        str(exception) or _("You may not open this page."),
        _("Ask the security administrator if you need it for your work."),
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(
        request,
        404,
        _("There is nothing here, or it is outside what you look after."),
        _("Check the address, search for it, or ask a colleague who looks after it to share it."),
    )


def wrong_method(request: HttpRequest, answer: HttpResponse) -> HttpResponse:
    """An address that only takes what a form sends, opened by itself: from the history, by a reload, as a link."""
    page = _page(
        request,
        405,
        _("There is no page at this address; it only takes what a form sends."),
        _("Go back to the page with the form, or begin again from the navigation."),
    )
    page["Allow"] = answer["Allow"]
    return page


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _page(
        request,
        403,
        _("This form was open too long, or the browser keeps no cookies, so nothing was saved."),
        _("Go back, reload the page and send the form again."),
    )


def cannot(request: HttpRequest, error: UserError) -> HttpResponse:
    """A rule of the house says no, and says how to put it right."""
    return _page(request, 422, error.message, error.way_out)


def unavailable(request: HttpRequest, error: Exception) -> HttpResponse:
    # Only the kind of failure: the text of a database error may hold a row.
    log.error("database out of reach: %s", type(error).__name__)
    return _page(
        request,
        503,
        _("The database is out of reach for the moment; nothing was saved."),
        _("Try again in a minute. If it lasts, tell the operators."),
        bare=True,
    )


def server_error(request: HttpRequest) -> HttpResponse:
    return _page(
        request,
        500,
        _("Something went wrong on our side; nothing was saved."),
        _("Try again. If it happens again, tell the operators when it happened."),
        bare=True,
    )


def _page(
    request: HttpRequest,
    status: int,
    message: str | Promise,
    way_out: str | Promise,
    *,
    bare: bool = False,
) -> HttpResponse:
    if request.path_info.startswith(API_PATH):
        return JsonResponse({"error": str(message), "way_out": str(way_out)}, status=status)
    context = {"status": status, "message": message, "way_out": way_out}
    if request.headers.get("HX-Request") == "true":
        answer = HttpResponse(render_to_string("ui/error.html#toast", context), status=status)
        answer["HX-Reswap"] = "none"
        return answer
    # A broken server must not ask the database for the navigation of its error page.
    if bare:
        return HttpResponse(render_to_string("ui/error.html", context), status=status)
    return render(request, "ui/error.html", context, status=status)
