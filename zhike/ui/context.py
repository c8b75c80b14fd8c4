"""What the base page needs on every page."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import SimpleLazyObject

from zhike.kernel.actor import NOBODY, Actor
from zhike.ui.navigation import navigation_for


def shell(request: HttpRequest) -> dict[str, Any]:
    """`actor`, `navigation` and `search_url`, each worked out only where a template asks."""
    actor = getattr(request, "actor", NOBODY)
    return {
        "actor": actor,
        "navigation": SimpleLazyObject(lambda: navigation_for(actor, request.path)),
        "search_url": _search_url(actor),
    }


def _search_url(actor: Actor) -> str:
    """The address of the search box, "" for whoever may not search."""
    name = getattr(settings, "ZHIKE_SEARCH_URL_NAME", "")
    try:
        return reverse(name) if name and actor.may(settings.ZHIKE_SEARCH_PERMISSION) else ""
    except NoReverseMatch:
        return ""
