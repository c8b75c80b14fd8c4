"""Addresses that tell of what is out of sight, past both walls, for the comparison to find."""

from __future__ import annotations

from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.http import require_GET

from zhike.config.urls import urlpatterns as real
from zhike.customers.models import ContactPoint, Party, Standing
from zhike.kernel import wall
from zhike.ui.views import PageRequest


@require_GET
def sound(request: PageRequest) -> HttpResponse:
    return HttpResponse(f"{Party.objects.visible_to(request.actor).count()} customers")


@require_GET
@wall.lowered()
def counts_all(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{Party.objects.count()} customers")


@require_GET
@wall.lowered()
def ranks_among_all(request: PageRequest) -> HttpResponse:
    best = Standing.objects.visible_to(request.actor).aggregate(best=Max("balance"))["best"]
    return HttpResponse(f"{Standing.objects.filter(balance__gt=best).count()} are wealthier")


@require_GET
@wall.lowered()
def knows_the_number(request: HttpRequest, tail: str) -> HttpResponse:
    known = any(each.in_clear().endswith(tail) for each in ContactPoint.objects.all())
    return HttpResponse(status=409 if known else 200)


urlpatterns = [
    *real,
    path("planted/sound/", sound),
    path("planted/all/", counts_all),
    path("planted/rank/", ranks_among_all),
    path("planted/number/<str:tail>/", knows_the_number),
]
