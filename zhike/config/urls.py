"""Every address of the site: one include a room."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path
from django.views.decorators.http import require_safe

from zhike.access.urls import account
from zhike.config import metrics
from zhike.config.api import api

handler400 = "zhike.ui.errors.bad_request"
handler403 = "zhike.ui.errors.forbidden"
handler404 = "zhike.ui.errors.not_found"
handler500 = "zhike.ui.errors.server_error"


@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """For whatever watches the process; says nothing else."""
    return HttpResponse("ok", content_type="text/plain")


urlpatterns: list[URLPattern | URLResolver] = [
    path("health/", health, name="health"),
    path("metrics/", metrics.answer, name="metrics"),
    path("api/", api.urls),
    path("", include("zhike.ui.urls")),
    path("", include("zhike.desk.urls")),
    path("", include("zhike.activities.urls")),
    path("", include("zhike.customers.urls")),
    path("", include("zhike.products.urls")),
    path("audit/", include("zhike.access.urls")),
    path("organisation/", include("zhike.organisation.urls")),
    path("ui/", include("zhike.ui.gallery.urls")),
    path("imports/", include("zhike.masterdata.urls")),
    path("", include("zhike.masterdata.review_urls")),
    path("", include("zhike.privacy.urls")),
    path("quality/", include("zhike.masterdata.quality_urls")),
    path("insight/", include("zhike.insight.urls")),
    *account,
]
