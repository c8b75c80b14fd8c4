"""The API: one router a room, under a session or a token, with the same scopes, masks and services as the screens."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja.security import HttpBearer, SessionAuth

from zhike.config.describing import DescribedAPI, refuse_alike
from zhike.kernel import idempotency
from zhike.kernel.errors import Conflict, Refused, UserError


class SignedInSession(SessionAuth):
    """The session cookie, with its CSRF check on everything that writes."""

    def authenticate(self, request: HttpRequest, key: str | None) -> object | None:
        actor = getattr(request, "actor", None)
        return actor if actor is not None and actor.user_id is not None else None


class ApiTokenAuth(HttpBearer):
    """`Authorization: Bearer zhike_…`, found good by the actor's middleware; no cookie, so no CSRF check."""

    def authenticate(self, request: HttpRequest, token: str) -> object | None:
        return request.actor if getattr(request, "token", None) else None  # type: ignore[attr-defined]


# The interactive page of ninja loads its scripts from elsewhere; the description itself is published.
api = DescribedAPI(
    title="知客 Zhike",
    version="1",
    auth=[ApiTokenAuth(), SignedInSession()],
    urls_namespace="api",
    docs_url=None,
)
refuse_alike(api)


@api.exception_handler(UserError)
def tell(request: HttpRequest, error: UserError) -> HttpResponse:
    if isinstance(error, Refused):
        request.refusal = error  # type: ignore[attr-defined]
    status = {Refused: 403, Conflict: 409}.get(type(error), 422)
    return api.create_response(
        request, {"error": error.message, "way_out": error.way_out}, status=status
    )


READING = ("GET", "HEAD", "OPTIONS")
SEARCH = "/api/customers/search"  # asks by POST and changes nothing


def once(run: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """What a program sends again under the same Idempotency-Key is done once (`kernel.idempotency`)."""

    @wraps(run)
    def told(request: HttpRequest, **named: Any) -> HttpResponse:
        actor = getattr(request, "actor", None)
        if (
            request.method in READING
            or request.path_info == SEARCH
            or idempotency.HEADER not in request.headers
            or actor is None
            or actor.user_id is None
        ):
            return run(request, **named)
        try:
            return idempotency.once(request, actor.user_id, lambda: run(request, **named))
        except UserError as error:
            return tell(request, error)

    return told


api.add_decorator(once, mode="view")

for address, router in (
    ("/customers", "zhike.customers.api.router"),
    ("/products", "zhike.products.api.router"),
):
    api.add_router(address, router)
