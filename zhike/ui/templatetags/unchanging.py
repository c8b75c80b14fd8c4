"""`{% unchanging … %}`: what is drawn once for everybody who would see the same."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.template import Node, NodeList
from django.template.base import FilterExpression, Parser, Token
from django.template.context import Context
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from zhike.kernel import clock

AT_MOST = 512
"""Drawings one place keeps; then it begins anew."""


class Unchanging(Node):
    """Its body, drawn once a day for each language, each site and each set of values it names.

    The body must depend on nothing else: no request, no CSRF token, no row.
    """

    def __init__(self, nodelist: NodeList, named: list[FilterExpression]) -> None:
        self.nodelist = nodelist
        self._named = named
        self._drawn: dict[tuple[Any, ...], SafeString] = {}

    def render(self, context: Context) -> SafeString:
        named = (each.resolve(context) for each in self._named)
        key = (get_language(), clock.today(), settings.ROOT_URLCONF, context.autoescape, *named)
        drawn = self._drawn.get(key)
        if drawn is None:
            if len(self._drawn) >= AT_MOST:
                self._drawn.clear()
            drawn = self._drawn[key] = self.nodelist.render(context)
        return drawn


def unchanging(parser: Parser, token: Token) -> Unchanging:
    """`{% unchanging value … %}…{% endunchanging %}`"""
    named = [parser.compile_filter(word) for word in token.split_contents()[1:]]
    body = parser.parse(("endunchanging",))
    parser.delete_first_token()
    return Unchanging(body, named)
