"""Whoever opens a form for something new can leave it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.urls import URLPattern, URLResolver, get_resolver, reverse

from zhike.ui.views import EditView


def new_forms(
    patterns: Iterable[URLPattern | URLResolver], before: str = ""
) -> Iterator[tuple[str, type[EditView]]]:
    for each in patterns:
        route = f"{before}{each.pattern}"
        if not isinstance(each, URLPattern):
            yield from new_forms(each.url_patterns, route)
            continue
        view = getattr(each.callback, "view_class", None)
        if view and issubclass(view, EditView) and "public_id" not in route:
            yield route, view


def test_a_form_for_a_new_row_names_the_list_that_cancel_leads_to() -> None:
    found = dict(new_forms(get_resolver().url_patterns))
    assert len(found) >= 4
    for route, view in found.items():
        assert view.back, route
        assert reverse(view.back)
