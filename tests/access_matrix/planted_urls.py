"""Addresses with the faults the matrix must catch; the second wall would hide them."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path
from django.views.decorators.http import require_GET, require_POST

from zhike.config.urls import urlpatterns as real
from zhike.customers.models import Party
from zhike.customers.services import update_party
from zhike.kernel import wall
from zhike.kernel.actor import system
from zhike.kernel.errors import Refused
from zhike.ui.views import PageRequest


@require_GET
def sound(request: PageRequest, public_id: UUID) -> HttpResponse:
    request.actor.must("customers.view")
    rows = Party.objects.visible_to(request.actor)
    return HttpResponse(get_object_or_404(rows, public_id=public_id).name)


@require_GET
@wall.lowered()
def no_scope(request: PageRequest, public_id: UUID) -> HttpResponse:
    request.actor.must("customers.view")
    return HttpResponse(get_object_or_404(Party, public_id=public_id).name)


@require_GET
def no_permission(request: PageRequest) -> HttpResponse:
    return HttpResponse("to whom it may concern")


@require_GET
@wall.lowered()
def tells_that_it_exists(request: PageRequest, public_id: UUID) -> HttpResponse:
    request.actor.must("customers.view")
    row = get_object_or_404(Party, public_id=public_id)
    if not Party.objects.visible_to(request.actor).filter(pk=row.pk).exists():
        raise Refused("This customer belongs to another branch.")
    return HttpResponse(row.name)


@require_POST
@wall.lowered()
def writes_before_it_refuses(request: PageRequest, public_id: UUID) -> HttpResponse:
    row = Party.objects.filter(public_id=public_id).first()
    if row is not None:
        update_party(actor=system("planted"), party=row, changes={"note": "written"})
    request.actor.must("customers.edit")
    visible = Party.objects.visible_to(request.actor)
    return HttpResponse(get_object_or_404(visible, public_id=public_id).name)


@require_POST
@wall.lowered()
def takes_what_is_sent(request: PageRequest, field: str, public_id: UUID) -> HttpResponse:
    rows = Party.objects.visible_to(request.actor).filter(public_id=public_id)
    if field in request.POST:
        name = "unit_id" if field == "unit" else field
        rows.update(**{name: request.POST[name]})
    return HttpResponse("ok")


def any_method(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


urlpatterns = [
    *real,
    path("planted/sound/<uuid:public_id>/", sound),
    path("planted/no-scope/<uuid:public_id>/", no_scope),
    path("planted/no-permission/", no_permission),
    path("planted/tells/<uuid:public_id>/", tells_that_it_exists),
    path("planted/writes/<uuid:public_id>/", writes_before_it_refuses),
    path("planted/takes/<slug:field>/<uuid:public_id>/", takes_what_is_sent),
    path("health/any-method/", any_method),
]
