"""Addresses of the insight room."""

from __future__ import annotations

from django.urls import path

from zhike.insight.views import bulletin, catalogue, flows, portfolio, targets, thresholds

app_name = "insight"

urlpatterns = [
    path("", portfolio.Grid.as_view(), name="overview"),
    path("scatter/", portfolio.Scatter.as_view(), name="scatter"),
    path("concentration/", bulletin.Concentrated.as_view(), name="concentration"),
    path("movements/", portfolio.Movements.as_view(), name="movements"),
    path("flows/<uuid:public_id>/<str:month>/", flows.Month.as_view(), name="flows"),
    path("movers/", portfolio.Movers.as_view(), name="movers"),
    path("movers/export/", portfolio.Export.as_view(), name="export"),
    path("bulletin/", bulletin.Bulletin.as_view(), name="bulletin"),
    path("thresholds/", thresholds.Thresholds.as_view(), name="thresholds"),
    path("thresholds/<slug:group>/", thresholds.ThresholdEdit.as_view(), name="threshold_edit"),
    path("targets/", targets.Targets.as_view(), name="targets"),
    path("targets/<uuid:public_id>/drop/", targets.DropTarget.as_view(), name="drop_target"),
    path("metrics/", catalogue.Catalogue.as_view(), name="metrics"),
]
