"""What the API says of itself: beside each answer the refusals, which are alike everywhere."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema

REFUSAL = {
    "title": "Refusal",
    "type": "object",
    "required": ["error", "way_out"],
    "properties": {
        "error": {"type": "string", "description": "What is wrong, in the reader's language."},
        "way_out": {"type": "string"},
        "fields": {
            "type": "array",
            "description": "Where the request is not as described.",
            "items": {
                "type": "object",
                "required": ["at", "problem"],
                "properties": {"at": {"type": "string"}, "problem": {"type": "string"}},
            },
        },
    },
}
READING = {
    "401": "Not signed in: no token, or one that opens nothing any more.",
    "403": "Not allowed, with the reason.",
    "404": "Not there, or out of the caller's sight.",
    "422": "Against a rule, or not as described.",
}
WRITING = {
    **READING,
    "400": "The body could not be read.",
    "409": "Somebody else changed it, or the key was used for something else.",
}


class DescribedAPI(NinjaAPI):
    """Each operation's description ends with the refusals that any of them may answer."""

    def get_openapi_schema(self, **named: Any) -> OpenAPISchema:
        schema = super().get_openapi_schema(**named)
        schema["components"].setdefault("schemas", {})["Refusal"] = REFUSAL
        content = {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}}
        for methods in schema["paths"].values():
            for method, operation in methods.items():
                for status, means in (READING if method == "get" else WRITING).items():
                    answer = {"description": means, "content": content}
                    operation["responses"].setdefault(status, answer)
        return schema


def refuse_alike(api: NinjaAPI) -> None:
    """What the framework refuses by itself is told as everything else is."""

    def readable(run: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(run)
        def told(request: HttpRequest, **named: Any) -> HttpResponse:
            # No text of PostgreSQL holds a NUL.
            if any("\0" in each for values in request.GET.lists() for each in values[1]):
                reason = _("This request could not be understood.")
                return api.create_response(request, {"error": reason, "way_out": ""}, status=422)
            return run(request, **named)

        return told

    api.add_decorator(readable, mode="view")

    @api.exception_handler(Http404)
    def absent(request: HttpRequest, error: Http404) -> HttpResponse:
        reason = _("There is nothing here, or it is outside what you look after.")
        return api.create_response(request, {"error": reason, "way_out": ""}, status=404)

    @api.exception_handler(HttpError)
    def refused(request: HttpRequest, error: HttpError) -> HttpResponse:
        reason = _("This request could not be understood.")
        said = {"error": reason, "way_out": str(error)}
        return api.create_response(request, said, status=error.status_code)

    @api.exception_handler(ValidationError)
    def not_as_described(request: HttpRequest, error: ValidationError) -> HttpResponse:
        # Where and why, never what was sent.
        fields = [
            {"at": ".".join(map(str, each["loc"])), "problem": each["msg"]} for each in error.errors
        ]
        reason = _("This request could not be understood.")
        said = {"error": reason, "way_out": "/api/openapi.json", "fields": fields}
        return api.create_response(request, said, status=422)
