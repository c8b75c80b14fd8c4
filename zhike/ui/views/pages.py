"""What every page is made of: a permission, an actor, one address for page and fragment."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.functional import Promise, cached_property
from django.views import View
from django_htmx.middleware import HtmxDetails

from zhike.kernel.actor import Actor
from zhike.kernel.errors import Refused
from zhike.kernel.scope import found
from zhike.ui.drawn import drawn


class PageRequest(HttpRequest):
    """A request behind sign-in: the middleware has set the actor and what htmx asks for."""

    actor: Actor
    htmx: HtmxDetails
    refusal: Refused
    """Set where a refusal was answered without being raised up to the middleware."""


def wants_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks for the changed piece only, not for a whole page to put into the body."""
    htmx: HtmxDetails | None = getattr(request, "htmx", None)
    return (
        bool(htmx)
        and htmx is not None
        and not htmx.boosted
        and not htmx.history_restore_request
        and htmx.request_type != "full"
    )


def done(*events: str, toast: str | Promise = "") -> HttpResponse:
    """The answer to an htmx action that changes other pieces of the page: no content, only events.

    Panels with one of `events` in `reload_on` fetch themselves anew; `toast` is shown to the
    person.
    """
    response = HttpResponse(status=204)
    told: dict[str, Any] = {event: {} for event in events}
    if toast:
        told["zhike:toast"] = {"text": str(toast), "tone": "success"}
    response["HX-Trigger"] = json.dumps(told)
    return response


def visible(model: type[Model], actor: Actor) -> QuerySet[Any]:
    """The rows of `model` in the actor's scope: the door every read of a view goes through."""
    rows: QuerySet[Any] = model.objects.visible_to(actor)  # type: ignore[attr-defined]
    return rows


opened: list[Callable[[Actor, Any], Mapping[str, Any]]] = []
"""Called with every row a person opens at its own address; what each answers joins the page's context."""


def told_opened(request: PageRequest, row: Any) -> dict[str, Any]:
    """Tell whoever keeps what a person opened (`opened`); other pages about the same row do not count."""
    if not hasattr(row, "get_absolute_url") or request.path != row.get_absolute_url():
        return {}
    return {key: value for tell in opened for key, value in tell(request.actor, row).items()}


shown: list[Callable[[Actor, Any], None]] = []
"""Called with the row of every page about one row, before anything of it is drawn; may refuse it."""

moved: list[Callable[[Actor, type[Model], UUID], Any | None]] = []
"""Asked where a row that is not there under its id went: the one in the actor's scope that it is part of by now."""


class PageView(View):
    """A page behind one permission, refused with the reason; one address for page and fragment."""

    permission: ClassVar[str]
    template_name: ClassVar[str]
    fragment: str
    """The partial of `template_name` that htmx gets."""
    title: ClassVar[str | Promise] = ""
    request: PageRequest

    @cached_property
    def actor(self) -> Actor:
        """Who asks, as far as they hold the page's permission."""
        return self.request.actor.within(self.permission)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.actor.must(self.permission)
        return super().dispatch(request, *args, **kwargs)

    def show(self, context: Mapping[str, Any], status: int = 200) -> HttpResponse:
        """The page, or its fragment when htmx asks."""
        part = f"#{self.fragment}" if wants_fragment(self.request) else ""
        context = {"title": self.title, "view": self, **context}
        page = drawn(self.request, f"{self.template_name}{part}", context)
        response = HttpResponse(page, status=status)
        patch_vary_headers(response, ("HX-Request", "HX-Request-Type"))
        return response


class RowView(PageView):
    """A page about one row, found by `public_id` among those the actor may see, else 404."""

    model: ClassVar[type[Model]]
    joined: ClassVar[tuple[str, ...]] = ()
    """The rows it belongs to that are read with it."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """A link to a row that is part of another one by now leads to the same page of that one."""
        try:
            return super().dispatch(request, *args, **kwargs)
        except Http404:
            match = request.resolver_match
            if request.method != "GET" or match is None or "public_id" not in kwargs:
                raise
            found = (ask(self.actor, self.model, kwargs["public_id"]) for ask in moved)
            row = next(filter(None, found), None)
            if row is None:
                raise
            url = reverse(match.view_name, kwargs=kwargs | {"public_id": row.public_id})
            query = request.META.get("QUERY_STRING", "")
            return HttpResponseRedirect(f"{url}?{query}" if query else url)

    def row(self) -> Any:
        rows: list[Any] = self.model.objects.visible_rows(  # type: ignore[attr-defined]
            self.actor, _of_public_id, *self.joined, given={"public_id": self.kwargs["public_id"]}
        )
        if not rows:
            raise Http404
        found(self.actor, rows[0])
        for tell in shown:
            tell(self.actor, rows[0])
        return rows[0]


def _of_public_id(rows: QuerySet[Any], *joined: str, public_id: UUID) -> QuerySet[Any]:
    rows = rows.filter(public_id=public_id)
    return rows.select_related(*joined) if joined else rows
