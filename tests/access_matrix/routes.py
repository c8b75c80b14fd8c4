"""Every route of the site, asked of the resolver, so that none can be forgotten."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver
from ninja.operation import PathView

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Route:
    """`pattern` as it stands in the URLconfs, joined; `methods` the view answers, None when it does not say."""

    pattern: str
    methods: frozenset[str] | None


def routes(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[Route]:
    for each in patterns:
        pattern = prefix + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from routes(each.url_patterns, pattern)
        else:
            yield Route(pattern, _methods(each))


def _methods(pattern: URLPattern) -> frozenset[str] | None:
    view_class = getattr(pattern.callback, "view_class", None)
    if view_class is not None:
        return frozenset(name for name in METHODS if hasattr(view_class, name.lower()))
    if inspect.isfunction(pattern.callback):
        held = inspect.getclosurevars(pattern.callback).nonlocals.get("self")
        if isinstance(held, PathView):
            return frozenset(name for each in held.operations for name in each.methods)
    return None
