"""What the base page needs on every page."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import SimpleLazyObject

from zhike.kernel.actor import NOBODY, Actor
from zhike.ui.commands import SHORTCUTS
from zhike.ui.navigation import counts_for, navigation_for, tools_for
from zhike.ui.sessions import KEPT, reader_mark

EVENTS_PATH = "/events/"
THUMBS = 4
"""Pages within a thumb's reach on a phone, the first by `order`; the rest stands behind "More"."""


def shell(request: HttpRequest) -> dict[str, Any]:
    """What the base page draws around every page, each worked out only where a template asks.

    `counts` costs the one query of the shell; fragments do not draw it.
    """
    actor = getattr(request, "actor", NOBODY)
    counts: Any = SimpleLazyObject(lambda: counts_for(actor))
    around: Any = SimpleLazyObject(lambda: navigation_for(actor, request.path, counts))
    return {
        "actor": actor,
        "navigation": around,
        "links": SimpleLazyObject(lambda: tuple(link for part in around for link in part.links)),
        "thumbs": SimpleLazyObject(
            lambda: sorted(
                (link for part in around for link in part.links),
                key=lambda link: (link.item.order, link.item.id),
            )[:THUMBS]
        ),
        "tools": SimpleLazyObject(lambda: tools_for(actor)),
        "counts": counts,
        "shortcuts": SHORTCUTS,
        "search_url": _search_url(actor),
        "may_find": bool(actor.may("account.use")),
        "idle_seconds": request.session.get_expiry_age()
        if actor.user_id and hasattr(request, "session")
        else settings.SESSION_COOKIE_AGE,
        "reader": reader_mark(request) if actor.user_id else "",
        "kept_form": actor.user_id is not None and KEPT in getattr(request, "session", {}),
        "stream_url": stream_url(request),
    }


def stream_url(request: HttpRequest) -> str:
    """Where the events come from: this site behind a proxy, else the same host at the events' port.

    "" where no event stream is served; the page then asks once a minute.
    """
    if settings.ZHIKE_PRODUCTION:
        return EVENTS_PATH
    port = settings.ZHIKE_EVENTS_PORT
    if not port:
        return ""
    host = request.get_host()
    name = host[: host.index("]") + 1] if host.startswith("[") else host.partition(":")[0]
    return f"{request.scheme}://{name}:{port}{EVENTS_PATH}"


def _search_url(actor: Actor) -> str:
    """The address of the search box, "" for whoever may not search."""
    name = getattr(settings, "ZHIKE_SEARCH_URL_NAME", "")
    try:
        return reverse(name) if name and actor.may(settings.ZHIKE_SEARCH_PERMISSION) else ""
    except NoReverseMatch:
        return ""
