"""Drawing the pieces of one page: what the context processors say is asked once for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.http import HttpRequest
from django.template import Engine, engines
from django.template.base import Template
from django.template.context import Context, RequestContext
from django.template.loader import get_template
from django.utils.safestring import SafeString


class _Around(RequestContext):
    """A context that holds what the processors say when it is made."""

    @contextmanager
    def bind_template(self, template: Template) -> Iterator[None]:
        with Context.bind_template(self, template):
            yield


def drawn(request: HttpRequest, name: str, context: Mapping[str, Any]) -> SafeString:
    """As `render_to_string` with the request. A page of panels draws five templates, and each would ask anew."""
    template: Any = get_template(name)
    around = _Around(request, {**_said(request), **context})
    text: SafeString = template.template.render(around)
    return text


def _said(request: HttpRequest) -> dict[str, Any]:
    said: dict[str, Any] | None = request.__dict__.get("_said")
    if said is None:
        engine: Engine = engines["django"].engine  # type: ignore[attr-defined]
        said = {}
        for processor in engine.template_context_processors:
            said.update(processor(request))
        request.__dict__["_said"] = said
    return said
