"""The API: one router a room, under the same sign-in, scopes, masks and services as the screens."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.security import SessionAuth

from zhike.kernel.errors import Conflict, Refused, UserError


class SignedInSession(SessionAuth):
    """The session cookie, with its CSRF check on everything that writes."""

    def authenticate(self, request: HttpRequest, key: str | None) -> object | None:
        actor = getattr(request, "actor", None)
        return actor if actor is not None and actor.user_id is not None else None


# The interactive page of ninja loads its scripts from elsewhere; the description itself is published.
api = NinjaAPI(
    title="知客 Zhike", version="1", auth=SignedInSession(), urls_namespace="api", docs_url=None
)


@api.exception_handler(UserError)
def tell(request: HttpRequest, error: UserError) -> HttpResponse:
    if isinstance(error, Refused):
        request.refusal = error  # type: ignore[attr-defined]
    status = {Refused: 403, Conflict: 409}.get(type(error), 422)
    return api.create_response(
        request, {"error": error.message, "way_out": error.way_out}, status=status
    )


for address, router in (
    ("/customers", "zhike.customers.api.router"),
    ("/products", "zhike.products.api.router"),
):
    api.add_router(address, router)
