"""G-13: the API answers what its own description says, whatever it is asked, and never with an error of its own."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings

from tests.access_matrix.checking import Undo
from tests.trust import FULL
from zhike.access.services import make_token
from zhike.config.api import api
from zhike.customers.tests import factories
from zhike.organisation.models import Role

pytestmark = pytest.mark.django_db
SITE = "http://testserver"
EXAMPLES = 200 if FULL else 5
"""Of each operation: as many by its description as against it, half of them on a customer that is there."""


def operations(description: dict[str, Any]) -> dict[str, Any]:
    """Every operation of the description, by its name."""
    from schemathesis import openapi

    schema = openapi.from_dict(description)
    found: list[Any] = [each.ok() for each in schema.get_all_operations()]  # type: ignore[union-attr]
    return {each.label: each for each in found}


def answer_to(case: Any, secret: str) -> Any:
    """What the site in this process answers, all of it undone; as the checks read it."""
    import requests
    from schemathesis.core.transport import Response

    said = case.as_transport_kwargs(base_url=SITE)
    known = ("method", "url", "headers", "params", "cookies", "data", "json")
    request = requests.Request(**{name: said[name] for name in known if name in said}).prepare()
    parts = urlsplit(request.url or "")
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    body: Any = request.body or b""
    client = Client(raise_request_exception=False)
    headers = {name: str(value) for name, value in request.headers.items()}
    kind = headers.pop("Content-Type", "")
    for name in ("Content-Length", "Accept-Encoding"):
        headers.pop(name, None)
    headers["Authorization"] = f"Bearer {secret}"
    got: list[Any] = []
    try:
        with transaction.atomic():
            text = body.encode() if isinstance(body, str) else body
            method = request.method or "GET"
            got.append(client.generic(method, path, text, kind, headers=headers))
            raise Undo
    except Undo:
        pass
    return Response(
        status_code=got[0].status_code,
        headers={name: [text] for name, text in got[0].headers.items()},
        content=got[0].content,
        request=request,
        elapsed=0.0,
        verify=False,
        encoding="utf-8",
    )


def checks() -> list[Any]:
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi import checks as of_openapi

    return [
        not_a_server_error,
        of_openapi.status_code_conformance,
        of_openapi.content_type_conformance,
        of_openapi.response_schema_conformance,
        of_openapi.response_headers_conformance,
    ]


def breaches(operation: Any, secret: str, known: str) -> tuple[int, list[str]]:
    """How many cases were asked, and what went against the description."""
    from schemathesis.generation.modes import GenerationMode

    found: dict[str, None] = {}
    asked = 0
    given_ids = [{}, {"public_id": known}] if "public_id" in operation.path else [{}]
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        for path_parameters in given_ids:
            strategy = operation.as_strategy(mode, path_parameters=path_parameters or None)

            @settings(
                max_examples=-(-EXAMPLES // (2 * len(given_ids))),
                database=None,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            )
            @given(case=strategy)
            def ask(case: Any) -> None:
                nonlocal asked
                asked += 1
                answer = answer_to(case, secret)
                try:
                    case.validate_response(answer, checks=checks())
                except BaseExceptionGroup as failures:
                    for each in failures.exceptions:
                        said = f"{operation.label} {answer.status_code}: {each}"
                        found[said.partition("\n\n")[0]] = None

            try:
                ask()
            except BaseException as error:
                if type(error).__name__ != "Unsatisfiable":  # nothing there goes against it
                    raise
    return asked, list(found)


def test_the_api_answers_as_it_describes(record_property: Callable[[str, object], None]) -> None:
    unit = factories.unit()
    lead = factories.employee_with_role(Role.TEAM_LEAD, unit)
    party = factories.person(unit=unit, manager=lead)
    rights = ["customers.view", "customers.edit", "products.view"]
    actor = factories.actor_of(lead)
    _token, secret = make_token(actor=actor, name="G-13", permissions=rights, days=7)
    cases, found = 0, []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        known = operations(dict(api.get_openapi_schema()))
        for operation in known.values():
            asked, wrong = breaches(operation, secret, str(party.public_id))
            cases += asked
            found += wrong
    record_property("cases", cases)
    record_property("operations", len(known))
    assert len(known) >= 8
    assert found == []
